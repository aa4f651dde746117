#include "serve/documents.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "pipeline/answer_json.h"
#include "text/segments.h"

namespace valence::serve {

using formats::append_json_number;
using formats::append_json_string;
using formats::Json;
using text::Segment;

namespace {

// A document with the places of its parts in the jobs.
struct Plan {
  Document document;
  size_t entry = SIZE_MAX;  // in the first job
  std::vector<Segment> sentences, parts;
  size_t first_sentence = 0, first_part = 0;  // in the second job
};

// All that one request waits for: its texts, and in a second job what explains them.
struct Pending {
  Context* context = nullptr;
  DocumentOptions options;
  std::vector<Plan> plans;
  JobPointer texts, details;  // null when there is nothing to read
  int open = 0;               // jobs that are not done
  DocumentsDone done;
};

// Turns ascending byte positions of a text into code points or UTF-16 units.
class Offsets {
 public:
  Offsets(std::string_view text, bool utf16) : text_(text), utf16_(utf16) {}
  size_t of(size_t byte) {
    if (byte < at_) at_ = units_ = 0;
    while (at_ < byte) {
      const char32_t c = decode_utf8(text_, at_);
      units_ += utf16_ && c > 0xFFFF && c != kInvalidCodePoint ? 2 : 1;
    }
    return units_;
  }

 private:
  std::string_view text_;
  bool utf16_;
  size_t at_ = 0, units_ = 0;
};

void append_member(std::string& out, const char* name) {
  out += ",\"";
  out += name;
  out += "\":";
}

void append_label(std::string& out, const std::vector<std::string>& labels, const pipeline::Result& result) {
  const auto best = static_cast<size_t>(result.label);
  out += "\"label\":";
  append_json_string(out, labels[best]);
  append_member(out, "score");
  append_json_number(out, result.scores[best]);
  append_member(out, "scores");
  pipeline::append_scores(out, labels, result.scores);
}

void append_sentences(std::string& out, const Pending& pending, const Plan& plan) {
  Offsets offsets(plan.document.text, pending.options.utf16);
  const std::vector<std::string>& labels = pending.options.model->classifier->labels();
  append_member(out, "sentences");
  out += '[';
  bool first = true;
  for (size_t k = 0; k < plan.sentences.size(); ++k) {
    const Entry& entry = pending.details->entries[plan.first_sentence + k];
    if (!entry.result.reject_reason.empty()) continue;
    const size_t begin = offsets.of(plan.sentences[k].begin), end = offsets.of(plan.sentences[k].end);
    if (!first) out += ',';
    first = false;
    out +=
        "{\"offset\":" + std::to_string(begin) + ",\"length\":" + std::to_string(end - begin) + ",\"text\":";
    append_json_string(out, entry.text);
    out += ',';
    append_label(out, labels, entry.result);
    out += '}';
  }
  out += ']';
}

void append_explanation(std::string& out, const Pending& pending, const Plan& plan,
                        const pipeline::Result& whole) {
  std::vector<pipeline::Result> reduced;
  for (size_t k = 0; k < plan.parts.size(); ++k)
    reduced.push_back(pending.details->entries[plan.first_part + k].result);
  Offsets offsets(plan.document.text, pending.options.utf16);
  append_member(out, "explanation");
  out += '[';
  bool first = true;
  for (const pipeline::Attribution& part : pipeline::attributions(whole, plan.parts, reduced)) {
    if (!first) out += ',';
    first = false;
    const size_t begin = offsets.of(part.bytes.begin), end = offsets.of(part.bytes.end);
    out += "{\"begin\":" + std::to_string(begin) + ",\"end\":" + std::to_string(end) + ",\"text\":";
    append_json_string(
        out,
        std::string_view(plan.document.text).substr(part.bytes.begin, part.bytes.end - part.bytes.begin));
    append_member(out, "weight");
    append_json_number(out, static_cast<float>(part.weight));
    out += '}';
  }
  out += ']';
}

std::string answer_of(const Pending& pending, const Plan& plan, const pipeline::Result& result) {
  const pipeline::Classifier& classifier = *pending.options.model->classifier;
  std::string out = "{\"id\":";
  append_json_string(out, plan.document.id);
  out += ',';
  append_label(out, classifier.labels(), result);
  append_member(out, "polarity");
  append_json_number(out, static_cast<float>(result.polarity));
  append_member(out, "tokens");
  out += std::to_string(result.tokens);
  append_member(out, "windows");
  out += std::to_string(result.windows);
  append_member(out, "truncated");
  out += result.truncated ? "true" : "false";
  if (pending.options.tasks != 0) {
    append_member(out, "tasks");
    pipeline::append_tasks(out, classifier.tasks(), result.tasks);
  }
  if (pending.options.logits) {
    append_member(out, "logits");
    pipeline::append_numbers(out, result.logits);
  }
  if (pending.options.sentences) append_sentences(out, pending, plan);
  if (pending.options.explain) append_explanation(out, pending, plan, result);
  out += '}';
  return out;
}

void finish(Pending& pending) {
  Context& context = *pending.context;
  DocumentAnswers answers;
  for (const JobPointer& job : {pending.texts, pending.details}) {
    if (job && !answers.refused) answers.refused = failure_of(context, *job);
  }
  for (Plan& plan : pending.plans) {
    if (answers.refused) break;
    if (plan.document.error_code.empty()) {
      const pipeline::Result& result = pending.texts->entries[plan.entry].result;
      if (result.reject_reason.empty()) {
        count(context.metrics, result);
        plan.document.text = std::move(pending.texts->entries[plan.entry].text);
        answers.answered.push_back(answer_of(pending, plan, result));
        continue;
      }
      plan.document.error_code = result.reject_reason;
      plan.document.error_message = result.reject_message;
    }
    answers.failed.push_back(std::move(plan.document));
  }
  pending.done(std::move(answers));
}

// Adds what a document asks besides its own answer to the second job.
void plan_details(Plan& plan, const DocumentOptions& options, std::vector<Entry>& details, size_t& bytes) {
  const std::string& text = plan.document.text;
  if (options.sentences) {
    plan.sentences = text::sentences(text);
    plan.first_sentence = details.size();
    for (const Segment& sentence : plan.sentences)
      details.push_back({text.substr(sentence.begin, sentence.end - sentence.begin), {}});
    bytes += text.size();
  }
  if (options.explain) {
    plan.parts = pipeline::parts_to_leave_out(text);
    bytes += text.size() * plan.parts.size();
  }
}

JobPointer make_job(const std::shared_ptr<Pending>& pending, std::vector<Entry> entries, uint64_t tasks) {
  if (entries.empty()) return nullptr;
  auto job = std::make_shared<Job>();
  job->model = pending->options.model;
  job->reading.tasks = tasks;
  job->entries = std::move(entries);
  job->abandoned = pending->options.abandoned;
  job->deadline = Job::Clock::now() + pending->context->limits.patience;
  job->done = [pending](Job&) {
    if (--pending->open == 0) {
      finish(*pending);
      pending->texts.reset();  // each holds the other through this very function
      pending->details.reset();
    }
  };
  ++pending->open;
  return job;
}

}  // namespace

DocumentOptions document_options(const Context& context, const Json& body) {
  DocumentOptions options;
  options.model = find_model(context, string_member(body, "model", ""));
  options.sentences = bool_member(body, "sentences", false);
  options.explain = bool_member(body, "explain", false);
  options.logits = bool_member(body, "logits", false);
  const std::string unit = string_member(body, "stringIndexType", "codePoints");
  options.utf16 = unit == "utf16CodeUnits";
  if (!options.utf16 && unit != "codePoints")
    throw Refused{422, "invalid", "stringIndexType is codePoints or utf16CodeUnits"};
  const Json* tasks = body.get("tasks");
  if (tasks == nullptr) return options;
  if (!tasks->is_array()) throw Refused{422, "invalid", "tasks is a list of names"};
  const std::vector<pipeline::Task>& known = options.model->classifier->tasks();
  for (const Json& name : tasks->as_array("")) {
    if (!name.is_string()) throw Refused{422, "invalid", "tasks is a list of names"};
    const auto found = std::ranges::find(known, name.as_string(""), &pipeline::Task::name);
    if (found == known.end())
      throw Refused{404, "unknown_task", "the model has no task of that name; see /v1/models"};
    options.tasks |= uint64_t{1} << (found - known.begin());
  }
  return options;
}

std::vector<Document> read_documents(const Context& context, const Json& body) {
  if (!body.is_object()) throw Refused{422, "invalid", "the body is an object with documents"};
  const Json* list = body.get("documents");
  if (list == nullptr || !list->is_array()) throw Refused{422, "invalid", "documents is a list of objects"};
  const Json::Array& items = list->as_array("");
  if (items.size() > context.limits.texts)
    throw Refused{413, "too_large",
                  "at most " + std::to_string(context.limits.texts) + " documents in a request"};
  std::vector<Document> documents;
  documents.reserve(items.size());
  for (const Json& item : items) documents.push_back(read_document(context, item, documents.size()));
  return documents;
}

Document read_document(const Context& context, const Json& value, size_t position) {
  Document document;
  document.id = std::to_string(position);
  const auto fail = [&](std::string code, std::string message) {
    document.error_code = std::move(code);
    document.error_message = std::move(message);
    return document;
  };
  if (!value.is_object()) return fail("malformed", "a document is an object with id and text");
  if (const Json* id = value.get("id")) {
    if (id->is_int()) {
      document.id = std::to_string(id->as_int(""));
    } else if (id->is_string()) {
      document.id = id->as_string("");
    } else {
      return fail("malformed", "the id of a document is a string");
    }
  }
  const Json* text = value.find("text");
  if (text == nullptr) return fail("not_text", "the document has no text");
  if (!text->is_string()) return fail("not_text", "text is a string, got " + std::string(text->type_name()));
  if (const Json* language = value.get("language"); language != nullptr && !language->is_string())
    return fail("malformed", "language is a string");
  document.text = text->as_string("");
  if (const std::optional<Refused> wrong = check_text(context, document.text)) {
    document.text.clear();
    return fail(wrong->code, wrong->message);
  }
  return document;
}

Job::Clock::time_point answer_documents(Context& context, const DocumentOptions& options,
                                        std::vector<Document> documents, DocumentsDone done,
                                        Job::Clock::time_point begin) {
  auto pending = std::make_shared<Pending>();
  pending->context = &context;
  pending->options = options;
  pending->done = std::move(done);
  std::vector<Entry> texts, details;
  size_t bytes = 0;
  for (Document& document : documents) {
    Plan& plan = pending->plans.emplace_back();
    plan.document = std::move(document);
    if (plan.document.error_code.empty()) plan_details(plan, options, details, bytes);
  }
  if (bytes > context.limits.explained)
    throw Refused{413, "too_large",
                  "sentences and explanations of so much text are too much for one request"};
  for (Plan& plan : pending->plans) {
    if (!plan.document.error_code.empty()) continue;
    plan.first_part = details.size();
    for (const Segment& part : plan.parts)
      details.push_back({pipeline::without(plan.document.text, part), {}});
    plan.entry = texts.size();
    texts.push_back({std::move(plan.document.text), {}});
  }
  const JobPointer first = pending->texts = make_job(pending, std::move(texts), options.tasks);
  const JobPointer second = pending->details = make_job(pending, std::move(details), 0);
  if (!first) finish(*pending);
  if (first) begin = context.scheduler.submit(first, begin);
  if (second) begin = context.scheduler.submit(second, begin);
  return begin;
}

}  // namespace valence::serve
