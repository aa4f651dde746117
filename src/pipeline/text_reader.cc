#include "pipeline/text_reader.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "pipeline/windows.h"
#include "text/social.h"

namespace valence::pipeline {

void reject(Result& result, std::string reason, std::string message) {
  result.reject_reason = std::move(reason);
  result.reject_message = std::move(message);
}

void TextReader::load(const formats::ModelFiles& files, const models::ModelConfig& config,
                      const ClassifierOptions& options) {
  model_ = printable(files.name());
  long_text_ = options.long_text;
  read_blank_ = options.read_blank;
  tokenizer_ = text::Tokenizer::load(files);
  if (tokenizer_->vocab_size() > config.vocab_size) {
    throw Error(ErrorCode::kBadData, model_ + ": the tokenizer has ids up to " +
                                         std::to_string(tokenizer_->vocab_size() - 1) +
                                         ", the embedding has rows for " + std::to_string(config.vocab_size));
  }
  prefix_ = tokenizer_->prefix_ids();
  suffix_ = tokenizer_->suffix_ids();
  limit_ = models::longest_input(files, config);
  if (options.max_tokens > 0) limit_ = std::min(limit_, options.max_tokens);
  if (limit_ <= special()) {
    throw Error(ErrorCode::kBadConfig, model_ + ": an input of " + std::to_string(limit_) +
                                           " tokens leaves no room for a text beside the special tokens");
  }
  joint_ = tokenizer_->pair_template();
  // Of the families only BERT is given token types, and a model may have a row for one of them alone.
  const bool types = config.family == models::Family::kBert && config.type_rows >= 2;
  if (joint_ && !types) joint_->typed = false;
}

void TextReader::read(const TextPair& input, size_t index, const Reading& reading, std::vector<int32_t>& ids,
                      Result& result, std::vector<Sequence>& sequences) const {
  const bool joined = input.pair && !input.pair->empty();
  if (joined && !joint_) {
    throw Error(ErrorCode::kUsage, model_ + ": the tokenizer does not say how to join two texts");
  }
  if (!is_valid_utf8(input.text) || !is_valid_utf8(input.pair.value_or(""))) {
    return reject(result, "invalid_encoding", "the text is not valid UTF-8");
  }
  if (!read_blank_ && is_blank(input.text)) return reject(result, "empty_text", "the text is empty or blank");
  if (joined) return read_pair(input.text, *input.pair, index, reading, ids, result, sequences);
  read_text(input.text, index, reading, ids, result, sequences);
}

void TextReader::read_text(std::string_view text, size_t index, const Reading& reading,
                           std::vector<int32_t>& ids, Result& result,
                           std::vector<Sequence>& sequences) const {
  const auto first = static_cast<int64_t>(ids.size());
  encode(text, ids);
  result.tokens = static_cast<int64_t>(ids.size()) - first;
  const int64_t content = result.tokens - special(), capacity = limit_ - special();
  const int64_t begin = first + static_cast<int64_t>(prefix_.size());
  const LongText long_text = reading.long_text.value_or(long_text_);
  if (content > capacity && long_text == LongText::kError) return reject_long(result);
  result.truncated = content > capacity && long_text == LongText::kTruncate;
  const int64_t skipped = result.truncated && reading.keep_end ? content - capacity : 0;
  const std::vector<Window> windows = windows_of(result.truncated ? capacity : content, capacity);
  result.windows = static_cast<int32_t>(windows.size());
  for (const Window& window : windows)
    sequences.push_back({index, begin + skipped + window.begin, window.length});
}

// One that is too long is cut: there is no mean of windows over two texts.
void TextReader::read_pair(std::string_view text, std::string_view pair, size_t index, const Reading& reading,
                           std::vector<int32_t>& ids, Result& result,
                           std::vector<Sequence>& sequences) const {
  std::vector<int32_t> first, second;
  encode(text, first);
  encode(pair, second);
  const std::vector<int32_t>& between = joint_->between;
  const int64_t a = static_cast<int64_t>(first.size()) - special();
  const int64_t b = static_cast<int64_t>(second.size()) - special();
  const int64_t around = special() + static_cast<int64_t>(between.size());
  const int64_t capacity = std::max<int64_t>(0, limit_ - around);
  result.tokens = a + b + around;
  result.truncated = a + b > capacity;
  if (result.truncated && reading.long_text.value_or(long_text_) == LongText::kError)
    return reject_long(result);
  const PairLengths kept = longest_first(a, b, capacity);
  result.windows = 1;
  const auto begin = static_cast<int64_t>(ids.size());
  const auto add = [&](const std::vector<int32_t>& from, int64_t count) {
    const auto content = from.begin() + static_cast<ptrdiff_t>(prefix_.size());
    ids.insert(ids.end(), content, content + count);
  };
  add(first, kept.first);
  ids.insert(ids.end(), between.begin(), between.end());
  const int64_t typed = static_cast<int64_t>(ids.size()) - begin;
  add(second, kept.second);
  sequences.push_back({index, begin, typed + kept.second, joint_->typed ? typed : -1});
}

void TextReader::encode(std::string_view text, std::vector<int32_t>& ids) const {
  if (social_) {
    tokenizer_->encode(text::preprocess_tweet(text), ids);
  } else {
    tokenizer_->encode(text, ids);
  }
}

void TextReader::reject_long(Result& result) const {
  const std::string tokens = std::to_string(result.tokens);
  result = {};
  reject(result, "too_long",
         "the text has " + tokens + " tokens, the model reads at most " + std::to_string(limit_));
}

}  // namespace valence::pipeline
