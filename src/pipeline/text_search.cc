#include "pipeline/text_search.h"

#include <algorithm>
#include <cmath>

namespace valence::pipeline {

using backend::TokenScores;
using EarlyStopping = models::GenerationSettings::EarlyStopping;

TextSearch::TextSearch(const models::GenerationSettings& settings, int32_t start)
    : settings_(settings), start_(start), running_(1), forbidden_(static_cast<size_t>(settings.beams)) {
  done_ = settings.max_length <= 1;
}

int32_t TextSearch::last_token(const Hypothesis& hypothesis) const {
  return hypothesis.tokens.empty() ? start_ : hypothesis.tokens.back();
}

TokenScores TextSearch::wanted(const Hypothesis& hypothesis) {
  TokenScores scores;
  const bool beams = settings_.beams > 1;
  const size_t more = std::max<size_t>(2, 1 + settings_.ends.size());
  scores.wanted = beams ? more * static_cast<size_t>(settings_.beams) : 1;
  scores.normalize = beams;
  scores.count_forbidden = !settings_.renormalize;
  scores.forbidden = settings_.forbidden;
  if (settings_.never.empty()) return scores;
  // Sequences that all but their last token are written of.
  std::vector<int32_t> ids = settings_.forbidden;
  for (const std::vector<int32_t>& word : settings_.never) {
    const size_t size = word.size() - 1;
    const std::vector<int32_t>& tokens = hypothesis.tokens;
    if (tokens.size() < size) continue;
    if (std::equal(word.begin(), word.end() - 1, tokens.end() - static_cast<ptrdiff_t>(size)))
      ids.push_back(word.back());
  }
  std::sort(ids.begin(), ids.end());
  std::vector<int32_t>& mine = forbidden_[rows_++ % forbidden_.size()];
  mine = std::move(ids);
  scores.forbidden = mine;
  return scores;
}

bool TextSearch::is_end(int32_t token) const { return std::ranges::binary_search(settings_.ends, token); }

const std::vector<int32_t>& TextSearch::tokens() const {
  return settings_.beams > 1 && !ended_.empty() ? ended_.front().tokens : running_.front().tokens;
}

void TextSearch::advance(std::span<const TokenScores> rows) {
  rows_ = 0;
  if (settings_.beams == 1) return advance_greedily(rows.front());
  const int64_t next_length = length() + 1;
  const bool full = next_length >= settings_.max_length;
  const std::vector<Candidate> found = candidates(rows);
  const auto beams = static_cast<size_t>(settings_.beams);
  std::vector<Hypothesis> next;
  for (size_t k = 0; k < found.size(); ++k) {
    const Candidate& candidate = found[k];
    const bool end = is_end(candidate.token);
    if (end || full) {
      // Those behind the first n are there so that n go on.
      if (k < beams) keep(candidate, !end);
    } else if (next.size() < beams) {
      Hypothesis longer = running_[candidate.parent];
      longer.tokens.push_back(candidate.token);
      longer.score = candidate.score;
      next.push_back(std::move(longer));
    }
  }
  const bool stuck = next.empty();
  if (!stuck) running_ = std::move(next);
  const bool enough = settings_.early_stopping == EarlyStopping::kYes && ended_.size() == beams;
  done_ = full || stuck || enough || !can_improve();
  if (done_) cut_ = !ended_.empty() && ended_.front().cut;
}

void TextSearch::advance_greedily(const TokenScores& row) {
  Hypothesis& text = running_.front();
  const bool last = length() + 1 >= settings_.max_length;
  if (last && settings_.forced_end) {
    text.tokens.push_back(*settings_.forced_end);
    cut_ = true;
  } else if (!row.best.empty()) {
    text.tokens.push_back(row.best.front().id);
    cut_ = last && !is_end(text.tokens.back());
  }
  done_ = last || row.best.empty() || is_end(text.tokens.back());
}

// The best continuations of all, falling scores; of equal ones the earlier row and the smaller token first.
std::vector<TextSearch::Candidate> TextSearch::candidates(std::span<const TokenScores> rows) const {
  std::vector<Candidate> found;
  const bool forced = settings_.forced_end && length() == settings_.max_length - 1;
  for (size_t r = 0; r < rows.size(); ++r) {
    if (forced) {
      found.push_back({running_[r].score, r, *settings_.forced_end});
      continue;
    }
    const float log_sum = std::log(rows[r].sum);
    for (const TokenScores::Best& best : rows[r].best) {
      const float log_probability = best.logit - rows[r].maximum - log_sum;
      found.push_back({log_probability + running_[r].score, r, best.id});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  const size_t wanted = rows.front().wanted;
  if (found.size() > wanted) found.resize(wanted);
  return found;
}

void TextSearch::keep(const Candidate& candidate, bool cut) {
  const auto length_now = static_cast<float>(length());
  Ended ended{running_[candidate.parent].tokens,
              candidate.score / std::pow(length_now, settings_.length_penalty),
              cut || (settings_.forced_end && length() == settings_.max_length - 1)};
  ended.tokens.push_back(candidate.token);
  const auto place = std::upper_bound(ended_.begin(), ended_.end(), ended.score,
                                      [](float score, const Ended& other) { return score > other.score; });
  ended_.insert(place, std::move(ended));
  if (ended_.size() > static_cast<size_t>(settings_.beams)) ended_.pop_back();
}

bool TextSearch::can_improve() const {
  if (ended_.size() < static_cast<size_t>(settings_.beams)) return true;
  const bool longest = settings_.early_stopping == EarlyStopping::kNever && settings_.length_penalty > 0;
  const auto hypothetical = static_cast<float>(longest ? settings_.max_length - 1 : length() - 1);
  return running_.front().score / std::pow(hypothetical, settings_.length_penalty) > ended_.back().score;
}

}  // namespace valence::pipeline
