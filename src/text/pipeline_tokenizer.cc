#include "text/pipeline_tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "text/unicode.h"

namespace valence::text {
namespace {

constexpr size_t kLongestText = size_t{1} << 31;  // bytes; offsets are 32 bits wide

void check_length(std::string_view text) {
  if (text.size() >= kLongestText) {
    throw Error(ErrorCode::kBadData,
                "a text of " + std::to_string(text.size()) + " bytes is too long to tokenize");
  }
}

uint32_t count_codes(std::string_view utf8) {
  uint32_t count = 0;
  for (size_t at = 0; at < utf8.size(); ++count) decode_utf8(utf8, at);
  return count;
}

bool is_space_mark(char32_t c) { return c == U'\u0120' || UnicodeTable::get().has(c, kWhite); }

void measure_space(std::u32string_view codes, PlacedToken& token) {
  const auto first = std::find_if_not(codes.begin(), codes.end(), is_space_mark);
  const auto last = std::find_if_not(codes.rbegin(), codes.rend(), is_space_mark);
  token.leading = static_cast<uint32_t>(first - codes.begin());
  token.trailing = static_cast<uint32_t>(last - codes.rbegin());
}

// A piece in UTF-8, and the way back from its bytes to its code points.
class PieceBytes {
 public:
  void assign(std::u32string_view codes) {
    utf8_.clear();
    code_of_.clear();
    for (size_t i = 0; i < codes.size(); ++i) {
      valence::append_utf8(utf8_, codes[i]);
      code_of_.resize(utf8_.size(), static_cast<uint32_t>(i));
    }
  }
  std::string_view utf8() const { return utf8_; }
  size_t code_of(size_t byte) const { return code_of_[byte]; }

 private:
  std::string utf8_;
  std::vector<uint32_t> code_of_;  // of each byte
};

}  // namespace

PipelineTokenizer::PipelineTokenizer(Stages stages) : stages_(std::move(stages)) {
  VALENCE_CHECK(stages_.model != nullptr);
  fast_path_ = make_fast_path(stages_, [this](std::string_view stretch, std::vector<int32_t>& ids) {
    encode_by_stages(stretch, true, ids);
  });
}

PlacedToken PipelineTokenizer::placed(const AlignedText& text, size_t begin, size_t end, int32_t id) const {
  return {id, text.origin(begin, end)};
}

void PipelineTokenizer::place_pieces(const PieceText& text, std::vector<PlacedToken>& tokens) const {
  const bool trims = stages_.post_processor.trims();
  const std::u32string_view codes = text.text.codes;
  PieceBytes bytes;
  std::vector<Token> found;
  for (const Piece& piece : text.pieces) {
    if (piece.begin == piece.end) continue;
    const std::u32string_view part = codes.substr(piece.begin, piece.end - piece.begin);
    if (piece.token >= 0) {
      tokens.push_back(placed(text.text, piece.begin, piece.end, piece.token));
      if (trims) measure_space(part, tokens.back());
      continue;
    }
    bytes.assign(part);
    found.clear();
    stages_.model->tokenize(bytes.utf8(), found);
    for (const Token& token : found) {
      const size_t begin = bytes.code_of(token.begin), end = bytes.code_of(token.end - 1) + 1;
      tokens.push_back(placed(text.text, piece.begin + begin, piece.begin + end, token.id));
      if (!trims) continue;
      const std::string_view known = stages_.model->vocab().token(token.id);
      measure_space(stages_.model->tokens_are_surfaces() ? part.substr(begin, end - begin) : to_utf32(known),
                    tokens.back());
    }
  }
}

void PipelineTokenizer::place_segment(std::string_view segment, uint32_t first,
                                      std::vector<PlacedToken>& tokens) const {
  PieceText text{AlignedText(segment, first), {}};
  if (stages_.normalizer) stages_.normalizer->normalize(text.text);
  std::vector<AddedTokens::Match> matches;
  size_t done = 0;
  if (stages_.added.has_normalized()) {
    PieceBytes bytes;
    bytes.assign(text.text.codes);
    stages_.added.find_normalized(bytes.utf8(), matches);
    for (const AddedTokens::Match& match : matches) {
      const size_t begin = bytes.code_of(match.begin), end = bytes.code_of(match.end - 1) + 1;
      if (done < begin) text.pieces.push_back({done, begin});
      text.pieces.push_back({begin, end, match.id});
      done = end;
    }
  }
  if (done < text.text.size()) text.pieces.push_back({done, text.text.size()});
  if (stages_.pre_tokenizer) stages_.pre_tokenizer->cut(text);
  place_pieces(text, tokens);
}

std::vector<PlacedToken> PipelineTokenizer::place(std::string_view text) const {
  std::vector<AddedTokens::Match> matches;
  stages_.added.find_raw(text, matches);
  std::vector<PlacedToken> tokens;
  size_t done = 0;
  uint32_t codes = 0;  // before `done`
  for (const AddedTokens::Match& match : matches) {
    const std::string_view before = text.substr(done, match.begin - done);
    if (!before.empty()) place_segment(before, codes, tokens);
    codes += count_codes(before);
    const AlignedText token(text.substr(match.begin, match.end - match.begin), codes);
    tokens.push_back(placed(token, 0, token.size(), match.id));
    if (stages_.post_processor.trims()) measure_space(token.codes, tokens.back());
    codes += static_cast<uint32_t>(token.size());
    done = match.end;
  }
  if (done < text.size()) place_segment(text.substr(done), codes, tokens);
  return tokens;
}

Encoding PipelineTokenizer::encode_with_offsets(std::string_view text) const {
  check_length(text);
  std::vector<PlacedToken> tokens = place(text);
  stages_.post_processor.process(tokens);
  Encoding out;
  out.ids.reserve(tokens.size());
  out.offsets.reserve(tokens.size());
  for (const PlacedToken& token : tokens) {
    out.ids.push_back(token.id);
    out.offsets.push_back(token.offset);
  }
  return out;
}

void PipelineTokenizer::encode_segment(std::string_view segment, bool first,
                                       std::vector<int32_t>& ids) const {
  if (segment.empty()) return;
  if (!fast_path_) return encode_by_stages(segment, first, ids);
  if (!stages_.added.has_normalized()) return fast_path_->encode(segment, ids);
  // There is a fast path beside such tokens only where no normalizer changes the text.
  std::vector<AddedTokens::Match> matches;
  stages_.added.find_normalized(segment, matches);
  size_t done = 0;
  for (const AddedTokens::Match& match : matches) {
    fast_path_->encode(segment.substr(done, match.begin - done), ids);
    ids.push_back(match.id);
    done = match.end;
  }
  fast_path_->encode(segment.substr(done), ids);
}

void PipelineTokenizer::encode_by_stages(std::string_view segment, bool first,
                                         std::vector<int32_t>& ids) const {
  std::vector<PlacedToken> tokens;
  place_segment(segment, first ? 0 : 1, tokens);
  for (const PlacedToken& token : tokens) ids.push_back(token.id);
}

void PipelineTokenizer::encode(std::string_view text, std::vector<int32_t>& ids) const {
  check_length(text);
  const std::vector<int32_t>& prefix = stages_.post_processor.prefix();
  const std::vector<int32_t>& suffix = stages_.post_processor.suffix();
  ids.insert(ids.end(), prefix.begin(), prefix.end());
  thread_local std::vector<AddedTokens::Match> matches;
  matches.clear();
  stages_.added.find_raw(text, matches);
  size_t done = 0;
  for (const AddedTokens::Match& match : matches) {
    encode_segment(text.substr(done, match.begin - done), done == 0, ids);
    ids.push_back(match.id);
    done = match.end;
  }
  encode_segment(text.substr(done), done == 0, ids);
  ids.insert(ids.end(), suffix.begin(), suffix.end());
}

int32_t PipelineTokenizer::vocab_size() const {
  return std::max(stages_.model->vocab().end_id(), stages_.added.end_id());
}

std::string PipelineTokenizer::token(int32_t id) const {
  if (const AddedToken* added = stages_.added.token(id)) return added->content;
  return std::string(stages_.model->vocab().token(id));
}

}  // namespace valence::text
