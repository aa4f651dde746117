#include "formats/json.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace valence::formats {
namespace {

TEST(Json, ReadsWhatConfigurationsHold) {
  const Json json = Json::parse(
      R"({"a": 1, "big": 1000000000000000019884624838656, "f": 1e-12, "s": "é\n😀", "l": [true, null]})",
      "x");
  EXPECT_EQ(json.find("a")->as_int("a"), 1);
  EXPECT_DOUBLE_EQ(json.find("big")->as_number("big"), 1e30);
  EXPECT_EQ(json.find("s")->as_string("s"), "é\n😀");
  EXPECT_EQ(json.find("l")->as_array("l").size(), 2u);
  EXPECT_EQ(Json::parse(json.dump(), "again").dump(), json.dump());
}

TEST(Json, RefusesWhatIsNotOneStrictDocument) {
  for (const char* bad : {"", "{", "{\"a\":1}x", "{\"a\":1,\"a\":2}", "[1,]", "{\"a\":{\"b\":1,\"b\":1}}",
                          "\"\xff\"", "nul", "01", "[\"\\ud800\"]"}) {
    EXPECT_THROW(Json::parse(bad, "x"), Error) << bad;
  }
  EXPECT_THROW(Json::parse(std::string(100000, '['), "x"), Error);
  EXPECT_NO_THROW(Json::parse(std::string(400, '[') + std::string(400, ']'), "x"));
}

TEST(Json, NamesTheTypeThatItGot) {
  const Json json = Json::parse("{\"a\": \"x\"}", "config.json");
  try {
    json.find("a")->as_int("config.json: a");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "config.json: a: expected an integer, got a string");
  }
}

TEST(Json, NumbersAreTheNearestToWhatIsWritten) {
  const std::string text =
      "[92233720369580724675808, 18446748147419103230, 18446744073709551615, 0.1, -1.7976931348623157e308]";
  const double want[] = {92233720369580724675808.0, 18446748147419103230.0, 18446744073709551615.0, 0.1,
                         -1.7976931348623157e308};
  const Json json = Json::parse(text, "x");
  for (size_t k = 0; k < std::size(want); ++k) EXPECT_EQ(json.as_array("x")[k].as_number("x"), want[k]) << k;
  EXPECT_EQ(Json::parse(json.dump(), "again").dump(), json.dump());
}

TEST(Json, NumbersReadBackAsTheyWere) {
  std::string out;
  append_json_number(out, 0.1f);
  EXPECT_EQ(out, "0.1");
  // -0 has no integer of its own.
  for (const std::string text : {"[-0]", "[-0, 0]", "[9223744073709551616, -0e30]"}) {
    const std::string once = Json::parse(text, "x").dump();
    EXPECT_EQ(Json::parse(once, "again").dump(), once);
  }
}

}  // namespace
}  // namespace valence::formats
