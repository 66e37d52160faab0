// What random programs compared with PyTorch's found: histories of views and of overwritten
// tensors, branches not taken, index lists, and errors.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {
constexpr double kInf = std::numeric_limits<double>::infinity();
Tensor leaf(IntArrayRef sizes) { return rand(sizes, TensorOptions(kFloat64).requires_grad(true)); }
Tensor weights(const Tensor& x) {
  return cos(arange(x.numel()).to(kFloat64) * 0.7 + 1.0).view(x.sizes());
}
// One number of all, each with a weight of its own.
Tensor weighted(const Tensor& x) { return (x * weights(x)).sum(); }
}  // namespace

TEST_CASE("in place: an overwritten tensor still requires a gradient, of zeros") {
  const auto overwrite = [](void (*write)(const Tensor&)) {
    const Tensor x = leaf({2, 3}), y = x * 2;
    write(y);
    REQUIRE(y.requires_grad());
    weighted(y).backward();
    CHECK(x.grad().equal(zeros({2, 3}, kFloat64)));
  };
  overwrite([](const Tensor& y) { y.zero_(); });
  overwrite([](const Tensor& y) { y.fill_(3.0); });
  overwrite([](const Tensor& y) { y.copy_(ones({3}, kFloat64)); });
  overwrite([](const Tensor& y) { y.uniform_(); });
  overwrite([](const Tensor& y) { y.gt_(0.5); });
  overwrite([](const Tensor& y) { y.select(0, 0).zero_(), y.select(0, 1).zero_(); });
}

TEST_CASE("in place: writing into a view of a transposed base") {
  const auto program = [](const Tensors& in) {
    const Tensor base = in[0] * 1;  // [2, 3]
    const Tensor row = base.select(0, 1);
    base.t_();  // [3, 2], not row-major
    base.narrow(0, 1, 2).mul_(in[1]);
    row.add_(1);
    return Tensors{base * weights(base), row * 3};
  };
  const Tensors in{leaf({2, 3}), leaf({2})};
  CHECK(gradient_difference(program, in) < 1e-7);
  CHECK(autograd::gradgradcheck([&](const Tensors& x) { return Tensors{program(x)[0].square()}; },
                                in));
  // A base with gaps has no such gradient.
  double numbers[8] = {};
  const Tensor gaps = from_blob(numbers, {2, 2}, {4, 1}, kFloat64);
  CHECK_THROWS_WITH_AS(gaps.select(0, 0).mul_(leaf({2})), doctest::Contains("without gaps"),
                       AutogradError);
}

TEST_CASE("in place: reshaping a view after its base was written") {
  const Tensor x = leaf({3, 4}), y = x * 1;
  const Tensor view = y.t();
  view.copy_(zeros({3}, kFloat64).requires_grad_());
  view.squeeze_();
  weighted(view).backward();
  CHECK(x.grad().equal(zeros({3, 4}, kFloat64)));
}

TEST_CASE("a branch that is not taken gets no gradient, even from an infinite one") {
  const auto zeros_where_masked = [](const TensorFunction& f) {
    const Tensor x = tensor({0.0, 4.0}, kFloat64).requires_grad_();
    weighted(f({x})[0]).backward();
    CHECK(x.grad()[0].item<double>() == 0);
    CHECK(std::isfinite(x.grad()[1].item<double>()));
    // The same by the recorded gradient.
    const Tensor g = autograd::grad({weighted(f({x})[0])}, {x}, {}, nullopt, true)[0];
    CHECK(g[0].item<double>() == 0);
  };
  const Tensor mask = tensor({true, false});
  zeros_where_masked(
      [&](const Tensors& x) { return Tensors{sqrt(where(mask, zeros({}, kFloat64), x[0]))}; });
  zeros_where_masked([&](const Tensors& x) { return Tensors{sqrt(x[0].masked_fill(mask, 0))}; });
  zeros_where_masked([](const Tensors& x) { return Tensors{sqrt(relu(x[0]))}; });
  zeros_where_masked([](const Tensors& x) { return Tensors{rsqrt(clamp(x[0] - 1, 0))}; });
  zeros_where_masked(
      [](const Tensors& x) { return Tensors{log(maximum(x[0] - 1, zeros({2}, kFloat64)))}; });
  // What is taken keeps its own.
  const Tensor x = tensor({0.0}, kFloat64).requires_grad_();
  weighted(sqrt(where(tensor({true}), x, x + 1))).backward();
  CHECK(x.grad()[0].item<double>() == kInf);
}

TEST_CASE("copy_: into integers, onto itself, and into a view of a base with gaps") {
  const Tensor w = tensor({1.5, 2.5}, kFloat64).requires_grad_();
  const Tensor whole = zeros({2}, kInt64);
  whole.copy_(w);
  CHECK(whole.equal(tensor({1, 2})));
  CHECK_FALSE(whole.requires_grad());

  const Tensor square = arange(9, kFloat64).reshape({3, 3}).requires_grad_();
  const Tensor x = square * 1;
  x.copy_(x.t());
  CHECK(x.equal(square.detach().t()));
  const Tensor weights = rand({3, 3}, kFloat64);
  (x * weights).sum().backward();
  CHECK(square.grad().equal(weights.t()));

  const Tensor gaps = zeros({4, 4}, kFloat64).slice(1, 0, 2).detach();
  CHECK(reel::test::mentions(reel::test::error_of<AutogradError>([&] { gaps[0].copy_(w); }),
                             {"[copy_]", "a base without gaps"}));
  CHECK(gaps.abs().sum().item<double>() == 0);
}

TEST_CASE("promotion: of three operands those without dimensions count by their kind alone") {
  const Tensor x = ones({2}), number = scalar_tensor(0.5, kFloat64);
  CHECK(addcmul(x, x, number).scalar_type() == kFloat32);
  CHECK(clamp(x, std::optional<Tensor>(number), std::optional<Tensor>(number)).scalar_type() ==
        kFloat32);
  CHECK(addcmul(ones({2}, kInt64), ones({2}, kInt64), number).scalar_type() == kFloat64);
  CHECK(std::signbit((-zeros({5})).max().item<float>()));
}

TEST_CASE("index: a tensor without dimensions selects, and a mask without dimensions keeps") {
  const Tensor x = leaf({3, 4}), y = x * 1;
  using indexing::Slice;
  const Tensor row = y.index({tensor(std::int64_t{-1})});
  CHECK(row.is_view());
  row.zero_();
  CHECK(y[2].abs().sum().item<double>() == 0);
  y.index_put_({Slice(), tensor(std::int64_t{1})}, 7);
  CHECK(y.select(1, 1).equal(full({3}, 7, kFloat64)));
  CHECK_THROWS_AS(y.index({tensor(std::int64_t{3})}), IndexError);
  CHECK(y.index({tensor(true)}).sizes() == IntArrayRef{1, 3, 4});
  CHECK(y.index({Slice(), tensor(false)}).sizes() == IntArrayRef{3, 0, 4});
}

TEST_CASE("ops: PyTorch's errors, dtypes and copies where they are easily missed") {
  const Tensor number = scalar_tensor(1.0), flags = tensor({true, false});
  CHECK_THROWS_AS(number.split(1), ShapeError);
  CHECK_THROWS_AS(number.chunk(1), ShapeError);
  CHECK_THROWS_AS(number.unbind(), ShapeError);
  CHECK_THROWS_AS(flipud(number), ShapeError);
  CHECK_THROWS_AS(flags.clone().sub_(flags), DtypeError);
  CHECK_THROWS_AS(flags.clone().sub_(1), DtypeError);
  CHECK(flags.square().scalar_type() == kInt64);
  CHECK(softsign(tensor({1, -3})).equal(tensor({0.5, -0.75}, kFloat32)));
  CHECK(zeros({0, 2}).chunk(3).size() == 3);
  const Tensor x = ones({2});
  CHECK_FALSE(diff(x, 0).data_ptr<float>() == x.data_ptr<float>());
  CHECK(clamp(tensor({-1.0, 0.0, 5.0}), 3, 2).equal(tensor({2.0, 2.0, 2.0})));
  CHECK(cumsum(tensor({1, 2, 3}), 0, kFloat64).equal(tensor({1.0, 3.0, 6.0}, kFloat64)));
  CHECK(tensor({1, 2, 3}).cumsum_(0, kInt64).equal(tensor({1, 3, 6})));
  CHECK_THROWS_AS(tensor({1, 2, 3}).cumsum_(0, kFloat64), DtypeError);
  CHECK_THROWS_AS(tensor({1.0}).cumprod_(0, kFloat64), DtypeError);
}
