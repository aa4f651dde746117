#include "jobs/job_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/sha256.h"
#include "formats/json.h"

namespace valence::jobs {
namespace {

using formats::Json;

constexpr int64_t kVersion = 2;

Json number(uint64_t value) { return Json(static_cast<int64_t>(value)); }

uint64_t count_in(const Json& json, const char* key, const std::string& where) {
  const Json* value = json.get(key);
  const int64_t count = value ? value->as_int(where + ": " + key) : -1;
  if (count < 0) throw Error(ErrorCode::kBadData, where + ": expected a count named " + key);
  return static_cast<uint64_t>(count);
}

Json summary_json(const Summary& summary) {
  Json::Array labels;
  for (const uint64_t count : summary.labels) labels.push_back(number(count));
  Json::Object languages;
  for (const auto& [name, language] : summary.languages) {
    languages.emplace_back(name, Json(Json::Object{{"rows", number(language.rows)},
                                                   {"translated", number(language.translated)},
                                                   {"polarity_sum", Json(language.polarity_sum)},
                                                   {"with_polarity", number(language.with_polarity)}}));
  }
  return Json(Json::Object{{"rows", number(summary.rows)},
                           {"rejected", number(summary.rejected)},
                           {"tokens", number(summary.tokens)},
                           {"labels", Json(std::move(labels))},
                           {"polarity_sum", Json(summary.polarity_sum)},
                           {"with_polarity", number(summary.with_polarity)},
                           {"truncated", number(summary.truncated)},
                           {"in_windows", number(summary.in_windows)},
                           {"languages", Json(std::move(languages))},
                           {"failed_translations", number(summary.failed_translations)}});
}

Summary read_summary(const Json& json, const std::string& where) {
  Summary summary;
  summary.rows = count_in(json, "rows", where);
  summary.rejected = count_in(json, "rejected", where);
  summary.tokens = count_in(json, "tokens", where);
  summary.with_polarity = count_in(json, "with_polarity", where);
  summary.truncated = count_in(json, "truncated", where);
  summary.in_windows = count_in(json, "in_windows", where);
  summary.failed_translations = count_in(json, "failed_translations", where);
  const Json* labels = json.get("labels");
  const Json* polarity = json.get("polarity_sum");
  const Json* languages = json.get("languages");
  if (!labels || !polarity || !languages)
    throw Error(ErrorCode::kBadData, where + ": the summary is not complete");
  for (const Json& count : labels->as_array(where + ": labels")) {
    summary.labels.push_back(static_cast<uint64_t>(count.as_int(where + ": labels")));
  }
  summary.polarity_sum = polarity->as_number(where + ": polarity_sum");
  for (const auto& [name, one] : languages->as_object(where + ": languages")) {
    Summary::Language& language = summary.languages[name];
    language.rows = count_in(one, "rows", where);
    language.translated = count_in(one, "translated", where);
    language.with_polarity = count_in(one, "with_polarity", where);
    const Json* sum = one.get("polarity_sum");
    if (!sum) throw Error(ErrorCode::kBadData, where + ": the summary is not complete");
    language.polarity_sum = sum->as_number(where + ": polarity_sum");
  }
  return summary;
}

// A regular file, closed at the end.
struct Descriptor {
  explicit Descriptor(const std::filesystem::path& path) : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

}  // namespace

std::string to_json(const JobState& state) {
  Json::Object settings;
  for (const auto& [name, value] : state.settings) settings.emplace_back(name, Json(value));
  const Json json(Json::Object{{"version", Json(kVersion)},
                               {"complete", Json(state.complete)},
                               {"settings", Json(std::move(settings))},
                               {"offset", number(state.position.offset)},
                               {"line", number(state.position.line)},
                               {"checksum", number(state.position.checksum)},
                               {"output_bytes", number(state.output_bytes)},
                               {"rejects_bytes", number(state.rejects_bytes)},
                               {"summary", summary_json(state.summary)}});
  return json.dump() + "\n";
}

JobState state_from_json(const std::string& text, const std::string& where) {
  const Json json = Json::parse(text, where);
  if (count_in(json, "version", where) != kVersion) {
    throw Error(ErrorCode::kBadData, where + " was written by another version of this program");
  }
  JobState state;
  const Json* settings = json.get("settings");
  const Json* summary = json.get("summary");
  const Json* complete = json.get("complete");
  if (!settings || !summary || !complete)
    throw Error(ErrorCode::kBadData, where + " is not a complete state");
  for (const auto& [name, value] : settings->as_object(where + ": settings")) {
    state.settings[name] = value.as_string(where + ": " + printable(name));
  }
  state.complete = complete->as_bool(where + ": complete");
  state.position.offset = count_in(json, "offset", where);
  state.position.line = count_in(json, "line", where);
  state.position.checksum = static_cast<uint32_t>(count_in(json, "checksum", where));
  state.output_bytes = count_in(json, "output_bytes", where);
  state.rejects_bytes = count_in(json, "rejects_bytes", where);
  state.summary = read_summary(*summary, where);
  return state;
}

std::optional<std::string> difference(const JobState& interrupted, const JobState& now) {
  for (const auto& [name, value] : now.settings) {
    const auto found = interrupted.settings.find(name);
    if (found != interrupted.settings.end() && found->second == value) continue;
    if (name == "input") return "the input";
    if (name == "model") return "the model or one of its options";
    const std::string was = found == interrupted.settings.end() ? "not set" : printable(found->second, 60);
    std::string said = "the option --";
    return said.append(name).append(" (was ").append(was).append(", is ").append(printable(value, 60)) + ")";
  }
  return std::nullopt;
}

std::string identity_of(const std::filesystem::path& path) {
  const Descriptor file(path);
  struct stat info{};
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0) {
    throw Error(ErrorCode::kNoInput,
                "cannot open '" + printable(path.string()) + "': " + std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) return "";
  Hasher hasher(Hasher::Kind::kSha256);
  std::string block(1 << 20, '\0');
  uint64_t size = 0;
  while (true) {
    check_interrupt();
    const ssize_t got = ::read(file.fd, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw Error(ErrorCode::kNoInput,
                  "cannot read '" + printable(path.string()) + "': " + std::strerror(errno));
    }
    if (got == 0) break;
    size += static_cast<uint64_t>(got);
    hasher.update(std::string_view(block).substr(0, static_cast<size_t>(got)));
  }
  return std::to_string(size) + " " + hasher.hex();
}

}  // namespace valence::jobs
