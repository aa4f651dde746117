#include "pipeline/letters.h"

#include <algorithm>

namespace valence::pipeline {

using text::Script;

namespace {

// The zeros of the scripts whose digits are in use.
constexpr char32_t kZeros[] = {'0',   0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6,  0xB66,  0xBE6,
                               0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0xF20, 0x1040, 0x17E0, 0xFF10};

struct Languages {
  Script script;
  std::string_view codes;  // each between spaces
};

// Languages with one script today. The other codes of kOthers have several, or none that is sure.
constexpr Languages kWritten[] = {
    {Script::kLatin,
     " aa af ak an ay br bm ca ch co cs cy da de dsb ee en eo es et eu fi fj fo fr fy ga gd gl gn gv haw hr "
     "ht hu "
     "hsb ia id ie ig io is it kg ki kl kw la lb lg li ln lt lu lv mg mh mi mt na nb nd ng nl nn no nr nv ny "
     "oc "
     "om pl pt qu rm rn ro rw sc se sg sk sl sm sn so sq ss st su sv sw tl tn to tr ts tum tw ty ve vi vo wa "
     "wo xh "
     "yo zu afr cat ces cym dan deu eng epo est eus fin fra gle glg hrv hun ind isl ita lat lav lit mlt nld "
     "nob "
     "nno nor pol por ron slk slv spa sqi swe swa swh tgl tur vie xho yor zul "},
    {Script::kGreek, " el ell grc "},
    {Script::kCyrillic, " ab av ba be bg ce cv kk kv ky mk mn os ru tg tt uk bel bul mkd rus ukr "},
    {Script::kArmenian, " hy hye "},
    {Script::kHebrew, " he yi heb yid "},
    {Script::kArabic, " ar fa ps ug ur ara arz fas pes urd "},
    {Script::kDevanagari, " bh hi mr ne sa hin mar npi nep san "},
    {Script::kBengali, " as bn asm ben "},
    {Script::kGurmukhi, " pa pan "},
    {Script::kGujarati, " gu guj "},
    {Script::kOriya, " or ori "},
    {Script::kTamil, " ta tam "},
    {Script::kTelugu, " te tel "},
    {Script::kKannada, " kn kan "},
    {Script::kMalayalam, " ml mal "},
    {Script::kSinhala, " si sin "},
    {Script::kThai, " th tha "},
    {Script::kLao, " lo lao "},
    {Script::kTibetan, " bo dz bod dzo "},
    {Script::kMyanmar, " my mya "},
    {Script::kGeorgian, " ka kat "},
    {Script::kHangul, " ko kor "},
    {Script::kEthiopic, " am ti amh tir "},
    {Script::kKhmer, " km khm "},
    {Script::kHan, " zh zho cmn yue lzh "},
};

constexpr std::string_view kOthers =
    " ae az bi bs cr cu ff ha ho hz ii ik iu ja jv kj kr ks ku lus mo ms oj pi sd sh sr tk uz za aze bos ceb "
    "ckb "
    "fil gmq gmw hau hbs ilo itc iir jav jpn kab kaz kir kur mon msa mul nds pag pap pon run sem sla srp snd "
    "srn "
    "tat tgk tuk uig urj uzb war zle zls zlw afa alv art bat bcl ber bnt cau ccs cel cpf cpp crs cus dra efi "
    "euq "
    "fiu gaa gem gil grk guw hil inc ine kqn kwy loz lua lue lun luo mfe mkh mos nic niu nso nyk pis pqe rnd "
    "roa "
    "sal sit swc taw tdt tiv tll toi tpi trk tvl tzo umb vsl wal wls yap zai zne bzs ase csg ";

bool holds(std::string_view codes, std::string_view code) {
  if (code.empty() || code.find(' ') != code.npos) return false;
  for (size_t at = codes.find(code); at != codes.npos; at = codes.find(code, at + 1)) {
    if (codes[at - 1] == ' ' && codes[at + code.size()] == ' ') return true;
  }
  return false;
}

}  // namespace

int digit_of(char32_t c) {
  for (const char32_t zero : kZeros) {
    if (c >= zero && c <= zero + 9) return static_cast<int>(c - zero);
  }
  return -1;
}

std::vector<Script> scripts_of_language(std::string_view code) {
  if (code == "ja" || code == "jpn") return {Script::kKana, Script::kHan};
  for (const Languages& some : kWritten) {
    if (!holds(some.codes, code)) continue;
    return some.script == Script::kHangul ? std::vector{Script::kHangul, Script::kHan}
                                          : std::vector{some.script};
  }
  return {};
}

bool is_language_code(std::string_view code) {
  return holds(kOthers, code) ||
         std::ranges::any_of(kWritten, [&](const Languages& some) { return holds(some.codes, code); });
}

}  // namespace valence::pipeline
