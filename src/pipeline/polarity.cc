#include "pipeline/polarity.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

namespace valence::pipeline {
namespace {

// Lower-case letters and digits, every run of anything else as one space: "Very_Negative" -> "very negative".
std::string normalized(const std::string& label) {
  std::string out;
  for (const char c : label) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80) {
      out += upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::optional<double> place_of(const std::string& name, bool has_extremes) {
  static const std::map<std::string, int, std::less<>> kSides = {
      {"negative", -1}, {"neg", -1},     {"bearish", -1}, {"neutral", 0}, {"neu", 0},
      {"mixed", 0},     {"positive", 1}, {"pos", 1},      {"bullish", 1}};
  static const std::map<std::string, double, std::less<>> kExtremes = {
      {"very negative", -1}, {"very positive", 1}, {"1 star", -1}, {"2 stars", -0.5},
      {"3 stars", 0},        {"4 stars", 0.5},     {"5 stars", 1}};
  if (const auto side = kSides.find(name); side != kSides.end())
    return side->second * (has_extremes ? 0.5 : 1.0);
  if (const auto extreme = kExtremes.find(name); extreme != kExtremes.end()) return extreme->second;
  return std::nullopt;
}

}  // namespace

std::vector<double> label_polarities(std::span<const std::string> labels) {
  std::vector<std::string> names;
  for (const std::string& label : labels) names.push_back(normalized(label));
  const bool has_extremes = std::any_of(names.begin(), names.end(),
                                        [](const std::string& name) { return name.starts_with("very "); });
  std::vector<double> places;
  for (const std::string& name : names) {
    const std::optional<double> place = place_of(name, has_extremes);
    if (!place) return {};
    places.push_back(*place);
  }
  // One side alone ("positive" and nothing else) is no scale.
  const auto [least, most] = std::minmax_element(places.begin(), places.end());
  if (places.empty() || *least >= 0 || *most <= 0) return {};
  return places;
}

double polarity(std::span<const double> places, std::span<const float> probabilities) {
  if (places.empty()) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (size_t k = 0; k < places.size(); ++k) sum += places[k] * static_cast<double>(probabilities[k]);
  return std::clamp(sum, -1.0, 1.0);
}

}  // namespace valence::pipeline
