// The file job: rows of an input, classified by all cores, to an output in the same order.
//
//   reader (caller's thread) -> bounded queue -> one worker per core -> ordered writer (caller's thread)
//
// An output file appears under its name only when it is complete. Until then the rows stand in hidden files
// beside it, with a state from which an interrupted job goes on (file_output.h).
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jobs/summary.h"
#include "pipeline/classifier.h"
#include "pipeline/details.h"
#include "rows/row_reader.h"
#include "rows/row_writer.h"

namespace valence::jobs {

struct JobOptions {
  // The input: texts when there are any, else the file, else (empty or "-") standard input.
  std::vector<std::string> texts;
  std::filesystem::path file;
  std::optional<rows::Format> input_format;  // absent: by the file's name; plain lines for standard input
  std::optional<std::string> text_column;
  std::optional<std::string> language_column;  // for a classifier that routes
  std::optional<rows::Encoding> encoding;

  // The output: a file, a device, or (empty or "-") standard output. Rejected rows go to
  // OUTPUT.rejects.jsonl; beside standard output or a device to standard error.
  std::filesystem::path output;
  // Absent: by the output's name, else a table on a terminal, else JSON Lines.
  std::optional<rows::OutputFormat> format;
  bool logits = false;
  bool provenance = false;
  int top_k = 0;  // the scores of so many labels, best first; 0: all in the order of id2label
  bool escape_formulas = false;
  pipeline::DetailOptions details;  // JSON Lines only

  bool resume = false;
  bool quiet = false;  // neither progress nor summary
  // What a crash can cost at most, as long as the disk is quick; 0: a state after each batch.
  std::chrono::milliseconds checkpoint_every{500};
};

struct JobOutcome {
  Summary summary;
  int exit_status = 0;  // 3 when rows were rejected
};

class Job {
 public:
  // Opens the input and finds out whether the output can be written, so that a user's mistake shows before a
  // model is loaded. Errors: kNoInput, kBadData, kUsage, kRuntime.
  explicit Job(JobOptions options);
  ~Job();

  // Reads, classifies and writes all rows. Call once. Errors: kUsage when `resume` is asked for and input or
  // options are not those of the interrupted run (whose state stays); kBadData for a damaged input (no output
  // and no state remain); kRuntime when something cannot be written, kInterrupted after a signal (a state
  // remains, and the message says so).
  JobOutcome run(pipeline::Classifier& classifier);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace valence::jobs
