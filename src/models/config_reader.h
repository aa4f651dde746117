// The members of a configuration file, each checked against its range.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "formats/json.h"

namespace valence::models {

class ConfigReader {
 public:
  ConfigReader(const formats::Json& root, std::string where) : root_(root), where_(std::move(where)) {}

  int64_t integer(std::string_view key, int64_t least, int64_t most,
                  std::optional<int64_t> absent = {}) const {
    const formats::Json* value = root_.get(key);
    if (value == nullptr) {
      if (absent) return *absent;
      fail(std::string(key) + " is missing");
    }
    const int64_t number = value->as_int(name(key));
    if (number < least || number > most) {
      fail(std::string(key) + " is " + std::to_string(number) + ", expected " + std::to_string(least) +
           " to " + std::to_string(most));
    }
    return number;
  }

  std::string text(std::string_view key, const std::string& absent) const {
    const formats::Json* value = root_.get(key);
    return value == nullptr ? absent : value->as_string(name(key));
  }

  bool flag(std::string_view key) const {
    const formats::Json* value = root_.get(key);
    return value != nullptr && value->as_bool(name(key));
  }

  const formats::Json* get(std::string_view key) const { return root_.get(key); }
  std::string name(std::string_view key) const { return where_ + ": " + std::string(key); }
  [[noreturn]] void fail(const std::string& message) const {
    throw Error(ErrorCode::kBadConfig, where_ + ": " + message);
  }

 private:
  const formats::Json& root_;
  std::string where_;
};

}  // namespace valence::models
