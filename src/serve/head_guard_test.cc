#include "serve/head_guard.h"

#include <gtest/gtest.h>

#include <string>

namespace valence::serve {
namespace {

int status_of(const std::string& head) {
  Head read;
  if (const auto refusal = check_head_so_far(head)) return refusal->status;
  const auto refusal = read_head(head, read);
  return refusal ? refusal->status : 200;
}

int status_with(const std::string& headers, const std::string& line = "POST /v1/analyze HTTP/1.1") {
  return status_of(line + "\r\nHost: localhost\r\n" + headers + "\r\n");
}

TEST(HeadGuard, ReadsAPlainHead) {
  Head head;
  ASSERT_FALSE(read_head(
      "POST /v1/analyze?a=b HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: Application/JSON; "
      "charset=utf-8\r\nContent-Length: 12\r\nAuthorization: Bearer k\r\nExpect: 100-continue\r\n\r\n",
      head));
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.path, "/v1/analyze");
  EXPECT_EQ(head.content_type, "application/json");
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_EQ(head.authorization, "Bearer k");
  EXPECT_TRUE(head.has_length && head.keep_alive && head.expects_100 && !head.encoded && !head.http_1_0);
}

TEST(HeadGuard, KeepsAConnectionAsTheVersionSays) {
  Head head;
  ASSERT_FALSE(read_head("GET / HTTP/1.0\r\n\r\n", head));
  EXPECT_FALSE(head.keep_alive);
  ASSERT_FALSE(read_head("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", head));
  EXPECT_FALSE(head.keep_alive);
}

// Where two readers of the bytes could disagree about where the request ends.
TEST(HeadGuard, RefusesDoubtfulLengths) {
  EXPECT_EQ(status_with("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(status_with("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"), 400);
  EXPECT_EQ(status_with("Transfer-Encoding: chunked\r\n"), 411);
  EXPECT_EQ(status_with("Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(status_with("Transfer-Encoding: xchunked\r\n"), 501);
  EXPECT_EQ(status_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400);
  EXPECT_EQ(status_with("Transfer-Encoding : chunked\r\n"), 400);
  EXPECT_EQ(status_with("Transfer-Encoding: \x0b"
                        "chunked\r\n"),
            400);
  EXPECT_EQ(status_with("Content-Length: 4\r\nContent-Length: 4\r\n"), 400);
  EXPECT_EQ(status_with("Content-Length: 4\r\nContent-Length: 5\r\n"), 400);
  for (const char* length : {"4, 4", "-1", "+4", "0x4", "4e1", "4 4", "4;", "99999999999999999999", ""})
    EXPECT_EQ(status_with(std::string("Content-Length: ") + length + "\r\n"), 400) << length;
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(HeadGuard, RefusesHeadersThatAreNotPlain) {
  EXPECT_EQ(status_with("X-A: one\r\n two\r\n"), 400);
  EXPECT_EQ(status_with("X-A : one\r\n"), 400);
  EXPECT_EQ(status_with(": one\r\n"), 400);
  EXPECT_EQ(status_with("X-A\r\n"), 400);
  EXPECT_EQ(status_with("X A: one\r\n"), 400);
  EXPECT_EQ(status_with("X-A: one\rX-B: two\r\n"), 400);
  EXPECT_EQ(status_with("X-A: one\nX-B: two\r\n"), 400);
  EXPECT_EQ(status_with(std::string("X-A: o\0ne\r\n", 11)), 400);
  EXPECT_EQ(status_with("Host: other\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400);
  EXPECT_EQ(status_with("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"), 400);
  EXPECT_EQ(status_with("X-A: " + std::string(9000, 'a') + "\r\n"), 431);
  std::string many;
  for (int k = 0; k < 101; ++k) many += "A: b\r\n";
  EXPECT_EQ(status_with(many), 431);
  EXPECT_EQ(status_with("Expect: tea\r\n"), 417);
}

TEST(HeadGuard, RefusesRequestLinesThatAreNotPlain) {
  EXPECT_EQ(status_with("", "GET  / HTTP/1.1"), 400);
  EXPECT_EQ(status_with("", "GET /a b HTTP/1.1"), 400);
  EXPECT_EQ(status_with("", "GET /"), 400);
  EXPECT_EQ(status_with("", "GET / HTTP/2.0"), 505);
  EXPECT_EQ(status_with("", "GET / http/1.1"), 400);
  EXPECT_EQ(status_with("", "GET http://a/ HTTP/1.1"), 400);
  EXPECT_EQ(status_with("", "OPTIONS * HTTP/1.1"), 400);
  EXPECT_EQ(status_with("", "GET /\xff HTTP/1.1"), 400);
  EXPECT_EQ(status_with("", "G(T / HTTP/1.1"), 400);
}

TEST(HeadGuard, SeesEarlyThatNothingGoodWillCome) {
  EXPECT_TRUE(check_head_so_far("\x16\x03\x01"));  // TLS on the plain port
  EXPECT_TRUE(check_head_so_far("\r\n"));
  EXPECT_TRUE(check_head_so_far("GET / HTTP/1.1\nHost: a\n\n"));
  EXPECT_TRUE(check_head_so_far(std::string(kLongestHead + 1, 'a')));
  EXPECT_FALSE(check_head_so_far("GET / HTTP/1.1\r\nHost: a\r"));
  EXPECT_FALSE(check_head_so_far(""));
}

}  // namespace
}  // namespace valence::serve
