// Open Inference Protocol v2 with the binary tensor extension (as KServe and Triton document them): one input
// of BYTES, the outputs "label" (BYTES) and "score" (FP32).

#include <charconv>
#include <cstring>

#include "base/utf8.h"
#include "serve/dialects.h"

namespace valence::serve {

using formats::append_json_number;
using formats::append_json_string;
using formats::Json;

namespace {

[[noreturn]] void refuse(const std::string& message) { throw Refused{400, "invalid", message}; }

struct Output {
  std::string name;
  bool binary = false;
};

struct Inference {
  std::string id;
  std::vector<std::string> texts;
  std::vector<int64_t> shape;
  std::vector<Output> outputs;
};

bool flag(const Json& object, const char* name, bool fallback) {
  const Json* parameters = object.get("parameters");
  const Json* value = parameters != nullptr ? parameters->get(name) : nullptr;
  if (value == nullptr) return fallback;
  if (!value->is_bool()) refuse(std::string(name) + " is true or false");
  return value->as_bool("");
}

// Each element is a length in 4 bytes, little-endian, and so many bytes.
void read_binary(std::string_view data, std::vector<std::string>& texts) {
  while (!data.empty()) {
    if (data.size() < 4) refuse("the binary data ends within a length");
    uint32_t size = 0;
    std::memcpy(&size, data.data(), 4);
    data.remove_prefix(4);
    if (size > data.size()) refuse("the binary data ends within an element");
    texts.emplace_back(data.substr(0, size));
    data.remove_prefix(size);
  }
}

// The data may be nested as the shape says.
void read_data(const Json& data, int depth, std::vector<std::string>& texts) {
  if (data.is_string()) return texts.push_back(data.as_string(""));
  if (!data.is_array() || depth == 0) refuse("data of BYTES is a list of strings");
  for (const Json& item : data.as_array("")) read_data(item, depth - 1, texts);
}

void read_input(const Json& input, std::string_view binary, Inference& inference) {
  if (!input.is_object()) refuse("an input is an object");
  if (string_member(input, "datatype", "") != "BYTES") refuse("the datatype of the input is BYTES");
  const Json* shape = input.get("shape");
  if (shape == nullptr || !shape->is_array() || shape->as_array("").empty())
    refuse("shape is a list of numbers");
  int64_t elements = 1;
  for (const Json& side : shape->as_array("")) {
    if (!side.is_int() || side.as_int("") < 0 || side.as_int("") > 1'000'000)
      refuse("shape is a list of numbers");
    inference.shape.push_back(side.as_int(""));
    if (elements <= 1'000'000) elements *= inference.shape.back();
  }
  const Json* parameters = input.get("parameters");
  const Json* size = parameters != nullptr ? parameters->get("binary_data_size") : nullptr;
  if (size != nullptr) {
    if (!size->is_int() || size->as_int("") < 0 || static_cast<size_t>(size->as_int("")) != binary.size())
      refuse("binary_data_size is not the number of bytes behind the JSON");
    read_binary(binary, inference.texts);
  } else {
    const Json* data = input.get("data");
    if (data == nullptr) refuse("the input has no data");
    read_data(*data, 8, inference.texts);
  }
  if (static_cast<int64_t>(inference.texts.size()) != elements || elements != inference.shape[0])
    refuse("the shape of the input is [texts] or [texts, 1], and data has as many");
}

Inference read_inference(const Request& request) {
  size_t json_size = request.body.size();
  const std::string& header = request.head.inference_header_length;
  if (!header.empty()) {
    const auto read = std::from_chars(header.data(), header.data() + header.size(), json_size);
    if (read.ec != std::errc() || read.ptr != header.data() + header.size() ||
        json_size > request.body.size())
      refuse("Inference-Header-Content-Length is not the length of the JSON in the body");
  }
  const Json body = parse_body(request.body.substr(0, json_size));
  if (!body.is_object()) refuse("the body is an object");
  Inference inference;
  inference.id = string_member(body, "id", "");
  const Json* inputs = body.get("inputs");
  if (inputs == nullptr || !inputs->is_array() || inputs->as_array("").size() != 1)
    refuse("there is one input");
  read_input(inputs->as_array("")[0], std::string_view(request.body).substr(json_size), inference);
  const bool binary = flag(body, "binary_data_output", false);
  const Json* outputs = body.get("outputs");
  if (outputs == nullptr || (outputs->is_array() && outputs->as_array("").empty())) {
    inference.outputs = {{"label", binary}, {"score", binary}};
    return inference;
  }
  if (!outputs->is_array()) refuse("outputs is a list");
  for (const Json& output : outputs->as_array("")) {
    if (!output.is_object()) refuse("an output is an object");
    const std::string name = string_member(output, "name", "");
    if (name != "label" && name != "score") refuse("the outputs are label and score");
    inference.outputs.push_back({name, flag(output, "binary_data", binary)});
  }
  return inference;
}

void append_bytes(std::string& out, std::string_view text) {
  const auto size = static_cast<uint32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), 4);
  out += text;
}

// Appends one output; what is binary goes behind the JSON.
void append_output(const Job& job, const Inference& inference, const Output& output, std::string& json,
                   std::string& binary) {
  const bool label = output.name == "label";
  const size_t before = binary.size();
  std::string data = "[";
  for (const Entry& entry : job.entries) {
    const auto best = static_cast<size_t>(entry.result.label);
    const std::string& name = job.model->classifier->labels()[best];
    const float score = entry.result.scores[best];
    if (data.size() > 1) data += ',';
    if (output.binary && label) append_bytes(binary, name);
    if (output.binary && !label) binary.append(reinterpret_cast<const char*>(&score), sizeof score);
    if (!output.binary && label) append_json_string(data, name);
    if (!output.binary && !label) append_json_number(data, score);
  }
  json +=
      "{\"name\":\"" + output.name + "\",\"datatype\":" + (label ? "\"BYTES\"" : "\"FP32\"") + ",\"shape\":[";
  for (size_t k = 0; k < inference.shape.size(); ++k)
    json += (k > 0 ? "," : "") + std::to_string(inference.shape[k]);
  if (output.binary) {
    json += "],\"parameters\":{\"binary_data_size\":" + std::to_string(binary.size() - before) + "}}";
  } else {
    json += "],\"data\":" + data + "]}";
  }
}

Response answer_of(const Job& job, const Inference& inference) {
  Response response;
  std::string& json = response.body;
  std::string binary;
  json = "{\"model_name\":";
  append_json_string(json, job.model->name);
  if (!inference.id.empty()) {
    json += ",\"id\":";
    append_json_string(json, inference.id);
  }
  json += ",\"outputs\":[";
  for (const Output& output : inference.outputs) {
    if (&output != inference.outputs.data()) json += ',';
    append_output(job, inference, output, json, binary);
  }
  json += "]}";
  if (!binary.empty()) {
    response.headers.emplace_back("Inference-Header-Content-Length", std::to_string(json.size()));
    response.content_type = "application/octet-stream";
    json += binary;
  }
  return response;
}

}  // namespace

void oip_infer(Context& context, const Request& request, const Respond& respond) {
  Inference inference = read_inference(request);
  Work work;
  work.dialect = Dialect::kText;
  work.model = find_model(context, request.name);
  work.reading.tasks = 0;
  if (inference.texts.empty()) refuse("the input is empty");
  if (inference.texts.size() > context.limits.texts)
    throw Refused{413, "too_large", "too many texts in one request"};
  for (std::string& text : inference.texts) {
    if (!is_valid_utf8(text)) refuse("a text is not valid UTF-8");
    if (const auto wrong = check_text(context, text)) throw Refused(*wrong);
    work.entries.push_back({std::move(text), {}});
  }
  inference.texts.clear();
  work.answer = [inference = std::move(inference)](Job& job) { return answer_of(job, inference); };
  run(context, std::move(work), request, respond);
}

}  // namespace valence::serve
