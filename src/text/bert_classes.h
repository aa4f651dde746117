// The ASCII characters at which BERT cuts whatever stands around them, as bit masks over 64 bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace valence::text {

// Bit i belongs to byte i: a part of a word (every byte above 0x7F is), a punctuation character that is a
// word of its own, or neither: white space.
struct BertClasses {
  uint64_t word = 0;
  uint64_t alone = 0;
};

constexpr bool is_bert_space(unsigned char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
constexpr bool is_bert_punctuation(unsigned char c) {
  return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
}

inline BertClasses bert_classes_bytewise(const char* bytes) {
  BertClasses classes;
  for (size_t i = 0; i < 64; ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    const uint64_t alone = is_bert_punctuation(c);
    classes.alone |= alone << i;
    classes.word |= uint64_t{!alone && !is_bert_space(c)} << i;
  }
  return classes;
}

#if defined(__SSE2__)
inline BertClasses bert_classes(const char* bytes) {
  BertClasses classes;
  for (int part = 0; part < 4; ++part) {
    const __m128i c = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes) + part);
    // As signed numbers the bytes above 0x7F lie below every bound.
    const auto between = [&](char low, char high) {
      return _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8(static_cast<char>(low - 1))),
                           _mm_cmplt_epi8(c, _mm_set1_epi8(static_cast<char>(high + 1))));
    };
    const auto is = [&](char value) { return _mm_cmpeq_epi8(c, _mm_set1_epi8(value)); };
    const __m128i alone = _mm_or_si128(_mm_or_si128(between(33, 47), between(58, 64)),
                                       _mm_or_si128(between(91, 96), between(123, 126)));
    const __m128i space = _mm_or_si128(_mm_or_si128(is(' '), is('\t')), _mm_or_si128(is('\n'), is('\r')));
    const auto bits = [&](__m128i mask) {
      return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(mask))) << (16 * part);
    };
    classes.alone |= bits(alone);
    classes.word |= bits(_mm_or_si128(alone, space)) ^ uint64_t { 0xFFFF } << (16 * part);
  }
  return classes;
}
#else
inline BertClasses bert_classes(const char* bytes) { return bert_classes_bytewise(bytes); }
#endif

}  // namespace valence::text
