// vLLM's /classify.

#include <atomic>
#include <ctime>

#include "pipeline/answer_json.h"
#include "serve/dialects.h"

namespace valence::serve {

using formats::Json;

void classify(Context& context, const Request& request, const Respond& respond) {
  static std::atomic<uint64_t> number = 0;
  const Json body = parse_body(request.body);
  const Json* input = body.find("input");
  if (input == nullptr) throw Refused{422, "invalid", "the body is an object with input"};
  Work work;
  work.model = find_model(context, string_member(body, "model", ""));
  work.reading.tasks = 0;
  work.entries = read_texts(context, *input, "input");
  work.answer = [](Job& job) {
    const std::vector<std::string>& labels = job.model->classifier->labels();
    Response response;
    std::string& out = response.body;
    out = "{\"id\":\"classify-" + std::to_string(++number) +
          "\",\"object\":\"list\",\"created\":" + std::to_string(std::time(nullptr)) + ",\"model\":";
    formats::append_json_string(out, job.model->name);
    out += ",\"data\":[";
    int64_t tokens = 0;
    for (size_t k = 0; k < job.entries.size(); ++k) {
      const pipeline::Result& result = job.entries[k].result;
      tokens += result.tokens;
      out += (k > 0 ? ",{\"index\":" : "{\"index\":") + std::to_string(k) + ",\"label\":";
      formats::append_json_string(out, labels[static_cast<size_t>(result.label)]);
      out += ",\"probs\":";
      pipeline::append_numbers(out, result.scores);
      out += ",\"num_classes\":" + std::to_string(labels.size()) + "}";
    }
    const std::string total = std::to_string(tokens);
    out += "],\"usage\":{\"prompt_tokens\":" + total + ",\"total_tokens\":" + total +
           ",\"completion_tokens\":0}}";
    return response;
  };
  run(context, std::move(work), request, respond);
}

}  // namespace valence::serve
