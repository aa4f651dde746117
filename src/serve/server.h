// The server: listens, keeps the connections, drains on SIGTERM and SIGINT, reloads on SIGHUP.
#pragma once

#include <cstdint>
#include <string>

#include "serve/context.h"

namespace valence::serve {

struct ServerOptions {
  std::string host = "127.0.0.1";        // an address or a name
  uint16_t port = 8080;                  // 0: any free one
  std::string key;                       // empty: none is asked for
  std::string tls_certificate, tls_key;  // files of PEM; both or none
  bool plain = false;                    // another address than loopback may go without key and TLS
  Limits limits;
};

// Prints the address on standard output once it answers, and returns when it has drained. A socket that
// systemd hands over (LISTEN_FDS) is used in place of host and port; systemd is told when the server is
// ready. Errors: kUsage for an address that is not safe; kRuntime when it is taken; kNoInput and kBadConfig
// for the files of TLS; those of `load`.
void serve(const ServerOptions& options, Models::Load load);

}  // namespace valence::serve
