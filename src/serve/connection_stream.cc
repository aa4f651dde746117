// /v1/analyze/stream: the body is read and the results are written at the same time.

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>

#include "serve/connection.h"

namespace valence::serve {

namespace asio = boost::asio;
using asio::awaitable;

namespace {

constexpr std::chrono::seconds kProgress{15};  // of a body that is waited for

std::string chunk_of(const std::string& data) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return size + data + "\r\n";
}

}  // namespace

// What stream_in and stream_out wait for: each has one, both are told of every change.
class Connection::Signal {
 public:
  explicit Signal(const asio::any_io_executor& executor) : timer_(executor) {}
  void tell() {
    told_ = true;
    timer_.cancel();
  }
  awaitable<void> wait() {
    boost::system::error_code ignored;
    while (!told_) {
      timer_.expires_at(Clock::time_point::max());
      co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    told_ = false;
  }

 private:
  asio::steady_timer timer_;
  bool told_ = false;
};

void Connection::wake_stream() {
  if (!in_signal_) return;
  in_signal_->tell();
  out_signal_->tell();
}

awaitable<bool> Connection::stream_answer(Head head, const Route& route) {
  if (head.expects_100 && !co_await write("HTTP/1.1 100 Continue\r\n\r\n", "")) co_return false;
  DocumentOptions options;
  std::vector<Document> documents;
  const bool json = head.content_type == "application/json";
  std::string body;
  if (json && !co_await read_body(head, body)) co_return false;
  std::optional<Response> wrong;
  try {
    if (json) {
      const formats::Json parsed = parse_body(body);
      documents = read_documents(shared_.context, parsed);
      options = document_options(shared_.context, parsed);
    } else {
      options.model = find_model(shared_.context, "");
    }
  } catch (const Refused& refused) {
    wrong = error_response(route.dialect, refused);
  }
  if (wrong) co_return co_await respond(head, std::move(*wrong), route.path);
  co_return co_await stream_documents(head, route, std::move(options), std::move(documents));
}

awaitable<bool> Connection::stream_documents(const Head& head, const Route& route, DocumentOptions options,
                                             std::vector<Document> documents) {
  using namespace asio::experimental::awaitable_operators;
  const bool json = head.content_type == "application/json";
  const bool events = head.accept.find("text/event-stream") != std::string::npos;
  Response response;
  response.content_type = events ? "text/event-stream" : "application/x-ndjson";
  response.headers.emplace_back("Cache-Control", "no-store");
  response.close = !head.keep_alive || head.http_1_0 || shared_.draining;
  std::string first = head_of(response, 0, true);
  if (head.http_1_0) first.erase(first.find("\r\nTransfer-Encoding: chunked"), 28);
  if (!co_await write(first, "")) co_return false;

  const auto executor = stream_.socket().get_executor();
  in_signal_ = std::make_shared<Signal>(executor);
  out_signal_ = std::make_shared<Signal>(executor);
  const auto stream = std::make_shared<AnalyzeStream>(shared_.context, std::move(options),
                                                      events ? Framing::kEvents : Framing::kLines,
                                                      [in = in_signal_, out = out_signal_] {
                                                        in->tell();
                                                        out->tell();
                                                      });
  if (json) stream->add(std::move(documents));
  co_await (stream_in(*stream, json ? 0 : head.content_length) && stream_out(*stream, !head.http_1_0));
  stream->abandon();
  shared_.context.metrics.count_request(route.path, response.status,
                                        std::chrono::duration<double>(Clock::now() - began_).count());
  co_return !broken_ && !response.close;
}

awaitable<void> Connection::stream_in(AnalyzeStream& stream, uint64_t left) {
  while (left > 0 && !broken_) {
    if (!stream.wants_input()) {
      co_await in_signal_->wait();
      continue;
    }
    if (in_.empty()) {
      deadline_ = Clock::now() + kProgress;
      if (!co_await read_more()) broken_ = true;
      deadline_ = Clock::time_point::max();
      if (broken_) out_signal_->tell();
      continue;
    }
    const size_t usable = static_cast<size_t>(std::min<uint64_t>(left, in_.size()));
    left -= usable;
    stream.feed(std::string_view(in_).substr(0, usable), left == 0);
    in_.erase(0, usable);
  }
  if (left == 0) stream.feed({}, true);
}

awaitable<void> Connection::stream_out(AnalyzeStream& stream, bool chunked) {
  while (!broken_) {
    const bool last = stream.complete();
    std::string output = stream.take_output();
    if (!output.empty()) in_signal_->tell();  // there is room for more
    if (chunked && !output.empty()) output = chunk_of(output);
    if (chunked && last) output += "0\r\n\r\n";
    if (!output.empty() && !co_await write(output, "")) broken_ = true;
    if (last) co_return;
    if (output.empty()) co_await out_signal_->wait();
  }
  in_signal_->tell();
}

}  // namespace valence::serve
