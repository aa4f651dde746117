#include "serve/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <list>
#include <thread>

#include "base/error.h"
#include "base/interrupt.h"
#include "serve/connection.h"
#include "serve/systemd.h"

namespace valence::serve {

namespace asio = boost::asio;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;
using Clock = Connection::Clock;

namespace {

constexpr std::chrono::seconds kDrain{9};         // at most, for what has been received
constexpr std::chrono::milliseconds kEnd{300};    // then, for the engine to let go
constexpr std::chrono::milliseconds kGrace{250};  // for requests that are on their way when it begins
constexpr std::chrono::milliseconds kSweep{500};  // how often deadlines are looked at
constexpr rlim_t kSpareFiles = 64;

std::string in_words(const tcp::endpoint& endpoint, bool tls) {
  const std::string address = endpoint.address().to_string();
  const std::string host = endpoint.address().is_v6() ? "[" + address + "]" : address;
  return (tls ? "https://" : "http://") + host + ":" + std::to_string(endpoint.port());
}

void say(const std::string& line) { std::fprintf(stderr, "valence: %s\n", printable(line).c_str()); }

// How many connections the limit of open files allows, after raising it.
size_t most_connections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 512;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65'536);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur > 2 * kSpareFiles ? limit.rlim_cur - kSpareFiles : kSpareFiles;
}

class Server {
 public:
  Server(const ServerOptions& options, Models::Load load)
      : options_(options),
        acceptor_(io_),
        models_(std::move(load)),
        scheduler_(
            {models_.first()->classifier->workers()},
            [this](std::function<void()> call) { asio::post(io_, std::move(call)); }, metrics_),
        shared_{{models_, scheduler_, metrics_, options.limits}, options.key} {}

  void run() {
    load_tls();
    listen();
    asio::signal_set signals(io_, SIGTERM, SIGINT, SIGHUP);
    asio::co_spawn(io_, accept(), asio::detached);
    asio::co_spawn(io_, watch(signals), asio::detached);
    asio::co_spawn(io_, sweep(), asio::detached);
    std::printf("%s\n", in_words(acceptor_.local_endpoint(), tls_.has_value()).c_str());
    std::fflush(stdout);
    notify_systemd("READY=1");
    io_.run();
    if (reloading_.joinable()) reloading_.join();
  }

 private:
  void load_tls() {
    if (options_.tls_certificate.empty() && options_.tls_key.empty()) return;
    if (options_.tls_certificate.empty() || options_.tls_key.empty())
      throw Error(ErrorCode::kUsage, "serve: --tls-cert and --tls-key go together");
    tls_.emplace(asio::ssl::context::tls_server);
    tls_->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                      asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1);
    boost::system::error_code error;
    tls_->use_certificate_chain_file(options_.tls_certificate, error);
    if (error)
      throw Error(ErrorCode::kBadConfig, "serve: " + printable(options_.tls_certificate) +
                                             ": no certificate can be read: " + error.message());
    tls_->use_private_key_file(options_.tls_key, asio::ssl::context::pem, error);
    if (error)
      throw Error(ErrorCode::kBadConfig, "serve: " + printable(options_.tls_key) +
                                             ": no key of that certificate can be read: " + error.message());
  }

  tcp::endpoint endpoint_of_options() {
    boost::system::error_code error;
    tcp::resolver resolver(io_);
    const auto found = resolver.resolve(options_.host, std::to_string(options_.port),
                                        tcp::resolver::passive | tcp::resolver::numeric_service, error);
    if (error || found.empty())
      throw Error(ErrorCode::kUsage, "serve: " + printable(options_.host) + " is no address of this machine");
    return found.begin()->endpoint();
  }

  void listen() {
    boost::system::error_code error;
    const int inherited = inherited_socket();
    if (inherited >= 0) {
      acceptor_.assign(tcp::v4(), inherited, error);
      if (!error) check_is_safe(acceptor_.local_endpoint(error).address());
    } else {
      const tcp::endpoint endpoint = endpoint_of_options();
      check_is_safe(endpoint.address());
      acceptor_.open(endpoint.protocol(), error);
      if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
      if (!error) acceptor_.bind(endpoint, error);
      if (!error) acceptor_.listen(4096, error);
      if (error)
        throw Error(ErrorCode::kRuntime, "serve: cannot listen on " + in_words(endpoint, tls_.has_value()) +
                                             ": " + error.message());
    }
    if (error) throw Error(ErrorCode::kRuntime, "serve: the socket that was handed over: " + error.message());
  }

  void check_is_safe(const asio::ip::address& address) const {
    if (address.is_loopback() || options_.plain) return;
    if (options_.key.empty() || !tls_) {
      throw Error(ErrorCode::kUsage,
                  "serve: " + address.to_string() +
                      " can be reached by others: give --api-key-file, --tls-cert and --tls-key, "
                      "or --plain to go without");
    }
  }

  awaitable<void> accept() {
    const size_t most = most_connections();
    while (acceptor_.is_open()) {
      boost::system::error_code error;
      if (connections_.size() >= most) {
        asio::steady_timer pause(io_, kSweep);
        co_await pause.async_wait(redirect_error(use_awaitable, error));
        continue;
      }
      tcp::socket socket = co_await acceptor_.async_accept(redirect_error(use_awaitable, error));
      if (error && acceptor_.is_open()) {  // no descriptor is left, or the client is gone
        asio::steady_timer pause(io_, std::chrono::milliseconds(50));
        co_await pause.async_wait(redirect_error(use_awaitable, error));
        continue;
      }
      if (error) break;
      take(std::move(socket));
    }
  }

  void take(tcp::socket socket) {
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto connection =
        std::make_shared<Connection>(ByteStream(std::move(socket), tls_ ? &*tls_ : nullptr), shared_);
    connections_.push_back(connection);
    const auto place = std::prev(connections_.end());
    asio::co_spawn(io_, connection->run(),
                   [this, place](const std::exception_ptr&) { connections_.erase(place); });
  }

  // Who has connected is served, whether or not that was seen yet.
  void drain() {
    notify_systemd("STOPPING=1");
    shared_.draining = true;
    drain_began_ = Clock::now();
    boost::system::error_code error;
    acceptor_.non_blocking(true, error);
    while (!error) {
      tcp::socket socket(io_);
      acceptor_.accept(socket, error);
      if (!error) take(std::move(socket));
    }
    acceptor_.close(error);
  }

  // The one clock of all deadlines. Ends when the server has drained.
  awaitable<void> sweep() {
    asio::steady_timer timer(io_);
    while (!shared_.draining || (!connections_.empty() && Clock::now() < drain_began_ + kDrain + kEnd)) {
      timer.expires_after(shared_.draining ? std::chrono::milliseconds(20) : kSweep);
      boost::system::error_code ignored;
      co_await timer.async_wait(redirect_error(use_awaitable, ignored));
      const Clock::time_point now = Clock::now();
      const bool over = shared_.draining && now > drain_began_ + kDrain;
      const bool idle_may_go = shared_.draining && now > drain_began_ + kGrace;
      for (const auto& connection : connections_) {
        connection->notice_end();
        if (over || connection->is_late(now) || (idle_may_go && connection->is_idle())) connection->close();
      }
    }
    set_interrupted(true);  // a long text in the engine
    io_.stop();
  }

  awaitable<void> watch(asio::signal_set& signals) {
    while (true) {
      const int number = co_await signals.async_wait(use_awaitable);
      if (number == SIGHUP) {
        reload();
      } else if (shared_.draining) {
        set_interrupted(true);
        io_.stop();  // asked twice
      } else {
        drain();
      }
    }
  }

  // In a thread of its own: requests go on meanwhile. Asked for once more, it begins anew at the end.
  void reload() {
    reload_again_ = reloading_now_;
    if (reloading_now_) return;
    if (reloading_.joinable()) reloading_.join();
    reloading_now_ = true;
    notify_systemd("RELOADING=1");
    reloading_ = std::thread([this] {
      try {
        models_.reload();
        say("the models are loaded again");
      } catch (const std::exception& error) {
        say(std::string("the models stay as they are: ") + error.what());
      }
      notify_systemd("READY=1");
      asio::post(io_, [this] {
        reloading_now_ = false;
        if (reload_again_) reload();
      });
    });
  }

  ServerOptions options_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  std::optional<asio::ssl::context> tls_;
  Metrics metrics_;
  Models models_;
  std::list<std::shared_ptr<Connection>> connections_;
  Scheduler scheduler_;
  Shared shared_;
  Clock::time_point drain_began_;
  std::thread reloading_;
  bool reloading_now_ = false, reload_again_ = false;
};

}  // namespace

void serve(const ServerOptions& options, Models::Load load) { Server(options, std::move(load)).run(); }

}  // namespace valence::serve
