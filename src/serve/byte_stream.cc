#include "serve/byte_stream.h"

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace valence::serve {

namespace asio = boost::asio;
using asio::redirect_error;
using asio::use_awaitable;

ByteStream::ByteStream(Socket socket, asio::ssl::context* tls) {
  if (tls == nullptr) {
    plain_.emplace(std::move(socket));
  } else {
    tls_.emplace(std::move(socket), *tls);
  }
}

asio::awaitable<void> ByteStream::handshake(ErrorCode& error) {
  if (tls_)
    co_await tls_->async_handshake(asio::ssl::stream_base::server, redirect_error(use_awaitable, error));
}

asio::awaitable<size_t> ByteStream::read_some(char* data, size_t size, ErrorCode& error) {
  const asio::mutable_buffer buffer(data, size);
  if (tls_) co_return co_await tls_->async_read_some(buffer, redirect_error(use_awaitable, error));
  co_return co_await plain_->async_read_some(buffer, redirect_error(use_awaitable, error));
}

asio::awaitable<void> ByteStream::write(std::string_view first, std::string_view second, ErrorCode& error) {
  const std::array<asio::const_buffer, 2> both{asio::buffer(first.data(), first.size()),
                                               asio::buffer(second.data(), second.size())};
  if (tls_) {
    co_await asio::async_write(*tls_, both, redirect_error(use_awaitable, error));
  } else {
    co_await asio::async_write(*plain_, both, redirect_error(use_awaitable, error));
  }
}

asio::awaitable<void> ByteStream::shutdown(ErrorCode& error) {
  if (tls_) co_await tls_->async_shutdown(redirect_error(use_awaitable, error));
  ErrorCode ignored;
  socket().shutdown(Socket::shutdown_send, ignored);
}

}  // namespace valence::serve
