// Ops under other names, and ops on bits: values, gradients, errors.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

/// Both are equal, and so are their gradients.
void check_same(const TensorFunction& got, const TensorFunction& want, const Tensors& inputs) {
  const auto g = got(inputs), w = want(inputs);
  REQUIRE(g.size() == w.size());
  for (std::size_t i = 0; i < g.size(); ++i) CHECK(difference(g[i], w[i]) < 1e-12);
  CHECK(gradient_difference(got, inputs) < 1e-7);
}
Tensor leaf(IntArrayRef sizes) { return rand(sizes, TensorOptions(kFloat64).requires_grad(true)); }

}  // namespace

TEST_CASE("aliases: arithmetic") {
  manual_seed(11);
  const Tensors two{leaf({2, 3}), leaf({3})};
  using T = const Tensors&;
  check_same(
      [](T x) {
        return Tensors{subtract(x[0], x[1], 2), subtract(x[0], 3)};
      },
      [](T x) {
        return Tensors{x[0] - 2 * x[1], x[0] - 3};
      },
      two);
  check_same(
      [](T x) {
        return Tensors{multiply(x[0], x[1]), multiply(x[0], 3)};
      },
      [](T x) {
        return Tensors{x[0] * x[1], x[0] * 3};
      },
      two);
  check_same(
      [](T x) {
        return Tensors{divide(x[0], x[1] + 1), divide(x[0], 3)};
      },
      [](T x) {
        return Tensors{x[0] / (x[1] + 1), x[0] / 3};
      },
      two);
  check_same(
      [](T x) {
        return Tensors{true_divide(x[0], x[1] + 1), true_divide(x[0], 3)};
      },
      [](T x) {
        return Tensors{x[0] / (x[1] + 1), x[0] / 3};
      },
      two);
  check_same(
      [](T x) {
        return Tensors{rsub(x[0], x[1], 2), rsub(x[0], 3, 2)};
      },
      [](T x) {
        return Tensors{x[1] - 2 * x[0], 3 - 2 * x[0]};
      },
      two);
  check_same(
      [](T x) {
        return Tensors{negative(x[0]), absolute(x[0]), exp2(x[1])};
      },
      [](T x) {
        return Tensors{-x[0], x[0].abs(), (x[1] * std::log(2.0)).exp()};
      },
      two);
  CHECK(values(exp2(tensor({3, 0}))) == std::vector<double>{8, 1});
  check_same(
      [](T x) {
        return Tensors{dist(x[0], x[1]), dist(x[0], x[1], 1)};
      },
      [](T x) {
        return Tensors{(x[0] - x[1]).norm(), (x[0] - x[1]).abs().sum()};
      },
      two);
  check_same(
      [](T x) {
        const auto [v, m] = var_mean(x[0]);
        const auto [w, n] = var_mean(x[0], 1, 0, true);
        return Tensors{v, m, w, n};
      },
      [](T x) {
        return Tensors{x[0].var(), x[0].mean(), x[0].var(IntArrayRef(1), 0, true),
                       x[0].mean(1, true)};
      },
      two);
}

TEST_CASE("aliases: shapes") {
  manual_seed(12);
  const Tensors two{leaf({2, 3}), leaf({3})};
  using T = const Tensors&;
  check_same(
      [](T x) {
        return Tensors{concat({x[0], x[0]}, 1), ger(x[1], x[1]), ravel(x[0].t())};
      },
      [](T x) {
        return Tensors{cat({x[0], x[0]}, 1), outer(x[1], x[1]), x[0].t().reshape({-1})};
      },
      two);
  check_same(
      [](T x) {
        return Tensors{flipud(x[0]), fliplr(x[0]), column_stack({x[1], x[0].t()})};
      },
      [](T x) {
        return Tensors{x[0].flip({0}), x[0].flip({1}), cat({x[1].unsqueeze(1), x[0].t()}, 1)};
      },
      two);
  check_same(
      [](T x) {
        return Tensors{broadcast_to(x[1], {2, 3}), broadcast_tensors({x[0], x[1]})[1]};
      },
      [](T x) {
        return Tensors{x[1].expand({2, 3}), x[1].expand({2, 3})};
      },
      two);
  check_same(
      [](T x) {
        return Tensors{meshgrid({x[1], x[0][0].slice(0, 0, 2)})[1],
                       meshgrid({x[1], x[1]}, "xy")[0]};
      },
      [](T x) {
        return Tensors{x[0][0].slice(0, 0, 2).expand({3, 2}), x[1].expand({3, 3})};
      },
      two);
  check_same(
      [](T x) {
        return Tensors{take(x[0], tensor({{0, -1}, {4, 0}})), diff(x[0])};
      },
      [](T x) {
        return Tensors{stack({x[0][0][0], x[0][1][2], x[0][1][1], x[0][0][0]}).view({2, 2}),
                       x[0].slice(1, 1) - x[0].slice(1, 0, 2)};
      },
      two);
  CHECK(values(diff(tensor({1, 4, 9, 16}), 2)) == std::vector<double>{2, 2});
  CHECK(diff(tensor({1, 2}), 3).numel() == 0);
  CHECK(values(diff(tensor({true, true, false}))) == std::vector<double>{0, 1});
  CHECK_THROWS_AS(take(tensor({1, 2}), tensor(2)), IndexError);
  CHECK(mentions(error_of<ShapeError>([] { fliplr(tensor({1})); }), {"fliplr", "[1]"}));
  CHECK(mentions(error_of<ShapeError>([] { diff(tensor(1)); }), {"diff"}));
  CHECK(mentions(error_of<Error>([] { diff(tensor({1}), -1); }), {"diff", "-1"}));
  CHECK(mentions(error_of<Error>([] { meshgrid({tensor({1})}, "yx"); }), {"meshgrid", "yx"}));
  CHECK(mentions(error_of<Error>([] { meshgrid({}); }), {"meshgrid"}));
  CHECK(mentions(error_of<ShapeError>([] { meshgrid({ones({2, 2})}); }), {"meshgrid", "[2, 2]"}));
}

TEST_CASE("aliases: isclose") {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor a = tensor({1.0, 1.0, inf, inf, nan, 0.0}, kFloat64);
  const Tensor b = tensor({1.000001, 1.1, inf, -inf, nan, 1e-9}, kFloat64);
  CHECK(values(isclose(a, b)) == std::vector<double>{1, 0, 1, 0, 0, 1});
  CHECK(values(isclose(a, b, 0.2, 0, true)) == std::vector<double>{1, 1, 1, 0, 1, 0});
  CHECK(values(isclose(tensor({3, 4}), tensor({3, 5}))) == std::vector<double>{1, 0});
  CHECK_THROWS_AS(isclose(a, tensor(1)), DtypeError);
  CHECK(mentions(error_of<Error>([&] { isclose(a, b, -1); }), {"isclose", "-1"}));
}

TEST_CASE("ops on bits: integers and bools, promoted and broadcast") {
  const Tensor p = tensor({true, false, true}), q = tensor({true, true, false});
  CHECK(values(p & q) == std::vector<double>{1, 0, 0});
  CHECK(values(p | q) == std::vector<double>{1, 1, 1});
  CHECK(values(p ^ q) == std::vector<double>{0, 1, 1});
  CHECK(values(~p) == std::vector<double>{0, 1, 0});
  CHECK((p & q).dtype() == kBool);
  const Tensor i = tensor({{12, -1}, {7, 0}}), j = tensor({10, 3}, kInt32);
  CHECK(values(bitwise_and(i, j)) == std::vector<double>{8, 3, 2, 0});
  CHECK(values(bitwise_or(i.t(), j)) == std::vector<double>{14, 7, -1, 3});
  CHECK(values(bitwise_xor(i, 5)) == std::vector<double>{9, -6, 2, 5});
  CHECK(values(bitwise_not(j)) == std::vector<double>{-11, -4});
  CHECK(values(~tensor({1, 255}, kUInt8)) == std::vector<double>{254, 0});
  CHECK((i & 1).dtype() == kInt64);
  CHECK((j | true).dtype() == kInt32);
  CHECK(values(i | 1).size() == 4);
  CHECK((zeros({0, 3}, kInt64) ^ 1).numel() == 0);
  CHECK(
      mentions(error_of<DtypeError>([] { ones({1}) & tensor({1}); }), {"bitwise_and", "float32"}));
  CHECK_THROWS_AS(~ones({1}), DtypeError);
  CHECK_THROWS_AS(p & tensor({true, false}), ShapeError);
}

TEST_CASE("aliases: comparisons, functions and their methods") {
  manual_seed(13);
  const Tensor x = leaf({2, 3}), y = rand({3}, kFloat64);
  const auto same = [](const Tensor& a, const Tensor& b) {
    CHECK(a.scalar_type() == b.scalar_type());
    CHECK(a.equal(b));
  };
  same(less(x, y), x < y);
  same(x.less(0.5), less(x, 0.5));
  same(less_equal(x, y), x <= y);
  same(x.less_equal(y), less_equal(x, y));
  same(greater(x, 0.5), x > 0.5);
  same(x.greater(y), greater(x, y));
  same(greater_equal(x, y), x >= y);
  same(x.greater_equal(0.5), greater_equal(x, 0.5));
  same(not_equal(x, y), x != y);
  same(x.not_equal(x), not_equal(x, x));
  using T = const Tensors&;
  const auto both = [](T z) {
    return Tensors{clip(z[0], 0.2, 0.7), fix(3 * z[0]), sgn(z[0]),
                   arctan(z[0]),         arcsin(z[0]),  arccos(z[0])};
  };
  check_same(
      both,
      [](T z) {
        return Tensors{
            clamp(z[0], 0.2, 0.7), trunc(3 * z[0]), sign(z[0]), atan(z[0]), asin(z[0]), acos(z[0])};
      },
      {x});
  check_same(
      [](T z) {
        return Tensors{z[0].clip(0.2, 0.7),
                       z[0].clone().clip_(0.2, 0.7),
                       z[0].sgn(),
                       z[0].subtract(z[0], 3),
                       z[0].multiply(z[0]),
                       z[0].divide(z[0] + 1),
                       z[0].true_divide(z[0] + 1),
                       z[0].negative(),
                       z[0].absolute()};
      },
      [](T z) {
        return Tensors{
            clip(z[0], 0.2, 0.7), clip(z[0], 0.2, 0.7), sign(z[0]), -2 * z[0], z[0] * z[0],
            z[0] / (z[0] + 1),    z[0] / (z[0] + 1),    -z[0],      abs(z[0])};
      },
      {x});
  check_same(
      [](T z) {
        return Tensors{concatenate({z[0], z[0]}, 1),
                       row_stack({z[0], z[0]}),
                       z[0].ravel(),
                       z[0].flipud(),
                       z[0].fliplr(),
                       z[0].diff(),
                       z[0].take(tensor({0, -1})),
                       z[0].broadcast_to({2, 2, 3}),
                       z[0].select(0, 0).ger(z[0].select(0, 1)),
                       z[0].dist(2 * z[0]),
                       z[0].exp2()};
      },
      [](T z) {
        return Tensors{cat({z[0], z[0]}, 1),
                       cat({z[0], z[0]}),
                       z[0].flatten(),
                       flip(z[0], {0}),
                       flip(z[0], {1}),
                       z[0].slice(1, 1) - z[0].slice(1, 0, -1),
                       stack({z[0].flatten()[0], z[0].flatten()[-1]}),
                       z[0].expand({2, 2, 3}),
                       outer(z[0][0], z[0][1]),
                       norm(z[0]),
                       pow(2, z[0])};
      },
      {x});
  same(argwhere(x > 0.5), nonzero(x > 0.5));
  same(logspace(0, 3, 4, 2.0, kFloat64), tensor({1.0, 2.0, 4.0, 8.0}, kFloat64));
  CHECK(logspace(-1, 1, 3).allclose(tensor({0.1f, 1.0f, 10.0f})));
  same((x > 0.5).argwhere(), nonzero(x > 0.5));
  same(x.isclose(x), isclose(x, x));
  const Tensor i = tensor({1, 2, 3});
  same(i.bitwise_and(i + 1), i & (i + 1));
  same(i.bitwise_or(i + 1), i | (i + 1));
  same(i.bitwise_xor(i + 1), i ^ (i + 1));
  same(i.bitwise_not(), ~i);
}
