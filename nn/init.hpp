// Initialisation of parameters, in place and unrecorded; each function returns its argument.
#pragma once

#include <cstdint>
#include <tuple>
#include <variant>

#include "../autograd/tensor.hpp"
#include "options.hpp"

namespace reel {
namespace nn {
/// https://pytorch.org/docs/stable/nn.init.html
namespace init {

using NonlinearityType =
    std::variant<enumtype::kLinear, enumtype::kConv1D, enumtype::kConv2D, enumtype::kConv3D,
                 enumtype::kConvTranspose1D, enumtype::kConvTranspose2D, enumtype::kConvTranspose3D,
                 enumtype::kSigmoid, enumtype::kTanh, enumtype::kReLU, enumtype::kLeakyReLU>;
using FanModeType = std::variant<enumtype::kFanIn, enumtype::kFanOut>;

/// The factor by which a nonlinearity shrinks a signal's standard deviation: 5/3 for tanh, sqrt(2)
/// for relu, sqrt(2 / (1 + param^2)) for leaky relu of slope `param`, else 1.
double calculate_gain(NonlinearityType nonlinearity, double param = 0.01);
/// (size(1) * r, size(0) * r), with r the product of the sizes from the third on. Throws ShapeError
/// below two dimensions.
std::tuple<std::int64_t, std::int64_t> _calculate_fan_in_and_fan_out(const Tensor& tensor);

Tensor constant_(Tensor tensor, Scalar value);
Tensor zeros_(Tensor tensor);
Tensor ones_(Tensor tensor);
/// The identity matrix, cut or padded with zeros. Throws ShapeError unless 2-D.
Tensor eye_(Tensor matrix);
/// Uniform in [low, high). Throws Error where low > high.
Tensor uniform_(Tensor tensor, double low = 0, double high = 1);
/// Throws Error where std is negative.
Tensor normal_(Tensor tensor, double mean = 0, double std = 1);
/// U(-a, a), a = gain * sqrt(6 / (fan_in + fan_out)); Glorot & Bengio 2010.
Tensor xavier_uniform_(Tensor tensor, double gain = 1.0);
/// N(0, std^2), std = gain * sqrt(2 / (fan_in + fan_out)).
Tensor xavier_normal_(Tensor tensor, double gain = 1.0);
/// U(-b, b), b = gain(nonlinearity, a) * sqrt(3 / fan); He et al. 2015.
Tensor kaiming_uniform_(Tensor tensor, double a = 0, FanModeType mode = kFanIn,
                        NonlinearityType nonlinearity = kLeakyReLU);
/// N(0, std^2), std = gain(nonlinearity, a) / sqrt(fan).
Tensor kaiming_normal_(Tensor tensor, double a = 0, FanModeType mode = kFanIn,
                       NonlinearityType nonlinearity = kLeakyReLU);
/// A random matrix [size(0), rest] with orthonormal rows or columns, whichever are fewer, times
/// `gain`; Saxe et al. 2013. Throws ShapeError below two dimensions.
Tensor orthogonal_(Tensor tensor, double gain = 1.0);

}  // namespace init
}  // namespace nn
}  // namespace reel
