#include "rows/json_scan.h"

#include <gtest/gtest.h>

#include "rows/rows_for_test.h"

namespace valence::rows {
namespace {

std::string reason_of(const std::string& line) {
  JsonObject object;
  return scan_json_object(line, object).reason;
}

std::string repeated(const std::string& part, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += part;
  return out;
}

TEST(JsonScan, FindsMembersAsTheyWereWritten) {
  const std::string line = " { \"a\" : 12.50 , \"b\\u0062\": [1, {\"c\": null}], \"d\":\"x\\\"y\"\t}\r";
  JsonObject object;
  ASSERT_EQ(scan_json_object(line, object).reason, "");
  const std::vector<std::string> expected = {"a", "12.50",     "b\\u0062", "[1, {\"c\": null}]",
                                             "d", "\"x\\\"y\""};
  std::vector<std::string> found;
  for (const Span field : object.fields) found.push_back(line.substr(field.begin, field.size));
  EXPECT_EQ(found, expected);
  EXPECT_EQ(line.substr(object.members.begin, object.members.size),
            "\"a\" : 12.50 , \"b\\u0062\": [1, {\"c\": null}], \"d\":\"x\\\"y\"");
}

TEST(JsonScan, AcceptsAllOfTheGrammar) {
  for (const char* line :
       {"{}", "{ }", "{\"\":0}", "{\"a\":-0}", "{\"a\":-0.0e-0}", "{\"a\":1E+400}",
        "{\"a\":123456789012345678901234567890}", "{\"a\":true,\"b\":false,\"c\":null}", "{\"a\":[]}",
        "{\"a\":[ ]}", "{\"a\":[[],{}]}", "{\"a\":\"\"}",
        "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}", "{\"a\":\"\x7f é 😀 \xe2\x80\xa8\"}",
        "{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":\"\\ud800\"}"}) {
    EXPECT_EQ(reason_of(line), "") << line;
  }
}

TEST(JsonScan, RefusesWhatIsNoJson) {
  for (const char* line : {"",
                           " ",
                           "{",
                           "}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{,\"a\":1}",
                           "{\"a\":1 \"b\":2}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":.5}",
                           "{\"a\":+1}",
                           "{\"a\":-}",
                           "{\"a\":1e}",
                           "{\"a\":1e+}",
                           "{\"a\":NaN}",
                           "{\"a\":Infinity}",
                           "{\"a\":tru}",
                           "{\"a\":nul}",
                           "{\"a\":[1,]}",
                           "{\"a\":[1 2]}",
                           "{\"a\":[}",
                           "{\"a\":\"x}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12g4\"}",
                           "{\"a\":\"\\u12\"}",
                           "{\"a\":\"\\",
                           "{\"a\":\"tab\there\"}",
                           "{\"a\":1}}",
                           "{\"text\":\"bro",
                           "text",
                           "\xef\xbb\xbf{}"}) {
    const std::string reason = reason_of(line);
    EXPECT_TRUE(reason == "invalid_json" || reason == "trailing_text") << line << ' ' << reason;
  }
  EXPECT_EQ(reason_of(std::string("{\"a\":\"x\0y\"}", 11)), "invalid_json");
  EXPECT_EQ(reason_of(std::string("{\"a\":1}\0", 8)), "trailing_text");
}

TEST(JsonScan, SaysWhatAValueIsThatIsNoObject) {
  for (const char* line : {"[\"text\"]", "null", "\"text\"", "12", "-1", "true"}) {
    EXPECT_EQ(reason_of(line), "not_an_object") << line;
  }
  EXPECT_EQ(reason_of("{\"a\":1} trailing"), "trailing_text");
  EXPECT_EQ(reason_of("{\"a\":1}{\"a\":1}"), "trailing_text");
}

TEST(JsonScan, RefusesARepeatedKeyInAnyObject) {
  EXPECT_EQ(reason_of(R"({"a":1,"b":2,"a":3})"), "repeated_key");
  EXPECT_EQ(reason_of(R"({"a":{"b":1,"b":2}})"), "repeated_key");
  EXPECT_EQ(reason_of(R"({"a":[{"b":1},{"b":2}],"b":{"a":1}})"), "");
  EXPECT_EQ(reason_of(R"({"a":1,"\u0061":2})"), "repeated_key");
  EXPECT_EQ(reason_of(R"({"\ud800":1,"\ud800":2})"), "repeated_key");
  EXPECT_EQ(reason_of(R"({"\ud800":1,"\udc00":2})"), "");
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_EQ(reason_of("{" + many + "\"k\":0}"), "");
  EXPECT_EQ(reason_of("{" + many + "\"k77\":0}"), "repeated_key");
}

TEST(JsonScan, BoundsTheDepth) {
  const auto nested = [](size_t depth) {
    return "{\"a\":" + repeated("[", depth - 1) + repeated("]", depth - 1) + "}";
  };
  EXPECT_EQ(reason_of(nested(kMaxJsonDepth)), "");
  EXPECT_EQ(reason_of(nested(kMaxJsonDepth + 1)), "too_deep");
  EXPECT_EQ(reason_of(nested(1'000'000)), "too_deep");
  EXPECT_EQ(reason_of(repeated("{\"a\":", 1'000'000)), "too_deep");
}

// The scanner looks at eight bytes at a time: what matters may stand at any of them.
TEST(JsonScan, SeesEachByteOfAString) {
  for (size_t length = 0; length < 40; ++length) {
    for (size_t at = 0; at < length; ++at) {
      for (const char bad : {'\x01', '\x1f', '\n'}) {
        std::string text(length, 'x');
        text[at] = bad;
        ASSERT_EQ(reason_of("{\"a\":\"" + text + "\"}"), "invalid_json") << length << ' ' << at;
      }
      std::string text(length, 'x');
      text.replace(at, 1, "\\\"\xc3\xa9\x7f");
      ASSERT_EQ(reason_of("{\"a\":\"" + text + "\"}"), "") << length << ' ' << at;
    }
  }
}

TEST(JsonScan, EndsEachCutLineAsARejectNotAsAnObject) {
  const std::string line = R"({"a":[1.5e3,true,{"b":"x\u00e9"}],"c":null})";
  for (size_t length = 0; length < line.size(); ++length) {
    EXPECT_EQ(reason_of(line.substr(0, length)), "invalid_json") << length;
  }
}

TEST(JsonScan, SaysWhere) {
  JsonObject object;
  EXPECT_EQ(scan_json_object("{\"a\":01}", object).message, "not valid JSON at byte 7: expected ',' or '}'");
  EXPECT_EQ(scan_json_object("{\"a\":\"x", object).message,
            "not valid JSON at its end: expected the end of a string");
}

std::string unescaped(const std::string& raw) {
  std::string out;
  return append_unescaped(raw, out) ? out : out + " (half a pair)";
}

TEST(Unescape, GivesTheText) {
  EXPECT_EQ(unescaped(R"(a\"\\\/\b\f\n\r\t z)"), "a\"\\/\b\f\n\r\t z");
  EXPECT_EQ(unescaped(R"(\u0041\u00E9\u20ac\ud83d\uDE00)"), "Aé€😀");
  EXPECT_EQ(unescaped(R"(\u0000)"), std::string(1, '\0'));
  EXPECT_EQ(unescaped(R"(\ud800)"), "\xEF\xBF\xBD (half a pair)");
  EXPECT_EQ(unescaped(R"(\ud83dx)"), "\xEF\xBF\xBDx (half a pair)");
  EXPECT_EQ(unescaped(R"(\ude00\ud83d)"), "\xEF\xBF\xBD\xEF\xBF\xBD (half a pair)");
  EXPECT_EQ(unescaped(R"(\ud83d\u0041)"),
            "\xEF\xBF\xBD"
            "A (half a pair)");
}

}  // namespace
}  // namespace valence::rows
