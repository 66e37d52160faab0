// The streaming runner: the same answers as forward over the whole sequence, no allocation in a
// step, no slow denormal numbers.
#include "nn/streaming.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <new>

#include "nn/nn.hpp"
#include "tests/allocation_count.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
using nn::StreamingRunner;

namespace {

/// Output and states of a module over the whole sequence; c is undefined where there is none.
template <class Module>
Tensors whole(Module& module, nn::Linear& head, const Tensor& x) {
  NoGradGuard no_grad;
  auto [y, last] = module->forward(x);
  if (head) y = head->forward(y);
  if constexpr (std::is_same_v<Module, nn::LSTM>)
    return {y, std::get<0>(last), std::get<1>(last)};
  else
    return {y, last, Tensor()};
}

template <class Module>
void check_agreement(Module module, nn::Linear head, std::int64_t batch) {
  module->eval();
  constexpr std::int64_t kSteps = 25;
  const std::int64_t in = module->options_base.input_size();
  const Tensor x = reel::randn({kSteps, batch, in});
  const Tensors expected = whole(module, head, x);
  StreamingRunner runner(module, head, batch);
  CHECK(runner.batch_size() == batch);
  CHECK(runner.input_size() == in);
  REQUIRE(runner.output_size() == expected[0].size(2));
  const auto check_state = [&] {
    const auto [h, c] = runner.state();
    CHECK(difference(h, expected[1]) < 1e-6);
    CHECK(difference(c, expected[2]) < 1e-6);
  };
  const Tensor y = reel::empty(expected[0].sizes());
  for (std::int64_t t = 0; t < kSteps; ++t)
    runner.step(x[t].data_ptr<float>(), y[t].data_ptr<float>());
  CHECK(difference(y, expected[0]) < 1e-6);
  check_state();
  // From the start again, all at once.
  runner.reset();
  const Tensor again = reel::empty(expected[0].sizes());
  runner.run(x.data_ptr<float>(), again.data_ptr<float>(), kSteps);
  CHECK(difference(again, y) == 0);
  // From the middle, in another runner, with the state of this one.
  runner.reset();
  runner.run(x.data_ptr<float>(), again.data_ptr<float>(), 10);
  StreamingRunner second(module, head, batch);
  const auto [h, c] = runner.state();
  second.set_state(h, c);
  second.run(x[10].data_ptr<float>(), again[10].data_ptr<float>(), kSteps - 10);
  CHECK(difference(again, y) == 0);
}

}  // namespace

TEST_CASE("streaming: agrees with forward over the sequence") {
  manual_seed(71);
  for (const std::int64_t batch : {1, 3, 17})
    for (const std::int64_t hidden : {1, 7, 16, 40}) {
      INFO("batch ", batch, " hidden ", hidden);
      check_agreement(nn::RNN(3, hidden), nn::Linear(nullptr), batch);
      check_agreement(nn::RNN(nn::RNNOptions(2, hidden).nonlinearity(reel::kReLU).num_layers(2)),
                      nn::Linear(hidden, 2), batch);
      check_agreement(nn::LSTM(1, hidden), nn::Linear(hidden, 1), batch);
      check_agreement(nn::LSTM(nn::LSTMOptions(5, hidden).num_layers(3).dropout(0.5)),
                      nn::Linear(nn::LinearOptions(hidden, 33).bias(false)), batch);
      check_agreement(nn::LSTM(nn::LSTMOptions(2, hidden).bias(false)), nn::Linear(nullptr), batch);
      check_agreement(nn::GRU(1, hidden), nn::Linear(hidden, 1), batch);
      check_agreement(nn::GRU(nn::GRUOptions(4, hidden).num_layers(2).bias(false)),
                      nn::Linear(nullptr), batch);
      if (hidden > 1)
        check_agreement(nn::LSTM(nn::LSTMOptions(3, hidden).num_layers(2).proj_size(hidden / 2)),
                        nn::Linear(hidden / 2, 2), batch);
      const auto extras = nn::RecurrentExtras().input_dropout(0.5).hidden_dropout(0.5);
      for (const auto connection : {nn::LayerConnection::Residual, nn::LayerConnection::Highway})
        check_agreement(nn::LSTM(nn::LSTMOptions(3, hidden).num_layers(3).extras(
                            nn::RecurrentExtras(extras).forget_bias(1).connection(connection))),
                        nn::Linear(hidden, 2), batch);
    }
}

TEST_CASE("streaming: float64 modules run in float32, and later changes are not seen") {
  manual_seed(72);
  nn::GRU gru(2, 5);
  gru->to(kFloat64);
  const Tensor x = reel::randn({4, 1, 2});
  const Tensor expected = std::get<0>(gru->forward(x.to(kFloat64))).detach().to(kFloat32);
  StreamingRunner runner(gru);
  for (Tensor& p : gru->parameters()) p.mutable_grad() = Tensor();
  {
    NoGradGuard no_grad;
    for (Tensor& p : gru->parameters()) p.zero_();
  }
  const Tensor y = reel::empty({4, 1, 5});
  runner.run(x.data_ptr<float>(), y.data_ptr<float>(), 4);
  CHECK(difference(y, expected) < 1e-6);
}

TEST_CASE("streaming: a step allocates nothing") {
  manual_seed(73);
  const auto check_quiet = [](StreamingRunner runner) {
    std::vector<float> x(static_cast<std::size_t>(runner.batch_size() * runner.input_size()), 0.5f);
    std::vector<float> y(static_cast<std::size_t>(runner.batch_size() * runner.output_size()));
    memory::reset_peak();
    const std::size_t live = memory::live_bytes(), cached = memory::cached_bytes(),
                      before = allocation_count();
    for (int t = 0; t < 100; ++t) runner.step(x.data(), y.data());
    runner.reset();
    runner.run(x.data(), y.data(), 1);
    CHECK(allocation_count() == before);
    CHECK(memory::live_bytes() == live);
    CHECK(memory::peak_bytes() == live);
    CHECK(memory::cached_bytes() == cached);
  };
  const std::size_t before = allocation_count();
  ::operator delete(::operator new(4));
  CHECK(allocation_count() > before);  // the count works
  check_quiet(StreamingRunner(nn::LSTM(nn::LSTMOptions(3, 40).num_layers(2)), nn::Linear(40, 5)));
  check_quiet(StreamingRunner(nn::LSTM(nn::LSTMOptions(3, 40).proj_size(9)), nullptr, 9));
  check_quiet(StreamingRunner(nn::LSTM(nn::LSTMOptions(3, 9).num_layers(2).extras(
                                  nn::RecurrentExtras().connection(nn::LayerConnection::Highway))),
                              nullptr, 3));
  check_quiet(StreamingRunner(nn::GRU(3, 129), nn::Linear(129, 70), 40));
  check_quiet(StreamingRunner(nn::RNN(300, 7), nn::Linear(7, 1), 2));
}

#if defined(__SSE__) || defined(__aarch64__)
TEST_CASE("streaming: a decaying state becomes zero, and the caller's arithmetic stays as it was") {
  nn::RNN rnn(nn::RNNOptions(1, 2).nonlinearity(reel::kReLU).bias(false));
  {
    NoGradGuard no_grad;
    const auto parameters = rnn->named_parameters();
    parameters["weight_ih_l0"].fill_(1);
    parameters["weight_hh_l0"].fill_(0.25);
  }
  StreamingRunner runner(rnn);
  float x = 1;
  float y[2] = {};
  runner.step(&x, y);
  CHECK(y[0] == 1);
  x = 0;
  for (int t = 0; t < 130; ++t) {
    runner.step(&x, y);
    CHECK((y[0] == 0 || y[0] >= std::numeric_limits<float>::min()));
  }
  CHECK(y[0] == 0);
  volatile float tiny = std::numeric_limits<float>::min();
  tiny = tiny * 0.5f;
  CHECK(tiny > 0.f);
}
#endif

TEST_CASE("streaming: what does not fit is refused") {
  const auto text = [](auto make) { return error_of<Error>([&] { make(); }); };
  nn::LSTM lstm(3, 4);
  CHECK(mentions(text([&] { StreamingRunner(lstm, nn::Linear(5, 1)); }), {"4 in_features", "5"}));
  CHECK(mentions(text([&] { StreamingRunner(lstm, nullptr, 0); }), {"batch_size", "0"}));
  CHECK(mentions(text([] { StreamingRunner(nn::GRU(nn::GRUOptions(3, 4).bidirectional(true))); }),
                 {"bidirectional"}));
  StreamingRunner runner(lstm, nullptr, 2);
  const Tensor fits = reel::ones({1, 2, 4});
  CHECK(mentions(text([&] {
                   runner.set_state(reel::zeros({1, 3, 4}), fits);
                 }),
                 {"hidden state", "[1, 2, 4]", "[1, 3, 4]"}));
  CHECK(mentions(text([&] { runner.set_state(fits); }), {"cell state", "[1, 2, 4]"}));
  CHECK(values(std::get<0>(runner.state())) == std::vector<double>(8, 0));
  StreamingRunner gru(nn::GRU(3, 4), nullptr, 2);
  CHECK(mentions(text([&] { gru.set_state(fits, fits); }), {"no cell state"}));
}

TEST_CASE("streaming: reset goes back to the start state") {
  manual_seed(75);
  nn::LSTM lstm(nn::LSTMOptions(2, 5).num_layers(2).proj_size(3));
  const Tensor h = reel::randn({2, 3, 3}), c = reel::randn({2, 3, 5});
  const Tensor x = reel::randn({9, 3, 2}), y = reel::empty({9, 3, 3});
  StreamingRunner runner(lstm, nullptr, 3);
  NoGradGuard no_grad;
  const Tensor warm = std::get<0>(lstm->forward(x, std::make_tuple(h, c)));
  const Tensor cold = std::get<0>(lstm->forward(x));
  runner.set_start_state(h, c);
  for (int round = 0; round < 2; ++round) {
    runner.run(x.data_ptr<float>(), y.data_ptr<float>(), 9);
    CHECK(difference(y, warm) < 1e-6);
    const auto before = allocation_count();
    runner.reset();
    CHECK(allocation_count() == before);
  }
  // Where only the state is set, reset goes to zeros.
  StreamingRunner other(lstm, nullptr, 3);
  other.set_state(h, c);
  other.reset();
  other.run(x.data_ptr<float>(), y.data_ptr<float>(), 9);
  CHECK(difference(y, cold) < 1e-6);
}

TEST_CASE("streaming: an LSTM of 40 units steps in microseconds") {
  StreamingRunner runner(nn::LSTM(1, 40), nn::Linear(40, 1));
  float x = 0.1f, y = 0, sum = 0;
  double best = 1e9;
  // The fastest of many short runs: the machine may be busy with other things.
  for (int run = 0; run < 200; ++run) {
    const auto start = std::chrono::steady_clock::now();
    for (int t = 0; t < 50; ++t) {
      runner.step(&x, &y);
      sum += y;
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / 50);
  }
  CHECK(std::isfinite(sum));
  MESSAGE("a step takes ", best, " us");
#ifdef NDEBUG
  CHECK(best < 20);  // about 1 on the machines that it is meant for; wide, for slow ones
#endif
}
