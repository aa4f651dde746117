#include "train/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/files.h"

namespace valence::train {
namespace {

void write_text(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

// A label as a cell of a Markdown table.
std::string cell(const std::string& label) {
  std::string out;
  for (const char c : printable(label, 60)) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string metrics_text(const CardFacts& facts) {
  if (facts.squared_error) {
    return fmt::format("Mean squared error on the {} validation rows: {:.4f}\n", facts.validation_rows,
                       *facts.squared_error);
  }
  if (!facts.metrics) return "Nothing was measured: the run had no validation rows.\n";
  const Metrics& m = *facts.metrics;
  std::string out = fmt::format(
      "On the {} validation rows, by which the weights were chosen:\n\n"
      "| accuracy | macro-F1 | macro-recall | calibration error |\n|---|---|---|---|\n"
      "| {:.4f} | {:.4f} | {:.4f} | {:.4f} |\n\n| label | precision | recall | F1 | rows "
      "|\n|---|---|---|---|---|\n",
      m.rows, m.accuracy, m.macro_f1, m.macro_recall, m.ece);
  for (size_t c = 0; c < m.classes.size(); ++c) {
    out += fmt::format("| {} | {:.4f} | {:.4f} | {:.4f} | {} |\n", cell(facts.labels[c]),
                       m.classes[c].precision, m.classes[c].recall, m.classes[c].f1, m.classes[c].support);
  }
  if (m.confusion.empty()) return out;
  out += "\nConfusion matrix, a row for each true label:\n\n| |";
  for (const std::string& label : facts.labels) out += fmt::format(" {} |", cell(label));
  out += "\n|---|";
  for (size_t c = 0; c < facts.labels.size(); ++c) out += "---|";
  for (size_t c = 0; c < m.confusion.size(); ++c) {
    out += fmt::format("\n| {} |", cell(facts.labels[c]));
    for (const int64_t count : m.confusion[c]) out += fmt::format(" {} |", count);
  }
  return out + "\n";
}

// One curve within a frame.
class Plot {
 public:
  Plot(double left, double width, double top, double height)
      : left_(left), width_(width), top_(top), height_(height) {}

  void add(const std::vector<std::pair<double, double>>& points, double last_step, double low, double high,
           const char* color, std::string& svg) const {
    svg += fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\" points=\"", color);
    for (const auto& [step, value] : points) {
      const double share = high > low ? (value - low) / (high - low) : 0.5;
      svg += fmt::format("{:.1f},{:.1f} ", left_ + width_ * step / std::max(last_step, 1.0),
                         top_ + height_ * (1 - share));
    }
    svg += "\"/>\n";
  }
  void frame(const std::string& title, double low, double high, std::string& svg) const {
    svg += fmt::format(
        "<path fill=\"none\" stroke=\"#888\" d=\"M{0:.0f} {1:.0f}V{2:.0f}H{3:.0f}\"/>\n"
        "<text x=\"{0:.0f}\" y=\"{4:.0f}\">{5}</text>\n"
        "<text x=\"{6:.0f}\" y=\"{7:.0f}\" text-anchor=\"end\">{8:.3g}</text>\n"
        "<text x=\"{6:.0f}\" y=\"{2:.0f}\" text-anchor=\"end\">{9:.3g}</text>\n",
        left_, top_, top_ + height_, left_ + width_, top_ - 8, title, left_ - 6, top_ + 10, high, low);
  }

 private:
  double left_, width_, top_, height_;
};

using Curve = std::vector<std::pair<double, double>>;

Curve curve_of(const RunState& state, std::optional<double> LogEntry::* figure) {
  Curve curve;
  for (const LogEntry& entry : state.history) {
    const std::optional<double>& value = entry.*figure;
    if (value && std::isfinite(*value)) curve.emplace_back(static_cast<double>(entry.step), *value);
  }
  return curve;
}

std::pair<double, double> range_of(std::initializer_list<const Curve*> curves) {
  double low = 1e300, high = -1e300;
  for (const Curve* curve : curves) {
    for (const auto& [step, value] : *curve) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  return low > high ? std::pair(0.0, 1.0) : std::pair(low, high);
}

}  // namespace

void write_card(const Settings& settings, const CardFacts& facts, const std::filesystem::path& file) {
  std::string labels;
  for (const std::string& label : facts.labels) labels += (labels.empty() ? "" : ", ") + cell(label);
  const std::string text = fmt::format(
      "---\nlibrary_name: {}\npipeline_tag: text-classification\nbase_model: {}\n---\n\n"
      "# A text classifier\n\n"
      "Trained by `valence train` from {} with the method {}: {} of {} parameters ({:.2f}%), {} rows.\n"
      "Labels: {}.\n\n## Metrics\n\n{}\n## Settings\n\n"
      "`train.toml` beside this file holds all of them; `curves.svg` shows the course of the run.\n"
      "`valence train --config train.toml -o NEW` repeats it.\n\n"
      "## Use\n\n```\nvalence analyze --model path/to/this/folder \"some text\"\n```\n",
      settings.method == "full" ? "transformers" : "peft", facts.base, facts.base, settings.method,
      facts.trainable, facts.parameters,
      100.0 * static_cast<double>(facts.trainable) /
          static_cast<double>(std::max<int64_t>(facts.parameters, 1)),
      facts.rows, labels, metrics_text(facts));
  write_text(file, text);
}

void write_curves(const RunState& state, const std::filesystem::path& file) {
  const Curve loss = curve_of(state, &LogEntry::loss), eval_loss = curve_of(state, &LogEntry::eval_loss);
  const Curve accuracy = curve_of(state, &LogEntry::eval_accuracy),
              f1 = curve_of(state, &LogEntry::eval_macro_f1);
  const Curve rate = curve_of(state, &LogEntry::learning_rate);
  const auto last = static_cast<double>(state.steps);
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 300\" font-family=\"sans-serif\" "
      "font-size=\"12\" fill=\"#333\">\n<rect width=\"960\" height=\"300\" fill=\"#fff\"/>\n";
  const auto draw = [&](double left, const std::string& title, std::initializer_list<const Curve*> curves) {
    const Plot plot(left, 240, 40, 220);
    const auto [low, high] = range_of(curves);
    plot.frame(title, low, high, svg);
    const char* colors[] = {"#1f6feb", "#d1480f"};
    size_t k = 0;
    for (const Curve* curve : curves) plot.add(*curve, last, low, high, colors[k++ % 2], svg);
  };
  draw(60, "loss (blue: training, orange: validation)", {&loss, &eval_loss});
  draw(380, "accuracy (blue), macro-F1 (orange)", {&accuracy, &f1});
  draw(700, "learning rate", {&rate});
  write_text(file, svg + "</svg>\n");
}

}  // namespace valence::train
