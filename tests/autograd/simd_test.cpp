// The vectorised functions over the whole range of float, against double: largest error in ulp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "tests/support.hpp"

using namespace reel;

namespace {

float from_bits(std::uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// The error of `got` in units of the last place of the float nearest to `want`.
double ulps(float got, double want) {
  const auto nearest = static_cast<float>(want);
  if (std::isnan(want)) return std::isnan(got) ? 0 : 1e30;
  if (std::isinf(nearest)) return got == nearest ? 0 : 1e30;
  if (std::isinf(got) || std::isnan(got)) return 1e30;
  const float magnitude = std::abs(nearest);
  const double unit =
      static_cast<double>(std::nextafter(magnitude, std::numeric_limits<float>::infinity())) -
      static_cast<double>(magnitude);
  return std::abs(static_cast<double>(got) - want) / unit;
}

struct Worst {
  double ulp = 0;
  float at = 0;
};

// Every 397th float of either sign, with both ends, zeros, infinities and NaN.
template <class Op, class Exact>
Worst worst_error(Op op, Exact exact) {
  NoGradGuard no_grad;
  Worst worst;
  constexpr std::uint32_t kStep = 397, kInfinity = 0x7f800000u, kSign = 0x80000000u;
  const std::int64_t block = 1 << 16;
  Tensor x = reel::empty({block});
  float* p = x.data_ptr<float>();
  const auto check_block = [&] {
    const Tensor y = op(x);
    const float* q = y.template data_ptr<float>();
    for (std::int64_t i = 0; i < block; ++i) {
      const double e = ulps(q[i], exact(static_cast<double>(p[i])));
      if (e > worst.ulp) worst = {e, p[i]};
    }
  };
  std::int64_t filled = 0;
  const auto take = [&](float v) {
    p[filled] = v;
    if (++filled == block) {
      check_block();
      filled = 0;
    }
  };
  for (const std::uint32_t sign : {0u, kSign}) {
    for (std::uint32_t bits = 0; bits <= kInfinity; bits += kStep) take(from_bits(bits | sign));
    for (const std::uint32_t bits : {kInfinity, kInfinity - 1, kInfinity + 1})
      take(from_bits(bits | sign));
  }
  while (filled != 0) take(0.5f);
  return worst;
}

}  // namespace

TEST_CASE("simd: exp, log, tanh and sigmoid are within 4 ulp over all floats") {
  const auto report = [](const std::string& name, const Worst& worst) {
    MESSAGE(name, ": largest error ", worst.ulp, " ulp, at ", worst.at);
    CHECK(worst.ulp <= 4.0);
  };
  report("exp", worst_error([](const Tensor& x) { return reel::exp(x); },
                            [](double x) { return std::exp(x); }));
  report("log", worst_error([](const Tensor& x) { return reel::log(x); },
                            [](double x) { return std::log(x); }));
  report("tanh", worst_error([](const Tensor& x) { return reel::tanh(x); },
                             [](double x) { return std::tanh(x); }));
  report("sigmoid", worst_error([](const Tensor& x) { return reel::sigmoid(x); },
                                [](double x) { return 1.0 / (1.0 + std::exp(-x)); }));
}

TEST_CASE("simd: the same functions in float64 agree with libm") {
  const Tensor x = reel::linspace(-30, 30, 6001, kFloat64), p = reel::exp(x);
  const Tensor e = reel::exp(x), l = reel::log(p), t = reel::tanh(x), s = reel::sigmoid(x);
  const double* v = x.data_ptr<double>();
  double worst = 0;
  const auto compare = [&](const Tensor& got, std::int64_t i, double want) {
    const double error = std::abs(got.data_ptr<double>()[i] - want);
    worst = std::max(worst, error / std::max(std::abs(want), 1e-300));
  };
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    compare(e, i, std::exp(v[i]));
    if (std::abs(v[i]) > 1e-2) compare(l, i, v[i]);
    compare(t, i, std::tanh(v[i]));
    compare(s, i, 1.0 / (1.0 + std::exp(-v[i])));
  }
  CHECK(worst < 1e-12);
}
