#include "language/detector.h"

#include <algorithm>

#include "base/files.h"
#include "language/clean_text.h"
#include "language/judge.h"
#include "language/segmentation.h"

// The bytes of the model, placed by language_model_file.S.
extern "C" {
extern const std::byte valence_language_model[], valence_language_model_end[];
}

namespace valence::language {

namespace {

constexpr double kSure = 0.9;  // confidence of a part

}  // namespace

class Detector::Impl {
 public:
  explicit Impl(FastTextFile file) : model_(std::move(file)), judge_(model_) {}

  const FastTextModel& model() const { return model_; }

  Detection detect(std::string_view text) const {
    thread_local CleanText clean;
    thread_local WordSums sums;
    clean_text(text, clean);
    Detection result;
    if (clean.words.empty()) return result;
    judge_.sum_words(clean, sums);
    result.script = script_code(Judge::main_script(clean, {0, clean.words.size()}));
    std::vector<Judged> parts = judge_parts(clean, sums);
    if (parts.size() > 1) join_alike(clean, sums, parts);
    size_t most = 0;
    double weighted = 0;
    const auto letters_of = [&](const Judged& part) {
      size_t letters = 0;
      for (const Judged& other : parts) {
        if (other.answer.language == part.answer.language) letters += letters_in(clean, other.range);
      }
      return letters;
    };
    for (const Judged& part : parts) {
      if (part.answer.language < 0) continue;
      const std::string& code = judge_.code(part.answer.language);
      result.parts.push_back(
          {clean.words[part.range.begin].begin, clean.words[part.range.end - 1].end, code});
      const size_t letters = letters_of(part);
      if (letters <= most) continue;
      most = letters;
      result.language = code;
      weighted = part.answer.confidence;
    }
    result.confidence = std::clamp(weighted, 0.0, 1.0);
    return result;
  }

 private:
  struct Judged {
    WordRange range;
    Judgement answer;
  };

  static size_t letters_in(const CleanText& clean, WordRange range) {
    size_t letters = 0;
    for (size_t i = range.begin; i < range.end; ++i) {
      letters += clean.words[i].letters * weight_of_letter(clean.words[i].script);
    }
    return letters;
  }

  // Each run of a script is one part, or several where both models see more than one language: CLD2 in the
  // run, or the two together, beyond doubt, in each of the parts.
  std::vector<Judged> judge_parts(const CleanText& clean, const WordSums& sums) const {
    std::vector<Judged> parts;
    for (const WordRange& run : runs_of_script(clean)) {
      std::vector<Judged> cut;
      bool sure = true;
      for (const WordRange& range : cut_run(judge_, clean, sums, run)) {
        cut.push_back({range, judge_.judge(clean, sums, range)});
        sure = sure && cut.back().answer.confidence >= kSure;
      }
      if (cut.size() > 1 && !sure && Judge::is_one_to_cld2(clean, run)) {
        cut = {{run, judge_.judge(clean, sums, run)}};
      }
      parts.insert(parts.end(), cut.begin(), cut.end());
    }
    return parts;
  }

  // Neighbours in the same language are one part; what has no language of its own goes to its neighbour.
  void join_alike(const CleanText& clean, const WordSums& sums, std::vector<Judged>& parts) const {
    std::vector<Judged> joined;
    for (const Judged& part : parts) {
      const bool alike = !joined.empty() && (part.answer.language == joined.back().answer.language ||
                                             part.answer.language < 0 || joined.back().answer.language < 0);
      if (alike) {
        joined.back().range.end = part.range.end;
        joined.back().answer = judge_.judge(clean, sums, joined.back().range);
      } else {
        joined.push_back(part);
      }
    }
    parts = std::move(joined);
  }

  FastTextModel model_;
  Judge judge_;
};

Detector::Detector(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;
Detector::~Detector() = default;

Detector Detector::load(const std::filesystem::path& path) {
  const auto file = map_file(path);
  return Detector(std::make_unique<const Impl>(read_fasttext(file->bytes(), path.string())));
}

Detector Detector::embedded() {
  return Detector(std::make_unique<const Impl>(
      read_fasttext({valence_language_model, valence_language_model_end}, "the embedded model")));
}

Detection Detector::detect(std::string_view text) const { return impl_->detect(text); }

std::vector<LanguageScore> Detector::candidates(std::string_view text, size_t count) const {
  std::vector<LanguageScore> scores;
  for (const Candidate& candidate : impl_->model().best(text, count)) {
    scores.push_back({impl_->model().labels()[candidate.label], candidate.probability});
  }
  return scores;
}

}  // namespace valence::language
