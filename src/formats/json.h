// JSON documents of models and their configuration: strict, depth-limited, no repeated keys.
// (Rows of JSON Lines files are read by another, faster reader.)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace valence::formats {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;  // in the order of the file

  Json() = default;
  explicit Json(bool value) : value_(value) {}
  explicit Json(int64_t value) : value_(value) {}
  explicit Json(double value) : value_(value) {}
  explicit Json(std::string value) : value_(std::move(value)) {}
  explicit Json(Array value) : value_(std::move(value)) {}
  explicit Json(Object value) : value_(std::move(value)) {}

  // Parses one document. `where` names the file in messages. Integers beyond 64 bits become doubles
  // (model_max_length is 1e30 in many tokenizers). Errors: kBadData for anything that is not valid
  // JSON in valid UTF-8, a repeated key, nesting deeper than `max_depth`, or more than 4 million values.
  static Json parse(std::string_view text, const std::string& where, size_t max_depth = 512);

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_); }
  bool is_number() const { return is_int() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  // Each throws kBadData ("<what>: expected a string, got a number") when the type differs.
  bool as_bool(const std::string& what) const;
  int64_t as_int(const std::string& what) const;  // a double without a fraction counts
  double as_number(const std::string& what) const;
  const std::string& as_string(const std::string& what) const;
  const Array& as_array(const std::string& what) const;
  const Object& as_object(const std::string& what) const;

  // The member `key` of an object; nullptr when absent or when this is no object.
  const Json* find(std::string_view key) const;
  // As find, and nullptr for a member that is null.
  const Json* get(std::string_view key) const;

  std::string dump() const;
  std::string_view type_name() const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

// Appends `text` (valid UTF-8) as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

// Appends the shortest decimal form that reads back as the same value; null for NaN and infinities.
void append_json_number(std::string& out, double value);
void append_json_number(std::string& out, float value);

}  // namespace valence::formats
