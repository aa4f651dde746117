#include "pipeline/letters.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace valence::pipeline {
namespace {

struct Block {
  char32_t first, last;
  Script script;
};

// Rising; signs and digits in a block of letters count as letters, which does no harm here.
constexpr Block kBlocks[] = {
    {'A', 'Z', Script::kLatin},          {'a', 'z', Script::kLatin},
    {0xAA, 0xAA, Script::kLatin},        {0xBA, 0xBA, Script::kLatin},
    {0xC0, 0xD6, Script::kLatin},        {0xD8, 0xF6, Script::kLatin},
    {0xF8, 0x2AF, Script::kLatin},       {0x370, 0x373, Script::kGreek},
    {0x376, 0x37D, Script::kGreek},      {0x386, 0x386, Script::kGreek},
    {0x388, 0x3FF, Script::kGreek},      {0x400, 0x52F, Script::kCyrillic},
    {0x531, 0x556, Script::kArmenian},   {0x561, 0x587, Script::kArmenian},
    {0x5D0, 0x5F2, Script::kHebrew},     {0x620, 0x64A, Script::kArabic},
    {0x66E, 0x6D3, Script::kArabic},     {0x6FA, 0x6FF, Script::kArabic},
    {0x750, 0x77F, Script::kArabic},     {0x8A0, 0x8C7, Script::kArabic},
    {0x904, 0x963, Script::kDevanagari}, {0x971, 0x97F, Script::kDevanagari},
    {0x980, 0x9E3, Script::kBengali},    {0x9F0, 0x9F1, Script::kBengali},
    {0xA01, 0xA5E, Script::kGurmukhi},   {0xA70, 0xA75, Script::kGurmukhi},
    {0xA81, 0xAE3, Script::kGujarati},   {0xB01, 0xB63, Script::kOriya},
    {0xB82, 0xBD7, Script::kTamil},      {0xC00, 0xC63, Script::kTelugu},
    {0xC80, 0xCE3, Script::kKannada},    {0xD00, 0xD63, Script::kMalayalam},
    {0xD82, 0xDDF, Script::kSinhala},    {0xE01, 0xE3A, Script::kThai},
    {0xE40, 0xE4E, Script::kThai},       {0xE81, 0xECD, Script::kLao},
    {0xEDC, 0xEDF, Script::kLao},        {0xF40, 0xFBC, Script::kTibetan},
    {0x1000, 0x103F, Script::kMyanmar},  {0x1050, 0x108F, Script::kMyanmar},
    {0x10A0, 0x10FF, Script::kGeorgian}, {0x1100, 0x11FF, Script::kHangul},
    {0x1200, 0x135A, Script::kEthiopic}, {0x1380, 0x138F, Script::kEthiopic},
    {0x1780, 0x17D3, Script::kKhmer},    {0x1C80, 0x1C88, Script::kCyrillic},
    {0x1C90, 0x1CBF, Script::kGeorgian}, {0x1E00, 0x1EFF, Script::kLatin},
    {0x1F00, 0x1FFF, Script::kGreek},    {0x2D00, 0x2D2D, Script::kGeorgian},
    {0x2DE0, 0x2DFF, Script::kCyrillic}, {0x3005, 0x3007, Script::kHan},
    {0x3041, 0x30FF, Script::kKana},     {0x3131, 0x318E, Script::kHangul},
    {0x31F0, 0x31FF, Script::kKana},     {0x3400, 0x4DBF, Script::kHan},
    {0x4E00, 0x9FFF, Script::kHan},      {0xA640, 0xA69F, Script::kCyrillic},
    {0xA720, 0xA7FF, Script::kLatin},    {0xAC00, 0xD7A3, Script::kHangul},
    {0xF900, 0xFAFF, Script::kHan},      {0xFB00, 0xFB06, Script::kLatin},
    {0xFB1D, 0xFB4F, Script::kHebrew},   {0xFB50, 0xFDFB, Script::kArabic},
    {0xFE70, 0xFEFC, Script::kArabic},   {0xFF21, 0xFF3A, Script::kLatin},
    {0xFF41, 0xFF5A, Script::kLatin},    {0xFF66, 0xFF9D, Script::kKana},
    {0x20000, 0x323AF, Script::kHan},
};

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

Script script_of(char32_t c) {
  const auto* block = std::ranges::upper_bound(kBlocks, c, {}, [](const Block& b) { return b.first; });
  return block != std::begin(kBlocks) && c <= std::prev(block)->last ? std::prev(block)->script
                                                                     : Script::kNone;
}

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
