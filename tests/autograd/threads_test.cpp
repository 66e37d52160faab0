// Several threads: each its own tape, and one model that many read.
#include <doctest/doctest.h>

#include <cmath>
#include <thread>

#include "nn/nn.hpp"
#include "optim/optim.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

struct Net {
  nn::LSTM lstm{nn::LSTMOptions(4, 8)};
  nn::Linear head{8, 3};
  Tensor forward(const Tensor& x) { return head->forward(std::get<0>(lstm->forward(x))); }
};

// Parameters after a few steps on data that only the net's own thread sees.
Tensors trained(Net& net, const Tensor& x, const Tensor& target) {
  std::vector<Tensor> parameters = net.lstm->parameters();
  for (const Tensor& p : net.head->parameters()) parameters.push_back(p);
  optim::Adam adam(parameters, optim::AdamOptions(1e-2));
  for (int step = 0; step < 5; ++step) {
    adam.zero_grad();
    reel::cross_entropy_loss(net.forward(x).reshape({-1, 3}), target).backward();
    adam.step();
  }
  Tensors out;
  for (const Tensor& p : parameters) out.push_back(p.detach().clone());
  return out;
}

}  // namespace

TEST_CASE("threads: two threads that train two models give what one after the other gives") {
  manual_seed(1);
  const Tensor x = reel::randn({6, 5, 4}), target = reel::randint(0, 3, {30}, kInt64);
  std::vector<Net> nets(2);
  std::vector<Net> copies(2);
  for (std::size_t i = 0; i < 2; ++i) {
    NoGradGuard no_grad;
    const auto copy = [](const std::vector<Tensor>& from, const std::vector<Tensor>& to) {
      for (std::size_t k = 0; k < from.size(); ++k) to[k].copy_(from[k]);
    };
    copy(nets[i].lstm->parameters(), copies[i].lstm->parameters());
    copy(nets[i].head->parameters(), copies[i].head->parameters());
  }
  std::vector<Tensors> alone, together(2);
  for (Net& net : copies) alone.push_back(trained(net, x, target));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 2; ++i)
    threads.emplace_back([&, i] { together[i] = trained(nets[i], x, target); });
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t k = 0; k < alone[i].size(); ++k)
      CHECK(difference(together[i][k], alone[i][k]) == 0);
}

TEST_CASE("threads: many run one model forward without gradients") {
  manual_seed(2);
  Net net;
  Tensors inputs, wanted, got(4);
  for (int i = 0; i < 4; ++i) inputs.push_back(reel::randn({6, 2, 4}));
  {
    NoGradGuard no_grad;
    for (const Tensor& x : inputs) wanted.push_back(net.forward(x));
  }
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      NoGradGuard no_grad;
      for (int round = 0; round < 20; ++round) got[i] = net.forward(inputs[i]);
    });
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < 4; ++i) CHECK(difference(got[i], wanted[i]) == 0);
}

TEST_CASE("threads: a graph recorded on one may be run backward and freed on another") {
  Tensor x = reel::ones({3}, kFloat64);
  x.requires_grad_();
  Tensor y;
  std::thread recorder([&] {
    y = x;
    for (int i = 0; i < 100; ++i) y = y * 1.01;
  });
  recorder.join();
  y = y * 2;
  y.sum().backward();
  std::thread([moved = std::move(y)]() mutable { moved = Tensor(); }).join();
  CHECK(x.grad()[0].item<double>() == doctest::Approx(2 * std::pow(1.01, 100)));
}
