// Elementary functions over a vector type, for kernels_vector.h, which says what `Isa` is.
#pragma once

#include "backend/cpu/kernels.h"

namespace valence::backend::cpu {

// Relative error below 2e-7 on [-87.3, 88.3]; below the range 0, above it the value at its end; NaN stays
// NaN.
template <class Isa>
typename Isa::F exp(typename Isa::F x) {
  using F = typename Isa::F;
  const F lowest = Isa::set(-87.3f);
  const F clamped = Isa::min(Isa::set(88.3f), Isa::max(lowest, x));  // a NaN passes as second operand
  const F n = Isa::round(Isa::mul(clamped, Isa::set(1.44269504f)));
  // r = x - n ln 2 in two parts (Cody and Waite); e^r = 1 + r + r^2 p(r), minimax on |r| <= ln 2 / 2.
  F r = Isa::fma(n, Isa::set(-0.693359375f), clamped);
  r = Isa::fma(n, Isa::set(2.12194440e-4f), r);
  F p = Isa::set(0.00139504741f);
  p = Isa::fma(p, r, Isa::set(0.00836889073f));
  p = Isa::fma(p, r, Isa::set(0.041666206f));
  p = Isa::fma(p, r, Isa::set(0.166665182f));
  p = Isa::fma(p, r, Isa::set(0.5f));
  p = Isa::fma(Isa::mul(r, r), p, Isa::add(r, Isa::set(1.0f)));
  return Isa::select_greater(lowest, x, Isa::set(0.0f), Isa::mul(p, Isa::power_of_two(n)));
}

// Absolute error below 3e-7. erf(z) = z p(t), t = 2 z^2 / 3.8^2 - 1, minimax of degree 14; 1 from 3.8 on.
template <class Isa>
typename Isa::F erf(typename Isa::F z) {
  using F = typename Isa::F;
  constexpr float coefficients[] = {-0.00269563543f, 0.00236829696f, -0.00329984026f, 0.00994820334f,
                                    -0.0183328483f,  0.0266938657f,  -0.0389398858f,  0.0550562888f,
                                    -0.0725154355f,  0.0908327475f,  -0.11118558f,    0.137739509f,
                                    -0.185641199f,   0.372107625f};
  const F limit = Isa::set(3.8f);
  const F magnitude = Isa::abs(z);
  const F c = Isa::min(limit, magnitude);
  const F t = Isa::fma(Isa::mul(c, c), Isa::set(2.0f / (3.8f * 3.8f)), Isa::set(-1.0f));
  F p = Isa::set(0.00102177751f);
#pragma GCC unroll 16
  for (const float coefficient : coefficients) p = Isa::fma(p, t, Isa::set(coefficient));
  const F value = Isa::select_greater(magnitude, limit, Isa::set(1.0f), Isa::mul(p, c));
  return Isa::copysign(value, z);
}

// Absolute error below 2e-7: (1 - e) / (1 + e), e = exp(-2 |x|).
template <class Isa>
typename Isa::F tanh(typename Isa::F x) {
  using F = typename Isa::F;
  const F one = Isa::set(1.0f);
  const F e = exp<Isa>(Isa::mul(Isa::abs(x), Isa::set(-2.0f)));
  return Isa::copysign(Isa::div(Isa::sub(one, e), Isa::add(one, e)), x);
}

template <class Isa>
typename Isa::F activate(Activation activation, typename Isa::F x) {
  using F = typename Isa::F;
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kGelu: {
      const F half = Isa::mul(x, Isa::set(0.5f));
      return Isa::fma(half, erf<Isa>(Isa::mul(x, Isa::set(0.707106781f))), half);
    }
    case Activation::kGeluTanh: {
      const F half = Isa::mul(x, Isa::set(0.5f));
      const F cube = Isa::mul(Isa::mul(x, x), x);
      const F inner = Isa::mul(Isa::fma(cube, Isa::set(0.044715f), x), Isa::set(0.797884561f));
      return Isa::fma(half, tanh<Isa>(inner), half);
    }
    case Activation::kRelu:
      return Isa::max(Isa::set(0.0f), x);
    case Activation::kTanh:
      return tanh<Isa>(x);
    case Activation::kSilu:
      return Isa::div(x, Isa::add(Isa::set(1.0f), exp<Isa>(Isa::sub(Isa::set(0.0f), x))));
  }
  return x;
}

// f'(x).
template <class Isa>
typename Isa::F derivative(Activation activation, typename Isa::F x) {
  using F = typename Isa::F;
  const F one = Isa::set(1.0f), half = Isa::set(0.5f);
  switch (activation) {
    case Activation::kNone:
      return one;
    case Activation::kGelu: {
      // The distribution function of the normal distribution, and x times its density.
      const F below = Isa::fma(half, erf<Isa>(Isa::mul(x, Isa::set(0.707106781f))), half);
      const F density = Isa::mul(exp<Isa>(Isa::mul(Isa::mul(x, x), Isa::set(-0.5f))), Isa::set(0.398942280f));
      return Isa::fma(x, density, below);
    }
    case Activation::kGeluTanh: {
      const F square = Isa::mul(x, x);
      const F inner = Isa::mul(Isa::fma(Isa::mul(square, x), Isa::set(0.044715f), x), Isa::set(0.797884561f));
      const F slope = Isa::mul(Isa::fma(square, Isa::set(0.134145f), one), Isa::set(0.797884561f));
      const F t = tanh<Isa>(inner);
      const F rest = Isa::mul(Isa::mul(Isa::sub(one, Isa::mul(t, t)), slope), Isa::mul(half, x));
      return Isa::add(Isa::fma(half, t, half), rest);
    }
    case Activation::kRelu:
      return Isa::select_greater(x, Isa::set(0.0f), one, Isa::set(0.0f));
    case Activation::kTanh: {
      const F t = tanh<Isa>(x);
      return Isa::sub(one, Isa::mul(t, t));
    }
    case Activation::kSilu: {
      const F s = Isa::div(one, Isa::add(one, exp<Isa>(Isa::sub(Isa::set(0.0f), x))));
      return Isa::mul(s, Isa::fma(x, Isa::sub(one, s), one));
    }
  }
  return one;
}

}  // namespace valence::backend::cpu
