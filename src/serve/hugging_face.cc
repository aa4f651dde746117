// Hugging Face inference: what InferenceClient.text_classification and the hosted widgets send to POST /.

#include "pipeline/scores.h"
#include "serve/dialects.h"

namespace valence::serve {

using formats::Json;

namespace {

// The scores under another function of the logits than the model's own.
std::vector<float> scores_by(const std::string& function, const pipeline::Result& result) {
  if (function.empty()) return result.scores;
  if (function == "none") return result.logits;
  return pipeline::scores_of(
      result.logits, function == "sigmoid" ? models::Problem::kMultiLabel : models::Problem::kSingleLabel);
}

}  // namespace

void hf_inference(Context& context, const Request& request, const Respond& respond) {
  const Json body = parse_body(request.body);
  const Json* inputs = body.find("inputs");
  if (inputs == nullptr) throw Refused{422, "invalid", "the body is an object with inputs"};
  const Json none(Json::Object{});
  const Json* given = body.get("parameters");
  const Json& parameters = given == nullptr ? none : *given;
  if (!parameters.is_object()) throw Refused{422, "invalid", "parameters is an object"};
  size_t most = SIZE_MAX;
  if (const Json* top_k = parameters.get("top_k")) {
    if (!top_k->is_int() || top_k->as_int("") < 1)
      throw Refused{422, "invalid", "top_k is a whole number above 0"};
    most = static_cast<size_t>(top_k->as_int(""));
  }
  const std::string function = string_member(parameters, "function_to_apply", "");
  if (!function.empty() && function != "none" && function != "sigmoid" && function != "softmax")
    throw Refused{422, "invalid", "function_to_apply is softmax, sigmoid or none"};
  Work work;
  work.dialect = Dialect::kText;
  work.model = find_model(context, "");
  work.reading.tasks = 0;
  work.entries = read_texts(context, *inputs, "inputs");
  work.answer = [most, function](Job& job) {
    Response response;
    for (const Entry& entry : job.entries) {
      response.body += response.body.empty() ? '[' : ',';
      append_ranked(response.body, job.model->classifier->labels(), scores_by(function, entry.result), most);
    }
    response.body += ']';
    return response;
  };
  run(context, std::move(work), request, respond);
}

}  // namespace valence::serve
