#include "text/scripts.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "text/unicode.h"

namespace valence::text {
namespace {

struct Block {
  char32_t first, last;
  Script script;
};

constexpr Block kBlocks[] = {
    {0x0041, 0x02AF, Script::kLatin},    {0x02B0, 0x036F, Script::kNone},
    {0x0370, 0x03FF, Script::kGreek},    {0x0400, 0x052F, Script::kCyrillic},
    {0x0530, 0x058F, Script::kArmenian}, {0x0590, 0x05FF, Script::kHebrew},
    {0x0600, 0x06FF, Script::kArabic},   {0x0700, 0x074F, Script::kSyriac},
    {0x0750, 0x077F, Script::kArabic},   {0x0780, 0x07BF, Script::kThaana},
    {0x08A0, 0x08FF, Script::kArabic},   {0x0900, 0x097F, Script::kDevanagari},
    {0x0980, 0x09FF, Script::kBengali},  {0x0A00, 0x0A7F, Script::kGurmukhi},
    {0x0A80, 0x0AFF, Script::kGujarati}, {0x0B00, 0x0B7F, Script::kOriya},
    {0x0B80, 0x0BFF, Script::kTamil},    {0x0C00, 0x0C7F, Script::kTelugu},
    {0x0C80, 0x0CFF, Script::kKannada},  {0x0D00, 0x0D7F, Script::kMalayalam},
    {0x0D80, 0x0DFF, Script::kSinhala},  {0x0E00, 0x0E7F, Script::kThai},
    {0x0E80, 0x0EFF, Script::kLao},      {0x0F00, 0x0FFF, Script::kTibetan},
    {0x1000, 0x109F, Script::kMyanmar},  {0x10A0, 0x10FF, Script::kGeorgian},
    {0x1100, 0x11FF, Script::kHangul},   {0x1200, 0x139F, Script::kEthiopic},
    {0x13A0, 0x13FF, Script::kCherokee}, {0x1780, 0x17FF, Script::kKhmer},
    {0x1AB0, 0x1AFF, Script::kNone},     {0x1C80, 0x1C8F, Script::kCyrillic},
    {0x1C90, 0x1CBF, Script::kGeorgian}, {0x1D00, 0x1DBF, Script::kLatin},
    {0x1DC0, 0x1DFF, Script::kNone},     {0x1E00, 0x1EFF, Script::kLatin},
    {0x1F00, 0x1FFF, Script::kGreek},    {0x2000, 0x2C5F, Script::kNone},
    {0x2C60, 0x2C7F, Script::kLatin},    {0x2D00, 0x2D2F, Script::kGeorgian},
    {0x2D80, 0x2DDF, Script::kEthiopic}, {0x2DE0, 0x2DFF, Script::kCyrillic},
    {0x2E80, 0x2FDF, Script::kHan},      {0x3005, 0x3007, Script::kHan},
    {0x3041, 0x30FF, Script::kKana},     {0x3130, 0x318F, Script::kHangul},
    {0x31F0, 0x31FF, Script::kKana},     {0x3400, 0x4DBF, Script::kHan},
    {0x4E00, 0x9FFF, Script::kHan},      {0xA640, 0xA69F, Script::kCyrillic},
    {0xA720, 0xA7FF, Script::kLatin},    {0xA8E0, 0xA8FF, Script::kDevanagari},
    {0xA960, 0xA97F, Script::kHangul},   {0xAA60, 0xAA7F, Script::kMyanmar},
    {0xAB00, 0xAB2F, Script::kEthiopic}, {0xAB30, 0xAB6F, Script::kLatin},
    {0xAB70, 0xABBF, Script::kCherokee}, {0xAC00, 0xD7FF, Script::kHangul},
    {0xF900, 0xFAFF, Script::kHan},      {0xFB00, 0xFB0F, Script::kLatin},
    {0xFB10, 0xFB1C, Script::kArmenian}, {0xFB1D, 0xFB4F, Script::kHebrew},
    {0xFB50, 0xFDFF, Script::kArabic},   {0xFE00, 0xFE2F, Script::kNone},
    {0xFE70, 0xFEFE, Script::kArabic},   {0xFF21, 0xFF5A, Script::kLatin},
    {0xFF66, 0xFF9F, Script::kKana},     {0xFFA0, 0xFFDC, Script::kHangul},
    {0x1D400, 0x1D7FF, Script::kNone},   {0x20000, 0x323AF, Script::kHan},
};

constexpr std::array<std::string_view, static_cast<size_t>(Script::kCount)> kCodes = {
    "Zyyy", "Zzzz", "Latn", "Grek", "Cyrl", "Armn", "Hebr", "Arab", "Syrc", "Thaa", "Deva",
    "Beng", "Guru", "Gujr", "Orya", "Taml", "Telu", "Knda", "Mlym", "Sinh", "Thai", "Laoo",
    "Tibt", "Mymr", "Geor", "Hang", "Ethi", "Cher", "Khmr", "Hani", "Jpan"};

}  // namespace

Script script_of(char32_t c) {
  const auto* block = std::upper_bound(std::begin(kBlocks), std::end(kBlocks), c,
                                       [](char32_t code, const Block& b) { return code < b.first; });
  if (block == std::begin(kBlocks)) return Script::kNone;
  --block;
  return c <= block->last ? block->script : Script::kOther;
}

Script script_of_letter(char32_t c) {
  return UnicodeTable::get().has(c, UnicodeFlag(kLetter | kCombining)) ? script_of(c) : Script::kNone;
}

std::string_view script_code(Script script) { return kCodes[static_cast<size_t>(script)]; }

}  // namespace valence::text
