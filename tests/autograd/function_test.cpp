// Function<T>: ops of the user's own.
#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
using reel::autograd::AutogradContext;
using reel::autograd::Function;
using reel::autograd::variable_list;

namespace {

Tensor leaf(IntArrayRef sizes) {
  Tensor t = reel::randn(sizes, kFloat64);
  t.requires_grad_();
  return t;
}

// x^3 by a number, with the result of an own sum as second output.
struct Cube : Function<Cube> {
  static variable_list forward(AutogradContext* ctx, const Tensor& x, double by, bool negate) {
    CHECK_FALSE(GradMode::is_enabled());
    ctx->saved_data["by"] = by;
    ctx->saved_data["negate"] = negate;
    ctx->save_for_backward({x});
    const Tensor y = x * x * x * (negate ? -by : by);
    return {y, x.sum()};
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const Tensor x = ctx->get_saved_variables()[0];
    const double by = ctx->saved_data["by"].toDouble();
    const double factor = ctx->saved_data["negate"].toBool() ? -by : by;
    return {grads[0] * (x * x * (3 * factor)) + grads[1].expand_as(x), Tensor(), Tensor()};
  }
};

// exp, saving its own result.
struct Exponential : Function<Exponential> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x) {
    const Tensor y = x.exp();
    ctx->save_for_backward({y});
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    return {grads[0] * ctx->get_saved_variables()[0]};
  }
};

struct Product : Function<Product> {
  static Tensor forward(AutogradContext* ctx, const Tensor& a, const Tensor& b) {
    ctx->save_for_backward({a, b});
    return a * b;
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    CHECK(ctx->needs_input_grad(0));
    return {grads[0] * saved[1], ctx->needs_input_grad(1) ? grads[0] * saved[0] : Tensor()};
  }
};

// Doubles its argument in place.
struct DoubleInPlace : Function<DoubleInPlace> {
  static Tensor forward(AutogradContext* ctx, Tensor x) {
    x.mul_(2);
    ctx->mark_dirty({x});
    return x;
  }
  static variable_list backward(AutogradContext*, variable_list grads) { return {grads[0] * 2}; }
};

struct Same : Function<Same> {
  static Tensor forward(AutogradContext*, const Tensor& x) { return x; }
  static variable_list backward(AutogradContext*, variable_list grads) { return {grads[0] * 10}; }
};

struct TwoOutputs : Function<TwoOutputs> {
  static variable_list forward(AutogradContext* ctx, const Tensor& x, bool materialize,
                               bool second_has_gradient) {
    ctx->set_materialize_grads(materialize);
    const Tensor a = x * 2, b = x * 3;
    if (!second_has_gradient) ctx->mark_non_differentiable({b});
    return {a, b};
  }
  static variable_list backward(AutogradContext*, variable_list grads) {
    seen = grads;
    Tensor sum = grads[0] * 2;
    if (grads[1].defined()) sum = sum + grads[1] * 3;
    return {sum, Tensor(), Tensor()};
  }
  static inline variable_list seen;
};

struct SumOfList : Function<SumOfList> {
  static Tensor forward(AutogradContext* ctx, const variable_list& list, std::int64_t power) {
    ctx->saved_data["n"] = static_cast<std::int64_t>(list.size());
    ctx->saved_data["power"] = power;
    Tensor sum = reel::zeros(list[0].sizes(), kFloat64);
    for (const Tensor& t : list) sum = sum + t;
    return sum;
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    variable_list out(static_cast<std::size_t>(ctx->saved_data["n"].toInt()), grads[0]);
    out.emplace_back();
    return out;
  }
};

struct WrongCount : Function<WrongCount> {
  static Tensor forward(AutogradContext*, const Tensor& x, int) { return x * 1; }
  static variable_list backward(AutogradContext*, variable_list grads) { return {grads[0]}; }
};
struct GradientForNumber : Function<GradientForNumber> {
  static Tensor forward(AutogradContext*, const Tensor& x, int) { return x * 1; }
  static variable_list backward(AutogradContext*, variable_list g) { return {g[0], g[0]}; }
};
struct WrongShape : Function<WrongShape> {
  static Tensor forward(AutogradContext*, const Tensor& x) { return x * 1; }
  static variable_list backward(AutogradContext*, variable_list) { return {reel::ones({7})}; }
};

}  // namespace

TEST_CASE("function: value, gradients of several outputs, arguments that are no tensors") {
  manual_seed(1);
  Tensor x = leaf({2, 3});
  const auto out = Cube::apply(x, 0.5, true);
  REQUIRE(out.size() == 2);
  CHECK(difference(out[0], x.detach() * x.detach() * x.detach() * -0.5) < 1e-14);
  CHECK(mentions(out[0].grad_fn()->name(), {"Cube"}));
  CHECK(out[1].output_nr() == 1);
  const autograd::GradcheckFunction f = [](const Tensors& in) -> Tensors {
    return Cube::apply(in[0], 2.0, false);
  };
  CHECK(autograd::gradcheck(f, {x}));
  CHECK(autograd::gradgradcheck(f, {x}));
}

TEST_CASE("function: a saved result and several inputs, differentiated to the third order") {
  manual_seed(2);
  Tensor x = leaf({3});
  const Tensor y = Exponential::apply(x);
  Tensor d = y;
  for (int order = 0; order < 3; ++order) {
    d = autograd::grad({d.sum()}, {x}, {}, true, true)[0];
    CHECK(difference(d, y) < 1e-14);
  }
  const autograd::GradcheckFunction f = [](const Tensors& in) -> Tensors {
    return {Product::apply(in[0], in[1])};
  };
  CHECK(autograd::gradcheck(f, {leaf({2, 3}), leaf({2, 3})}));
  CHECK(autograd::gradgradcheck(f, {leaf({2, 3}), leaf({2, 3})}));
  // A gradient for a broadcast argument is summed.
  Tensor a = leaf({2, 3}), b = leaf({3});
  Product::apply(a, b).sum().backward();
  CHECK(difference(b.grad(), a.detach().sum({0})) < 1e-14);
  // One that is a constant gets none.
  Product::apply(a, b.detach()).sum().backward();
}

TEST_CASE("function: nothing is recorded where no gradient is wanted") {
  Tensor x = leaf({3});
  CHECK_FALSE(Exponential::apply(x.detach()).requires_grad());
  NoGradGuard no_grad;
  CHECK_FALSE(Exponential::apply(x).requires_grad());
  CHECK_FALSE(Same::apply(x).requires_grad());
}

TEST_CASE("function: in-place arguments") {
  Tensor x = leaf({2, 3});
  Tensor h = x * 1;
  const Tensor y = DoubleInPlace::apply(h);
  CHECK(y.is_same(h));
  CHECK(mentions(h.grad_fn()->name(), {"DoubleInPlace"}));
  (h * h).sum().backward();
  CHECK(difference(x.grad(), x.detach() * 8) < 1e-14);

  // Through a view the base's history changes.
  x.mutable_grad() = Tensor();
  Tensor base = x * 1;
  DoubleInPlace::apply(base[1]);
  base.sum().backward();
  CHECK(difference(x.grad(), reel::tensor({{1.0, 1.0, 1.0}, {2.0, 2.0, 2.0}}, kFloat64)) == 0);

  CHECK(mentions(error_of<AutogradError>([&] { DoubleInPlace::apply(x); }), {"leaf"}));
  // What was saved before is out of date.
  Tensor saved = x * 1;
  const Tensor z = saved * saved;
  DoubleInPlace::apply(saved);
  CHECK(mentions(error_of<AutogradError>([&] { z.sum().backward(); }), {"modified in place"}));
}

TEST_CASE("function: an argument handed out unchanged") {
  Tensor x = leaf({3});
  const Tensor y = Same::apply(x);
  CHECK_FALSE(y.is_same(x));
  CHECK(y.data_ptr() == x.data_ptr());
  y.sum().backward();
  CHECK(difference(x.grad(), reel::full({3}, 10.0, kFloat64)) == 0);
}

TEST_CASE("function: outputs without gradient, and gradients that are not there") {
  Tensor x = leaf({3});
  auto out = TwoOutputs::apply(x, true, true);
  out[0].sum().backward();
  CHECK(difference(TwoOutputs::seen[1], reel::zeros({3}, kFloat64)) == 0);
  out = TwoOutputs::apply(x, false, true);
  out[0].sum().backward();
  CHECK_FALSE(TwoOutputs::seen[1].defined());
  CHECK(difference(x.grad(), reel::full({3}, 4.0, kFloat64)) == 0);
  out = TwoOutputs::apply(x, true, false);
  CHECK(out[0].requires_grad());
  CHECK_FALSE(out[1].requires_grad());
  TwoOutputs::seen.clear();
}

TEST_CASE("function: a list of tensors is that many arguments") {
  Tensor a = leaf({2}), b = leaf({2});
  SumOfList::apply(variable_list{a, b, a}, 3).sum().backward();
  CHECK(difference(a.grad(), reel::full({2}, 2.0, kFloat64)) == 0);
  CHECK(difference(b.grad(), reel::ones({2}, kFloat64)) == 0);
}

TEST_CASE("function: wrong gradients, freed graphs and changed values are refused") {
  Tensor x = leaf({3});
  std::string text = error_of<AutogradError>([&] { WrongCount::apply(x, 1).sum().backward(); });
  INFO(text);
  CHECK(mentions(text, {"WrongCount", "returned 1", "expected 2"}));
  text = error_of<AutogradError>([&] { GradientForNumber::apply(x, 1).sum().backward(); });
  CHECK(mentions(text, {"GradientForNumber", "position 1", "no tensor"}));
  text = error_of<ShapeError>([&] { WrongShape::apply(x).sum().backward(); });
  CHECK(mentions(text, {"WrongShape"}));
  const Tensor y = Exponential::apply(x);
  y.sum().backward();
  text = error_of<AutogradError>([&] { y.sum().backward(); });
  CHECK(mentions(text, {"second time"}));
  Tensor h = x * 1;
  const Tensor z = Product::apply(h, h);
  h.add_(1);
  text = error_of<AutogradError>([&] { z.sum().backward(); });
  CHECK(mentions(text, {"Product", "version"}));
  CHECK_FALSE(x.grad().data_ptr() == nullptr);
}

TEST_CASE("function: IValue reads what it holds and refuses the rest") {
  CHECK(IValue(3).toInt() == 3);
  CHECK(IValue(3).toDouble() == 3.0);
  CHECK(IValue(2.5).toDouble() == 2.5);
  CHECK(IValue(true).toBool());
  CHECK(IValue("text").toStringRef() == "text");
  CHECK(IValue(reel::ones({2})).toTensor().numel() == 2);
  CHECK(IValue(std::vector<std::int64_t>{1, 2}).toIntVector().size() == 2);
  CHECK(IValue().isNone());
  CHECK(mentions(error_of<Error>([] { IValue(2.5).toInt(); }), {"toInt", "double"}));
  CHECK(mentions(error_of<Error>([] { IValue(1).toTensor(); }), {"toTensor", "int"}));
}
