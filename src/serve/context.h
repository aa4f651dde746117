// What every route needs: the models, the engine, the figures, the limits; and the steps that all dialects
// share, from a body to results.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/json.h"
#include "serve/message.h"
#include "serve/metrics.h"
#include "serve/models.h"
#include "serve/scheduler.h"

namespace valence::serve {

struct Limits {
  size_t queue = 512;              // requests that wait for the engine or are in it
  size_t body = 2 << 20;           // bytes
  size_t stream_body = 256 << 20;  // bytes of a stream
  size_t text = 128 << 10;         // bytes of one text
  size_t texts = 8192;             // of one request
  size_t explained = 4 << 20;      // bytes that sentences and explanations of one request read besides
  std::chrono::seconds patience = std::chrono::seconds(30);  // until a text is begun
};

struct Context {
  Models& models;
  Scheduler& scheduler;
  Metrics& metrics;
  Limits limits;
};

// How a dialect writes an error.
enum class Dialect { kNative, kTei, kText };  // {"error":{"code","message"}}; + error_type; {"error":"..."}
Response error_response(Dialect dialect, const Refused& refused);

// Strict JSON: no repeated key, 64 deep. Throws Refused 400.
formats::Json parse_body(const std::string& body);

// Members of an object of the body; absent and null ones give the fallback. Throw Refused 422.
bool bool_member(const formats::Json& object, std::string_view key, bool fallback);
std::string string_member(const formats::Json& object, std::string_view key, std::string fallback);

// The model of that name, the first for an empty one. Throws Refused 404.
ModelPointer find_model(const Context& context, const std::string& name);

// Why a text cannot be used: empty_text, too_long; nothing when it can. `text` is valid UTF-8.
std::optional<Refused> check_text(const Context& context, std::string_view text);

// A string or a list of strings, each of which can be used. `what` names it. Throws Refused 400, 413, 422.
std::vector<Entry> read_texts(const Context& context, const formats::Json& texts, const std::string& what);

// The texts of one request in one job. `done` gets the job when all are read; when the engine failed or was
// late `respond` gets the error instead. Counts the request, its texts and tokens.
struct Work {
  Dialect dialect = Dialect::kNative;
  ModelPointer model;
  pipeline::Reading reading;
  std::vector<Entry> entries;
  bool each_must_do = true;  // a text without an answer is an error of the request
  std::function<Response(Job&)> answer;
};
void run(Context& context, Work work, const Request& request, const Respond& respond);

// The error of a job that did not end well; nothing for one that did.
std::optional<Refused> failure_of(Context& context, const Job& job);
// Of a text that the engine would not read.
Refused rejection_of(const pipeline::Result& result);
// Counts a text that was answered.
void count(Metrics& metrics, const pipeline::Result& result);

// [{"label","score"},...] the best first; at most `most` of them.
void append_ranked(std::string& out, const std::vector<std::string>& labels, std::span<const float> scores,
                   size_t most = SIZE_MAX);

}  // namespace valence::serve
