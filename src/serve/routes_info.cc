// GET routes that say what the server is and has.

#include "formats/json.h"
#include "serve/routes.h"

// The bytes of openapi.json, placed by files.S.
extern "C" {
extern const char valence_serve_openapi[], valence_serve_openapi_end[];
}

namespace valence::serve {

using formats::append_json_string;

namespace {

void append_strings(std::string& out, const std::vector<std::string>& list) {
  out += '[';
  for (size_t k = 0; k < list.size(); ++k) {
    if (k > 0) out += ',';
    append_json_string(out, list[k]);
  }
  out += ']';
}

void append_text(std::string& out, const char* name, const std::string& value) {
  out += ",\"";
  out += name;
  out += "\":";
  if (value.empty()) {
    out += "null";
  } else {
    append_json_string(out, value);
  }
}

// `card`: also the whole model card.
void append_model(std::string& out, const ServedModel& model, bool card) {
  const pipeline::Classifier& classifier = *model.classifier;
  out += "{\"id\":";
  append_json_string(out, model.name);
  out += ",\"object\":\"model\"";
  append_text(out, "model", model.provenance.model);
  append_text(out, "revision", model.provenance.revision);
  append_text(out, "sha256", model.provenance.sha256);
  append_text(out, "dtype", model.provenance.dtype);
  append_text(out, "device", model.provenance.device);
  out += ",\"labels\":";
  append_strings(out, classifier.labels());
  out += ",\"tasks\":[";
  for (const pipeline::Task& task : classifier.tasks()) {
    if (&task != classifier.tasks().data()) out += ',';
    out += "{\"name\":";
    append_json_string(out, task.name);
    out += ",\"labels\":";
    append_strings(out, task.labels);
    out += '}';
  }
  out += "],\"max_tokens\":" + std::to_string(classifier.longest_input());
  out += ",\"bytes\":" + std::to_string(model.bytes);
  out += std::string(",\"multi_label\":") + (classifier.multi_label() ? "true" : "false");
  append_text(out, "license", model.license);
  if (card) append_text(out, "card", model.card);
  out += '}';
}

Response text(std::string body, const char* type) {
  Response response;
  response.content_type = type;
  response.body = std::move(body);
  return response;
}

Response json(std::string body) { return text(std::move(body), "application/json"); }

}  // namespace

void get_models(Context& context, const Request& /*request*/, const Respond& respond) {
  std::string out = "{\"object\":\"list\",\"data\":[";
  bool first = true;
  for (const ModelPointer& model : context.models.all()) {
    if (!first) out += ',';
    first = false;
    append_model(out, *model, false);
  }
  respond(json(out + "]}"));
}

void get_model(Context& context, const Request& request, const Respond& respond) {
  std::string out;
  append_model(out, *find_model(context, request.name), true);
  respond(json(std::move(out)));
}

void get_info(Context& context, const Request& /*request*/, const Respond& respond) {
  const ModelPointer model = context.models.first();
  const std::vector<std::string>& labels = model->classifier->labels();
  std::string out = "{\"model_id\":", ids, names;
  append_json_string(out, model->provenance.model);
  append_text(out, "model_sha", model->provenance.revision);
  append_text(out, "model_dtype", model->provenance.dtype);
  for (size_t k = 0; k < labels.size(); ++k) {
    const std::string comma = k > 0 ? "," : "", number = std::to_string(k);
    names.append(comma).append("\"").append(number).append("\":");
    append_json_string(names, labels[k]);
    ids += comma;
    append_json_string(ids, labels[k]);
    ids.append(":").append(number);
  }
  out += ",\"model_type\":{\"classifier\":{\"id2label\":{" + names + "},\"label2id\":{" + ids + "}}}";
  out += ",\"max_concurrent_requests\":" + std::to_string(context.limits.queue);
  out += ",\"max_input_length\":" + std::to_string(model->classifier->longest_input());
  out += ",\"max_batch_tokens\":" + std::to_string(SchedulerOptions{}.most_tokens);
  out += ",\"max_batch_requests\":null";
  out += ",\"max_client_batch_size\":" + std::to_string(context.limits.texts);
  out += ",\"auto_truncate\":false,\"tokenization_workers\":" + std::to_string(model->classifier->workers());
  out += ",\"version\":\"" VALENCE_VERSION "\",\"sha\":null,\"docker_label\":null}";
  respond(json(std::move(out)));
}

void get_health(Context& /*context*/, const Request& /*request*/, const Respond& respond) {
  respond(json("{\"status\":\"ok\"}"));
}

void get_metrics(Context& context, const Request& /*request*/, const Respond& respond) {
  respond(text(context.metrics.text(), "text/plain; version=0.0.4; charset=utf-8"));
}

void get_openapi(Context& /*context*/, const Request& /*request*/, const Respond& respond) {
  Response response;
  response.lasting_body = {valence_serve_openapi,
                           static_cast<size_t>(valence_serve_openapi_end - valence_serve_openapi)};
  respond(std::move(response));
}

void get_server_metadata(Context& /*context*/, const Request& /*request*/, const Respond& respond) {
  respond(json("{\"name\":\"valence\",\"version\":\"" VALENCE_VERSION
               "\",\"extensions\":[\"binary_tensor_data\"]}"));
}

void get_live(Context& /*context*/, const Request& /*request*/, const Respond& respond) {
  respond(json("{\"live\":true,\"ready\":true}"));
}

void get_model_metadata(Context& context, const Request& request, const Respond& respond) {
  const ModelPointer model = find_model(context, request.name);
  std::string out = "{\"name\":";
  append_json_string(out, model->name);
  out +=
      ",\"platform\":\"valence\",\"inputs\":[{\"name\":\"text\",\"datatype\":\"BYTES\","
      "\"shape\":[-1]}],\"outputs\":[{\"name\":\"label\",\"datatype\":\"BYTES\",\"shape\":[-1]},"
      "{\"name\":\"score\",\"datatype\":\"FP32\",\"shape\":[-1]}]}";
  respond(json(std::move(out)));
}

void get_model_ready(Context& context, const Request& request, const Respond& respond) {
  const ModelPointer model = find_model(context, request.name);
  std::string out = "{\"name\":";
  append_json_string(out, model->name);
  respond(json(out + ",\"ready\":true}"));
}

}  // namespace valence::serve
