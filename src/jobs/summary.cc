#include "jobs/summary.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <utility>

#include "base/error.h"

namespace valence::jobs {
namespace {

std::string formatted(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

std::string padded(std::string text, size_t width, bool right) {
  if (text.size() < width) text.insert(right ? 0 : text.size(), width - text.size(), ' ');
  return text;
}

std::string bar(double share) {
  std::string out;
  for (int i = 0; i < static_cast<int>(std::lround(share * 30)); ++i) out += "█";
  return out;
}

// A line for each of the most frequent languages; nothing where there is one only.
std::string by_language(const Summary& summary) {
  constexpr size_t kShown = 12;
  if (summary.languages.size() < 2) return "";
  std::vector<std::pair<std::string, Summary::Language>> all(summary.languages.begin(),
                                                             summary.languages.end());
  std::ranges::stable_sort(all, std::greater{}, [](const auto& one) { return one.second.rows; });
  const double answered = static_cast<double>(summary.rows - summary.rejected);
  const size_t width = with_commas(all.front().second.rows).size();
  std::string out;
  for (size_t k = 0; k < std::min(kShown, all.size()); ++k) {
    const auto& [name, language] = all[k];
    out += padded(name, 4, false) + padded(with_commas(language.rows), width, true) +
           padded(formatted("%.1f%%", 100 * static_cast<double>(language.rows) / answered), 8, true);
    if (language.with_polarity > 0) {
      const double mean = language.polarity_sum / static_cast<double>(language.with_polarity);
      out += "  polarity " + formatted("%+.3f", mean);
    }
    if (language.translated > 0) out += "  " + with_commas(language.translated) + " translated";
    out += "\n";
  }
  if (all.size() > kShown) out += "and " + std::to_string(all.size() - kShown) + " more languages\n";
  return out;
}

std::string rate(uint64_t count, double seconds) {
  return with_commas(static_cast<uint64_t>(static_cast<double>(count) / std::max(seconds, 1e-3)));
}

}  // namespace

void Summary::add(const pipeline::Result& result) {
  ++rows;
  ++run_rows;
  tokens += static_cast<uint64_t>(result.tokens);
  run_tokens += static_cast<uint64_t>(result.tokens);
  truncated += result.truncated;
  in_windows += result.windows > 1;
  const auto label = static_cast<size_t>(result.label);
  if (label >= labels.size()) labels.resize(label + 1);
  ++labels[label];
  if (!std::isnan(result.polarity)) {
    polarity_sum += result.polarity;
    ++with_polarity;
  }
  if (result.routing) add_language(*result.routing, result.polarity);
}

void Summary::add_language(const pipeline::Routing& routing, double polarity) {
  Language& language = languages[routing.language];
  ++language.rows;
  language.translated += routing.route == pipeline::Route::kTranslated;
  failed_translations += std::ranges::any_of(
      routing.warnings, [](const std::string& warning) { return warning.starts_with("translation_"); });
  if (std::isnan(polarity)) return;
  language.polarity_sum += polarity;
  ++language.with_polarity;
}

void Summary::add_reject() {
  ++rows;
  ++run_rows;
  ++rejected;
}

std::string with_commas(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string duration(double seconds) {
  if (seconds < 10) return formatted("%.1f s", seconds);
  const auto whole = static_cast<uint64_t>(std::llround(seconds));
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

std::string describe(const Summary& summary, const std::vector<std::string>& labels,
                     const std::vector<std::string>& notes) {
  std::string out;
  const uint64_t answered = summary.rows - summary.rejected;
  size_t label_width = 0, count_width = 0;
  for (const std::string& label : labels) label_width = std::max(label_width, printable(label, 40).size());
  for (const uint64_t count : summary.labels) count_width = std::max(count_width, with_commas(count).size());
  for (size_t i = 0; i < labels.size() && answered > 0; ++i) {
    const uint64_t count = i < summary.labels.size() ? summary.labels[i] : 0;
    const double share = static_cast<double>(count) / static_cast<double>(answered);
    out += padded(printable(labels[i], 40), label_width, false) + "  " +
           padded(with_commas(count), count_width, true) + "  " +
           padded(formatted("%.1f%%", 100 * share), 6, true) + "  " + bar(share) + "\n";
  }
  if (summary.with_polarity > 0) {
    const double mean = summary.polarity_sum / static_cast<double>(summary.with_polarity);
    out += "mean polarity " + formatted("%+.3f", mean) + "\n";
  }
  out += by_language(summary);
  out += with_commas(summary.rows) + (summary.rows == 1 ? " row, " : " rows, ") +
         with_commas(summary.rejected) + " rejected; " + duration(summary.seconds) + ", " +
         rate(summary.run_rows, summary.seconds) + " texts/s, " + rate(summary.run_tokens, summary.seconds) +
         " tokens/s\n";
  if (summary.in_windows > 0) out += with_commas(summary.in_windows) + " long texts were read in windows\n";
  if (summary.truncated > 0) out += with_commas(summary.truncated) + " long texts were cut\n";
  if (summary.failed_translations > 0)
    out +=
        with_commas(summary.failed_translations) + " texts could not be translated and took another route\n";
  for (const std::string& note : notes) out += note + "\n";
  return out;
}

}  // namespace valence::jobs
