#include "serve/documents.h"

#include <algorithm>

#include "pipeline/answer_json.h"

namespace valence::serve {

using formats::append_json_number;
using formats::append_json_string;
using formats::Json;

namespace {

// A document with the places of its texts in the jobs.
struct Plan {
  Document document;
  pipeline::DetailPlan details;
  size_t entry = SIZE_MAX;  // in the first job
  size_t first_detail = 0;  // in the second job
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

void append_member(std::string& out, const char* name) {
  out += ",\"";
  out += name;
  out += "\":";
}

void append_details(std::string& out, const Pending& pending, const Plan& plan,
                    const pipeline::Result& whole) {
  const std::string& text = plan.document.text;
  std::vector<pipeline::Result> read;
  for (size_t k = 0; k < plan.details.count(); ++k)
    read.push_back(std::move(pending.details->entries[plan.first_detail + k].result));
  if (pending.options.details.sentences) {
    append_member(out, "sentences");
    out += plan.details.sentences(text, pending.options.model->classifier->labels(), read);
  }
  if (pending.options.details.explain) {
    append_member(out, "explanation");
    out += plan.details.explanation(text, whole, read);
  }
}

std::string answer_of(const Pending& pending, const Plan& plan, const pipeline::Result& result) {
  const pipeline::Classifier& classifier = *pending.options.model->classifier;
  std::string out = "{\"id\":";
  append_json_string(out, plan.document.id);
  out += ',';
  pipeline::append_label(out, classifier.labels(), result);
  append_member(out, "polarity");
  append_json_number(out, static_cast<float>(result.polarity));
  append_member(out, "tokens");
  out += std::to_string(result.tokens);
  append_member(out, "windows");
  out += std::to_string(result.windows);
  append_member(out, "truncated");
  out += result.truncated ? "true" : "false";
  if (result.routing) {
    out += ',';
    pipeline::append_routing(out, *result.routing);
  }
  if (pending.options.tasks != 0) {
    append_member(out, "tasks");
    pipeline::append_tasks(out, classifier.tasks(), result.tasks);
  }
  if (pending.options.logits) {
    append_member(out, "logits");
    pipeline::append_numbers(out, result.logits);
  }
  if (pending.options.details.any()) append_details(out, pending, plan, result);
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
        answers.multilingual |= result.routing && result.routing->route == pipeline::Route::kMultilingual;
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

JobPointer make_job(const std::shared_ptr<Pending>& pending, std::vector<Entry> entries, uint64_t tasks) {
  if (entries.empty()) return nullptr;
  auto job = std::make_shared<Job>();
  job->model = pending->options.model;
  job->reading.tasks = tasks;
  job->entries = std::move(entries);
  job->abandoned = pending->options.abandoned;
  job->begun = pending->options.begun;
  job->deadline = Job::Clock::now() + pending->context->limits.patience;
  job->done = [pending](Job&) {
    if (--pending->open == 0) finish(*pending);
  };
  ++pending->open;
  return job;
}

}  // namespace

DocumentOptions document_options(const Context& context, const Json& body) {
  DocumentOptions options;
  options.model = find_model(context, string_member(body, "model", ""));
  options.details.sentences = bool_member(body, "sentences", false);
  options.details.explain = bool_member(body, "explain", false);
  options.logits = bool_member(body, "logits", false);
  const std::string unit = string_member(body, "stringIndexType", "codePoints");
  options.details.utf16 = unit == "utf16CodeUnits";
  if (!options.details.utf16 && unit != "codePoints")
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
  if (const Json* language = value.get("language")) {
    if (!language->is_string()) return fail("malformed", "language is a string");
    document.language = language->as_string("");
  }
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
  size_t bytes = 0;
  for (Document& document : documents) {
    Plan& plan = pending->plans.emplace_back();
    plan.document = std::move(document);
    if (!plan.document.error_code.empty() || !options.details.any()) continue;
    plan.details = pipeline::DetailPlan(plan.document.text, options.details);
    bytes += plan.details.bytes();
  }
  if (bytes > context.limits.explained)
    throw Refused{413, "too_large",
                  "sentences and explanations of so much text are too much for one request"};
  std::vector<Entry> texts, details;
  for (Plan& plan : pending->plans) {
    if (!plan.document.error_code.empty()) continue;
    plan.first_detail = details.size();
    // They are read as the text is: of a few words alone, the language may look like another one.
    std::string language = plan.document.language;
    if (options.details.any() && language.empty())
      language = options.model->classifier->language_of(plan.document.text);
    for (std::string& text : plan.details.texts(plan.document.text))
      details.push_back({std::move(text), {}, {}, language});
    plan.entry = texts.size();
    texts.push_back({std::move(plan.document.text), {}, {}, std::move(plan.document.language)});
  }
  const JobPointer first = pending->texts = make_job(pending, std::move(texts), options.tasks);
  const JobPointer second = pending->details = make_job(pending, std::move(details), 0);
  if (!first) finish(*pending);
  if (first) begin = context.scheduler.submit(first, begin);
  if (second) begin = context.scheduler.submit(second, begin);
  return begin;
}

}  // namespace valence::serve
