#include "serve/connection.h"

#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/status.hpp>
#include <ctime>

namespace valence::serve {

namespace asio = boost::asio;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;
using Error = boost::system::error_code;
using Clock = Connection::Clock;

namespace {

constexpr std::chrono::seconds kIdle{75};       // between requests
constexpr std::chrono::seconds kWholeHead{10};  // from its first byte
constexpr std::chrono::seconds kWholeBody{15};  // from its head
constexpr std::chrono::seconds kWritten{30};    // of a piece of an answer
constexpr std::chrono::seconds kGoodbye{2};
constexpr size_t kPiece = 64 << 10;  // bytes that are read or written at once
// The most of a refused request's body that is read for the sake of the next request.
constexpr uint64_t kWorthDiscarding = 1 << 20;

const char* reason_of(int status) {
  static thread_local std::string reason;
  const auto text = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  reason.assign(text.data(), text.size());
  return reason.c_str();
}

const std::string& date() {
  static thread_local std::time_t second = 0;
  static thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != second || text.empty()) {
    second = now;
    char buffer[40];
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    text = buffer;
  }
  return text;
}

}  // namespace

Response refused(int status, const char* code, const char* message, Dialect dialect) {
  return error_response(dialect, {status, code, message});
}

std::string head_of(const Response& response, size_t length, bool chunked) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + ' ' + reason_of(response.status);
  out += "\r\nDate: " + date() + "\r\nContent-Type: " + response.content_type;
  out += chunked ? "\r\nTransfer-Encoding: chunked" : "\r\nContent-Length: " + std::to_string(length);
  out += "\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer";
  for (const auto& [name, value] : response.headers)
    out.append("\r\n").append(name).append(": ").append(value);
  if (response.close) out += "\r\nConnection: close";
  out += "\r\n\r\n";
  return out;
}

void Connection::close() {
  Error ignored;
  stream_.socket().close(ignored);
  broken_ = true;
  if (awaited_) *awaited_ = true;
  wake_stream();
}

// While an answer is awaited nothing is read, so that it would not be seen that the client has gone. One that
// closes only its own direction counts as gone too. The state of the connection tells, whatever of it is
// unread.
void Connection::notice_end() {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (awaited_ && stream_.socket().is_open() &&
      ::getsockopt(stream_.socket().native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
      info.tcpi_state != TCP_ESTABLISHED)
    *awaited_ = true;
}

bool Connection::is_idle() {
  Error ignored;
  return waiting_ && stream_.socket().available(ignored) == 0;
}

// Appends what has come to in_; false when nothing will come any more.
awaitable<bool> Connection::read_more() {
  const size_t before = in_.size();
  in_.resize(before + std::clamp<size_t>(before, 4096, kPiece));
  Error error;
  const size_t got = co_await stream_.read_some(in_.data() + before, in_.size() - before, error);
  in_.resize(before + got);
  co_return !error;
}

awaitable<bool> Connection::write(std::string_view head, std::string_view body) {
  Error error;
  write_deadline_ = Clock::now() + kWritten;
  co_await stream_.write(head, body.substr(0, kPiece), error);
  for (size_t at = kPiece; at < body.size() && !error; at += kPiece) {
    write_deadline_ = Clock::now() + kWritten;
    co_await stream_.write(body.substr(at, kPiece), {}, error);
  }
  write_deadline_ = Clock::time_point::max();
  co_return !error;
}

// False: the connection ends here; a head that must be refused is answered first.
awaitable<bool> Connection::read_head_bytes(std::string& bytes) {
  deadline_ = Clock::now() + (in_.empty() ? kIdle : kWholeHead);
  while (true) {
    const size_t end = in_.find("\r\n\r\n");
    const size_t known = end == std::string::npos ? in_.size() : end + 4;
    if (const auto wrong = check_head_so_far(std::string_view(in_).substr(0, known))) {
      Response response = refused(wrong->status, wrong->code, wrong->message);
      const Head none;  // a name: g++ 12 destroys some temporaries of co_await twice
      co_await refuse(none, std::move(response), "malformed");
      co_return false;
    }
    if (end != std::string::npos) {
      bytes = in_.substr(0, known);
      in_.erase(0, known);
      co_return true;
    }
    const bool first = in_.empty();
    waiting_ = first;
    const bool more = co_await read_more();
    waiting_ = false;
    if (!more) co_return false;
    if (first) deadline_ = Clock::now() + kWholeHead;
  }
}

awaitable<bool> Connection::read_body(const Head& head, std::string& body) {
  deadline_ = Clock::now() + kWholeBody;
  size_t held = 0;
  bool whole = true;
  while (in_.size() < head.content_length && whole) {
    const size_t before = in_.size();
    whole = co_await read_more();
    shared_.body_bytes += in_.size() - before;
    held += in_.size() - before;
    if (shared_.body_bytes > shared_.most_body_bytes) whole = false;
  }
  shared_.body_bytes -= held;
  deadline_ = Clock::time_point::max();
  if (!whole) co_return false;
  // Moved, so that no connection keeps the memory of a large body.
  std::string rest = in_.substr(head.content_length);
  in_.resize(head.content_length);
  body = std::move(in_);
  in_ = std::move(rest);
  co_return true;
}

awaitable<bool> Connection::discard_body(uint64_t left) {
  deadline_ = Clock::now() + kWholeBody;
  bool more = true;
  while (more && left > in_.size()) {
    left -= in_.size();
    in_.clear();
    more = co_await read_more();
  }
  if (more) in_.erase(0, static_cast<size_t>(left));
  co_return more;
}

// A close while the client still sends would take the answer back from it: so the end is said first.
awaitable<void> Connection::say_goodbye() {
  Error error;
  deadline_ = Clock::now() + kGoodbye;
  co_await stream_.shutdown(error);
  char scratch[4096];
  error = {};
  for (size_t read = 0; read < kWorthDiscarding && !error;) {
    // What TLS hides does not matter any more.
    read += co_await stream_.socket().async_read_some(asio::buffer(scratch),
                                                      redirect_error(use_awaitable, error));
  }
  close();
}

awaitable<bool> Connection::respond(const Head& head, Response response, const char* route) {
  const std::string_view body = response.lasting_body.empty() ? response.body : response.lasting_body;
  response.close |= !head.keep_alive || shared_.draining;
  if (head.http_1_0 && !response.close) response.headers.emplace_back("Connection", "keep-alive");
  const std::string first = head_of(response, body.size(), false);
  const bool written = co_await write(first, head.method == "HEAD" ? std::string_view() : body);
  shared_.context.metrics.count_request(route, response.status,
                                        std::chrono::duration<double>(Clock::now() - began_).count());
  co_return written && !response.close;
}

// Answers a request whose body is not read; false when the connection ends with it.
awaitable<bool> Connection::refuse(const Head& head, Response response, const char* route) {
  const bool body_may_come = head.has_length && head.content_length > 0;
  response.close |=
      head.method.empty() || (body_may_come && (head.expects_100 || head.content_length > kWorthDiscarding));
  const bool goes_on = co_await respond(head, std::move(response), route);
  if (goes_on && body_may_come) co_return co_await discard_body(head.content_length);
  if (!goes_on) co_await say_goodbye();
  co_return goes_on;
}

bool Connection::has_key(const Head& head) const {
  constexpr std::string_view kScheme = "Bearer ";
  if (shared_.key.empty()) return true;
  std::string_view given = head.authorization;
  if (given.size() < kScheme.size() || !boost::beast::iequals(given.substr(0, kScheme.size()), kScheme))
    return false;
  given.remove_prefix(kScheme.size());
  return given.size() == shared_.key.size() &&
         ::CRYPTO_memcmp(given.data(), shared_.key.data(), given.size()) == 0;
}

// What can be said before the body is read.
std::optional<Response> Connection::refusal_of(const Head& head, const Found& found) const {
  const Route* route = found.route;
  if (!(route != nullptr && route->open && found.method_allowed) && !has_key(head)) {
    Response response = refused(401, "unauthorized", "this server asks for a key: Authorization: Bearer KEY");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  if (route == nullptr) return refused(404, "not_found", "there is no such path here; see /openapi.json");
  if (!found.method_allowed) {
    Response response =
        refused(405, "method_not_allowed", "the path does not answer this method", route->dialect);
    response.headers.emplace_back("Allow", route->allow);
    return response;
  }
  if (route->body == Body::kNone) {
    if (head.content_length == 0) return {};
    Response response = refused(400, "bad_request", "a GET request has no body", route->dialect);
    response.close = true;
    return response;
  }
  return refusal_of_body(head, *route);
}

std::optional<Response> Connection::refusal_of_body(const Head& head, const Route& route) const {
  if (!head.has_length) {
    Response response = refused(411, "length_required", "a body needs a Content-Length", route.dialect);
    response.close = true;
    return response;
  }
  const Limits& limits = shared_.context.limits;
  const bool json = head.content_type == "application/json";
  const bool lines =
      route.body == Body::kStream && !json && head.content_type.find("json") != std::string::npos;
  if (head.content_length > (lines ? limits.stream_body : limits.body))
    return refused(413, "too_large", "the body is larger than this server reads", route.dialect);
  if (head.encoded)
    return refused(415, "unsupported_media_type", "encoded bodies are not read", route.dialect);
  if (!json && !lines && route.body != Body::kAny)
    return refused(415, "unsupported_media_type", "the body is application/json", route.dialect);
  if (!route.engine || !is_full()) return {};
  shared_.context.metrics.count_rejection("queue_full");
  return refused(429, "overloaded", "the queue is full; try again in a second", route.dialect);
}

bool Connection::is_full() const {
  return shared_.context.metrics.queue_depth >= static_cast<int64_t>(shared_.context.limits.queue);
}

// Hands the request to its route and waits for the answer, which may come at any time.
awaitable<Response> Connection::ask(const Route& route, Request request) {
  const auto executor = stream_.socket().get_executor();
  return asio::async_initiate<decltype(use_awaitable), void(Response)>(
      [this, &route, executor](auto handler, const Request& asked) {
        auto shared_handler = std::make_shared<decltype(handler)>(std::move(handler));
        const Respond respond = [shared_handler, executor](Response response) {
          asio::post(executor, [shared_handler, response = std::move(response)]() mutable {
            std::move (*shared_handler)(std::move(response));
          });
        };
        try {
          route.handle(shared_.context, asked, respond);
        } catch (const Refused& wrong) {
          respond(error_response(route.dialect, wrong));
        } catch (const std::exception& error) {
          respond(error_response(route.dialect, {500, "internal", error.what()}));
        }
      },
      use_awaitable, std::move(request));
}

awaitable<bool> Connection::answer(Head head, const Found& found) {
  const Route& route = *found.route;
  Request request{std::move(head), found.name, "", std::make_shared<std::atomic<bool>>(false)};
  if (request.head.expects_100 && !co_await write("HTTP/1.1 100 Continue\r\n\r\n", "")) co_return false;
  if (route.body != Body::kNone && !co_await read_body(request.head, request.body)) co_return false;
  const Head kept = request.head;
  if (route.engine && is_full()) {
    shared_.context.metrics.count_rejection("queue_full");
    Response full = refused(429, "overloaded", "the queue is full; try again in a second", route.dialect);
    co_return co_await respond(kept, std::move(full), route.path);
  }
  awaited_ = request.abandoned;
  Response response = co_await ask(route, std::move(request));
  awaited_ = nullptr;
  co_return co_await respond(kept, std::move(response), route.path);
}

awaitable<bool> Connection::one_request() {
  std::string bytes;
  if (!co_await read_head_bytes(bytes)) co_return false;
  began_ = Clock::now();
  deadline_ = Clock::time_point::max();
  Head head;
  if (const auto wrong = read_head(bytes, head)) {
    Response response = refused(wrong->status, wrong->code, wrong->message);
    response.close = true;
    co_return co_await refuse(head, std::move(response), "malformed");
  }
  const Found found = find_route(head.method, head.path);
  if (std::optional<Response> wrong = refusal_of(head, found)) {
    const char* route = found.route == nullptr ? "unknown" : found.route->path;
    co_return co_await refuse(head, std::move(*wrong), route);
  }
  if (found.route->body == Body::kStream) co_return co_await stream_answer(std::move(head), *found.route);
  co_return co_await answer(std::move(head), found);
}

awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  ++shared_.context.metrics.connections;
  Error error;
  deadline_ = Clock::now() + kWholeHead;
  co_await stream_.handshake(error);
  while (!error && co_await one_request()) {
  }
  close();
  --shared_.context.metrics.connections;
}

}  // namespace valence::serve
