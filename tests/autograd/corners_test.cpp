// Corners where PyTorch's answer was measured: whom an error names, factors and bools in
// arithmetic, hooks and operands of tensors that were written in place, windows outside a view.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "tests/says.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
using Numbers = std::vector<double>;

Tensor reals(const Numbers& v) { return reel::tensor(v, kFloat64); }
Tensor leaf(const Numbers& v) { return reals(v).requires_grad_(); }
Tensor gradient(const Tensor& y, const Tensor& x, const Tensor& g) {
  return autograd::grad({y}, {x}, {g}, /*retain_graph=*/true)[0];
}
Tensor gradient(const Tensor& y, const Tensor& x) { return gradient(y, x, ones_like(y)); }

}  // namespace

TEST_CASE("errors name the op that was called, not one that it is made of") {
  const Tensor x = reals({1, 2, 3}), mask = reals({1, 0}) > 0;
  CHECK_SAYS(ShapeError, x.clone().masked_fill_(mask, 1), "[masked_fill_]", "[3]", "[2]");
  CHECK_SAYS(ShapeError, x.clone().masked_fill_(mask, x[0]), "[masked_fill_]");
  CHECK_SAYS(ShapeError, x.masked_fill(mask, 1), "[masked_fill]", "[3]", "[2]");
  CHECK_SAYS(DtypeError, x.clone().masked_fill_(x, 1), "[masked_fill_] expected a bool mask");
  CHECK_SAYS(AutogradError, leaf({1}).sub_(1), "[sub_]");
  CHECK_SAYS(AutogradError, leaf({1}).sub_(reals({1}), 2), "[sub_]");
  CHECK_SAYS(DtypeError, reel::tensor({1, 2}).sub_(0.5), "[sub_]", "Float", "Long");
  CHECK_SAYS(DtypeError, mask.clone().sub_(mask), "[sub_] subtraction of bool");
  CHECK_SAYS(IndexError, stack({x, x}, 3), "[stack]", "3");
  CHECK_SAYS(IndexError, glu(x, 2), "[glu]", "2");
  CHECK_SAYS(IndexError, x.norm(kInf, 1), "[norm]");
  CHECK_SAYS(IndexError, x.norm(-kInf, 1), "[norm]");
  CHECK_SAYS(ShapeError, x.clone().copy_(reals({1, 2})), "[copy_]", "[2]", "[3]");
  CHECK_SAYS(ShapeError, x.clone().copy_(zeros({2, 3})), "[copy_]", "[2, 3]", "[3]");
  CHECK_SAYS(ShapeError, mse_loss(x, reals({1, 2})), "[mse_loss]");
  CHECK(equal(stack({x, x}, -1), stack({x, x}, 1)));
  CHECK(equal(glu(reals({1, 2, 0, 0}), -1), reals({0.5, 1})));
  CHECK(equal(zeros({2, 3}, kFloat64).copy_(x)[1], x));
  CHECK(equal(zeros({0, 3}).norm(kInf), zeros({})));
  CHECK(equal(zeros({0, 3}).norm(-kInf, 0), zeros({3})));
  CHECK(zeros({0, 3}).norm(-kInf, 1).numel() == 0);
}

TEST_CASE("arithmetic: factors of another kind are refused, also beside a number") {
  const Tensor whole = reel::tensor({1, 2}), real = reals({1, 2}), flags = tensor({true, false});
  CHECK_SAYS(DtypeError, add(whole, 1, 1.5), "[add] for integral tensors alpha");
  CHECK_SAYS(DtypeError, add(whole, whole, 1.0), "[add] for integral tensors alpha");
  CHECK_SAYS(DtypeError, sub(whole, 1, 1.5), "[sub] for integral tensors alpha");
  CHECK_SAYS(DtypeError, whole.clone().add_(1, 1.5), "[add_] for integral tensors alpha");
  CHECK_SAYS(DtypeError, whole.clone().sub_(1, 1.5), "[sub_] for integral tensors alpha");
  CHECK_SAYS(DtypeError, add(flags, true, 1.0), "[add] for integral tensors alpha");
  CHECK_SAYS(DtypeError, add(real, 1, true), "[add] a boolean alpha");
  CHECK_SAYS(DtypeError, add(real, real, true), "[add] a boolean alpha");
  CHECK_SAYS(DtypeError, sub(real, 1, true), "[sub] a boolean alpha");
  CHECK_SAYS(DtypeError, real.clone().add_(real, true), "[add_] a boolean alpha");
  CHECK_SAYS(DtypeError, sub(real, true), "[sub] subtraction of bool");
  CHECK(equal(add(whole, 1.5, 1.5), tensor({3.25, 4.25}, kFloat32)));
  CHECK(equal(add(real, real, 1.0), real * 2));
  CHECK(equal(add(flags, 1, 2), tensor({3, 2})));
}

TEST_CASE("arithmetic: bools stay bools, also in place") {
  const Tensor flags = tensor({true, false, true, false}),
               others = tensor({true, true, false, false});
  const auto same = [](const Tensor& a, std::initializer_list<TensorData> b) {
    CHECK(a.scalar_type() == kBool);
    CHECK(equal(a, tensor(b)));
  };
  same(add(flags, true), {true, true, true, true});
  same(add(flags, others, true), {true, true, true, false});
  same(add(flags, others, false), {true, false, true, false});
  same(flags.clone().add_(others), {true, true, true, false});
  same(flags.clone().add_(others, 2), {true, true, true, false});
  same(flags.clone().add_(true), {true, true, true, true});
  same(flags.clone().add_(false), {true, false, true, false});
  same(flags.clone().mul_(others), {true, false, false, false});
  same(flags.clone().mul_(true), {true, false, true, false});
  same(flags.clone().mul_(false), {false, false, false, false});
  CHECK_SAYS(DtypeError, flags.clone().add_(1), "[add_]", "Long", "Bool");
  CHECK_SAYS(DtypeError, flags.clone().mul_(2), "[mul_]", "Long", "Bool");
  CHECK_SAYS(DtypeError, flags.clone().add_(tensor({1, 2, 3, 4})), "[add_]", "Long", "Bool");
  CHECK_SAYS(DtypeError, flags.clone().mul_(ones({4})), "[mul_]", "Float", "Bool");
  CHECK(equal(tensor({1, 2, 3, 4}).add_(flags), tensor({2, 2, 4, 4})));
}

TEST_CASE("hooks: one is removed where it was registered, whatever was written since") {
  const Tensor x = leaf({1, 2}), y = x * 1;
  int calls = 0;
  const auto count = [&](const Tensor&) { ++calls; };
  const unsigned first = y.register_hook(count);
  y.mul_(3);
  const unsigned second = y.register_hook(count);
  y.sum().backward({}, true);
  CHECK(calls == 2);
  (x * 1).remove_hook(first);  // of another tensor
  y.sum().backward({}, true);
  CHECK(calls == 4);
  y.remove_hook(first);
  y.sum().backward({}, true);
  CHECK(calls == 5);
  y.remove_hook(second);
  y.sum().backward({}, true);
  CHECK(calls == 5);
  // By itself.
  Tensor z = x * 1;
  auto id = std::make_shared<unsigned>();
  *id = z.register_hook([&calls, id, z](const Tensor&) {
    ++calls;
    z.remove_hook(*id);
    CHECK(*id != 0);
  });
  z.mul_(2);
  z.sum().backward({}, true);
  z.sum().backward();
  CHECK(calls == 6);
  calls = 5;
  // On a view whose base is written.
  const Tensor base = x * 1, view = base[0], used = view * 2;
  const unsigned third = view.register_hook(count);
  base.mul_(2);
  used.backward({}, true);
  CHECK(calls == 6);
  view.remove_hook(third);
  used.backward();
  CHECK(calls == 6);
}

TEST_CASE("logsumexp: an infinite entry takes its own gradient alone") {
  const auto check = [](const Numbers& v, double value, const Numbers& g) {
    for (const bool column : {false, true}) {
      const Tensor x = leaf(v), y = logsumexp(column ? x.unsqueeze(1) : x, 0);
      CHECK(difference(y.sum(), reals({value})[0]) == 0);
      CHECK(difference(gradient(y, x), reals(g)) == 0);
    }
  };
  check({1, kInf, 2}, kInf, {0, kNaN, 0});
  check({kInf, kInf}, kInf, {kNaN, kNaN});
  check({-kInf, -kInf}, -kInf, {kNaN, kNaN});
  check({kInf, -kInf}, kInf, {kNaN, 0});
  check({-kInf, 1}, 1, {0, 1});
  check({kNaN, kInf}, kNaN, {kNaN, kNaN});
}

TEST_CASE("index_select and its kin take no negative numbers, index_fill and take do") {
  const Tensor x = reals({0, 1, 2, 3}), last = tensor({-1}), one = reals({9});
  CHECK_SAYS(IndexError, x.index_select(0, last), "[index_select] index -1", "from 0 to 3");
  CHECK_SAYS(IndexError, x.view({2, 2}).index_select(1, last), "[index_select] index -1");
  CHECK_SAYS(IndexError, x.index_add(0, last, one), "[index_add] index -1");
  CHECK_SAYS(IndexError, x.clone().index_add_(0, last, one), "[index_add] index -1");
  CHECK_SAYS(IndexError, x.index_copy(0, last, one), "[index_copy] index -1");
  CHECK_SAYS(IndexError, x.index_fill(0, tensor({4}), 9), "[index_fill] index 4");
  CHECK(equal(x.index_fill(0, last, 9), reals({0, 1, 2, 9})));
  CHECK(equal(x.take(last), reals({3})));
  CHECK(equal(x.index({last}), reals({3})));
}

TEST_CASE("addmm and its kin: what beta = 0 leaves out still has a gradient, of zeros") {
  const Tensor a = ones({2, 2}, kFloat64), v = ones({2}, kFloat64);
  const auto check = [](const Tensor& input, const Tensor& y, double value) {
    CHECK(y.requires_grad());
    CHECK(equal(y, full(y.sizes(), value, kFloat64)));
    CHECK(equal(gradient(y, input), zeros(input.sizes(), kFloat64)));
  };
  const Tensor row = leaf({kNaN, kInf}), matrix = leaf({kNaN, 1, 2, 3}).view({2, 2}),
               factor = leaf({1, 1, 1, 1}).view({2, 2});
  check(row, addmm(row, a, a, 0), 2);
  check(matrix, addmm(matrix, a, a, 0, 3), 6);
  check(row, baddbmm(row, a.unsqueeze(0), a.unsqueeze(0), 0), 2);
  check(row, addmv(row, a, v, 0), 2);
  check(matrix, addr(matrix, v, v, 0), 1);
  CHECK(equal(gradient(addmm(row, factor, a, 0), factor), full({2, 2}, 2, kFloat64)));
  CHECK_FALSE(addmm(row.detach(), a, a, 0).requires_grad());
  CHECK_SAYS(ShapeError, addmm(ones({3}, kFloat64), a, a, 0), "[addmm]", "[3]");
  CHECK_SAYS(ShapeError, addmm(ones({5, 2, 2}, kFloat64), a, a), "[addmm]", "[5, 2, 2]");
}

TEST_CASE("as_strided: what lies outside the tensor is shown and has no gradient") {
  const Tensor x = arange(6).to(kFloat64).requires_grad_();
  const Tensor g = reals({1, 10, 100, 1000});
  const Tensor base = x * 1, part = base.narrow(0, 2, 2);
  const Tensor ahead = part.as_strided({3}, {2}, 1);
  CHECK(equal(ahead, reals({1, 3, 5})));
  CHECK(equal(gradient(ahead, part, g.narrow(0, 0, 3)), reals({0, 10})));
  CHECK(equal(gradient(ahead, x, g.narrow(0, 0, 3)), reals({0, 0, 0, 10, 0, 0})));
  const Tensor spaced = base.slice(0, 0, 6, 2), between = spaced.as_strided({4}, {1}, 1);
  CHECK(equal(gradient(between, spaced, g), reals({0, 10, 1000})));
  CHECK(equal(gradient(between, x, g), reals({0, 0, 10, 0, 1000, 0})));
  // Positions that share an element share its gradient.
  const Tensor wide = base.narrow(0, 1, 2).expand({3, 2}),
               windows = wide.as_strided({2, 2}, {1, 1}, 0);
  CHECK(difference(gradient(windows, wide, g.view({2, 2})),
                   reals({110.0 / 3, 1000.0 / 3}).expand({3, 2})) < 1e-14);
  CHECK(difference(gradient(windows, x, g.view({2, 2})), reals({0, 110, 1000, 0, 0, 0})) < 1e-12);
  // Gradients of gradients.
  const Tensor seen = x.square().narrow(0, 2, 2).as_strided({3}, {2}, 1);
  const Tensor first = autograd::grad({seen.square().sum()}, {x}, {}, nullopt, true)[0];
  CHECK(equal(first, reals({0, 0, 0, 108, 0, 0})));
  CHECK(equal(gradient(first, x), reals({0, 0, 0, 108, 0, 0})));
}

TEST_CASE("relu and reciprocal need their result and not their operand") {
  const Tensor x = leaf({-1, 0, 2, 4});
  Tensor a = x * 1, y = a.relu();
  a.mul_(-2);
  CHECK(equal(gradient(y, x), reals({0, 0, 1, 1})));
  a = x + 3;
  y = a.reciprocal();
  a.zero_();
  CHECK(difference(gradient(y, x), -(x.detach() + 3).pow(-2)) < 1e-15);
  CHECK(
      difference(autograd::grad({autograd::grad({y.sum()}, {x}, {}, true, true)[0].sum()}, {x})[0],
                 (x.detach() + 3).pow(-3) * 2) < 1e-15);
  a = x * 1;
  a.relu_();
  CHECK(equal(gradient(a, x), reals({0, 0, 1, 1})));
  y = (x * 1).relu();
  y.mul_(2);
  CHECK_SAYS(AutogradError, gradient(y, x), "[ReluBackward0]", "modified in place");
  // A power needs its operand and not its result, also where it is a square root.
  const Tensor z = leaf({1, 4});
  y = (z * 1).pow(0.5);
  y.add_(1);
  CHECK(equal(gradient(y, z), reals({0.5, 0.25})));
  y = (z * 1).sqrt();
  y.add_(1);
  CHECK_SAYS(AutogradError, gradient(y, z), "[SqrtBackward0]", "modified in place");
}

TEST_CASE("a slope that is constant piece by piece has a gradient, of zeros") {
  const Tensor x = leaf({-1, 0, 2, 7});
  using Function = Tensor (*)(const Tensor&);
  const Function straight[] = {
      [](const Tensor& t) { return t.abs(); },
      [](const Tensor& t) { return t.relu(); },
      [](const Tensor& t) { return relu6(t); },
      [](const Tensor& t) { return hardtanh(t); },
      [](const Tensor& t) { return leaky_relu(t, 0.3); },
      [](const Tensor& t) { return hardshrink(t); },
      [](const Tensor& t) { return t.norm(1); },
      [](const Tensor& t) { return t.norm(kInf); },
      [](const Tensor& t) { return l1_loss(t, zeros_like(t)); },
      [](const Tensor& t) { return t.clone().relu_(); },
  };
  for (const Function f : straight) {
    const Tensor g = autograd::grad({f(x).sum()}, {x}, {}, nullopt, true)[0];
    REQUIRE(g.requires_grad());
    CHECK(equal(gradient(g, x), zeros({4}, kFloat64)));
  }
  CHECK(equal(gradient(leaky_relu(x, 0.3), x), reals({0.3, 0.3, 1, 1})));
  // elu bends to one side of 0 alone.
  for (const Function f : {Function([](const Tensor& t) { return elu(t, 0.3); }),
                           Function([](const Tensor& t) { return celu(t, 2); })}) {
    const Tensor slope = autograd::grad({f(x).sum()}, {x}, {}, nullopt, true)[0];
    const Tensor bend = gradient(slope, x);
    CHECK(slope[1].item<double>() == (f(x)[0].item<double>() > -0.5 ? 0.3 : 1));
    CHECK(bend[0].item<double>() > 0.1);
    CHECK(equal(bend.narrow(0, 1, 3), zeros({3}, kFloat64)));
  }
  const Tensor wide = leaf({-kInf, -3, 0, 3, kInf, kNaN});
  CHECK(difference(gradient(hardswish(wide), wide), reals({0, -0.5, 0.5, 1.5, 1, 1})) < 1e-15);
  CHECK(difference(hardswish(wide), reals({kNaN, 0, 0, 3, kInf, kNaN})) == 0);
}

TEST_CASE("what an index list gives is a tensor of its own; an empty index keeps the graph") {
  const Tensor x = arange(6).to(kFloat64).view({2, 3});
  for (const Tensor& y : {x.index({}), x.index({"..."}), x.t().index({"..."})}) {
    CHECK(y.is_view());
    CHECK(y.data_ptr() == x.data_ptr());
    y.unsqueeze_(0);
  }
  CHECK(x.sizes() == IntArrayRef{2, 3});
  const Tensor none = zeros({0, 3}, kInt64), source = ones({1, 3}, kFloat64).requires_grad_();
  for (const Tensor& y : {x.scatter(0, none, source), x.scatter_add(0, none, source)}) {
    CHECK(y.requires_grad());
    CHECK(equal(y.detach(), x));
    CHECK(equal(gradient(y, source), zeros({1, 3}, kFloat64)));
  }
}

TEST_CASE("topk of a number is the number") {
  for (const std::int64_t k : {0, 1}) {
    const Tensor x = leaf({3}).reshape({});
    const auto [best, at] = x.topk(k);
    CHECK(best.sizes() == IntArrayRef{});
    CHECK(best.item<double>() == 3);
    CHECK(at.item<std::int64_t>() == 0);
    best.zero_();
    CHECK(x.item<double>() == 3);
  }
  CHECK_THROWS_AS(reals({3})[0].topk(2), IndexError);
}

TEST_CASE("in place: a bool tensor takes no numbers") {
  const Tensor flags = tensor({true, false});
  CHECK_SAYS(DtypeError, flags.clone().square_(), "[square_]", "Long", "Bool");
  CHECK_SAYS(DtypeError, flags.clone().floor_divide_(2), "[floor_divide_]", "Long", "Bool");
  CHECK_SAYS(DtypeError, flags.clone().cumsum_(0), "[cumsum_]", "Long", "Bool");
  CHECK(equal(flags.clone().logical_not_(), tensor({false, true})));
  CHECK(equal(flags.clone().masked_fill_(flags, 0), tensor({false, false})));
}

TEST_CASE("corners: a slope of zero lets no NaN through, to the second order either") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = reel::tensor(std::vector<double>{-1, 2}, kFloat64).requires_grad_();
  const Tensor w = reel::tensor(std::vector<double>{2, 3}, kFloat64).requires_grad_();
  const Tensor g = autograd::grad({maximum(x, zeros({2}, kFloat64)) * w}, {x},
                                  {ones({2}, kFloat64)}, true, true)[0];
  CHECK(g.equal(reel::tensor(std::vector<double>{0, 3}, kFloat64)));
  const Tensor up = reel::tensor(std::vector<double>{nan, 5}, kFloat64);
  CHECK(autograd::grad({g}, {w}, {up})[0].equal(reel::tensor(std::vector<double>{0, 5}, kFloat64)));
}
