// One answer for words that are taken to be in one language.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "language/clean_text.h"
#include "language/fasttext_model.h"

namespace valence::language {

// The words of a text with what the model says about each.
struct WordSums {
  size_t dim = 0;
  std::vector<float> sums;                        // [words, dim], sums of the rows of each word
  std::vector<FastTextModel::Coverage> coverage;  // of each word

  std::span<const float> of(size_t word) const { return std::span(sums).subspan(word * dim, dim); }
};

// Words [begin, end) of a text.
struct WordRange {
  size_t begin = 0, end = 0;
  size_t size() const { return end - begin; }
};

struct Judgement {
  int language = -1;  // -1: no ground
  double confidence = 0;
};

class Judge {
 public:
  explicit Judge(const FastTextModel& model);

  const std::string& code(int language) const { return codes_[static_cast<size_t>(language)]; }
  size_t labels() const { return model_.labels().size(); }
  void sum_words(const CleanText& text, WordSums& sums) const;

  // The script of most letters of the words.
  static Script main_script(const CleanText& text, WordRange range);
  // The languages of the model that are written in a script.
  const std::vector<int>& languages_of(Script script) const {
    return of_script_[static_cast<size_t>(script)];
  }

  // Whether CLD2 finds one language in all the words.
  static bool is_one_to_cld2(const CleanText& text, WordRange range);

  // Logarithms of probabilities from fastText alone, minus what rare languages lose. [labels]
  void estimate(const WordSums& sums, WordRange range, std::span<float> out) const;
  Judgement judge(const CleanText& text, const WordSums& sums, WordRange range) const;

 private:
  // Whether the words in Latin letters are hit at random on a keyboard.
  bool is_gibberish(const CleanText& text, const WordSums& sums, WordRange range) const;

  const FastTextModel& model_;
  uint64_t number_;                 // of this judge in the process
  std::vector<std::string> codes_;  // the model's labels, then languages that only CLD2 knows
  std::vector<float> rarity_;       // of each code
  std::vector<int> of_cld2_;        // code of each language of CLD2, -1
  std::vector<std::vector<int>> of_script_;
};

}  // namespace valence::language
