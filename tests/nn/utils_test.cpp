// Clipping of gradients and parameters as a vector.
#include "nn/utils.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
namespace utils = reel::nn::utils;

namespace {

using Values = std::vector<double>;
constexpr double kInf = std::numeric_limits<double>::infinity();

Tensor with_gradient(const Values& gradient, ScalarType dtype = kFloat64) {
  const auto n = static_cast<std::int64_t>(gradient.size());
  const Tensor parameter = reel::zeros({n}, dtype).requires_grad_();
  parameter.mutable_grad() = reel::tensor(gradient, kFloat64).to(dtype);
  return parameter;
}

}  // namespace

TEST_CASE("clip_grad_norm_: scales all gradients to the norm") {
  const Tensor a = with_gradient({3, 4}), b = with_gradient({12}), none = reel::zeros({2});
  CHECK(utils::clip_grad_norm_({a, b, none}, 6.5) == doctest::Approx(13));
  const double scale = 6.5 / (13 + 1e-6);
  CHECK(values(a.grad())[0] == doctest::Approx(3 * scale).epsilon(1e-14));
  CHECK(values(a.grad())[1] == doctest::Approx(4 * scale).epsilon(1e-14));
  CHECK(values(b.grad())[0] == doctest::Approx(12 * scale).epsilon(1e-14));
  CHECK_FALSE(none.grad().defined());
}

TEST_CASE("clip_grad_norm_: leaves small gradients as they are") {
  const Tensor a = with_gradient({3, 4});
  CHECK(utils::clip_grad_norm_(a, 5.1) == 5);
  CHECK(values(a.grad()) == Values{3, 4});
  CHECK(utils::clip_grad_norm_(std::vector<Tensor>{}, 1) == 0);
  CHECK(utils::clip_grad_norm_(reel::zeros({2}), 1) == 0);
}

TEST_CASE("clip_grad_norm_: norms of other orders") {
  const auto norm = [](double order) {
    const Tensor a = with_gradient({1, -2}), b = with_gradient({3});
    const double found = utils::clip_grad_norm_({a, b}, 0.5, order);
    CHECK(values(b.grad())[0] == doctest::Approx(3 * 0.5 / (found + 1e-6)));
    return found;
  };
  CHECK(norm(kInf) == 3);
  CHECK(norm(1) == doctest::Approx(6));
  CHECK(norm(3) == doctest::Approx(std::cbrt(36.0)));
  CHECK(norm(0.5) == doctest::Approx(std::pow(1 + std::sqrt(2.0) + std::sqrt(3.0), 2)));
}

TEST_CASE("clip_grad_norm_: long, strided and float32 gradients") {
  Values many(1003);
  double square = 0;
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i] = std::sin(static_cast<double>(i));
    square += many[i] * many[i];
  }
  CHECK(utils::clip_grad_norm_(with_gradient(many), 1) ==
        doctest::Approx(std::sqrt(square)).epsilon(1e-14));
  const Tensor single = with_gradient(many, kFloat32);
  CHECK(utils::clip_grad_norm_(single, 1) == doctest::Approx(std::sqrt(square)).epsilon(1e-6));
  CHECK(single.grad().scalar_type() == kFloat32);
  CHECK(utils::clip_grad_norm_(single, 1) == doctest::Approx(1).epsilon(1e-5));

  const Tensor parameter = reel::zeros({2, 3}, kFloat64).requires_grad_();
  parameter.mutable_grad() = reel::tensor({1., 2., 3., 4., 5., 6.}, kFloat64).view({3, 2}).t();
  CHECK(utils::clip_grad_norm_(parameter, 1) == doctest::Approx(std::sqrt(91.0)));
  CHECK(values(parameter.grad())[1] == doctest::Approx(3 / std::sqrt(91.0)).epsilon(1e-6));
}

TEST_CASE("clip_grad_norm_: norms that are not finite") {
  const Tensor bad = with_gradient({1, kInf}), good = with_gradient({2});
  const auto text = error_of<Error>([&] { utils::clip_grad_norm_({bad, good}, 1, 2, true); });
  CHECK(mentions(text, {"[clip_grad_norm_]", "order 2", "inf", "error_if_nonfinite = false"}));
  CHECK(values(good.grad()) == Values{2});
  CHECK(utils::clip_grad_norm_({bad, good}, 1) == kInf);
  CHECK(values(good.grad()) == Values{0});
  const Tensor nan = with_gradient({std::nan(""), 1}), other = with_gradient({2});
  CHECK(std::isnan(utils::clip_grad_norm_({nan, other}, 1, kInf)));
  CHECK(std::isnan(values(other.grad())[0]));
  for (const double order : {1.0, 2.0, kInf})
    CHECK(error_of<Error>([&] { utils::clip_grad_norm_({other}, 1, order, true); }) != "");
}

TEST_CASE("clip_grad_norm_: refuses limits and orders that make no sense") {
  const Tensor a = with_gradient({3, 4});
  CHECK(mentions(error_of<Error>([&] { utils::clip_grad_norm_(a, -1); }),
                 {"[clip_grad_norm_] max_norm", "-1"}));
  CHECK(mentions(error_of<Error>([&] { utils::clip_grad_norm_(a, 1, 0); }),
                 {"[clip_grad_norm_] norm_type", "found 0"}));
  CHECK(mentions(error_of<Error>([&] { utils::clip_grad_norm_(a, std::nan("")); }), {"max_norm"}));
  CHECK(values(a.grad()) == Values{3, 4});
}

TEST_CASE("clip_grad_value_: limits every element") {
  const Tensor a = with_gradient({-3, 0.5, 2}), b = with_gradient({9}), none = reel::zeros({1});
  utils::clip_grad_value_({a, b, none}, 1.5);
  CHECK(values(a.grad()) == Values{-1.5, 0.5, 1.5});
  CHECK(values(b.grad()) == Values{1.5});
  utils::clip_grad_value_(a, 0.25);
  CHECK(values(a.grad()) == Values{-0.25, 0.25, 0.25});
  CHECK(mentions(error_of<Error>([&] { utils::clip_grad_value_(a, -1); }),
                 {"[clip_grad_value_]", "-1"}));
}

TEST_CASE("parameters to a vector and back") {
  const Tensor a = reel::arange(6, kFloat32).view({2, 3}).clone().requires_grad_();
  const Tensor b = reel::full({2}, 9.0).requires_grad_();
  const Tensor vec = utils::parameters_to_vector({a, b});
  CHECK(values(vec) == Values{0, 1, 2, 3, 4, 5, 9, 9});
  (vec * vec).sum().backward();
  CHECK(values(a.grad()) == Values{0, 2, 4, 6, 8, 10});
  utils::vector_to_parameters(reel::arange(8, kFloat32) * 10, {a, b});
  CHECK(values(a) == Values{0, 10, 20, 30, 40, 50});
  CHECK(values(b) == Values{60, 70});
  CHECK(a.is_leaf());
  CHECK(a.requires_grad());
  CHECK(mentions(error_of<ShapeError>([&] {
                   utils::vector_to_parameters(reel::ones({7}), {a, b});
                 }),
                 {"[vector_to_parameters]", "8 elements", "[7]"}));
  CHECK(values(b) == Values{60, 70});
}
