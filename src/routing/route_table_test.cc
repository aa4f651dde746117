#include "routing/route_table.h"

#include <gtest/gtest.h>

#include "formats/test_support.h"

namespace valence::routing {
namespace {

using pipeline::Route;

TEST(RouteTable, TakesTheBestMeasuredRouteOfALanguage) {
  const RouteTable table({{"de", Route::kNative, 0.4, 10, false},
                          {"fr", Route::kTranslated, std::nullopt, 0, false},
                          {"de", Route::kMultilingual, 0.6, 10, false},
                          {"de", Route::kTranslated, std::nullopt, 0, false}});
  EXPECT_EQ(table.default_of("de"), Route::kMultilingual);
  EXPECT_EQ(table.default_of("fr"), Route::kTranslated);  // the only one
  EXPECT_EQ(table.default_of("it"), std::nullopt);
}

TEST(RouteTable, ReadsWhatItWrites) {
  const RouteTable table(
      {{"de", Route::kNative, 0.5, 7, false}, {"de", Route::kTranslated, std::nullopt, 0, false}});
  const RouteTable again = RouteTable::parse(table.json(), "a.json");
  EXPECT_EQ(again.json(), table.json());
  EXPECT_EQ(again.default_of("de"), Route::kNative);
}

TEST(RouteTable, TheProgramsOwnHasEnglish) {
  EXPECT_EQ(RouteTable::embedded().default_of("en"), Route::kNative);
}

TEST(RouteTable, SaysWhatIsWrong) {
  const auto refused = [](const std::string& json, const char* message) {
    testing::expect_error(ErrorCode::kBadData, message, [&] { RouteTable::parse(json, "r.json"); });
  };
  refused("{}", "expected a list");
  refused("[1]", "no object");
  refused(R"([{"language":"de"}])", "no \"route\"");
  const std::string row = R"({"language":"de","route":"native","macro_f1":0.5,"rows":1,"default":true})";
  refused("[" + row + "," + row + "]", "native twice");
  refused(R"([{"language":"de","route":"native","macro_f1":0.5,"rows":1,"default":false}])",
          "0 default routes");
  refused(R"([{"language":"de","route":"bicycle","macro_f1":0.5,"rows":1,"default":true}])",
          "bicycle is unknown");
  refused(R"([{"language":"de","route":"native","macro_f1":5,"rows":1,"default":true}])", "between 0 and 1");
}

}  // namespace
}  // namespace valence::routing
