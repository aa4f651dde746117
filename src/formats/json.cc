#include "formats/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "base/error.h"
#include "base/utf8.h"

namespace valence::formats {
namespace {

// A value takes about 100 bytes, one in the text may be 2: without a limit 100 MB of "[0,0,…" would take
// gigabytes. The largest published tokenizer.json have 2 million values.
constexpr std::size_t kMaxValues = 4'000'000;

// Builds a Json from the events of Boost.JSON's parser, which does not notice repeated keys itself.
struct Builder {
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);
  using Code = boost::system::error_code;
  using View = boost::json::string_view;

  std::vector<Json> values;
  std::vector<std::string> keys;
  std::string partial;
  std::string number;    // the parts of a number so far
  std::string repeated;  // the first repeated key
  bool has_repeated = false;
  std::size_t count = 0;  // of all values

  template <typename... Value>
  bool add(Value&&... value) {
    values.emplace_back(std::forward<Value>(value)...);
    return ++count <= kMaxValues;
  }
  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) { return true; }
  bool on_array_begin(Code&) { return true; }
  bool on_array_end(std::size_t n, Code&) {
    Json::Array items(std::make_move_iterator(values.end() - static_cast<std::ptrdiff_t>(n)),
                      std::make_move_iterator(values.end()));
    values.resize(values.size() - n);
    return add(std::move(items));
  }
  bool on_object_end(std::size_t n, Code&) {
    Json::Object members;
    members.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      members.emplace_back(std::move(keys[keys.size() - n + i]), std::move(values[values.size() - n + i]));
    }
    keys.resize(keys.size() - n);
    values.resize(values.size() - n);
    note_repeated(members);
    return add(std::move(members)) && !has_repeated;
  }
  void note_repeated(const Json::Object& members) {
    std::unordered_set<std::string_view> seen;
    seen.reserve(members.size());
    for (const auto& [key, value] : members) {
      if (seen.insert(key).second) continue;
      repeated = key;
      has_repeated = true;
      return;
    }
  }
  bool on_key_part(View part, std::size_t, Code&) { return on_string_part(part, 0, *ignored()); }
  bool on_key(View part, std::size_t, Code&) {
    partial.append(part.data(), part.size());
    keys.push_back(std::move(partial));
    partial.clear();
    return true;
  }
  bool on_string_part(View part, std::size_t, Code&) {
    partial.append(part.data(), part.size());
    return true;
  }
  bool on_string(View part, std::size_t, Code&) {
    partial.append(part.data(), part.size());
    const bool fits = add(std::move(partial));
    partial.clear();
    return fits;
  }
  bool on_number_part(View part, Code&) {
    number.append(part.data(), part.size());
    return true;
  }
  bool on_int64(int64_t value, View part, Code&) {
    const bool negative_zero = value == 0 && (number.empty() ? part : View(number)).starts_with('-');
    number.clear();
    return negative_zero ? add(-0.0) : add(value);
  }
  bool on_uint64(uint64_t value, View part, Code& code) {
    return on_double(static_cast<double>(value), part, code);
  }
  // The parser's own value may be off by a unit in the last place.
  bool on_double(double value, View part, Code&) {
    number.append(part.data(), part.size());
    double nearest = value;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), nearest);
    const bool whole = read.ec == std::errc() && read.ptr == number.data() + number.size();
    number.clear();
    return add(whole ? nearest : value);
  }
  bool on_bool(bool value, Code&) { return add(value); }
  bool on_null(Code&) { return add(); }
  bool on_comment_part(View, Code&) { return true; }
  bool on_comment(View, Code&) { return true; }

 private:
  static Code* ignored() {
    static thread_local Code code;
    return &code;
  }
};

[[noreturn]] void wrong_type(const std::string& what, std::string_view expected, const Json& got) {
  throw Error(ErrorCode::kBadData,
              what + ": expected " + std::string(expected) + ", got " + std::string(got.type_name()));
}

}  // namespace

Json Json::parse(std::string_view text, const std::string& where, size_t max_depth) {
  boost::json::parse_options options;
  options.max_depth = max_depth;
  boost::json::basic_parser<Builder> parser(options);
  boost::system::error_code code;
  const size_t used = parser.write_some(false, text.data(), text.size(), code);
  Builder& builder = parser.handler();
  if (builder.has_repeated) {
    throw Error(ErrorCode::kBadData,
                where + ": the key \"" + printable(builder.repeated) + "\" occurs twice");
  }
  if (builder.count > kMaxValues) {
    throw Error(ErrorCode::kBadData,
                where + " has more than " + std::to_string(kMaxValues) + " values, which no model needs");
  }
  if (code) {
    throw Error(ErrorCode::kBadData,
                where + " is not valid JSON: " + code.message() + " at byte " + std::to_string(used));
  }
  if (used < text.size() && text.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
    throw Error(ErrorCode::kBadData,
                where + " is not valid JSON: text after the value at byte " + std::to_string(used));
  }
  VALENCE_CHECK(builder.values.size() == 1);
  return std::move(builder.values.front());
}

bool Json::as_bool(const std::string& what) const {
  if (const bool* value = std::get_if<bool>(&value_)) return *value;
  wrong_type(what, "true or false", *this);
}

int64_t Json::as_int(const std::string& what) const {
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return *value;
  const double* value = std::get_if<double>(&value_);
  if (value && std::abs(*value) < 9e15 && std::floor(*value) == *value) return static_cast<int64_t>(*value);
  wrong_type(what, "an integer", *this);
}

double Json::as_number(const std::string& what) const {
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  if (const double* value = std::get_if<double>(&value_)) return *value;
  wrong_type(what, "a number", *this);
}

const std::string& Json::as_string(const std::string& what) const {
  if (const std::string* value = std::get_if<std::string>(&value_)) return *value;
  wrong_type(what, "a string", *this);
}

const Json::Array& Json::as_array(const std::string& what) const {
  if (const Array* value = std::get_if<Array>(&value_)) return *value;
  wrong_type(what, "a list", *this);
}

const Json::Object& Json::as_object(const std::string& what) const {
  if (const Object* value = std::get_if<Object>(&value_)) return *value;
  wrong_type(what, "an object", *this);
}

const Json* Json::find(std::string_view key) const {
  const Object* object = std::get_if<Object>(&value_);
  if (!object) return nullptr;
  const auto it =
      std::find_if(object->begin(), object->end(), [&](const Member& m) { return m.first == key; });
  return it == object->end() ? nullptr : &it->second;
}

const Json* Json::get(std::string_view key) const {
  const Json* value = find(key);
  return value && !value->is_null() ? value : nullptr;
}

std::string_view Json::type_name() const {
  static constexpr std::string_view kNames[] = {"null",     "true or false", "an integer", "a number",
                                                "a string", "a list",        "an object"};
  return kNames[value_.index()];
}

std::string Json::dump() const {
  std::string out;
  if (is_null()) return "null";
  if (is_bool()) return std::get<bool>(value_) ? "true" : "false";
  if (is_int()) return std::to_string(std::get<int64_t>(value_));
  if (is_number()) {
    append_json_number(out, std::get<double>(value_));
  } else if (is_string()) {
    append_json_string(out, std::get<std::string>(value_));
  } else if (is_array()) {
    out = "[";
    for (const Json& item : std::get<Array>(value_)) out += (out.size() > 1 ? ", " : "") + item.dump();
    out += "]";
  } else {
    out = "{";
    for (const auto& [key, value] : std::get<Object>(value_)) {
      if (out.size() > 1) out += ", ";
      append_json_string(out, key);
      out += ": " + value.dump();
    }
    out += "}";
  }
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  static const char* const kDigits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kDigits[static_cast<unsigned char>(c) >> 4];
          out += kDigits[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

namespace {
template <typename T>
void append_number(std::string& out, T value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char buffer[40];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, result.ptr);
}
}  // namespace

void append_json_number(std::string& out, double value) { append_number(out, value); }
void append_json_number(std::string& out, float value) { append_number(out, value); }

}  // namespace valence::formats
