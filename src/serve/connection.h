// One client: requests one after the other, each read under a deadline and answered before the next is read.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "serve/analyze_stream.h"
#include "serve/byte_stream.h"
#include "serve/routes.h"

namespace valence::serve {

// What all connections share.
struct Shared {
  Context context;
  std::string key;  // empty: none is asked for
  bool draining = false;
  size_t body_bytes = 0;  // that all connections hold of bodies that are still arriving
  size_t most_body_bytes = size_t{256} << 20;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  Connection(ByteStream stream, Shared& shared) : stream_(std::move(stream)), shared_(shared) {}

  // Until the client or a deadline ends it. Never throws.
  boost::asio::awaitable<void> run();

  // For whoever looks at the connections once a second.
  bool is_late(Clock::time_point now) const { return now > deadline_ || now > write_deadline_; }
  // Waits for a request of which nothing has come.
  bool is_idle();
  // Whether the client of an awaited answer has gone: the engine then drops its texts.
  void notice_end();
  void close();

 private:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  Awaitable<bool> one_request();
  Awaitable<bool> read_more();
  Awaitable<bool> read_head_bytes(std::string& bytes);
  Awaitable<bool> read_body(const Head& head, std::string& body);
  Awaitable<bool> discard_body(uint64_t left);
  Awaitable<void> say_goodbye();

  std::optional<Response> refusal_of(const Head& head, const Found& found) const;
  std::optional<Response> refusal_of_body(const Head& head, const Route& route) const;
  bool is_full() const;
  bool has_key(const Head& head) const;
  Awaitable<bool> refuse(const Head& head, Response response, const char* route);

  Awaitable<bool> answer(Head head, const Found& found);
  Awaitable<Response> ask(const Route& route, Request request);
  Awaitable<bool> respond(const Head& head, Response response, const char* route);
  Awaitable<bool> write(std::string_view head, std::string_view body);

  // Results beside a body that still arrives (connection_stream.cc).
  Awaitable<bool> stream_answer(Head head, const Route& route);
  Awaitable<bool> stream_documents(const Head& head, const Route& route, DocumentOptions options,
                                   std::vector<Document> documents);
  void wake_stream();
  Awaitable<void> stream_in(AnalyzeStream& stream, uint64_t left);
  Awaitable<void> stream_out(AnalyzeStream& stream, bool chunked);

  class Signal;

  ByteStream stream_;
  Shared& shared_;
  std::shared_ptr<Signal> in_signal_, out_signal_;  // of a stream
  std::string in_;                                  // bytes that were read and not used
  bool waiting_ = false;
  bool broken_ = false;
  Abandoned awaited_;        // of the request whose answer is awaited
  Clock::time_point began_;  // the request
  Clock::time_point deadline_ = Clock::time_point::max(), write_deadline_ = Clock::time_point::max();
};

// "HTTP/1.1 200 OK" to the empty line.
std::string head_of(const Response& response, size_t length, bool chunked);
Response refused(int status, const char* code, const char* message, Dialect dialect = Dialect::kNative);

}  // namespace valence::serve
