#include "serve/routes.h"

#include "base/utf8.h"
#include "serve/dialects.h"

namespace valence::serve {
namespace {

// Paths with a name stand behind those that they would hide. The same path may stand for GET and for POST.
constexpr Route kRoutes[] = {
    {"/v1/analyze", "POST", Body::kJson, false, true, Dialect::kNative, analyze},
    {"/v1/analyze/stream", "POST", Body::kStream, false, true, Dialect::kNative, nullptr},
    {"/predict", "POST", Body::kJson, false, true, Dialect::kTei, tei_predict},
    {"/tokenize", "POST", Body::kJson, false, true, Dialect::kTei, tei_tokenize},
    {"/classify", "POST", Body::kJson, false, true, Dialect::kNative, classify},
    {"/", "GET, HEAD, POST", Body::kJson, false, true, Dialect::kText, hf_inference},
    {"/v2/models/{}/infer", "POST", Body::kAny, false, true, Dialect::kText, oip_infer},
    {"/", "GET, HEAD, POST", Body::kNone, true, false, Dialect::kNative, get_page},
    {"/app.js", "GET, HEAD", Body::kNone, true, false, Dialect::kNative, get_script},
    {"/app.css", "GET, HEAD", Body::kNone, true, false, Dialect::kNative, get_style},
    {"/icon.svg", "GET, HEAD", Body::kNone, true, false, Dialect::kNative, get_icon},
    {"/health", "GET, HEAD", Body::kNone, true, false, Dialect::kNative, get_health},
    {"/info", "GET, HEAD", Body::kNone, false, false, Dialect::kTei, get_info},
    {"/metrics", "GET, HEAD", Body::kNone, false, false, Dialect::kNative, get_metrics},
    {"/openapi.json", "GET, HEAD", Body::kNone, false, false, Dialect::kNative, get_openapi},
    {"/v1/models", "GET, HEAD", Body::kNone, false, false, Dialect::kNative, get_models},
    {"/v1/models/{}", "GET, HEAD", Body::kNone, false, false, Dialect::kNative, get_model},
    {"/v2", "GET, HEAD", Body::kNone, false, false, Dialect::kText, get_server_metadata},
    {"/v2/health/live", "GET, HEAD", Body::kNone, false, false, Dialect::kText, get_live},
    {"/v2/health/ready", "GET, HEAD", Body::kNone, false, false, Dialect::kText, get_live},
    {"/v2/models/{}/ready", "GET, HEAD", Body::kNone, false, false, Dialect::kText, get_model_ready},
    {"/v2/models/{}", "GET, HEAD", Body::kNone, false, false, Dialect::kText, get_model_metadata},
};

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// "org%2Fname" or "org/name"; nothing for what is not well written.
std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (size_t k = 0; k < text.size(); ++k) {
    if (text[k] != '%') {
      out += text[k];
      continue;
    }
    const int high = k + 2 < text.size() ? hex(text[k + 1]) : -1, low = high < 0 ? -1 : hex(text[k + 2]);
    if (low < 0) return {};
    out += static_cast<char>(high * 16 + low);
    k += 2;
  }
  if (out.empty() || !is_valid_utf8(out)) return {};
  return out;
}

bool matches(std::string_view pattern, std::string_view path, std::string& name) {
  const size_t hole = pattern.find("{}");
  if (hole == std::string_view::npos) return pattern == path;
  const std::string_view before = pattern.substr(0, hole), behind = pattern.substr(hole + 2);
  if (path.size() <= before.size() + behind.size() || !path.starts_with(before) || !path.ends_with(behind))
    return false;
  const auto decoded = decode(path.substr(before.size(), path.size() - before.size() - behind.size()));
  if (decoded) name = *decoded;
  return decoded.has_value();
}

}  // namespace

Found find_route(std::string_view method, std::string_view path) {
  Found found;
  for (const Route& route : kRoutes) {
    std::string name;
    if (!matches(route.path, path, name)) continue;
    const bool get = route.body == Body::kNone;
    const bool allowed = get ? method == "GET" || method == "HEAD" : method == "POST";
    if (found.route == nullptr || allowed) {
      found.route = &route;
      found.name = name;
    }
    found.method_allowed = allowed;
    if (allowed) break;
  }
  return found;
}

}  // namespace valence::serve
