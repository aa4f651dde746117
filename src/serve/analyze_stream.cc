#include "serve/analyze_stream.h"

#include "base/utf8.h"

namespace valence::serve {

using formats::append_json_string;

AnalyzeStream::AnalyzeStream(Context& context, DocumentOptions options, Framing framing,
                             std::function<void()> changed)
    : context_(context), options_(std::move(options)), framing_(framing), changed_(std::move(changed)) {
  options_.abandoned = std::make_shared<std::atomic<bool>>(false);
}

// A stream is in the queue while a document of it is.
void AnalyzeStream::enter() {
  if (open_++ == 0) ++context_.metrics.queue_depth;
}

void AnalyzeStream::leave() {
  if (--open_ == 0) --context_.metrics.queue_depth;
}

void AnalyzeStream::feed(std::string_view bytes, bool end) {
  while (!bytes.empty()) {
    const size_t feed = bytes.find('\n');
    const std::string_view part = bytes.substr(0, feed);
    if (!skipping_ && line_.size() + part.size() > context_.limits.body) {
      ++lines_;
      put_error("null", "too_long", "line " + std::to_string(lines_) + " is longer than a document may be");
      skipping_ = true;
      line_.clear();
    }
    if (!skipping_) line_ += part;
    if (feed == std::string_view::npos) break;
    bytes.remove_prefix(feed + 1);
    if (!skipping_) read_line(line_);
    skipping_ = false;
    line_.clear();
  }
  if (!end) return;
  if (!skipping_ && !line_.empty()) read_line(line_);
  line_ = {};
  ended_ = true;
  changed_();
}

void AnalyzeStream::read_line(std::string_view line) {
  ++lines_;
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  try {
    submit(read_document(context_, parse_body(std::string(line)), documents_++));
  } catch (const Refused& refused) {
    const bool encoding = !is_valid_utf8(line);
    put_error(
        "null", encoding ? "invalid_encoding" : "malformed",
        "line " + std::to_string(lines_) + (encoding ? " is not valid UTF-8" : " is not a JSON object"));
  }
}

void AnalyzeStream::add(std::vector<Document> documents) {
  for (Document& document : documents) submit(std::move(document));
  ended_ = true;
  changed_();
}

void AnalyzeStream::submit(Document document) {
  if (!document.error_code.empty()) return put_error(document);
  enter();
  std::vector<Document> one;
  const std::string id = document.id;
  one.push_back(std::move(document));
  const auto done = [self = shared_from_this(), id](const DocumentAnswers& answers) {
    self->leave();
    for (const std::string& object : answers.answered) self->put(object);
    for (const Document& failed : answers.failed) self->put_error(failed);
    if (answers.refused) self->put_error({id, "", answers.refused->code, answers.refused->message});
    self->changed_();  // there is room, and perhaps an end
  };
  try {
    due_ = answer_documents(context_, options_, std::move(one), done, due_);
  } catch (const Refused& refused) {
    leave();
    put_error({id, "", refused.code, refused.message});
  }
}

void AnalyzeStream::put(const std::string& object) {
  if (framing_ == Framing::kEvents) output_ += "data: ";
  output_ += object;
  output_ += framing_ == Framing::kEvents ? "\n\n" : "\n";
  changed_();
}

void AnalyzeStream::put_error(const Document& document) {
  std::string id;
  append_json_string(id, document.id);
  put_error(id, document.error_code, document.error_message);
}

void AnalyzeStream::put_error(const std::string& id_json, std::string_view code, std::string_view message) {
  std::string object = "{\"id\":" + id_json + ",\"error\":{\"code\":";
  append_json_string(object, code);
  object += ",\"message\":";
  append_json_string(object, message);
  put(object + "}}");
}

std::string AnalyzeStream::take_output() {
  std::string out = std::move(output_);
  output_.clear();
  return out;
}

void AnalyzeStream::abandon() {
  changed_ = [] {};
  ended_ = true;
  *options_.abandoned = true;
}

}  // namespace valence::serve
