// Activation functions. Names and defaults: https://pytorch.org/docs/stable/nn.functional.html
// The form with an underscore writes the result into its operand. But for relu, relu6 and hardtanh
// they throw DtypeError on integers.
#pragma once

#include <string_view>

#include "../tensor.hpp"

namespace reel {

/// max(x, 0); its gradient at 0 is 0.
Tensor relu(const Tensor& self);
Tensor& relu_(const Tensor& self);
/// min(max(x, 0), 6)
Tensor relu6(const Tensor& self);
Tensor& relu6_(const Tensor& self);
/// x bounded by min_val and max_val; its gradient at and beyond the bounds is 0.
Tensor hardtanh(const Tensor& self, const Scalar& min_val = -1, const Scalar& max_val = 1);
Tensor& hardtanh_(const Tensor& self, const Scalar& min_val = -1, const Scalar& max_val = 1);
/// x where x > 0, else negative_slope x
Tensor leaky_relu(const Tensor& self, const Scalar& negative_slope = 0.01);
Tensor& leaky_relu_(const Tensor& self, const Scalar& negative_slope = 0.01);
/// scale x where x > 0, else scale alpha (e^(input_scale x) - 1)
Tensor elu(const Tensor& self, const Scalar& alpha = 1, const Scalar& scale = 1,
           const Scalar& input_scale = 1);
Tensor& elu_(const Tensor& self, const Scalar& alpha = 1, const Scalar& scale = 1,
             const Scalar& input_scale = 1);
/// elu with the constants of Klambauer et al. 2017, under which activations normalise themselves.
Tensor selu(const Tensor& self);
Tensor& selu_(const Tensor& self);
/// x where x > 0, else alpha (e^(x / alpha) - 1). Throws Error where alpha is 0.
Tensor celu(const Tensor& self, const Scalar& alpha = 1);
Tensor& celu_(const Tensor& self, const Scalar& alpha = 1);
/// x Phi(x), Phi the normal distribution's; approximate = "tanh":
/// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). Throws Error for another `approximate`.
Tensor gelu(const Tensor& self, std::string_view approximate = "none");
Tensor& gelu_(const Tensor& self, std::string_view approximate = "none");
/// x sigmoid(x)
Tensor silu(const Tensor& self);
Tensor& silu_(const Tensor& self);
/// x tanh(softplus(x))
Tensor mish(const Tensor& self);
Tensor& mish_(const Tensor& self);
/// log(1 + e^(beta x)) / beta, and x itself where beta x > threshold.
Tensor softplus(const Tensor& self, const Scalar& beta = 1, const Scalar& threshold = 20);
/// x / (1 + |x|)
Tensor softsign(const Tensor& self);
/// x / 6 + 1/2, bounded by 0 and 1.
Tensor hardsigmoid(const Tensor& self);
Tensor& hardsigmoid_(const Tensor& self);
/// log(sigmoid(x)), without overflow.
Tensor log_sigmoid(const Tensor& self);
/// x min(max(x + 3, 0), 6) / 6
Tensor hardswish(const Tensor& self);
Tensor& hardswish_(const Tensor& self);
/// x where x > threshold, else value.
Tensor threshold(const Tensor& self, const Scalar& threshold, const Scalar& value);
Tensor& threshold_(const Tensor& self, const Scalar& threshold, const Scalar& value);
/// x where |x| > lambd, else 0.
Tensor hardshrink(const Tensor& self, const Scalar& lambd = 0.5);
/// x moved towards 0 by lambd, and 0 where |x| <= lambd. Throws Error for lambd < 0.
Tensor softshrink(const Tensor& self, const Scalar& lambd = 0.5);
/// x where x > 0, else weight x; weight holds one number, or one for each index along dimension 1.
/// Throws ShapeError for others. https://pytorch.org/docs/stable/generated/torch.nn.PReLU.html
Tensor prelu(const Tensor& self, const Tensor& weight);
/// The first half along `dim` times sigmoid of the second. Throws ShapeError for an odd size.
/// https://pytorch.org/docs/stable/generated/torch.nn.GLU.html
Tensor glu(const Tensor& self, std::int64_t dim = -1);
/// x where x > 0, else a x: a uniform in [lower, upper) in training, else their mean. Throws Error
/// unless lower <= upper. https://pytorch.org/docs/stable/generated/torch.nn.RReLU.html
Tensor rrelu(const Tensor& self, const Scalar& lower = 0.125, const Scalar& upper = 1.0 / 3.0,
             bool training = false);
Tensor& rrelu_(const Tensor& self, const Scalar& lower = 0.125, const Scalar& upper = 1.0 / 3.0,
               bool training = false);

}  // namespace reel
