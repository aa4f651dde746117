#include "jobs/job.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "base/error.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/sha256.h"
#include "jobs/answer_cells.h"
#include "jobs/batches.h"
#include "jobs/output.h"
#include "jobs/progress.h"
#include "rows/column_values.h"

namespace valence::jobs {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kFewRows = 16;     // at most so many rows are classified by all threads together
constexpr size_t kFirstBatch = 32;  // rows; batches grow while they take less than kShortBatch
constexpr size_t kLargestBatch = 1024;
constexpr double kShortBatch = 0.25, kLongBatch = 0.75;  // seconds
constexpr const char* kGoesOn = "; the same command with --resume goes on from there";
constexpr size_t kBatchBytes = 1 << 20;  // of text, unless one row alone has more

bool is_stdin(const JobOptions& options) {
  return options.texts.empty() && (options.file.empty() || options.file == "-");
}

bool is_stdout(const JobOptions& options) { return options.output.empty() || options.output == "-"; }

rows::OutputFormat chosen_format(const JobOptions& options) {
  if (options.format) return *options.format;
  if (const auto by_name = rows::output_format_by_name(options.output.string())) return *by_name;
  const bool for_reading = is_stdout(options) && ::isatty(STDOUT_FILENO) && !options.details.any();
  return for_reading ? rows::OutputFormat::kTable : rows::OutputFormat::kJsonLines;
}

std::unique_ptr<rows::RowReader> open_input(const JobOptions& options, bool columns_needed, bool checksum) {
  if (!options.texts.empty()) return rows::open_texts(options.texts);
  rows::ReaderOptions reader;
  const rows::Format by_name =
      is_stdin(options) ? rows::Format::kLines : rows::format_by_name(options.file.string());
  reader.format = options.input_format.value_or(by_name);
  reader.text_column = options.text_column;
  reader.encoding = options.encoding;
  reader.keep_checksum = checksum;
  reader.collect_fields = columns_needed;
  if (is_stdin(options)) return rows::open_rows(rows::open_standard_input(), "standard input", reader);
  return rows::open_rows(options.file, reader);
}

rows::WriterOptions writer_options(const JobOptions& options, rows::OutputFormat format) {
  rows::WriterOptions writer;
  writer.format = format;
  writer.escape_formulas = options.escape_formulas;
  if (is_stdout(options) && ::isatty(STDOUT_FILENO)) {
    const char* no_color = std::getenv("NO_COLOR");
    writer.color = no_color == nullptr || *no_color == '\0';
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) writer.table_width = size.ws_col;
  }
  return writer;
}

}  // namespace

// What a job holds between its stages.
struct Job::Parts {
  JobOptions options;
  rows::OutputFormat format;
  std::unique_ptr<Output> output;
  std::unique_ptr<rows::RowReader> reader;
  std::optional<rows::ColumnValues> languages;
  bool keeps_state;  // the output can be gone on with

  std::unique_ptr<rows::RowWriter> writer;
  std::unique_ptr<AnswerCells> cells;
  JobState state;
  bool at_end = false;  // of the input
  size_t batch_rows = kFirstBatch;
  Clock::time_point start, next_checkpoint;
  std::string rows_text, rejects_text;  // kept for their memory

  explicit Parts(JobOptions given);
  std::map<std::string, std::string> settings(const pipeline::Classifier& classifier) const;
  bool begin(const pipeline::Classifier& classifier);
  void read_and_write(pipeline::Classifier& classifier);
  void run_workers(pipeline::Classifier& classifier, std::unique_ptr<Batch> first);
  void finish_begun(BatchQueue& queue);
  std::unique_ptr<Batch> read_batch(size_t rows);
  void write_batch(Batch& batch);
  void adapt_batches(const Batch& batch);
  void checkpoint();
  void flush();
  [[noreturn]] void report_interrupt();
  void report_failure(const Error& error) const;
  void print_summary(const std::vector<std::string>& labels);
  JobOutcome outcome() const { return {state.summary, state.summary.rejected > 0 ? 3 : 0}; }
};

Job::Parts::Parts(JobOptions given) : options(std::move(given)), format(chosen_format(options)) {
  const bool columns_needed = format != rows::OutputFormat::kJsonLines;
  if (options.texts.empty() && !is_stdin(options) && !is_stdout(options)) {
    refuse_same_file(options.file, options.output);
    refuse_same_file(options.file, options.output.string() + ".rejects.jsonl");
  }
  std::error_code ignored;
  // Of anything but a file, what was read can be known again only by its checksum.
  const bool checksum = is_stdin(options) || !std::filesystem::is_regular_file(options.file, ignored);
  reader = open_input(options, columns_needed, checksum);
  if (options.language_column)
    languages.emplace(*reader, std::vector{*options.language_column}, "--language-column");
  output = open_output(options.output);
  // A table keeps rows back to choose its widths; it is for reading, and short.
  if (options.details.any() && format != rows::OutputFormat::kJsonLines)
    throw Error(ErrorCode::kUsage, "sentences and explanations are written as jsonl only");
  keeps_state = output->resumable() && format != rows::OutputFormat::kTable;
  if (options.resume && !keeps_state) {
    throw Error(ErrorCode::kUsage, "only an output file in csv, tsv or jsonl can be resumed");
  }
}

std::map<std::string, std::string> Job::Parts::settings(const pipeline::Classifier& classifier) const {
  const auto yes_or_no = [](bool value) { return std::string(value ? "yes" : "no"); };
  std::string texts;
  for (const std::string& text : options.texts) texts += std::to_string(text.size()) + ":" + text;
  const bool from_file = options.texts.empty() && !is_stdin(options);
  return {{"model", classifier.fingerprint()},
          {"input", from_file ? identity_of(options.file) : sha256_hex(std::as_bytes(std::span(texts)))},
          {"format", std::string(rows::name_of(format))},
          {"input-format", std::to_string(static_cast<int>(reader->format()))},
          {"text-column", options.text_column.value_or("")},
          {"language-column", options.language_column.value_or("")},
          {"encoding", options.encoding ? std::string(rows::name_of(*options.encoding)) : "detected"},
          {"logits", yes_or_no(options.logits)},
          {"provenance", yes_or_no(options.provenance)},
          {"top-k", std::to_string(options.top_k)},
          {"sentences", yes_or_no(options.details.sentences)},
          {"explain", yes_or_no(options.details.explain)},
          {"escape-formulas", yes_or_no(options.escape_formulas)}};
}

// Prepares the writer, and goes back to where an interrupted run was. False when that run had written all.
bool Job::Parts::begin(const pipeline::Classifier& classifier) {
  start = Clock::now();
  next_checkpoint = start + options.checkpoint_every;
  AnswerOptions answers{format,          options.logits,     options.top_k, {}, classifier.tasks(),
                        options.details, classifier.routes()};
  if (options.provenance) answers.provenance.push_back(classifier.provenance());
  if (options.provenance && classifier.routes())
    answers.provenance.push_back(classifier.provenance_of(pipeline::Route::kMultilingual));
  cells = std::make_unique<AnswerCells>(std::move(answers), classifier.labels());
  writer = rows::make_writer(writer_options(options, format), *reader, cells->names());
  if (keeps_state) state.settings = settings(classifier);
  const std::optional<JobState> interrupted = options.resume ? output->resume(state) : std::nullopt;
  if (!interrupted) {
    state.position = reader->position();
    writer->begin(rows_text);
    flush();
    return true;
  }
  state = *interrupted;
  if (!state.complete) reader->skip_to(state.position);
  return !state.complete;
}

std::unique_ptr<Batch> Job::Parts::read_batch(size_t rows) {
  auto batch = std::make_unique<Batch>();
  size_t bytes = 0;
  while (batch->rows.size() < rows && bytes < kBatchBytes) {
    rows::Row row;
    at_end = !reader->next(row);
    if (at_end) break;
    bytes += row.storage.size();
    if (languages) batch->languages.push_back(row.rejected() ? "" : languages->of(row).front());
    batch->rows.push_back(std::move(row));
  }
  batch->end = reader->position();
  return batch;
}

void Job::Parts::read_and_write(pipeline::Classifier& classifier) {
  std::unique_ptr<Batch> first = read_batch(kFewRows);
  if (at_end) {
    classify_batch(classifier, *first, 0, true, options.details);
    write_batch(*first);
    return;
  }
  run_workers(classifier, std::move(first));
}

void Job::Parts::run_workers(pipeline::Classifier& classifier, std::unique_ptr<Batch> first) {
  const bool on_screen = is_stdout(options) && ::isatty(STDOUT_FILENO);
  Progress progress(!options.quiet && !on_screen && ::isatty(STDERR_FILENO));
  BatchQueue queue(classifier, options.details);
  // Enough that no worker waits while the oldest batch is the slow one.
  const size_t most = 2 * static_cast<size_t>(std::max(1, classifier.workers())) + 2;
  queue.submit(std::move(first));
  try {
    while (!at_end || queue.size() > 0) {
      check_interrupt();
      while (!at_end && queue.size() < most) queue.submit(read_batch(batch_rows));
      const std::unique_ptr<Batch> batch = queue.take(std::chrono::milliseconds(100));
      if (!batch) continue;
      write_batch(*batch);
      adapt_batches(*batch);
      if (keeps_state && Clock::now() >= next_checkpoint) checkpoint();
      // The part of what was read that is written, too.
      const double written = static_cast<double>(state.position.offset);
      const double ahead = static_cast<double>(std::max<uint64_t>(1, reader->position().offset));
      const double taken = static_cast<double>(reader->bytes_taken()) * std::min(1.0, written / ahead);
      progress.update(state.summary.run_rows, static_cast<uint64_t>(taken), reader->bytes_total());
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInterrupted) throw;
    finish_begun(queue);
    throw;
  }
}

// After an interrupt: what is done already is kept first, as a second signal ends the process at once.
void Job::Parts::finish_begun(BatchQueue& queue) {
  queue.stop();
  if (keeps_state) checkpoint();
  while (queue.oldest_was_begun()) {
    if (const std::unique_ptr<Batch> batch = queue.take(std::chrono::milliseconds(100))) write_batch(*batch);
  }
}

void Job::Parts::write_batch(Batch& batch) {
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    rows::Row& row = batch.rows[i];
    pipeline::Result& result = batch.results[i];
    if (!row.rejected() && !result.reject_reason.empty())
      row.reject = {result.reject_reason, result.reject_message};
    if (row.rejected()) {
      rows::append_reject(row, rejects_text);
      state.summary.add_reject();
    } else {
      static const Details none;
      writer->row(row, cells->of(result, batch.details.empty() ? none : batch.details[i]), rows_text);
      state.summary.add(result);
    }
  }
  state.position = batch.end;
  flush();
}

void Job::Parts::flush() {
  output->write(rows_text, rejects_text);
  rows_text.clear();
  rejects_text.clear();
}

void Job::Parts::adapt_batches(const Batch& batch) {
  if (batch.rows.size() < batch_rows) return;  // it was full in bytes
  if (batch.seconds < kShortBatch) batch_rows = std::min(kLargestBatch, 2 * batch_rows);
  if (batch.seconds > kLongBatch) batch_rows = std::max<size_t>(8, batch_rows / 2);
}

// Takes at most a twentieth of the time, however slow the disk is.
void Job::Parts::checkpoint() {
  const Clock::time_point before = Clock::now();
  output->checkpoint(state);
  const Clock::time_point after = Clock::now();
  const Clock::duration every = options.checkpoint_every;
  next_checkpoint = after + (every.count() == 0 ? every : std::max(every, 20 * (after - before)));
}

void Job::Parts::report_interrupt() {
  if (!keeps_state) throw Error(ErrorCode::kInterrupted, "interrupted");
  flush();
  output->checkpoint(state);
  throw Error(ErrorCode::kInterrupted,
              "interrupted after " + with_commas(state.summary.rows) + " rows" + kGoesOn);
}

// A full disk, say: what it has of this run is not lost.
void Job::Parts::report_failure(const Error& error) const {
  if (!output->has_state()) return;
  throw Error(error.code(), std::string(error.what()) + kGoesOn);
}

void Job::Parts::print_summary(const std::vector<std::string>& labels) {
  state.summary.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (options.quiet || !options.texts.empty()) return;
  std::vector<std::string> notes;
  if (reader->encoding() != rows::Encoding::kUtf8) {
    notes.push_back("the input was read as " + std::string(rows::name_of(reader->encoding())));
  }
  if (languages && !languages->found())
    notes.push_back("no row has the field that --language-column names: every language was detected");
  if (state.summary.rejected > 0 && !output->rejects_path().empty()) {
    notes.push_back("rejected rows: " + printable(output->rejects_path().string()));
  }
  write_all(STDERR_FILENO, describe(state.summary, labels, notes), "standard error");
}

Job::Job(JobOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}
Job::~Job() = default;

JobOutcome Job::run(pipeline::Classifier& classifier) {
  Parts& parts = *parts_;
  const bool rows_left = parts.begin(classifier);
  try {
    if (rows_left) {
      parts.read_and_write(classifier);
      parts.writer->end(parts.rows_text);
      parts.flush();
    }
    parts.output->commit(parts.state);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) parts.report_interrupt();
    // A damaged input gives no output, not even with --resume.
    if (error.code() == ErrorCode::kBadData) parts.output->discard();
    parts.report_failure(error);
    throw;
  }
  parts.print_summary(classifier.labels());
  return parts.outcome();
}

}  // namespace valence::jobs
