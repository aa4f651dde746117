#include "train/dataset.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/sha256.h"

namespace valence::train {
namespace {

using models::Problem;

constexpr size_t kMostLabels = 1000;

// Cut to max_length tokens, with the special tokens at the end kept. Whether it was.
bool cut(std::vector<int32_t>& ids, int64_t max_length, const std::vector<int32_t>& suffix) {
  const auto most = static_cast<size_t>(max_length);
  if (ids.size() <= most) return false;
  ids.resize(most);
  std::ranges::copy(suffix, ids.end() - static_cast<std::ptrdiff_t>(std::min(suffix.size(), most)));
  return true;
}

}  // namespace

void Dataset::add_row(std::span<const int32_t> ids, std::vector<int32_t> labels, std::vector<float> shares,
                      float number, uint32_t file) {
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  begins_.push_back(ids_.size());
  labels_.push_back(std::move(labels));
  shares_.push_back(std::move(shares));
  numbers_.push_back(number);
  files_.push_back(file);
}

int32_t Dataset::label_number(const std::string& name) {
  const auto [found, added] = number_of_.emplace(name, static_cast<int32_t>(names_.size()));
  if (added) names_.push_back(name);
  return found->second;
}

void Dataset::read(const std::filesystem::path& file, const LabelColumns& columns, Problem problem,
                   const text::Tokenizer& tokenizer, int64_t max_length) {
  LabelledReader reader(file, columns, problem);
  const std::vector<int32_t> suffix = tokenizer.suffix_ids();
  std::vector<int32_t> ids;
  // Several columns are labels even if no row has one of them.
  if (columns.labels.size() > 1) {
    for (const std::string& label : columns.labels) label_number(label);
  }
  for (LabelledRow row; reader.next(row);) {
    ids.clear();
    tokenizer.encode(row.text, ids);
    cut_texts_ += cut(ids, max_length, suffix);
    std::vector<int32_t> labels;
    for (const std::string& label : row.labels) labels.push_back(label_number(label));
    add_row(ids, std::move(labels), std::move(row.shares), row.number, file_count_);
  }
  ++file_count_;
  empty_texts_ += reader.empty_texts();
  for (const auto& [reason, count] : reader.rejects()) rejects_[reason] += count;
  if (names_.size() > kMostLabels) {
    throw Error(ErrorCode::kBadData, file.string() + ": there are " + std::to_string(names_.size()) +
                                         " different labels, expected at most " +
                                         std::to_string(kMostLabels) +
                                         ": is it another column, or a number (--problem-type regression)?");
  }
}

void Dataset::set_names(const std::vector<std::string>& names, const std::string& where) {
  std::vector<int32_t> to;
  for (const std::string& name : names_) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      throw Error(ErrorCode::kBadData,
                  where + ": the label " + printable(name, 60) + " is not among those that are trained");
    }
    to.push_back(static_cast<int32_t>(found - names.begin()));
  }
  for (std::vector<int32_t>& labels : labels_) {
    for (int32_t& label : labels) label = to[static_cast<size_t>(label)];
  }
  names_ = names;
  labels_of_files_.assign(file_count_, std::vector<uint8_t>(names.size(), 0));
  for (size_t row = 0; row < labels_.size(); ++row) {
    for (const int32_t label : labels_[row]) labels_of_files_[files_[row]][static_cast<size_t>(label)] = 1;
  }
}

std::string Dataset::digest() const {
  Hasher hasher(Hasher::Kind::kSha256);
  const auto add = [&](const auto& values) {
    const auto bytes = std::as_bytes(std::span(values));
    hasher.update({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  for (const std::string& name : names_) hasher.update(name + '\n');
  add(begins_);
  add(ids_);
  add(numbers_);
  for (size_t row = 0; row < labels_.size(); ++row) {
    add(labels_[row]);
    add(shares_[row]);
  }
  return hasher.hex();
}

std::vector<int64_t> Dataset::rows_of_labels() const {
  std::vector<int64_t> rows(names_.size(), 0);
  for (size_t row = 0; row < labels_.size(); ++row) {
    const std::span<const int32_t> all = labels_[row];
    for (const int32_t label : shares_[row].empty() ? all : all.first(1)) ++rows[static_cast<size_t>(label)];
  }
  return rows;
}

int64_t Dataset::tokens_of(std::span<const int64_t> rows) const {
  int64_t sum = 0;
  for (const int64_t row : rows) sum += static_cast<int64_t>(tokens(row).size());
  return sum;
}

Dataset Dataset::split_off(std::span<const int64_t> rows) {
  Dataset kept, taken;
  kept.names_ = taken.names_ = names_;
  kept.number_of_ = taken.number_of_ = number_of_;
  kept.file_count_ = taken.file_count_ = file_count_;
  kept.labels_of_files_ = taken.labels_of_files_ = labels_of_files_;
  size_t next = 0;
  for (int64_t row = 0; row < this->rows(); ++row) {
    const bool take = next < rows.size() && rows[next] == row;
    next += take;
    const auto at = static_cast<size_t>(row);
    (take ? taken : kept).add_row(tokens(row), labels_[at], shares_[at], numbers_[at], files_[at]);
  }
  kept.empty_texts_ = empty_texts_;
  kept.cut_texts_ = cut_texts_;
  kept.rejects_ = rejects_;
  *this = std::move(kept);
  return taken;
}

}  // namespace valence::train
