// A report with two faces: aligned lines for people, one JSON object for programs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/json.h"

namespace valence::app {

class Report {
 public:
  // One line for people ("cores   2 usable") and the member `key` of the object.
  void add(std::string key, std::string text, formats::Json value);

  std::string text() const;
  std::string json() const;

 private:
  struct Entry {
    std::string key, text;
  };
  std::vector<Entry> entries_;
  formats::Json::Object object_;
};

// A member of an object under construction.
formats::Json::Member member(std::string key, std::string value);
formats::Json::Member member(std::string key, const char* value);
formats::Json::Member member(std::string key, double value);
formats::Json::Member member(std::string key, int64_t value);
formats::Json::Member member(std::string key, bool value);
formats::Json::Member member(std::string key, formats::Json value);

}  // namespace valence::app
