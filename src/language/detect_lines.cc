#include "language/detect_lines.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <mutex>

#include "base/utf8.h"
#include "formats/json.h"

namespace valence::language {
namespace {

constexpr size_t kCandidates = 5;
constexpr size_t kNamedRejects = 10;

template <typename Number>
void append_number(std::string& out, Number value) {
  char digits[32];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// Four digits behind the point: the rest would be noise.
void append_confidence(std::string& out, double value) {
  append_number(out, std::round(value * 10'000) / 10'000);
}

void append_detection(const Detection& detection, std::string& out) {
  out += "\"language\":";
  formats::append_json_string(out, detection.language);
  out += ",\"script\":";
  formats::append_json_string(out, detection.script);
  out += ",\"confidence\":";
  append_confidence(out, detection.confidence);
  out += ",\"parts\":[";
  for (size_t i = 0; i < detection.parts.size(); ++i) {
    const Part& part = detection.parts[i];
    out += i == 0 ? "{\"begin\":" : ",{\"begin\":";
    append_number(out, part.begin);
    out += ",\"end\":";
    append_number(out, part.end);
    out += ",\"language\":";
    formats::append_json_string(out, part.language);
    out += '}';
  }
  out += ']';
}

void append_candidates(const std::vector<LanguageScore>& candidates, std::string& out) {
  out += ",\"candidates\":[";
  for (size_t i = 0; i < candidates.size(); ++i) {
    out += i == 0 ? "{\"language\":" : ",{\"language\":";
    formats::append_json_string(out, candidates[i].language);
    out += ",\"confidence\":";
    formats::append_json_number(out, static_cast<float>(candidates[i].confidence));
    out += '}';
  }
  out += ']';
}

}  // namespace

DetectOutcome detect_lines(const Detector& detector, bool all, int threads, const text::ReadText& read,
                           const text::WriteText& write) {
  DetectOutcome outcome;
  std::mutex mutex;
  const auto reject = [&](uint64_t line) {
    const std::lock_guard lock(mutex);
    ++outcome.rejected;
    auto& first = outcome.first_rejected;
    first.insert(std::upper_bound(first.begin(), first.end(), line), line);
    if (first.size() > kNamedRejects) first.pop_back();
  };
  text::for_each_block(threads, read, write, [&](const text::LineBlock& block, int, std::string& out) {
    std::string_view rest = block.text;
    for (uint64_t number = block.first_line; !rest.empty(); ++number) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view line = rest.substr(0, end);
      if (end < rest.size() && line.ends_with('\r')) line.remove_suffix(1);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (!is_valid_utf8(line)) {
        reject(number);
        continue;
      }
      out += "{\"line\":";
      append_number(out, number);
      out += ',';
      append_detection(detector.detect(line), out);
      if (all) append_candidates(detector.candidates(line, kCandidates), out);
      out += "}\n";
    }
  });
  return outcome;
}

}  // namespace valence::language
