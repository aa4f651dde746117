#include "pipeline/translation_guard.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "pipeline/letters.h"

namespace valence::pipeline {

using text::Script;

namespace {

// Of both lengths, so that short texts may differ by a few words; and how much longer one may be.
constexpr double kFreeLength = 12, kLongestRatio = 4;
// Words that make a text one that could have been translated.
constexpr size_t kFewWords = 3;
constexpr double kSharedWords = 0.8;
// Numbers up to here are often written as words.
constexpr size_t kSpokenDigits = 1;
constexpr int kSpokenNumber = 12;

// Whether a stretch of at most kLongestPeriod tokens follows itself again and again.
bool repeats(std::span<const int32_t> ids) {
  constexpr size_t kLongestPeriod = 24;
  for (size_t period = 1; period <= kLongestPeriod && period < ids.size(); ++period) {
    size_t run = 0, longest = 0;
    for (size_t k = period; k < ids.size(); ++k) {
      run = ids[k] == ids[k - period] ? run + 1 : 0;
      longest = std::max(longest, run);
    }
    const bool most = 2 * (longest + period) >= ids.size();
    if (longest >= std::max<size_t>(most ? 4 : 24, (most ? 2 : 3) * period)) return true;
  }
  return false;
}

// A length that compares texts of different scripts: a sign of Han says as much as several letters.
double weighted_length(std::string_view text) {
  double length = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = decode_utf8(text, at);
    if (c != kInvalidCodePoint && is_blank(text.substr(begin, at - begin))) continue;
    const Script script = text::script_of_letter(c);
    length += script == Script::kHan ? 3 : script == Script::kHangul || script == Script::kKana ? 2 : 1;
  }
  return length;
}

bool lengths_differ(const JudgedTranslation& judged) {
  const double source = weighted_length(judged.source) + kFreeLength;
  const double translation = weighted_length(judged.translation) + kFreeLength;
  return translation > kLongestRatio * source || source > kLongestRatio * translation;
}

struct Words {
  std::map<std::string, size_t> counts;
  size_t all = 0;
  size_t common = 0;  // that are no names: not capitalised, no numbers
};

Words words_of(std::string_view text) {
  Words words;
  std::string word;
  bool name = false;
  const auto end_word = [&] {
    if (word.empty()) return;
    ++words.all;
    words.common += !name;
    ++words.counts[word];
    word.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const char32_t c = decode_utf8(text, at);
    const bool capital = c >= U'A' && c <= U'Z';
    const bool digit = c >= U'0' && c <= U'9';
    if (text::script_of_letter(c) == Script::kNone && !digit) {
      end_word();
      continue;
    }
    if (word.empty()) name = capital || digit;
    append_utf8(word, capital ? c + 32 : c);
    // Without spaces between words each sign counts as one.
    if (text::script_of_letter(c) == Script::kHan) end_word();
  }
  end_word();
  return words;
}

bool is_copy(const JudgedTranslation& judged) {
  const Words source = words_of(judged.source), translation = words_of(judged.translation);
  if (source.all < kFewWords || source.common < 2) return false;
  size_t shared = 0;
  for (const auto& [word, count] : source.counts) {
    const auto found = translation.counts.find(word);
    if (found != translation.counts.end()) shared += std::min(count, found->second);
  }
  const size_t more = std::max(source.all, translation.all);
  return shared == more ||
         (more >= 5 && static_cast<double>(shared) >= kSharedWords * static_cast<double>(more));
}

bool in_other_script(const JudgedTranslation& judged) {
  const std::vector<Script> expected = scripts_of_language(judged.target_language);
  if (expected.empty()) return false;
  size_t right = 0, wrong = 0;
  for (size_t at = 0; at < judged.translation.size();) {
    const Script script = text::script_of_letter(decode_utf8(judged.translation, at));
    if (script == Script::kNone) continue;
    ++(std::ranges::find(expected, script) != expected.end() ? right : wrong);
  }
  return wrong > right;
}

// The numbers of a text as their digits, marks between thousands and before decimals left out.
std::vector<std::string> numbers_of(std::string_view text) {
  std::vector<std::string> numbers;
  std::string number;
  size_t since = 0;  // digits since a mark
  const auto end_number = [&] {
    if (!number.empty()) numbers.push_back(number);
    number.clear();
    since = 0;
  };
  for (size_t at = 0; at < text.size();) {
    const char32_t c = decode_utf8(text, at);
    const int digit = digit_of(c);
    if (digit >= 0) {
      number += static_cast<char>('0' + digit);
      ++since;
      continue;
    }
    const bool space = c == U' ' || c == 0xA0 || c == 0x202F;
    const bool mark = c == U'.' || c == U',' || c == U'\'' || c == 0x66B || c == 0x66C || space;
    size_t group = 0;  // of digits behind it
    for (size_t ahead = at; ahead < text.size() && group <= 3; ++group) {
      if (digit_of(decode_utf8(text, ahead)) < 0) break;
    }
    // A space joins only groups of three.
    if (mark && group > 0 && !number.empty() && (!space || (group == 3 && since <= 3))) {
      since = 0;
      continue;
    }
    end_number();
  }
  end_number();
  return numbers;
}

// Numbers that a translation must keep, sorted.
std::vector<std::string> binding_numbers(std::string_view text) {
  std::vector<std::string> numbers = numbers_of(text);
  std::erase_if(numbers, [](const std::string& number) {
    return number.size() <= kSpokenDigits || (number.size() == 2 && std::stoi(number) <= kSpokenNumber);
  });
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

bool numbers_differ(const JudgedTranslation& judged) {
  const std::vector<std::string> source = binding_numbers(judged.source);
  const std::vector<std::string> translation = binding_numbers(judged.translation);
  std::vector<std::string> lost, made_up;
  std::ranges::set_difference(source, translation, std::back_inserter(lost));
  std::ranges::set_difference(translation, source, std::back_inserter(made_up));
  // Words of the source may become digits, so that numbers alone in the translation say nothing.
  return !lost.empty() || (!source.empty() && !made_up.empty());
}

}  // namespace

const char* status_name(TranslationStatus status) {
  constexpr std::array kNames = {"ok", "empty", "repeating", "copied", "length", "script", "numbers"};
  return kNames[static_cast<size_t>(status)];
}

TranslationStatus judge(const JudgedTranslation& judged) {
  if (is_blank(judged.translation)) return TranslationStatus::kEmpty;
  if (repeats(judged.ids) && !repeats(judged.source_ids)) return TranslationStatus::kRepeating;
  if (is_copy(judged)) return TranslationStatus::kCopied;
  if (in_other_script(judged)) return TranslationStatus::kScript;
  if (judged.cut || lengths_differ(judged)) return TranslationStatus::kLength;
  return numbers_differ(judged) ? TranslationStatus::kNumbers : TranslationStatus::kOk;
}

}  // namespace valence::pipeline
