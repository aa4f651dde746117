// A client's bytes, in the clear or under TLS.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <optional>
#include <string_view>

namespace valence::serve {

class ByteStream {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using ErrorCode = boost::system::error_code;

  // `tls` may be null; it outlives the stream.
  ByteStream(Socket socket, boost::asio::ssl::context* tls);

  Socket& socket() { return tls_ ? tls_->next_layer() : *plain_; }
  bool is_tls() const { return tls_.has_value(); }

  // Each sets `error` in place of throwing.
  boost::asio::awaitable<void> handshake(ErrorCode& error);
  // How many bytes came, 1 or more unless there is an error.
  boost::asio::awaitable<size_t> read_some(char* data, size_t size, ErrorCode& error);
  // All of both.
  boost::asio::awaitable<void> write(std::string_view first, std::string_view second, ErrorCode& error);
  // Says that nothing more will be written.
  boost::asio::awaitable<void> shutdown(ErrorCode& error);

 private:
  std::optional<Socket> plain_;
  std::optional<boost::asio::ssl::stream<Socket>> tls_;
};

}  // namespace valence::serve
