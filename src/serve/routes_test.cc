#include "serve/routes.h"

#include <gtest/gtest.h>

namespace valence::serve {
namespace {

std::string answered_by(const char* method, const char* path) {
  const Found found = find_route(method, path);
  if (found.route == nullptr) return "404";
  return found.method_allowed ? found.route->path : std::string("405 ") + found.route->allow;
}

TEST(Routes, AreFoundByPathAndMethod) {
  EXPECT_EQ(answered_by("POST", "/v1/analyze"), "/v1/analyze");
  EXPECT_EQ(answered_by("GET", "/v1/analyze"), "405 POST");
  EXPECT_EQ(answered_by("DELETE", "/metrics"), "405 GET, HEAD");
  EXPECT_EQ(answered_by("HEAD", "/health"), "/health");
  EXPECT_EQ(answered_by("GET", "/v1/nothing"), "404");
  EXPECT_EQ(answered_by("GET", "/v1/analyze/"), "404");
  // The page and Hugging Face inference share a path.
  EXPECT_EQ(find_route("GET", "/").route->body, Body::kNone);
  EXPECT_EQ(find_route("POST", "/").route->body, Body::kJson);
}

TEST(Routes, HoldTheNameOfAModel) {
  EXPECT_EQ(find_route("POST", "/v2/models/default/infer").name, "default");
  EXPECT_EQ(find_route("POST", "/v2/models/org%2Fname/infer").name, "org/name");
  EXPECT_EQ(find_route("GET", "/v2/models/org/name").name, "org/name");
  EXPECT_EQ(find_route("GET", "/v2/models/org/name/ready").name, "org/name");
  for (const char* bad : {"/v2/models/", "/v2/models/%", "/v2/models/%zz", "/v2/models/%ff", "/v1/models/%0"})
    EXPECT_EQ(find_route("GET", bad).route, nullptr) << bad;
}

}  // namespace
}  // namespace valence::serve
