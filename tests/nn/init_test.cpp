// nn::init: exact bounds, moments, and what each function refuses.
#include "nn/init.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
namespace init = reel::nn::init;

namespace {

using Values = std::vector<double>;

struct Moments {
  double mean, std, most;
};
Moments moments(const Tensor& t) {
  const auto v = values(t);
  double sum = 0, square = 0, most = 0;
  for (const double x : v) {
    sum += x;
    square += x * x;
    most = std::max(most, std::abs(x));
  }
  const auto n = static_cast<double>(v.size());
  return {sum / n, std::sqrt(square / n - sum / n * (sum / n)), most};
}

// The bound is reached from below, and the distribution is the one of that width.
void check_uniform(const Tensor& t, double bound) {
  const auto m = moments(t);
  CHECK(m.most <= bound);
  CHECK(m.most > 0.999 * bound);
  CHECK(std::abs(m.mean) < 0.02 * bound);
  CHECK(m.std == doctest::Approx(bound / std::sqrt(3.0)).epsilon(0.02));
}
void check_normal(const Tensor& t, double std) {
  const auto m = moments(t);
  CHECK(std::abs(m.mean) < 0.05 * std);
  CHECK(m.std == doctest::Approx(std).epsilon(0.02));
  CHECK(m.most > 3 * std);
}
Tensor matrix() { return reel::empty({100, 300}); }

}  // namespace

TEST_CASE("init: constants and the identity") {
  CHECK(values(init::constant_(reel::empty({3}), 2.5)) == Values{2.5, 2.5, 2.5});
  CHECK(values(init::zeros_(reel::ones({2}))) == Values{0, 0});
  CHECK(values(init::ones_(reel::zeros({2}))) == Values{1, 1});
  CHECK(values(init::eye_(reel::full({2, 3}, 7.0))) == Values{1, 0, 0, 0, 1, 0});
  CHECK(mentions(error_of<ShapeError>([] { init::eye_(reel::ones({2})); }),
                 {"[init::eye_] expected a 2-D tensor", "[2]"}));
}

TEST_CASE("init: uniform and normal") {
  reel::manual_seed(1);
  const auto m = moments(init::uniform_(matrix(), 2, 6) - 4);
  CHECK(m.most <= 2.0);
  CHECK(m.most > 1.998);
  CHECK(m.std == doctest::Approx(2 / std::sqrt(3.0)).epsilon(0.02));
  check_normal(init::normal_(matrix(), 3, 0.5) - 3, 0.5);
  check_normal(init::normal_(matrix()), 1);
  CHECK(mentions(error_of<Error>([] { init::uniform_(matrix(), 1, 0); }),
                 {"[init::uniform_]", "low <= high", "1 and 0"}));
  CHECK(mentions(error_of<Error>([] { init::normal_(matrix(), 0, -1); }),
                 {"[init::normal_]", "std >= 0", "-1"}));
}

TEST_CASE("init: gains and fans") {
  CHECK(init::calculate_gain(kLinear) == 1);
  CHECK(init::calculate_gain(kConv2D) == 1);
  CHECK(init::calculate_gain(kSigmoid) == 1);
  CHECK(init::calculate_gain(kTanh) == doctest::Approx(5.0 / 3));
  CHECK(init::calculate_gain(kReLU) == doctest::Approx(std::sqrt(2.0)));
  CHECK(init::calculate_gain(kLeakyReLU) == doctest::Approx(std::sqrt(2 / 1.0001)));
  CHECK(init::calculate_gain(kLeakyReLU, 2) == doctest::Approx(std::sqrt(0.4)));
  CHECK(init::_calculate_fan_in_and_fan_out(reel::empty({3, 5})) ==
        std::tuple<std::int64_t, std::int64_t>(5, 3));
  CHECK(init::_calculate_fan_in_and_fan_out(reel::empty({3, 5, 2, 4})) ==
        std::tuple<std::int64_t, std::int64_t>(40, 24));
  CHECK(mentions(error_of<ShapeError>([] { init::_calculate_fan_in_and_fan_out(reel::ones({4})); }),
                 {"[init]", "at least 2 dimensions", "[4]"}));
}

TEST_CASE("init: xavier and kaiming have the widths of their papers") {
  reel::manual_seed(2);
  check_uniform(init::xavier_uniform_(matrix()), std::sqrt(6.0 / 400));
  check_uniform(init::xavier_uniform_(matrix(), 5.0 / 3), 5.0 / 3 * std::sqrt(6.0 / 400));
  check_normal(init::xavier_normal_(matrix(), 2), 2 * std::sqrt(2.0 / 400));
  check_uniform(init::kaiming_uniform_(matrix()), std::sqrt(6.0 / 300));
  check_uniform(init::kaiming_uniform_(matrix(), std::sqrt(5.0)), 1 / std::sqrt(300.0));
  check_uniform(init::kaiming_uniform_(matrix(), 0, kFanOut, kTanh),
                5.0 / 3 * std::sqrt(3.0 / 100));
  check_normal(init::kaiming_normal_(matrix(), 0, kFanIn, kReLU), std::sqrt(2.0 / 300));
  check_normal(init::kaiming_normal_(matrix(), 0, kFanOut, kLinear), 0.1);
  CHECK(init::kaiming_uniform_(reel::empty({3, 0})).numel() == 0);
  CHECK(init::xavier_normal_(reel::empty({0, 0})).numel() == 0);
  CHECK(error_of<ShapeError>([] { init::xavier_uniform_(reel::ones({4})); }) != "");
}

TEST_CASE("init: orthogonal rows or columns") {
  reel::manual_seed(3);
  for (const auto& sizes : {Dims{40, 40}, Dims{20, 50}, Dims{50, 20}, Dims{10, 3, 5}}) {
    const Tensor w = init::orthogonal_(reel::empty(sizes, kFloat64), 2.0);
    CHECK(w.sizes() == IntArrayRef(sizes));
    const Tensor flat = w.reshape({w.size(0), -1});
    const Tensor product =
        flat.size(0) <= flat.size(1) ? flat.matmul(flat.t()) : flat.t().matmul(flat);
    CHECK(difference(product, reel::eye(product.size(0), kFloat64) * 4) < 1e-13);
  }
  const Tensor once = init::orthogonal_(reel::empty({8, 8}));
  CHECK(difference(once, init::orthogonal_(reel::empty({8, 8}))) > 0.01);
  CHECK(init::orthogonal_(reel::empty({0, 4})).numel() == 0);
  CHECK(mentions(error_of<ShapeError>([] { init::orthogonal_(reel::ones({4})); }),
                 {"[init::orthogonal_]", "at least 2 dimensions", "[4]"}));
}

TEST_CASE("init: parameters may be written, and nothing is recorded") {
  const Tensor w = reel::zeros({4, 4}).requires_grad_();
  for (const Tensor& out :
       {init::uniform_(w), init::normal_(w), init::constant_(w, 1), init::eye_(w),
        init::orthogonal_(w), init::kaiming_uniform_(w), init::xavier_normal_(w)}) {
    CHECK(out.is_same(w));
    CHECK(out.is_leaf());
    CHECK(out.requires_grad());
  }
}
