// What a job says at its end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pipeline/classifier.h"

namespace valence::jobs {

struct Summary {
  uint64_t rows = 0;  // all, rejected ones included
  uint64_t rejected = 0;
  uint64_t tokens = 0;
  std::vector<uint64_t> labels;  // rows by label, in the order of id2label
  double polarity_sum = 0;
  uint64_t with_polarity = 0;  // rows that have a polarity
  uint64_t truncated = 0, in_windows = 0;
  struct Language {
    uint64_t rows = 0, translated = 0;
    double polarity_sum = 0;
    uint64_t with_polarity = 0;
  };
  std::map<std::string, Language> languages;  // of a classifier that routes
  uint64_t failed_translations = 0;
  // Of this run alone, when the job was resumed.
  double seconds = 0;
  uint64_t run_rows = 0, run_tokens = 0;

  void add(const pipeline::Result& result);
  void add_reject();

 private:
  void add_language(const pipeline::Routing& routing, double polarity);
};

// Lines for people: rows, share and a bar for each label, mean polarity, the same by language, speed. `notes`
// follow, a line each.
std::string describe(const Summary& summary, const std::vector<std::string>& labels,
                     const std::vector<std::string>& notes);

// "1,234,567"
std::string with_commas(uint64_t number);
// "12 s", "3 min 20 s", "2 h 5 min"
std::string duration(double seconds);

}  // namespace valence::jobs
