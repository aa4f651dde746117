// What a server counts, in the text format of Prometheus. No text, path or name of a user is part of it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>

namespace valence::serve {

// Cumulative buckets, a sum and a count. Any thread may observe.
class Histogram {
 public:
  // `bounds` are the upper bounds, ascending, at most 16; they outlive the histogram.
  explicit Histogram(std::span<const double> bounds) : bounds_(bounds) {}
  void observe(double value);
  void append(std::string& out, const char* name) const;

 private:
  std::span<const double> bounds_;
  std::array<std::atomic<uint64_t>, 17> counts_{};  // not yet cumulative; the last is +Inf
  std::atomic<double> sum_ = 0;
};

struct Metrics {
  Metrics();

  std::atomic<uint64_t> documents = 0, tokens = 0;
  std::atomic<int64_t> queue_depth = 0;    // requests that wait for the engine or are in it
  std::atomic<int64_t> waiting_texts = 0;  // texts that no worker has begun
  std::atomic<int64_t> connections = 0;
  Histogram batch_tokens, request_seconds;

  // `route` is a route of the server ("/predict"), never what a client wrote. Thread of the connections only.
  void count_request(const char* route, int status, double seconds);
  // Of requests that the engine never saw: "queue_full", "draining", "late".
  void count_rejection(const char* reason);
  std::string text() const;

 private:
  std::map<std::pair<std::string, int>, uint64_t> requests_;
  std::map<std::string, uint64_t> rejections_;
};

}  // namespace valence::serve
