#include "language/language_table.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <unordered_set>

namespace valence::language {
namespace {

struct ScriptLanguages {
  Script script;
  std::string_view languages;
};

// Han without kana is Chinese: Japanese sentences without kana are rare, their titles are not told apart.
constexpr ScriptLanguages kOfScript[] = {
    {Script::kGreek, "el"},
    {Script::kCyrillic,
     "ru uk be bg sr mk kk ky tg mn tt ba cv ce os ab av bxr kv krc lez mhr mrj myv rue sah tyv udm xal uz "
     "az tk"},
    {Script::kArmenian, "hy"},
    {Script::kHebrew, "he yi"},
    {Script::kArabic, "ar fa ur ps sd ug ckb arz azb pnb mzn lrc ku ks"},
    {Script::kSyriac, "syr"},
    {Script::kThaana, "dv"},
    {Script::kDevanagari, "hi mr ne sa bh mai new dty gom hif sd"},
    {Script::kBengali, "bn as bpy"},
    {Script::kGurmukhi, "pa"},
    {Script::kGujarati, "gu"},
    {Script::kOriya, "or"},
    {Script::kTamil, "ta"},
    {Script::kTelugu, "te"},
    {Script::kKannada, "kn"},
    {Script::kMalayalam, "ml"},
    {Script::kSinhala, "si"},
    {Script::kThai, "th"},
    {Script::kLao, "lo"},
    {Script::kTibetan, "bo dz"},
    {Script::kMyanmar, "my"},
    {Script::kGeorgian, "ka xmf"},
    {Script::kHangul, "ko"},
    {Script::kEthiopic, "am ti"},
    {Script::kCherokee, "chr"},
    {Script::kKhmer, "km"},
    {Script::kHan, "zh yue wuu"},
    {Script::kKana, "ja"},
};
// These are written in Latin letters as well.
constexpr std::string_view kAlsoLatin = "sr uz az tk ku hif gom tt";

constexpr std::string_view kCommon =
    "af am ar as az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr ht hu hy id is "
    "it ja "
    "ka kk km kn ko ky lo lt lv mg mk ml mn mr ms mt my ne nl no or pa pl ps pt ro ru sd si sk sl so sq sr "
    "su sv "
    "sw ta te tg th tl tr tt ug uk ur uz vi yi yo zh";
// The labels of lid.176.
constexpr std::string_view kAll =
    "af als am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co cs "
    "cv cy da de diq dsb dty dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gu gv he hi hif hr "
    "hsb ht hu hy ia id ie ilo io is it ja jbo jv ka kk km kn ko krc ku kv kw ky la lb lez li lmo lo lrc "
    "lt lv mai mg mhr min mk ml mn mr mrj ms mt mwl my myv mzn nah nap nds ne new nl nn no oc or os pa "
    "pam pfl pl pms pnb ps pt qu rm ro ru rue sa sah sc scn sco sd sh si sk sl so sq sr su sv sw ta te tg "
    "th tk tl tr tt tyv ug uk ur uz vec vep vi vls vo wa war wuu xal xmf yi yo yue zh";
// Unions and dialects of which the standard language is the better answer.
constexpr std::string_view kOverlapping = "sh arz azb pnb nn als bh wuu yue hif simple";

template <typename Function>
void each_word(std::string_view words, Function function) {
  while (!words.empty()) {
    const size_t end = std::min(words.find(' '), words.size());
    function(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
}

std::unordered_set<std::string_view> set_of(std::string_view words) {
  std::unordered_set<std::string_view> set;
  each_word(words, [&](std::string_view word) { set.insert(word); });
  return set;
}

}  // namespace

bool is_written_in(std::string_view language, Script script) {
  static const auto table = [] {
    std::unordered_map<std::string_view, uint64_t> scripts;
    for (const auto& [of, languages] : kOfScript) {
      const uint64_t bit = uint64_t{1} << static_cast<int>(of);
      each_word(languages, [&](std::string_view name) { scripts[name] |= bit; });
    }
    each_word(kAlsoLatin, [&](std::string_view name) {
      scripts[name] |= uint64_t{1} << static_cast<int>(Script::kLatin);
    });
    return scripts;
  }();
  const auto found = table.find(language);
  if (found == table.end()) return script == Script::kLatin;
  return (found->second >> static_cast<int>(script) & 1) != 0;
}

double rarity(std::string_view language) {
  static const auto common = set_of(kCommon), overlapping = set_of(kOverlapping);
  if (common.contains(language)) return 0;
  return overlapping.contains(language) ? 3 : 2;
}

bool is_known_language(std::string_view code) {
  static const auto all = set_of(kAll);
  return all.contains(code);
}

}  // namespace valence::language
