// The two protocols by which systemd starts a service: sockets that it has opened, and word that it is ready.
// Nothing happens where the program was started by something else.
#pragma once

namespace valence::serve {

// The descriptor of the first listening socket that was handed over, or -1 (sd_listen_fds).
int inherited_socket();

// Sends a state such as "READY=1" (sd_notify).
void notify_systemd(const char* state);

}  // namespace valence::serve
