// Sharing of large products among threads.
#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <reel/reel.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

#include "autograd/denormals.hpp"
#include "autograd/threads.hpp"

namespace {

// Back to one thread at the end of a test, whatever happens in it.
struct Threads {
  explicit Threads(int n) { reel::set_num_threads(n); }
  ~Threads() { reel::set_num_threads(1); }
};

bool same_bits(const reel::Tensor& a, const reel::Tensor& b) {
  return a.sizes() == b.sizes() && std::memcmp(a.data_ptr(), b.data_ptr(), a.nbytes()) == 0;
}

}  // namespace

TEST_CASE("threads: share does every piece once, on any number of threads") {
  for (const int n : {1, 2, 3}) {
    const Threads threads(n);
    CHECK(reel::get_num_threads() == n);
    for (const std::int64_t pieces : {0, 1, 2, 7, 100}) {
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(pieces));
      reel::detail::share(pieces, [&](std::int64_t i) { ++done[static_cast<std::size_t>(i)]; });
      for (const auto& times : done) CHECK(times == 1);
    }
  }
  CHECK_THROWS_WITH_AS(reel::set_num_threads(0), "[set_num_threads] expected at least 1, found 0",
                       reel::Error);
}

TEST_CASE("threads: share passes on what a piece throws, and the denormal setting") {
  const Threads threads(2);
  CHECK_THROWS_WITH_AS(reel::detail::share(8,
                                           [](std::int64_t i) {
                                             if (i == 5) throw std::runtime_error("piece 5");
                                           }),
                       "piece 5", std::runtime_error);
  for (const bool flush : {true, false}) {
    if (!reel::set_flush_denormal(flush)) continue;
    std::atomic<int> alike{0};
    reel::detail::share(64, [&](std::int64_t) { alike += reel::get_flush_denormal() == flush; });
    CHECK(alike == 64);
  }
  reel::set_flush_denormal(false);
}

TEST_CASE("threads: share within share, and from several threads at a time") {
  const Threads threads(2);
  std::atomic<int> done{0};
  const auto nested = [&] {
    for (int k = 0; k < 50; ++k)
      reel::detail::share(
          4, [&](std::int64_t) { reel::detail::share(4, [&](std::int64_t) { ++done; }); });
  };
  std::thread other(nested);
  nested();
  other.join();
  CHECK(done == 2 * 50 * 16);
}

TEST_CASE("threads: products and training steps have the same bits on one and on several threads") {
  reel::manual_seed(3);
  const auto a = reel::randn({150, 300}), b = reel::randn({300, 200}), bt = reel::randn({200, 300});
  const auto step = [&] {
    reel::manual_seed(4);
    reel::nn::LSTM net(reel::nn::LSTMOptions(40, 200).num_layers(2));
    const auto x = reel::randn({6, 24, 40});
    const auto loss = (std::get<0>(net->forward(x)) * reel::randn({6, 24, 200})).sum();
    loss.backward();
    std::vector<reel::Tensor> results{loss.detach()};
    for (const auto& p : net->parameters()) results.push_back(p.grad().clone());
    return results;
  };
  const auto all = [&] {
    auto results = step();
    results.push_back(reel::matmul(a, b));
    results.push_back(reel::matmul(a, bt.t()));
    results.push_back(reel::matmul(b.t(), a.t()));
    return results;
  };
  const auto expected = all();
  for (const int n : {2, 3}) {
    const Threads threads(n);
    const auto found = all();
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(same_bits(found[i], expected[i]));
  }
}
