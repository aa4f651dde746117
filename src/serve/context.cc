#include "serve/context.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/utf8.h"

namespace valence::serve {

using formats::append_json_number;
using formats::append_json_string;
using formats::Json;

namespace {

constexpr size_t kDeepest = 64;

// The words of text-embeddings-inference for what went wrong.
const char* error_type(const Refused& refused) {
  const int status = refused.status;
  switch (status) {
    case 400:
      return refused.code == "empty_text" ? "Empty" : "Validation";
    case 413:
    case 422:
      return "Validation";
    case 429:
      return "Overloaded";
    case 503:
      return "Unhealthy";
    default:
      return status < 500 ? "Validation" : "Backend";
  }
}

}  // namespace

Response error_response(Dialect dialect, const Refused& refused) {
  Response response;
  response.status = refused.status;
  std::string& out = response.body;
  if (dialect == Dialect::kNative) {
    out = "{\"error\":{\"code\":";
    append_json_string(out, refused.code);
    out += ",\"message\":";
    append_json_string(out, refused.message);
    out += "}}";
  } else {
    out = "{\"error\":";
    append_json_string(out, refused.message);
    if (dialect == Dialect::kTei) {
      out += ",\"error_type\":";
      append_json_string(out, error_type(refused));
    }
    out += '}';
  }
  if (refused.status == 429 || refused.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

Json parse_body(const std::string& body) {
  try {
    return Json::parse(body, "the body", kDeepest);
  } catch (const Error& error) {
    throw Refused{400, "malformed", error.what()};
  }
}

bool bool_member(const Json& object, std::string_view key, bool fallback) {
  const Json* value = object.get(key);
  if (value == nullptr) return fallback;
  if (!value->is_bool()) throw Refused{422, "invalid", std::string(key) + " is true or false"};
  return value->as_bool("");
}

std::string string_member(const Json& object, std::string_view key, std::string fallback) {
  const Json* value = object.get(key);
  if (value == nullptr) return fallback;
  if (!value->is_string()) throw Refused{422, "invalid", std::string(key) + " is a string"};
  return value->as_string("");
}

ModelPointer find_model(const Context& context, const std::string& name) {
  ModelPointer model = name.empty() ? context.models.first() : context.models.find(name);
  if (!model) throw Refused{404, "unknown_model", "there is no model of that name here; see /v1/models"};
  return model;
}

std::optional<Refused> check_text(const Context& context, std::string_view text) {
  if (is_blank(text)) return Refused{400, "empty_text", "the text is empty or blank"};
  if (text.size() <= context.limits.text) return {};
  return Refused{413, "too_long",
                 "the text has " + std::to_string(text.size()) + " bytes, at most " +
                     std::to_string(context.limits.text) + " are read here"};
}

std::vector<Entry> read_texts(const Context& context, const Json& texts, const std::string& what) {
  const Json::Array single(1, texts);
  const Json::Array& items = texts.is_array() ? texts.as_array("") : single;
  if (items.empty()) throw Refused{422, "invalid", what + " is empty"};
  if (items.size() > context.limits.texts) throw Refused{413, "too_large", "too many texts in one request"};
  std::vector<Entry> entries;
  for (const Json& item : items) {
    if (!item.is_string()) throw Refused{422, "invalid", what + " is a string or a list of strings"};
    if (const auto wrong = check_text(context, item.as_string(""))) throw Refused(*wrong);
    entries.push_back({item.as_string(""), {}});
  }
  return entries;
}

std::optional<Refused> failure_of(Context& context, const Job& job) {
  if (job.end == JobEnd::kAbandoned) return Refused{499, "abandoned", "the client is gone"};
  if (job.end == JobEnd::kLate) {
    context.metrics.count_rejection("late");
    return Refused{503, "late", "the engine is busy: the request was not begun in time"};
  }
  if (job.end == JobEnd::kFailed) return Refused{500, "engine", job.failure};
  return {};
}

Refused rejection_of(const pipeline::Result& result) {
  const int status = result.reject_reason == "too_long"     ? 413
                     : result.reject_reason == "not_finite" ? 500
                                                            : 400;
  return {status, result.reject_reason, result.reject_message};
}

void count(Metrics& metrics, const pipeline::Result& result) {
  metrics.documents.fetch_add(1, std::memory_order_relaxed);
  metrics.tokens.fetch_add(static_cast<uint64_t>(result.tokens), std::memory_order_relaxed);
}

void run(Context& context, Work work, const Request& request, const Respond& respond) {
  auto job = std::make_shared<Job>();
  job->model = std::move(work.model);
  job->reading = work.reading;
  job->entries = std::move(work.entries);
  job->deadline = Job::Clock::now() + context.limits.patience;
  job->abandoned = request.abandoned;
  ++context.metrics.queue_depth;
  job->done = [&context, dialect = work.dialect, each_must_do = work.each_must_do,
               answer = std::move(work.answer), respond](Job& done) {
    --context.metrics.queue_depth;
    std::optional<Refused> refused = failure_of(context, done);
    for (const Entry& entry : done.entries) {
      if (refused) break;
      if (entry.result.reject_reason.empty()) {
        count(context.metrics, entry.result);
      } else if (each_must_do) {
        refused = rejection_of(entry.result);
      }
    }
    respond(refused ? error_response(dialect, *refused) : answer(done));
  };
  context.scheduler.submit(job);
}

void append_ranked(std::string& out, const std::vector<std::string>& labels, std::span<const float> scores,
                   size_t most) {
  std::vector<size_t> order(labels.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  out += '[';
  for (size_t rank = 0; rank < std::min(most, order.size()); ++rank) {
    if (rank > 0) out += ',';
    out += "{\"label\":";
    append_json_string(out, labels[order[rank]]);
    out += ",\"score\":";
    append_json_number(out, scores[order[rank]]);
    out += '}';
  }
  out += ']';
}

}  // namespace valence::serve
