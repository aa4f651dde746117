#include "language/segmentation.h"

#include <algorithm>

namespace valence::language {
namespace {

constexpr size_t kFewestWords = 8;  // of a run that is cut further
constexpr size_t kQuarters = 4;
constexpr float kPriceOfChange = 9;
constexpr float kLeastLog = -5;      // of one window, so that no single word decides
constexpr size_t kFewestOfPart = 3;  // words

// Scripts that one text mixes without changing its language.
int family(Script script) { return static_cast<int>(script == Script::kKana ? Script::kHan : script); }

size_t letters_of(const CleanText& text, WordRange range) {
  size_t letters = 0;
  for (size_t i = range.begin; i < range.end; ++i) {
    letters += text.words[i].letters * weight_of_letter(text.words[i].script);
  }
  return letters;
}

// A name or a term in another script is no part of its own.
bool is_name(const CleanText& text, WordRange run, size_t all_letters) {
  const size_t letters = letters_of(text, run);
  return letters < 20 || letters * 8 < all_letters ||
         (run.size() < 4 && weight_of_letter(text.words[run.begin].script) == 1 && letters < 30);
}

class RunCutter {
 public:
  RunCutter(const Judge& judge, const WordSums& sums, const std::vector<int>& languages, size_t labels)
      : judge_(judge), sums_(sums), logs_(labels) {
    for (const int language : languages) {
      if (static_cast<size_t>(language) < labels) languages_.push_back(language);
    }
  }

  void cut(WordRange run, std::vector<WordRange>& out) {
    const size_t quarters = run.size() < 6 * kQuarters ? 2 : kQuarters;
    states_.clear();
    for (size_t i = 0; i < quarters; ++i) {
      const int language =
          best({run.begin + run.size() * i / quarters, run.begin + run.size() * (i + 1) / quarters});
      if (std::find(states_.begin(), states_.end(), language) == states_.end()) states_.push_back(language);
    }
    if (states_.size() == 1) return out.push_back(run);
    const int whole = best(run);
    if (std::find(states_.begin(), states_.end(), whole) == states_.end()) states_.push_back(whole);
    along_path(run, out);
  }

 private:
  int best(WordRange range) {
    judge_.estimate(sums_, range, logs_);
    return *std::max_element(languages_.begin(), languages_.end(), [&](int a, int b) {
      return logs_[static_cast<size_t>(a)] < logs_[static_cast<size_t>(b)];
    });
  }

  // What each state gains from each word, from the word and its neighbours.
  void along_path(WordRange run, std::vector<WordRange>& out) {
    const size_t count = states_.size(), words = run.size();
    from_.assign(words * count, 0);
    totals_.assign(count, 0.0F);
    for (size_t i = 0; i < words; ++i) {
      const size_t at = run.begin + i;
      judge_.estimate(sums_, {std::max(run.begin + 1, at) - 1, std::min(at + 2, run.end)}, logs_);
      float most = -1e9F;
      for (const int state : states_) most = std::max(most, logs_[static_cast<size_t>(state)]);
      const auto top =
          static_cast<size_t>(std::max_element(totals_.begin(), totals_.end()) - totals_.begin());
      const float change = totals_[top] - kPriceOfChange;
      for (size_t s = 0; s < count; ++s) {
        const bool stays = i == 0 || totals_[s] >= change;
        from_[i * count + s] = stays ? s : top;
        if (!stays) totals_[s] = change;
        totals_[s] += std::max(kLeastLog, logs_[static_cast<size_t>(states_[s])] - most);
      }
    }
    auto state = static_cast<size_t>(std::max_element(totals_.begin(), totals_.end()) - totals_.begin());
    borders_.clear();
    for (size_t i = words; i-- > 0;) {
      const size_t before = from_[i * count + state];
      if (before != state && i > 0) borders_.push_back(run.begin + i);
      state = before;
    }
    size_t begin = run.begin;
    for (size_t i = borders_.size(); i-- > 0;) {
      if (borders_[i] - begin < kFewestOfPart || run.end - borders_[i] < kFewestOfPart) continue;
      out.push_back({begin, borders_[i]});
      begin = borders_[i];
    }
    out.push_back({begin, run.end});
  }

  const Judge& judge_;
  const WordSums& sums_;
  std::vector<int> languages_, states_;
  std::vector<float> logs_, totals_;
  std::vector<size_t> from_, borders_;
};

}  // namespace

std::vector<WordRange> runs_of_script(const CleanText& text) {
  std::vector<WordRange> runs;
  for (size_t i = 0; i < text.words.size(); ++i) {
    if (runs.empty() || family(text.words[i].script) != family(text.words[i - 1].script))
      runs.push_back({i, i});
    runs.back().end = i + 1;
  }
  if (runs.size() == 1) return runs;
  const size_t letters = letters_of(text, {0, text.words.size()});
  // Runs that count, each with the names behind it; the first one with those before it too.
  std::vector<WordRange> merged;
  for (const WordRange& run : runs) {
    const bool goes_on = !merged.empty() &&
                         (is_name(text, run, letters) || family(text.words[run.begin].script) ==
                                                             family(Judge::main_script(text, merged.back())));
    if (goes_on) {
      merged.back().end = run.end;
    } else if (!is_name(text, run, letters)) {
      merged.push_back({merged.empty() ? 0 : run.begin, run.end});
    }
  }
  if (merged.empty()) merged.push_back({0, text.words.size()});
  return merged;
}

std::vector<WordRange> cut_run(const Judge& judge, const CleanText& text, const WordSums& sums,
                               WordRange run) {
  const auto& languages = judge.languages_of(Judge::main_script(text, run));
  std::vector<WordRange> parts;
  if (run.size() < kFewestWords || languages.size() < 2) {
    parts.push_back(run);
  } else {
    RunCutter(judge, sums, languages, judge.labels()).cut(run, parts);
  }
  return parts;
}

}  // namespace valence::language
