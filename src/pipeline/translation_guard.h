// Whether a translation can be one: rules about what translators get wrong (nothing said, a loop, the source
// again, far too much or too little, letters of another script, other numbers). They judge form, not sense.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace valence::pipeline {

enum class TranslationStatus { kOk, kEmpty, kRepeating, kCopied, kLength, kScript, kNumbers };

const char* status_name(TranslationStatus status);  // "ok", "empty", ...

struct JudgedTranslation {
  std::string_view source, translation;
  std::span<const int32_t> source_ids, ids;
  bool cut = false;                  // of the source or the translation: one of them was too long
  std::string_view target_language;  // a code of ISO 639; unknown ones and "" are not judged by script
};

TranslationStatus judge(const JudgedTranslation& judged);

}  // namespace valence::pipeline
