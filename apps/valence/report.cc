#include "report.h"

#include <algorithm>

namespace valence::app {

using formats::Json;

void Report::add(std::string key, std::string text, Json value) {
  object_.emplace_back(key, std::move(value));
  entries_.push_back({std::move(key), std::move(text)});
}

std::string Report::text() const {
  size_t width = 0;
  for (const Entry& entry : entries_) width = std::max(width, entry.key.size());
  std::string out;
  for (const Entry& entry : entries_) {
    std::string name = entry.key;
    std::replace(name.begin(), name.end(), '_', ' ');
    out += name + std::string(width - name.size() + 2, ' ') + entry.text + "\n";
  }
  return out;
}

std::string Report::json() const { return Json(object_).dump() + "\n"; }

Json::Member member(std::string key, std::string value) { return {std::move(key), Json(std::move(value))}; }
Json::Member member(std::string key, const char* value) { return {std::move(key), Json(std::string(value))}; }
Json::Member member(std::string key, double value) { return {std::move(key), Json(value)}; }
Json::Member member(std::string key, int64_t value) { return {std::move(key), Json(value)}; }
Json::Member member(std::string key, bool value) { return {std::move(key), Json(value)}; }
Json::Member member(std::string key, Json value) { return {std::move(key), std::move(value)}; }

}  // namespace valence::app
