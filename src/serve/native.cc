// POST /v1/analyze.

#include "pipeline/answer_json.h"
#include "serve/dialects.h"
#include "serve/documents.h"

namespace valence::serve {
namespace {

void append_list(std::string& out, const char* name, const std::vector<std::string>& objects) {
  out += '"';
  out += name;
  out += "\":[";
  for (size_t k = 0; k < objects.size(); ++k) {
    if (k > 0) out += ',';
    out += objects[k];
  }
  out += ']';
}

std::string provenance_of_route(const ServedModel& model) {
  return pipeline::json_of(model.classifier->provenance_of(pipeline::Route::kMultilingual));
}

std::string error_of(const Document& document) {
  std::string out = "{\"id\":";
  formats::append_json_string(out, document.id);
  out += ",\"code\":";
  formats::append_json_string(out, document.error_code);
  out += ",\"message\":";
  formats::append_json_string(out, document.error_message);
  out += '}';
  return out;
}

}  // namespace

void analyze(Context& context, const Request& request, const Respond& respond) {
  const formats::Json body = parse_body(request.body);
  std::vector<Document> documents = read_documents(context, body);
  DocumentOptions options = document_options(context, body);
  options.abandoned = request.abandoned;
  ++context.metrics.queue_depth;
  try {
    answer_documents(context, options, std::move(documents),
                     [&context, model = options.model, respond](DocumentAnswers answers) {
                       --context.metrics.queue_depth;
                       if (answers.refused)
                         return respond(error_response(Dialect::kNative, *answers.refused));
                       Response response;
                       response.body = "{";
                       append_list(response.body, "documents", answers.answered);
                       response.body += ',';
                       std::vector<std::string> errors;
                       for (const Document& document : answers.failed) errors.push_back(error_of(document));
                       append_list(response.body, "errors", errors);
                       response.body += ",\"model\":" + model->provenance_json;
                       if (answers.multilingual)
                         response.body +=
                             ",\"route_models\":{\"multilingual\":" + provenance_of_route(*model) + "}";
                       response.body += '}';
                       respond(std::move(response));
                     });
  } catch (...) {
    --context.metrics.queue_depth;
    throw;
  }
}

}  // namespace valence::serve
