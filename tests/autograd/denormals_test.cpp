// Denormal numbers as zeros: who is affected, for how long, and that decay is not slow.
#include "autograd/denormals.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "nn/nn.hpp"
#include "tests/support.hpp"

using namespace reel;

#if defined(__SSE__) || defined(__aarch64__)
namespace {

/// Half of the smallest normal number, computed now.
float half_of_least() {
  volatile float least = std::numeric_limits<float>::min();
  return least * 0.5f;
}

/// Puts the thread's setting back at the end of a test.
struct Restore {
  bool before = get_flush_denormal();
  ~Restore() { set_flush_denormal(before); }
};

}  // namespace

TEST_CASE("denormals: the setting and the guard") {
  const Restore restore;
  CHECK(set_flush_denormal(false));
  CHECK(!get_flush_denormal());
  CHECK(half_of_least() > 0);
  {
    const FlushDenormals guard;
    CHECK(get_flush_denormal());
    CHECK(half_of_least() == 0);
    {
      const FlushDenormals inner;
      CHECK(half_of_least() == 0);
    }
    CHECK(half_of_least() == 0);
    volatile float denormal = std::numeric_limits<float>::denorm_min();
    volatile double wide = std::numeric_limits<double>::denorm_min();
    CHECK(denormal * 1e30f == 0);  // operands too
    CHECK(wide * 1e300 == 0);
  }
  CHECK(!get_flush_denormal());
  CHECK(half_of_least() > 0);
  CHECK(set_flush_denormal(true));
  CHECK(half_of_least() == 0);
  { const FlushDenormals guard; }
  CHECK(half_of_least() == 0);  // as it was before the guard
}

TEST_CASE("denormals: the guard leaves exceptions and other threads alone") {
  const Restore restore;
  set_flush_denormal(false);
  const auto fails = [] {
    const FlushDenormals guard;
    check(false, "[test] fails");
  };
  CHECK_THROWS_AS(fails(), Error);
  CHECK(half_of_least() > 0);
  float elsewhere = 0;
  std::thread other([&] {
    { const FlushDenormals guard; }
    elsewhere = half_of_least();
  });
  other.join();
  CHECK(elsewhere > 0);
}

TEST_CASE("denormals: ops on tensors and their gradients under the guard") {
  const Restore restore;
  set_flush_denormal(false);
  const auto run = [] {
    Tensor x = reel::full({40}, 1e-30);
    x.set_requires_grad(true);
    const Tensor y = x * 1e-10;
    (y * 1e-30).sum().backward();
    return std::make_pair(y.detach(), x.grad() * 1.0);
  };
  const auto [y, gradient] = run();
  CHECK(y.min().item<float>() > 0);
  CHECK(gradient.min().item<float>() > 0);
  const FlushDenormals guard;
  const auto [y_flushed, gradient_flushed] = run();
  CHECK(y_flushed.abs().max().item<float>() == 0);
  CHECK(gradient_flushed.abs().max().item<float>() == 0);
}

TEST_CASE("denormals: under the guard a decaying net is as fast as any") {
  // A state that halves at every step, from the smallest normal number on, and one near 1.
  const auto best_time = [](double start) {
    const NoGradGuard no_grad;
    nn::RNN rnn(nn::RNNOptions(1, 64).nonlinearity(reel::kReLU).bias(false));
    const auto p = rnn->named_parameters();
    p["weight_ih_l0"].fill_(0);
    p["weight_hh_l0"].copy_(reel::eye(64) * 0.999);
    const Tensor x = reel::zeros({64, 8, 1}), h = reel::full({1, 8, 64}, start);
    double best = 1e9;
    for (int i = 0; i < 30; ++i) {
      const auto before = std::chrono::steady_clock::now();
      rnn->forward(x, h);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
      best = std::min(best, took.count());
    }
    return best;
  };
  const Restore restore;
  set_flush_denormal(false);
  const double normal = best_time(1), slow = best_time(1e-39);
  set_flush_denormal(true);
  const double flushed = best_time(1e-39);
  MESSAGE("normal ", normal * 1e6, " us, denormal ", slow * 1e6, " us, flushed ", flushed * 1e6,
          " us");
  CHECK(flushed < 2 * normal);
}
#endif
