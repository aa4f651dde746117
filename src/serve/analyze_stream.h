// POST /v1/analyze/stream: documents in as they come, results out as they are ready, in any order.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "serve/documents.h"

namespace valence::serve {

enum class Framing { kLines, kEvents };  // application/x-ndjson, text/event-stream

// Lives on the thread of the connections; belongs to a shared_ptr, because results may come after their
// connection is gone.
class AnalyzeStream : public std::enable_shared_from_this<AnalyzeStream> {
 public:
  // `changed` is called when there is output, or room for more input.
  AnalyzeStream(Context& context, DocumentOptions options, Framing framing, std::function<void()> changed);
  AnalyzeStream(const AnalyzeStream&) = delete;
  AnalyzeStream& operator=(const AnalyzeStream&) = delete;

  // A part of a body of JSON Lines, of any length; the last one with `end`.
  void feed(std::string_view bytes, bool end);
  // The documents of a JSON body, at once, and the end.
  void add(std::vector<Document> documents);

  bool wants_input() const { return open_ < kMostOpen && output_.size() < kMostOutput; }
  // Results that were not taken yet.
  std::string take_output();
  bool has_output() const { return !output_.empty(); }
  bool complete() const { return ended_ && open_ == 0; }
  // Nobody listens any more: what has not begun is dropped, as are results.
  void abandon();

 private:
  static constexpr size_t kMostOpen = 512;        // documents
  static constexpr size_t kMostOutput = 1 << 20;  // bytes
  void enter();
  void leave();
  void read_line(std::string_view line);
  void submit(Document document);
  void put(const std::string& object);
  void put_error(const Document& document);
  void put_error(const std::string& id_json, std::string_view code, std::string_view message);

  Context& context_;
  DocumentOptions options_;
  Framing framing_;
  std::function<void()> changed_;
  std::string line_;       // the beginning of a line whose end has not come
  bool skipping_ = false;  // the rest of a line that is too long
  size_t lines_ = 0, documents_ = 0, open_ = 0;
  bool ended_ = false;
  Job::Clock::time_point due_{};
  std::string output_;
};

}  // namespace valence::serve
