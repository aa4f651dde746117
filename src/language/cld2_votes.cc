#include "language/cld2_votes.h"

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>

#include <algorithm>
#include <climits>

namespace valence::language {
namespace {

constexpr size_t kEnough = size_t{64} << 10;  // bytes of one text; more tell nothing new

// CLD2 has older and finer codes; signs for scripts and for made languages are none ("xx-Latn", "zzp").
std::string spelled_as_in_lid(std::string code) {
  if (code.starts_with("xx") || code.starts_with("zz") || code == "un" || code == "tlh") return "";
  code = code.substr(0, code.find('-'));
  if (code == "iw") return "he";
  if (code == "jw") return "jv";
  return code == "nb" || code == "nn" ? "no" : code;
}

}  // namespace

const std::vector<std::string>& cld2_languages() {
  static const std::vector<std::string> languages = [] {
    std::vector<std::string> codes;
    for (int i = 0; i < CLD2::NUM_LANGUAGES; ++i) {
      codes.push_back(spelled_as_in_lid(CLD2::LanguageCode(static_cast<CLD2::Language>(i))));
    }
    return codes;
  }();
  return languages;
}

Cld2Votes ask_cld2(std::string_view text) {
  if (text.size() > kEnough) {
    size_t end = kEnough;
    while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  const CLD2::CLDHints hints = {nullptr, nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE};
  CLD2::Language languages[3];
  int percents[3];
  double scores[3];
  int bytes = 0;
  Cld2Votes votes;
  CLD2::ExtDetectLanguageSummary(text.data(), static_cast<int>(text.size()), true, &hints,
                                 CLD2::kCLDFlagBestEffort, languages, percents, scores, nullptr, &bytes,
                                 &votes.reliable);
  for (size_t i = 0; i < votes.votes.size(); ++i) {
    if (languages[i] == CLD2::UNKNOWN_LANGUAGE || languages[i] >= CLD2::NUM_LANGUAGES) continue;
    if (cld2_languages()[static_cast<size_t>(languages[i])].empty()) continue;
    votes.votes[i] = {languages[i], percents[i] / 100.0};
  }
  return votes;
}

}  // namespace valence::language
