// How good a classifier's answers are.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace valence::train {

struct ClassMetrics {
  double precision = 0, recall = 0, f1 = 0;  // 0 where there is nothing to divide by
  int64_t support = 0;
};

struct Metrics {
  int64_t rows = 0;
  double accuracy = 0;
  double macro_f1 = 0, macro_recall = 0;  // means over all classes
  std::vector<ClassMetrics> classes;
  std::vector<std::vector<int64_t>> confusion;  // [true class][answer]
  // Expected calibration error (Guo et al. 2017): 15 bins (k/15, (k+1)/15] of the top probability.
  double ece = 0;
};

// `truth` and `answers` are classes in [0, classes); `confidence` is the probability of each answer.
Metrics classification_metrics(std::span<const int32_t> truth, std::span<const int32_t> answers,
                               std::span<const double> confidence, int64_t classes);

// Of multi-label answers: accuracy is that of all rows x classes, the others are means over the classes;
// there is no confusion matrix. truth and answers [rows, classes] hold 0 or 1.
Metrics multi_label_metrics(std::span<const uint8_t> truth, std::span<const uint8_t> answers,
                            int64_t classes);

// The exact two-sided McNemar test (McNemar 1947) of two classifiers on the same rows: how probable so uneven
// a split of the rows that only one of them got right is if both are equally good.
double mcnemar_p(int64_t only_first, int64_t only_second);

}  // namespace valence::train
