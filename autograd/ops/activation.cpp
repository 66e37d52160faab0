// Activation functions, with their in-place twins. Each is a formula; its derivative follows.
#include "activation.hpp"

#include "elementwise.hpp"
#include "ops.hpp"

namespace reel {

namespace impl {
namespace {

using detail::check_floating;
using detail::elementwise;
using detail::Into;

// log(1 + e^v); e^v is taken only where it cannot overflow.
const auto kSoftplus = [](auto v) {
  return choose(v > 20.0, v, log1p(exp(choose(v > 20.0, 0.0, v))));
};

Tensor relu(const Into& into, const Tensor& x) {
  return elementwise<true>(
      into, "ReluBackward0", [](auto v) { return formula::kept<formula::Relu>(v); }, x);
}
Tensor hardtanh(const Into& into, const Tensor& x, const Scalar& min_val, const Scalar& max_val) {
  check<DtypeError>(x.scalar_type() != kBool, "[hardtanh] is not implemented for bool tensors");
  return elementwise<true>(
      into, "HardtanhBackward0",
      [=](auto v) {
        const auto raised = choose(v <= min_val, min_val, formula::straight(v));
        return choose(raised >= max_val, max_val, raised);
      },
      x);
}
Tensor relu6(const Into& into, const Tensor& x) { return hardtanh(into, x, 0, 6); }
Tensor leaky_relu(const Into& into, const Tensor& x, const Scalar& negative_slope) {
  check_floating("leaky_relu", x);
  return elementwise<false>(
      into, "LeakyReluBackward0",
      [=](auto v) {
        const auto piece = formula::straight(v);
        return choose(v > 0.0, piece, piece * negative_slope);
      },
      x);
}
Tensor elu(const Into& into, const Tensor& x, const Scalar& alpha, const Scalar& scale,
           const Scalar& input_scale) {
  check_floating("elu", x);
  const double below = alpha.toDouble() * scale.toDouble(), above = scale.toDouble(),
               inner = input_scale.toDouble();
  return elementwise<false>(
      into, "EluBackward0",
      [=](auto v) {
        const auto negative = choose(v < 0.0, v, 0.0);
        // At 0 the slope is that of the curve, and the curvature 0.
        const auto straight = choose(v <= 0.0, formula::straight(v) * (below * inner), v * above);
        return choose(v < 0.0, (exp(negative * inner) - 1.0) * below, straight);
      },
      x);
}
Tensor selu(const Into& into, const Tensor& x) {
  return elu(into, x, 1.6732632423543772848, 1.0507009873554804934, 1.0);
}
Tensor celu(const Into& into, const Tensor& x, const Scalar& alpha) {
  check(alpha.toDouble() != 0.0, "[celu] alpha cannot be 0");
  return elu(into, x, alpha, 1.0, 1.0 / alpha.toDouble());
}
Tensor gelu(const Into& into, const Tensor& x, std::string_view approximate) {
  check_floating("gelu", x);
  check(approximate == "none" || approximate == "tanh",
        "[gelu] approximate must be \"none\" or \"tanh\", found \"", std::string(approximate),
        "\"");
  if (approximate == "tanh")
    return elementwise<false>(
        into, "GeluBackward0",
        [](auto v) {
          const auto inner = (v + v * v * v * 0.044715) * 0.79788456080286535588;
          return v * 0.5 * (tanh(inner) + 1.0);
        },
        x);
  return elementwise<false>(
      into, "GeluBackward0",
      [](auto v) { return v * 0.5 * (erf(v * 0.70710678118654752440) + 1.0); }, x);
}
Tensor silu(const Into& into, const Tensor& x) {
  check_floating("silu", x);
  return elementwise<false>(
      into, "SiluBackward0", [](auto v) { return v * sigmoid(v); }, x);
}
Tensor mish(const Into& into, const Tensor& x) {
  check_floating("mish", x);
  return elementwise<false>(
      into, "MishBackward0", [](auto v) { return v * tanh(kSoftplus(v)); }, x);
}
Tensor softplus(const Into& into, const Tensor& x, const Scalar& beta, const Scalar& threshold) {
  check_floating("softplus", x);
  const double b = beta.toDouble(), limit = threshold.toDouble();
  return elementwise<false>(
      into, "SoftplusBackward0",
      [=](auto v) {
        const auto scaled = v * b;
        return choose(scaled > limit, v, log1p(exp(choose(scaled > limit, 0.0, scaled))) / b);
      },
      x);
}
Tensor softsign(const Into& into, const Tensor& x) {
  return elementwise<false>(
      into, "SoftsignBackward0", [](auto v) { return v / (abs(v) + 1.0); }, x);
}
Tensor hardsigmoid(const Into& into, const Tensor& x) {
  check_floating("hardsigmoid", x);
  return elementwise<false>(
      into, "HardsigmoidBackward0",
      [](auto v) { return choose(v <= -3.0, 0.0, choose(v >= 3.0, 1.0, v * (1.0 / 6.0) + 0.5)); },
      x);
}
Tensor hardswish(const Into& into, const Tensor& x) {
  check_floating("hardswish", x);
  return elementwise<false>(
      into, "HardswishBackward0",
      [](auto v) {
        // In pieces, so that an infinite one has a slope of its own.
        const auto between = v * (v + 3.0) / 6.0;
        return choose(v < -3.0, v * 0.0, choose(v <= 3.0, between, v));
      },
      x);
}
Tensor hardshrink(const Tensor& x, const Scalar& lambd) {
  check_floating("hardshrink", x);
  return elementwise<false>(
      {}, "HardshrinkBackward0",
      [=](auto v) { return choose(abs(v) <= lambd, 0.0, formula::straight(v)); }, x);
}
Tensor log_sigmoid(const Into& into, const Tensor& x) {
  check_floating("log_sigmoid", x);
  return elementwise<false>(
      into, "LogSigmoidBackward0",
      [](auto v) {
        const auto away = choose(v < 0.0, v, -v);  // -|v|
        return choose(v < 0.0, v, 0.0) - log1p(exp(away));
      },
      x);
}

}  // namespace
}  // namespace impl

REEL_OP_AND_TWIN(relu, (), ())
REEL_OP_AND_TWIN(relu6, (), ())
REEL_OP_AND_TWIN(hardtanh, (, const Scalar& min_val, const Scalar& max_val), (, min_val, max_val))
REEL_OP_AND_TWIN(leaky_relu, (, const Scalar& negative_slope), (, negative_slope))
REEL_OP_AND_TWIN(elu, (, const Scalar& alpha, const Scalar& scale, const Scalar& input_scale),
                 (, alpha, scale, input_scale))
REEL_OP_AND_TWIN(selu, (), ())
REEL_OP_AND_TWIN(celu, (, const Scalar& alpha), (, alpha))
REEL_OP_AND_TWIN(gelu, (, std::string_view approximate), (, approximate))
REEL_OP_AND_TWIN(silu, (), ())
REEL_OP_AND_TWIN(mish, (), ())
REEL_OP_AND_TWIN(hardsigmoid, (), ())
REEL_OP_AND_TWIN(hardswish, (), ())
Tensor hardshrink(const Tensor& self, const Scalar& lambd) { return impl::hardshrink(self, lambd); }
Tensor softplus(const Tensor& self, const Scalar& beta, const Scalar& threshold) {
  return impl::softplus({}, self, beta, threshold);
}
Tensor softsign(const Tensor& self) { return impl::softsign({}, self); }
Tensor log_sigmoid(const Tensor& self) { return impl::log_sigmoid({}, self); }

}  // namespace reel
