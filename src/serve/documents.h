// Documents of the native API: what a request asks of them, and their answers as JSON.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pipeline/details.h"
#include "serve/context.h"

namespace valence::serve {

struct DocumentOptions {
  ModelPointer model;
  uint64_t tasks = 0;  // bits of the model's tasks
  pipeline::DetailOptions details;
  bool logits = false;
  Abandoned abandoned = nullptr;
  std::shared_ptr<std::atomic<bool>> begun = std::make_shared<std::atomic<bool>>(false);  // as of a Job
};

// "model", "tasks", "sentences", "explain", "logits", "stringIndexType" of a body. Throws Refused.
DocumentOptions document_options(const Context& context, const formats::Json& body);

// One document on its way. Not usable ones have an error from the start.
struct Document {
  std::string id;
  std::string text;
  std::string error_code, error_message;  // empty: no error so far
  std::string language = "";              // as the client named it, or empty
};

// The documents of a body. Throws Refused for what is no list, or too long a one.
std::vector<Document> read_documents(const Context& context, const formats::Json& body);

// A document's object in a body or a line; `position` names one without an id. Never throws.
Document read_document(const Context& context, const formats::Json& value, size_t position);

// Reads the documents that have no error with the engine, as one request would; the answers of all, in order,
// with their sentences and explanations. `done` is called once. A failure of the engine is a Refused.
struct DocumentAnswers {
  std::vector<std::string> answered;  // JSON objects
  std::vector<Document> failed;       // with their errors
  std::optional<Refused> refused;
  bool multilingual = false;  // one of them took that route
};
using DocumentsDone = std::function<void(DocumentAnswers)>;
// Throws Refused 413 when sentences and explanations ask for too much. Returns when its last text is due.
Job::Clock::time_point answer_documents(Context& context, const DocumentOptions& options,
                                        std::vector<Document> documents, DocumentsDone done,
                                        Job::Clock::time_point begin = {});

}  // namespace valence::serve
