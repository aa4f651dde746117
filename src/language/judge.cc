#include "language/judge.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <functional>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"
#include "language/cld2_votes.h"
#include "language/language_table.h"
#include "text/unicode.h"

namespace valence::language {
namespace {

// Chosen on one half of the corpora (docs/languages.md).
constexpr double kLeastLog = -9.2;       // what a model says of a language it excludes: it may be wrong
constexpr double kShareOfOthers = 0.05;  // added to each share of CLD2, so that no language is excluded
constexpr double kLogOfUnknown = -2;     // what fastText may say of a language that it does not know
constexpr double kLogOfNothing = -100;   // and where CLD2 has not found it either
constexpr size_t kLettersForUnknown = 20;
constexpr double kLeastConfidence = 0.35;  // below, the answer is wrong more often than right
constexpr double kShareOfWhole = 0.95;     // CLD2 leaves what it cannot tell out of the shares
constexpr size_t kLongestGibberish = 60;   // letters

// How much CLD2's opinion counts against fastText's: more in short texts, where words tell more than n-grams,
// less in those unlike the web pages it was made from.
double weight_of_cld2(size_t letters, bool informal) {
  if (informal) return 0.6;
  return letters < 9 ? 2.5 : letters < 18 ? 2.0 : 1.3;
}

bool is_cjk(Script script) { return script == Script::kHan || script == Script::kKana; }

std::string_view text_of(const CleanText& text, WordRange range) {
  const size_t from = text.words[range.begin].text_begin, to = text.words[range.end - 1].text_end;
  return std::string_view(text.text).substr(from, to - from);
}

bool is_vowel(char32_t c) {
  if (c >= 0x80) {
    text::MappingScratch scratch;
    c = text::decompose(c, false, scratch).front();
  }
  return std::u32string_view(U"aeiouyæøœıə").find(c) != std::u32string_view::npos;
}

// Whether the best score stays the best whatever CLD2 says.
bool is_beyond(std::span<const double> scores, double weight) {
  double best = kLogOfNothing, second = kLogOfNothing;
  for (const double score : scores) {
    second = std::max(second, std::min(best, score));
    best = std::max(best, score);
  }
  const double most = weight * (std::log(1 + kShareOfOthers) - std::log(kShareOfOthers));
  return best - std::max(second, kLogOfUnknown) > most;
}

Judgement best_of(const std::vector<int>& languages, std::span<const double> scores) {
  const auto best = static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  double sum = 0;
  for (const double score : scores) {
    if (score > scores[best] - 12) sum += std::exp(score - scores[best]);
  }
  if (1 / sum < kLeastConfidence) return {};
  return {languages[best], 1 / sum};
}

// The sums of the words met last, each at the place that its hash names.
class WordMemory {
 public:
  void belong_to(uint64_t owner, size_t dim) {
    if (owner == owner_) return;
    owner_ = owner;
    entries_.assign(kEntries, {});
    sums_.assign(kEntries * dim, 0.0F);
  }

  // Overwrites `sum`.
  FastTextModel::Coverage add(const FastTextModel& model, std::string_view word, std::span<float> sum) {
    if (word.size() > kLongestWord) {
      std::fill(sum.begin(), sum.end(), 0.0F);
      return model.add_word(word, sum);
    }
    const size_t place = std::hash<std::string_view>()(word) % kEntries;
    Entry& entry = entries_[place];
    const auto kept = std::span(sums_).subspan(place * sum.size(), sum.size());
    if (std::string_view(entry.word.data(), entry.size) != word) {
      std::fill(kept.begin(), kept.end(), 0.0F);
      entry.coverage = model.add_word(word, kept);
      std::copy(word.begin(), word.end(), entry.word.begin());
      entry.size = word.size();
    }
    std::copy(kept.begin(), kept.end(), sum.begin());
    return entry.coverage;
  }

 private:
  static constexpr size_t kEntries = 16384;
  static constexpr size_t kLongestWord = 24;  // bytes
  struct Entry {
    std::array<char, kLongestWord> word{};
    size_t size = 0;
    FastTextModel::Coverage coverage;
  };
  uint64_t owner_ = 0;
  std::vector<Entry> entries_;
  std::vector<float> sums_;  // [entries, dim]
};

// A number for each Judge, as the place in memory may be that of one before.
uint64_t next_number() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

}  // namespace

Judge::Judge(const FastTextModel& model) : model_(model), number_(next_number()), codes_(model.labels()) {
  std::unordered_map<std::string, int> numbers;
  for (size_t i = 0; i < codes_.size(); ++i) numbers.emplace(codes_[i], static_cast<int>(i));
  for (const std::string& code : cld2_languages()) {
    if (code.empty()) {
      of_cld2_.push_back(-1);
      continue;
    }
    const auto [place, added] = numbers.emplace(code, static_cast<int>(codes_.size()));
    if (added) codes_.push_back(code);
    of_cld2_.push_back(place->second);
  }
  of_script_.resize(static_cast<size_t>(Script::kCount));
  for (size_t i = 0; i < codes_.size(); ++i) {
    rarity_.push_back(static_cast<float>(rarity(codes_[i])));
    for (size_t script = 0; script < of_script_.size(); ++script) {
      if (is_written_in(codes_[i], static_cast<Script>(script)))
        of_script_[script].push_back(static_cast<int>(i));
    }
  }
}

void Judge::sum_words(const CleanText& text, WordSums& sums) const {
  // What is computed once for a word holds for the next text too.
  thread_local WordMemory memory;
  memory.belong_to(number_, model_.dim());
  sums.dim = model_.dim();
  sums.sums.resize(text.words.size() * sums.dim);
  sums.coverage.resize(text.words.size());
  for (size_t i = 0; i < text.words.size(); ++i) {
    sums.coverage[i] =
        memory.add(model_, text.of(text.words[i]), std::span(sums.sums).subspan(i * sums.dim, sums.dim));
  }
}

Script Judge::main_script(const CleanText& text, WordRange range) {
  std::array<size_t, static_cast<size_t>(Script::kCount)> letters{};
  for (size_t i = range.begin; i < range.end; ++i) {
    const Script script = text.words[i].script;
    letters[static_cast<size_t>(script)] += text.words[i].letters * weight_of_letter(script);
  }
  // A word counts as kana with its first kana, but a few of them do not make a Chinese text Japanese.
  size_t& han = letters[static_cast<size_t>(Script::kHan)];
  size_t& kana = letters[static_cast<size_t>(Script::kKana)];
  (4 * kana > han ? kana : han) += std::exchange(4 * kana > han ? han : kana, 0);
  return static_cast<Script>(std::max_element(letters.begin(), letters.end()) - letters.begin());
}

bool Judge::is_one_to_cld2(const CleanText& text, WordRange range) {
  return ask_cld2(text_of(text, range)).votes.front().share >= kShareOfWhole;
}

void Judge::estimate(const WordSums& sums, WordRange range, std::span<float> out) const {
  thread_local std::vector<float> hidden;
  hidden.assign(sums.dim, 0.0F);
  size_t rows = model_.add_line_end(hidden);
  for (size_t i = range.begin; i < range.end; ++i) {
    const auto sum = sums.of(i);
    for (size_t j = 0; j < hidden.size(); ++j) hidden[j] += sum[j];
    rows += sums.coverage[i].rows;
  }
  const float scale = 1.0F / static_cast<float>(std::max<size_t>(1, rows));
  for (float& value : hidden) value *= scale;
  model_.estimate_log_probabilities(hidden, out);
  for (size_t i = 0; i < out.size(); ++i) out[i] -= rarity_[i];
}

// A linear model fitted to sentences of 40 languages and to random letters: what is written by chance has
// long runs of consonants, too many or too few vowels, no word of any language, and n-grams that no language
// has.
bool Judge::is_gibberish(const CleanText& text, const WordSums& sums, WordRange range) const {
  if (!model_.is_pruned()) return false;
  double letters = 0, vowels = 0, known_letters = 0, ngrams = 0, known_ngrams = 0;
  size_t consonants = 0, longest = 0;
  for (size_t i = range.begin; i < range.end; ++i) {
    const auto& coverage = sums.coverage[i];
    letters += static_cast<double>(text.words[i].letters);
    if (coverage.known) known_letters += static_cast<double>(text.words[i].letters);
    ngrams += static_cast<double>(coverage.long_ngrams);
    known_ngrams += static_cast<double>(coverage.known_long_ngrams);
  }
  if (letters > kLongestGibberish) return false;
  for (size_t i = range.begin; i < range.end; ++i) {
    const std::string_view word = text.of(text.words[i]);
    consonants = 0;
    for (size_t at = 0; at < word.size();) {
      const bool vowel = is_vowel(decode_utf8(word, at));
      vowels += vowel;
      consonants = vowel ? 0 : consonants + 1;
      longest = std::max(longest, consonants);
    }
  }
  const double score = 0.8 * static_cast<double>(std::min<size_t>(longest, 8)) +
                       15 * std::abs(vowels / letters - 0.42) - 6 * known_ngrams / std::max(1.0, ngrams) -
                       17 * known_letters / letters;
  return score > 4.1;
}

Judgement Judge::judge(const CleanText& text, const WordSums& sums, WordRange range) const {
  const Script script = main_script(text, range);
  const std::vector<int>& languages = languages_of(script);
  if (languages.empty()) return {};
  size_t letters = 0;
  for (size_t i = range.begin; i < range.end; ++i) {
    if (text.words[i].script == script || (is_cjk(script) && is_cjk(text.words[i].script))) {
      letters += text.words[i].letters;
    }
  }
  if (languages.size() == 1) return {languages.front(), letters > 1 ? 1.0 : 0.9};

  if (script == Script::kLatin && is_gibberish(text, sums, range)) return {};

  thread_local std::vector<float> logs;
  thread_local std::vector<double> shares, scores;
  logs.resize(model_.labels().size());
  estimate(sums, range, logs);
  const double weight = weight_of_cld2(letters, text.informal);
  scores.clear();
  for (const int code : languages) {
    const auto language = static_cast<size_t>(code);
    const bool known = language < logs.size();
    scores.push_back(known
                         ? std::max<double>(kLeastLog, logs[language] + rarity_[language]) - rarity_[language]
                         : kLogOfNothing);
  }
  // Where no vote could change the answer none is asked for; most tweets are such.
  if (text.informal && is_beyond(scores, weight)) return best_of(languages, scores);

  const Cld2Votes votes = ask_cld2(text_of(text, range));
  shares.assign(codes_.size(), 0.0);
  for (const auto& vote : votes.votes) {
    if (vote.language < 0) continue;
    const int code = of_cld2_[static_cast<size_t>(vote.language)];
    if (code >= 0) shares[static_cast<size_t>(code)] += vote.share;
  }
  const double log_of_none = std::log(kShareOfOthers);
  for (size_t i = 0; i < languages.size(); ++i) {
    const auto language = static_cast<size_t>(languages[i]);
    const double share = shares[language];
    const bool new_one =
        language >= logs.size() && votes.reliable && letters >= kLettersForUnknown && share > 0.9;
    if (new_one) scores[i] = kLogOfUnknown;
    scores[i] += weight * (share > 0 ? std::log(share + kShareOfOthers) : log_of_none);
  }
  return best_of(languages, scores);
}

}  // namespace valence::language
