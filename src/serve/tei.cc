// text-embeddings-inference: https://huggingface.github.io/text-embeddings-inference describes its routes.

#include <algorithm>

#include "serve/dialects.h"
#include "text/tokenizer.h"

namespace valence::serve {

using formats::Json;

namespace {

const Json& inputs_of(const Json& body) {
  if (!body.is_object()) throw Refused{422, "invalid", "the body is an object with inputs"};
  const Json* inputs = body.find("inputs");
  if (inputs == nullptr) throw Refused{422, "invalid", "inputs is missing"};
  return *inputs;
}

std::string text_of(const Context& context, const Json& value) {
  if (!value.is_string())
    throw Refused{422, "invalid", "inputs is a string, a pair of them, or a list of lists"};
  std::string text = value.as_string("");
  if (const auto wrong = check_text(context, text)) throw Refused(*wrong);
  return text;
}

// A string, ["a"] or the pair ["a", "b"].
Entry entry_of(const Context& context, const Json& value) {
  if (!value.is_array()) return {text_of(context, value), {}};
  const Json::Array& items = value.as_array("");
  if (items.empty() || items.size() > 2)
    throw Refused{422, "invalid", "a list of inputs has one text, or two that are read as a pair"};
  Entry entry{text_of(context, items[0]), {}};
  if (items.size() == 2) entry.pair = text_of(context, items[1]);
  return entry;
}

bool is_batch(const Json& inputs) {
  return inputs.is_array() && !inputs.as_array("").empty() && inputs.as_array("")[0].is_array();
}

void append_token(std::string& out, const text::Tokenizer& tokenizer, int32_t id, const text::Offset& offset,
                  bool special) {
  out += "{\"id\":" + std::to_string(id) + ",\"text\":";
  formats::append_json_string(out, tokenizer.token(id));
  out += special ? ",\"special\":true,\"start\":null,\"stop\":null}"
                 : ",\"special\":false,\"start\":" + std::to_string(offset.begin) +
                       ",\"stop\":" + std::to_string(offset.end) + "}";
}

void append_tokens(std::string& out, const text::Tokenizer& tokenizer, const std::string& text,
                   bool specials) {
  const text::Encoding encoding = tokenizer.encode_with_offsets(text);
  const size_t before = tokenizer.prefix_ids().size(), behind = tokenizer.suffix_ids().size();
  out += '[';
  bool first = true;
  for (size_t k = 0; k < encoding.ids.size(); ++k) {
    const bool special = k < before || k + behind >= encoding.ids.size();
    if (special && !specials) continue;
    if (!first) out += ',';
    first = false;
    append_token(out, tokenizer, encoding.ids[k], encoding.offsets[k], special);
  }
  out += ']';
}

}  // namespace

void tei_predict(Context& context, const Request& request, const Respond& respond) {
  const Json body = parse_body(request.body);
  const Json& inputs = inputs_of(body);
  Work work;
  work.dialect = Dialect::kTei;
  work.model = find_model(context, "");
  const bool raw = bool_member(body, "raw_scores", false);
  if (bool_member(body, "truncate", false)) work.reading.long_text = pipeline::LongText::kTruncate;
  const std::string direction = string_member(body, "truncation_direction", "Right");
  if (direction != "Right" && direction != "Left")
    throw Refused{422, "invalid", "truncation_direction is Left or Right"};
  work.reading.keep_end = direction == "Left";
  work.reading.tasks = 0;
  const bool batch = is_batch(inputs);
  if (batch) {
    const Json::Array& lists = inputs.as_array("");
    if (lists.size() > context.limits.texts)
      throw Refused{413, "too_large", "too many inputs in one request"};
    for (const Json& list : lists) {
      if (!list.is_array()) throw Refused{422, "invalid", "inputs is a list of lists, or not"};
      work.entries.push_back(entry_of(context, list));
    }
  } else {
    work.entries.push_back(entry_of(context, inputs));
  }
  const bool pairs =
      std::ranges::any_of(work.entries, [](const Entry& entry) { return entry.pair.has_value(); });
  if (pairs && !work.model->classifier->tokenizer().pair_template())
    throw Refused{422, "invalid", "the tokenizer of this model does not say how to join two texts"};
  work.answer = [raw, batch](Job& job) {
    Response response;
    std::string& out = response.body;
    if (batch) out += '[';
    for (const Entry& entry : job.entries) {
      if (&entry != job.entries.data()) out += ',';
      append_ranked(out, job.model->classifier->labels(), raw ? entry.result.logits : entry.result.scores);
    }
    if (batch) out += ']';
    return response;
  };
  run(context, std::move(work), request, respond);
}

void tei_tokenize(Context& context, const Request& request, const Respond& respond) {
  const Json body = parse_body(request.body);
  const Json& inputs = inputs_of(body);
  const bool specials = bool_member(body, "add_special_tokens", true);
  const ModelPointer model = find_model(context, "");
  std::vector<std::string> texts;
  if (inputs.is_array()) {
    if (inputs.as_array("").empty()) throw Refused{422, "invalid", "inputs is empty"};
    if (inputs.as_array("").size() > context.limits.texts)
      throw Refused{413, "too_large", "too many inputs in one request"};
    for (const Json& item : inputs.as_array("")) texts.push_back(text_of(context, item));
  } else {
    texts.push_back(text_of(context, inputs));
  }
  Response response;
  for (const std::string& text : texts) {
    response.body += response.body.empty() ? '[' : ',';
    append_tokens(response.body, model->classifier->tokenizer(), text, specials);
  }
  response.body += ']';
  respond(std::move(response));
}

}  // namespace valence::serve
