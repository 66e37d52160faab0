// Deep graphs, long runs, several threads.
#include <doctest/doctest.h>
#include <pthread.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <thread>

#include "nn/nn.hpp"
#include "optim/optim.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

// Runs `work` in a thread with a stack of `bytes`.
void run_on_small_stack(std::size_t bytes, std::function<void()> work) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, bytes) == 0);
  pthread_t thread;
  const auto entry = [](void* run) -> void* {
    (*static_cast<std::function<void()>*>(run))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, entry, &work) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

constexpr int kDeep = 1000000;

struct Trainer {
  nn::LSTM lstm{nn::LSTMOptions(4, 8).num_layers(2)};
  nn::Linear head{8, 3};
  std::vector<Tensor> parameters;
  std::unique_ptr<optim::Adam> adam;

  Trainer() {
    for (const auto& p : lstm->parameters()) parameters.push_back(p);
    for (const auto& p : head->parameters()) parameters.push_back(p);
    adam = std::make_unique<optim::Adam>(parameters, optim::AdamOptions(1e-3));
  }
  double step() {
    const Tensor x = reel::randn({5, 2, 4});
    const Tensor target = reel::randint(3, {10});
    adam->zero_grad();
    const auto out = std::get<0>(lstm->forward(x));
    const Tensor loss = reel::cross_entropy_loss(head->forward(out).reshape({10, 3}), target);
    loss.backward();
    nn::utils::clip_grad_norm_(parameters, 1.0);
    adam->step();
    return loss.item<double>();
  }
};

// A small recurrent network trained on fixed numbers; the result depends on `kind` alone.
std::vector<double> train_alone(int kind) {
  Tensor in = (reel::arange(12, kFloat64).reshape({3, 4}) * (0.1 * kind) - 0.5).requires_grad_();
  Tensor back = (reel::eye(4, kFloat64) * 0.3).requires_grad_();
  for (int i = 0; i < 300; ++i) {
    Tensor h = reel::zeros({2, 4}, kFloat64);
    for (int t = 0; t < 6; ++t) {
      const Tensor x = reel::full({2, 3}, 0.1 * ((i + t) % 5), kFloat64);
      h = (reel::matmul(x, in) + reel::matmul(h, back)).tanh();
    }
    (h - 0.25 * kind).square().mean().backward();
    NoGradGuard no_grad;
    for (Tensor* w : {&in, &back}) {
      w->sub_(w->grad() * 0.1);
      w->mutable_grad().zero_();
    }
  }
  std::vector<double> result = values(in);
  for (const double v : values(back)) result.push_back(v);
  return result;
}

}  // namespace

TEST_CASE("robust: a chain of a million ops on a 256 KB stack") {
  double gradient = 0;
  std::string problem;
  run_on_small_stack(256 * 1024, [&] {
    try {
      Tensor x = reel::ones({2}, kFloat64).requires_grad_();
      Tensor y = x;
      for (int i = 0; i < kDeep; ++i) y = y + 1;
      y.sum().backward();
      gradient = x.grad()[0].item<double>();
      y = Tensor();
      // Built and freed without a backward, and with saved values.
      Tensor z = x;
      for (int i = 0; i < kDeep; ++i) z = z * x;
      z = Tensor();
      // Views of views, and a pass that keeps the graph.
      Tensor v = x;
      for (int i = 0; i < kDeep / 10; ++i) v = v.unsqueeze(0).squeeze(0);
      v.sum().backward({}, true);
    } catch (const std::exception& e) {
      problem = e.what();
    }
  });
  CHECK(problem == "");
  CHECK(gradient == 1);
}

TEST_CASE("robust: a chain of in-place changes and of slices") {
  std::string problem;
  double sum = 0;
  run_on_small_stack(256 * 1024, [&] {
    try {
      Tensor x = reel::ones({4}, kFloat64).requires_grad_();
      Tensor y = x * 1;
      for (int i = 0; i < 100000; ++i) y[i % 4].add_(1);
      for (int i = 0; i < 100000; ++i) y = reel::cat({y.slice(0, 1, 4), y.slice(0, 0, 1)});
      y.sum().backward();
      sum = x.grad().sum().item<double>();
    } catch (const std::exception& e) {
      problem = e.what();
    }
  });
  CHECK(problem == "");
  CHECK(sum == 4);
}

TEST_CASE("robust: memory that there is not is not counted") {
  if (kSanitized) return;  // they stop the program instead of throwing
  const std::size_t before = memory::live_bytes();
  CHECK_THROWS_AS(empty({std::int64_t{1} << 43}), std::bad_alloc);
  CHECK(memory::live_bytes() == before);
}

TEST_CASE("robust: a power of two takes no more memory than its header on top") {
  for (const std::int64_t bytes : {std::int64_t{4096}, std::int64_t{1} << 16, std::int64_t{1} << 22,
                                   std::int64_t{5} << 20, std::int64_t{7} << 20}) {
    const std::size_t before = memory::live_bytes();
    const Tensor t = empty({bytes}, kUInt8);
    CHECK(memory::live_bytes() - before == static_cast<std::size_t>(bytes) + 64);
  }
}

TEST_CASE("robust: memory is flat over 10,000 training steps") {
  memory::empty_cache();  // what other tests left is not to be counted
  manual_seed(31);
  Trainer trainer;
  const int steps = kSanitized ? 200 : 10000;
  for (int i = 0; i < steps / 10; ++i) trainer.step();
  // Twice, since the system may hand out a megabyte at any time, but hardly in both halves.
  std::int64_t growth[2];
  for (std::int64_t& grown : growth) {
    const std::int64_t before = resident_bytes();
    for (int i = 0; i < steps / 2; ++i) trainer.step();
    grown = resident_bytes() - before;
  }
  MESSAGE("resident memory grew by ", growth[0] / 1024, " KB and ", growth[1] / 1024, " KB");
  CHECK((kSanitized || std::min(growth[0], growth[1]) < 1 << 19));
}

TEST_CASE("robust: a graph that is dropped without backward frees its memory") {
  Tensor w = reel::ones({64, 64}).requires_grad_();
  const auto build = [&] {
    Tensor h = reel::ones({8, 64});
    Tensor buffer = reel::zeros({8, 64});
    for (int i = 0; i < 20; ++i) {
      h = reel::matmul(h, w).tanh();
      buffer.slice(0, 0, 4).copy_(h.slice(0, 4, 8));
    }
    return (h + buffer).softmax(1).sum();
  };
  for (int i = 0; i < 50; ++i) build();
  const std::int64_t before = resident_bytes();
  for (int i = 0; i < 2000; ++i) build();
  CHECK((kSanitized || resident_bytes() - before < 1 << 20));
}

TEST_CASE("robust: tensors may die on another thread") {
  const auto round = [] {
    std::vector<Tensor> made;
    std::thread maker([&] {
      for (int i = 0; i < 200; ++i) {
        Tensor x = reel::ones({50 + i}).requires_grad_();
        made.push_back((x * 2).tanh());
      }
    });
    maker.join();
    double sum = 0;
    for (auto& t : made) {
      t.sum().backward();
      sum += t[0].item<double>();
    }
    return sum;
  };
  const double expected = 200 * std::tanh(2.0);
  for (int i = 0; i < 20; ++i) CHECK(std::abs(round() - expected) < 1e-3);
  const std::int64_t before = resident_bytes();
  for (int i = 0; i < 300; ++i) round();
  CHECK((kSanitized || resident_bytes() - before < 4 << 20));
}

TEST_CASE("robust: two threads train two models") {
  const auto expected_a = train_alone(1), expected_b = train_alone(2);
  CHECK(expected_a != expected_b);
  std::vector<double> a, b;
  std::thread first([&] { a = train_alone(1); });
  std::thread second([&] { b = train_alone(2); });
  first.join();
  second.join();
  CHECK(a == expected_a);
  CHECK(b == expected_b);
}

TEST_CASE("robust: GradMode belongs to a thread") {
  NoGradGuard no_grad;
  bool other_records = false;
  std::thread([&] { other_records = GradMode::is_enabled(); }).join();
  CHECK(other_records);
  CHECK_FALSE(GradMode::is_enabled());
}

TEST_CASE("robust: one module serves forward on several threads") {
  manual_seed(32);
  nn::LSTM lstm(nn::LSTMOptions(3, 5));
  const Tensor x = reel::randn({4, 2, 3});
  NoGradGuard no_grad;
  const Tensor expected = std::get<0>(lstm->forward(x));
  std::vector<double> worst(3, 1);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < worst.size(); ++i)
    threads.emplace_back([&, i] {
      NoGradGuard inner;
      worst[i] = 0;
      for (int k = 0; k < 200; ++k)
        worst[i] = std::max(worst[i], difference(std::get<0>(lstm->forward(x)), expected));
    });
  for (auto& t : threads) t.join();
  for (const double w : worst) CHECK(w == 0);
}
