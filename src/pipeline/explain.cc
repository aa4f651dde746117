#include "pipeline/explain.h"

#include <algorithm>

#include "base/error.h"

namespace valence::pipeline {

std::vector<text::Segment> parts_to_leave_out(std::string_view text, size_t most) {
  const std::vector<text::Segment> words = text::words(text);
  const size_t each = words.size() / most + (words.size() % most != 0);
  std::vector<text::Segment> parts;
  for (size_t k = 0; k < words.size(); k += each) {
    parts.push_back({words[k].begin, words[std::min(k + each, words.size()) - 1].end});
  }
  return parts;
}

std::string without(std::string_view text, const text::Segment& part) {
  std::string out(text.substr(0, part.begin));
  std::string_view rest = text.substr(part.end);
  if (rest.starts_with(' ') && (out.empty() || out.back() == ' ')) rest.remove_prefix(1);
  return out.append(rest);
}

std::vector<Attribution> attributions(const Result& whole, std::span<const text::Segment> parts,
                                      std::span<const Result> without, std::span<const Result> alone) {
  VALENCE_CHECK(parts.size() == without.size() && parts.size() == alone.size());
  const auto label = static_cast<size_t>(whole.label);
  const size_t labels = whole.scores.size();
  const double nothing = labels == 1 ? 0 : 1.0 / static_cast<double>(labels);
  const auto score = [&](const Result& result) {
    return result.scores.empty() ? nothing : static_cast<double>(result.scores[label]);
  };
  std::vector<Attribution> out;
  out.reserve(parts.size());
  double unexplained = score(whole) - nothing;
  for (size_t k = 0; k < parts.size(); ++k) {
    out.push_back({parts[k], (score(whole) - score(without[k]) + score(alone[k]) - nothing) / 2});
    unexplained -= out.back().weight;
  }
  for (Attribution& part : out) part.weight += unexplained / static_cast<double>(parts.size());
  return out;
}

}  // namespace valence::pipeline
