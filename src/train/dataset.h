// Labelled rows as token ids: what training and its validation read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "models/config.h"
#include "text/tokenizer.h"
#include "train/labelled_rows.h"

namespace valence::train {

// Rows of texts with their labels, in the order of the files. Of a text only its tokens are kept.
class Dataset {
 public:
  // Adds the rows of a file. A text of more than max_length tokens, special tokens included, is cut before
  // its last special tokens. Errors: those of LabelledReader; kBadData for more than 1,000 labels.
  void read(const std::filesystem::path& file, const LabelColumns& columns, models::Problem problem,
            const text::Tokenizer& tokenizer, int64_t max_length);

  int64_t rows() const { return static_cast<int64_t>(begins_.size()) - 1; }
  std::span<const int32_t> tokens(int64_t row) const {
    const auto at = static_cast<size_t>(row);
    return std::span(ids_).subspan(begins_[at], begins_[at + 1] - begins_[at]);
  }
  int64_t tokens_of(std::span<const int64_t> rows) const;  // in all of them
  int64_t tokens_of_all() const { return static_cast<int64_t>(ids_.size()); }
  // Of single-label rows an index of names(), of regression rows none; of several shares the largest.
  int32_t label(int64_t row) const { return labels_[static_cast<size_t>(row)].front(); }
  std::span<const int32_t> labels(int64_t row) const { return labels_[static_cast<size_t>(row)]; }
  // Single label: of each of labels(row); empty: the row has one label.
  std::span<const float> shares(int64_t row) const { return shares_[static_cast<size_t>(row)]; }
  float number(int64_t row) const { return numbers_[static_cast<size_t>(row)]; }
  // Which of names() the row's file has at all, after set_names(): 0 or 1 for each.
  std::span<const uint8_t> labels_of_file(int64_t row) const {
    return labels_of_files_[files_[static_cast<size_t>(row)]];
  }

  // The different labels, in the order of their first rows until set_names().
  const std::vector<std::string>& names() const { return names_; }
  // How many rows have each of names(); a row with shares has that of the largest.
  std::vector<int64_t> rows_of_labels() const;
  // Renumbers the labels by `names`. Errors: kBadData for a label of the rows that is not among them, with
  // `where` in front.
  void set_names(const std::vector<std::string>& names, const std::string& where);

  // SHA-256 of tokens, labels and their names.
  std::string digest() const;

  uint64_t empty_texts() const { return empty_texts_; }
  const std::map<std::string, uint64_t>& rejects() const { return rejects_; }
  uint64_t cut_texts() const { return cut_texts_; }

  // Moves the rows of these numbers, which ascend, to a set of their own.
  Dataset split_off(std::span<const int64_t> rows);

 private:
  void add_row(std::span<const int32_t> ids, std::vector<int32_t> labels, std::vector<float> shares,
               float number, uint32_t file);
  int32_t label_number(const std::string& name);

  std::vector<int32_t> ids_;
  std::vector<size_t> begins_{0};
  std::vector<std::vector<int32_t>> labels_;
  std::vector<std::vector<float>> shares_;
  std::vector<float> numbers_;
  std::vector<uint32_t> files_;  // which read() a row came from
  uint32_t file_count_ = 0;
  std::vector<std::vector<uint8_t>> labels_of_files_;
  std::vector<std::string> names_;
  std::map<std::string, int32_t, std::less<>> number_of_;
  uint64_t empty_texts_ = 0, cut_texts_ = 0;
  std::map<std::string, uint64_t> rejects_;
};

}  // namespace valence::train
