// Tests that run once for each instruction set, and what they have in common.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "backend/cpu/isa.h"

namespace valence::backend::cpu {

// One test for each of kIsaNames; skipped where the processor lacks the instruction set.
class EachIsa : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    for (const Kernels* kernels : available_kernels()) {
      if (std::string_view(kernels->name) == GetParam()) kernels_ = kernels;
    }
    if (!kernels_) GTEST_SKIP() << "this processor has no " << GetParam();
  }
  const Kernels& kernels() const { return *kernels_; }

 private:
  const Kernels* kernels_ = nullptr;
};

inline std::string isa_name(const testing::TestParamInfo<const char*>& info) { return info.param; }

#define VALENCE_FOR_EACH_ISA(Suite) \
  INSTANTIATE_TEST_SUITE_P(Isa, Suite, testing::ValuesIn(kIsaNames), isa_name)

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// `count` values that begin `offset` elements behind a boundary of 64 bytes, between fences that no kernel
// may overwrite.
template <typename T>
class Fenced {
 public:
  explicit Fenced(int64_t count, int64_t offset = 0)
      : count_(count), memory_(static_cast<size_t>(count) * sizeof(T) + 2 * kFenceBytes, kFence) {
    const size_t misaligned = reinterpret_cast<uintptr_t>(memory_.data()) % 64;
    data_ = reinterpret_cast<T*>(memory_.data() + 128 - misaligned) + offset;
  }
  Fenced(const std::vector<T>& values, int64_t offset) : Fenced(static_cast<int64_t>(values.size()), offset) {
    if (!values.empty()) std::memcpy(data_, values.data(), values.size() * sizeof(T));
  }

  T* data() { return data_; }
  T& operator[](int64_t i) { return data_[i]; }
  std::vector<T> values() const { return {data_, data_ + count_}; }
  bool intact() const {
    const auto* first = reinterpret_cast<const unsigned char*>(data_);
    const auto* last = reinterpret_cast<const unsigned char*>(data_ + count_);
    for (const unsigned char& byte : memory_) {
      if ((&byte < first || &byte >= last) && byte != kFence) return false;
    }
    return true;
  }

 private:
  static constexpr unsigned char kFence = 0xA5;
  static constexpr size_t kFenceBytes = 256;

  int64_t count_;
  std::vector<unsigned char> memory_;
  T* data_ = nullptr;
};

inline std::vector<float> normal_values(int64_t count, uint32_t seed, float deviation = 1.0f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

// Values that arithmetic may trip over.
inline std::vector<float> extreme_values() {
  return {0.0f,   -0.0f,  1e-45f, -1e-40f, 1.2e-38f, -1e-20f,  0.5f,      -1.0f,      87.0f,
          -88.0f, 104.0f, 1e6f,   -1e6f,   3.4e38f,  -3.4e38f, kInfinity, -kInfinity, kNan};
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

// Equal, both NaN, or within `absolute` + `relative` |expected|.
inline void expect_close(float expected, float got, float absolute, float relative,
                         const std::string& where) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(got)) << where << ": expected NaN, got " << got;
  } else if (std::isinf(expected)) {
    EXPECT_EQ(expected, got) << where;
  } else {
    EXPECT_NEAR(expected, got, absolute + relative * std::fabs(expected)) << where;
  }
}

}  // namespace valence::backend::cpu
