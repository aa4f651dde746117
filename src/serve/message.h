// A request whose body has arrived, and the answer to it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serve/head_guard.h"

namespace valence::serve {

// Set when the client is gone: what was not begun need not be.
using Abandoned = std::shared_ptr<std::atomic<bool>>;

struct Request {
  Head head;
  std::string name;  // the model in the path, of a route that has one
  std::string body;
  Abandoned abandoned = nullptr;  // null: it cannot be known
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string_view lasting_body = {};  // in place of `body`: bytes that live as long as the program
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool close = false;  // the connection ends with it
};

// Takes one answer, on the thread of the connections.
using Respond = std::function<void(Response)>;

// What cannot be answered, in the words of its dialect; thrown by the readers of bodies.
struct Refused {
  int status;
  std::string code;
  std::string message;
};

}  // namespace valence::serve
