// Activation functions and their derivatives.
#pragma once

#include <cuda_runtime.h>

#include "backend/backend.h"

namespace valence::backend::cuda {

constexpr float kRootHalf = 0.70710678118654752f, kRootTwoOverPi = 0.79788456080286536f, kCubic = 0.044715f;

__device__ inline float activated(Activation activation, float x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kGelu:
      return 0.5f * x * (1 + erff(x * kRootHalf));
    case Activation::kGeluTanh:
      return 0.5f * x * (1 + tanhf(kRootTwoOverPi * (x + kCubic * x * x * x)));
    case Activation::kRelu:
      return fmaxf(x, 0.0f);
    case Activation::kTanh:
      return tanhf(x);
    case Activation::kSilu:
      return x / (1 + expf(-x));
  }
  return x;
}

__device__ inline float derivative(Activation activation, float x) {
  switch (activation) {
    case Activation::kNone:
      return 1;
    case Activation::kGelu:  // 1 / sqrt(2 pi) = 0.3989..
      return 0.5f * (1 + erff(x * kRootHalf)) + x * 0.39894228040143268f * expf(-0.5f * x * x);
    case Activation::kGeluTanh: {
      const float t = tanhf(kRootTwoOverPi * (x + kCubic * x * x * x));
      return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * kRootTwoOverPi * (1 + 3 * kCubic * x * x);
    }
    case Activation::kRelu:
      return x > 0 ? 1.0f : 0.0f;
    case Activation::kTanh: {
      const float t = tanhf(x);
      return 1 - t * t;
    }
    case Activation::kSilu: {
      const float s = 1 / (1 + expf(-x));
      return s * (1 + x * (1 - s));
    }
  }
  return 1;
}

}  // namespace valence::backend::cuda
