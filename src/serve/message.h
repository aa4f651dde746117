// A request whose body has arrived, and the answer to it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serve/head_guard.h"

namespace valence::serve {

struct Request {
  Head head;
  std::string name;  // the model in the path, of a route that has one
  std::string body;
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
