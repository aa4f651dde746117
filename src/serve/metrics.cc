#include "serve/metrics.h"

#include <algorithm>

#include "formats/json.h"

namespace valence::serve {
namespace {

constexpr double kTokenBounds[] = {16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};
constexpr double kSecondBounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                    0.25,  0.5,    1,     2.5,  5,     10,   30};

void head(std::string& out, const char* name, const char* type, const char* help) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  out.append(name).append(" ").append(type).append("\n");
}

void single(std::string& out, const char* name, const char* type, const char* help, int64_t value) {
  head(out, name, type, help);
  out.append(name).append(" ").append(std::to_string(value)).append("\n");
}

}  // namespace

void Histogram::observe(double value) {
  const auto bucket = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void Histogram::append(std::string& out, const char* name) const {
  uint64_t total = 0;
  for (size_t k = 0; k <= bounds_.size(); ++k) {
    total += counts_[k].load(std::memory_order_relaxed);
    out.append(name).append("_bucket{le=\"");
    if (k < bounds_.size()) {
      formats::append_json_number(out, bounds_[k]);
    } else {
      out += "+Inf";
    }
    out.append("\"} ").append(std::to_string(total)).append("\n");
  }
  out.append(name).append("_sum ");
  formats::append_json_number(out, sum_.load(std::memory_order_relaxed));
  out.append("\n").append(name).append("_count ").append(std::to_string(total)).append("\n");
}

Metrics::Metrics() : batch_tokens(kTokenBounds), request_seconds(kSecondBounds) {}

void Metrics::count_request(const char* route, int status, double seconds) {
  ++requests_[{route, status}];
  request_seconds.observe(seconds);
}

void Metrics::count_rejection(const char* reason) { ++rejections_[reason]; }

std::string Metrics::text() const {
  std::string out;
  head(out, "valence_requests_total", "counter", "Requests that were answered, by route and status.");
  for (const auto& [key, count] : requests_) {
    out.append("valence_requests_total{route=\"").append(key.first).append("\",status=\"");
    out.append(std::to_string(key.second)).append("\"} ").append(std::to_string(count)).append("\n");
  }
  single(out, "valence_documents_total", "counter", "Texts that were answered, of all dialects.",
         static_cast<int64_t>(documents.load()));
  single(out, "valence_tokens_total", "counter", "Tokens of these texts, special tokens included.",
         static_cast<int64_t>(tokens.load()));
  head(out, "valence_rejected_total", "counter", "Requests that were refused unread, by reason.");
  for (const char* reason : {"late", "queue_full"}) {
    const auto found = rejections_.find(reason);
    out.append("valence_rejected_total{reason=\"").append(reason).append("\"} ");
    out.append(std::to_string(found == rejections_.end() ? 0 : found->second)).append("\n");
  }
  single(out, "valence_queue_depth", "gauge", "Requests that wait for the engine or are in it.",
         queue_depth.load());
  single(out, "valence_waiting_texts", "gauge", "Texts that no worker has begun.", waiting_texts.load());
  single(out, "valence_connections", "gauge", "Open connections.", connections.load());
  head(out, "valence_batch_tokens", "histogram", "Tokens of the batches that the engine was given.");
  batch_tokens.append(out, "valence_batch_tokens");
  head(out, "valence_request_duration_seconds", "histogram",
       "From a request's head to its answer's last byte.");
  request_seconds.append(out, "valence_request_duration_seconds");
  return out;
}

}  // namespace valence::serve
