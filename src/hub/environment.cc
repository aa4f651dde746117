#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "base/error.h"
#include "hub/hub.h"

namespace valence::hub {
namespace {

// The value of a variable; empty when it is not set.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_true(std::string value) {
  for (char& c : value) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::filesystem::path home() {
  if (const std::string value = variable("HOME"); !value.empty()) return value;
  if (const passwd* user = ::getpwuid(::getuid()); user && user->pw_dir) return user->pw_dir;
  throw Error(ErrorCode::kBadConfig, "there is no home folder for the models' cache: set HF_HOME");
}

// "~/x" means a folder at home, as in huggingface_hub.
std::filesystem::path expanded(const std::string& path) {
  if (path == "~") return home();
  if (path.starts_with("~/")) return home() / path.substr(2);
  return path;
}

std::filesystem::path hub_home() {
  if (const std::string value = variable("HF_HOME"); !value.empty()) return expanded(value);
  if (const std::string value = variable("XDG_CACHE_HOME"); !value.empty())
    return expanded(value) / "huggingface";
  return home() / ".cache" / "huggingface";
}

std::filesystem::path cache_folder() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const std::string value = variable(name); !value.empty()) return expanded(value);
  }
  return hub_home() / "hub";
}

// A token stands in a header of a request, so it must be one visible word.
std::string cleaned_token(std::string token, const std::string& source) {
  const size_t begin = token.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  token = token.substr(begin, token.find_last_not_of(" \t\r\n") + 1 - begin);
  for (const char c : token) {
    if (c <= ' ' || c >= 0x7f)
      throw Error(ErrorCode::kBadConfig, source + " holds no token: expected one word");
  }
  return token;
}

std::string read_token() {
  constexpr size_t kMaxToken = 4096;
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    if (const std::string value = variable(name); !value.empty()) return cleaned_token(value, name);
  }
  const std::string named = variable("HF_TOKEN_PATH");
  const std::filesystem::path path = named.empty() ? hub_home() / "token" : expanded(named);
  std::ifstream file(path, std::ios::binary);
  std::string token(kMaxToken, '\0');
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<size_t>(file.gcount()));
  return cleaned_token(token, printable(path.string()));
}

}  // namespace

HubOptions HubOptions::from_environment() {
  HubOptions options;
  if (const std::string value = variable("HF_ENDPOINT"); !value.empty()) options.endpoint = value;
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  if (!options.endpoint.starts_with("https://") && !options.endpoint.starts_with("http://")) {
    throw Error(ErrorCode::kBadConfig, "HF_ENDPOINT is \"" + printable(options.endpoint) +
                                           "\": expected an address with https:// or http://");
  }
  options.cache = cache_folder();
  options.token = read_token();
  const std::string offline = variable("HF_HUB_OFFLINE");
  options.offline = is_true(offline.empty() ? variable("TRANSFORMERS_OFFLINE") : offline);
  return options;
}

}  // namespace valence::hub
