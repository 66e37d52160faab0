// Comparing the tape's gradients with central differences.
#pragma once

#include <functional>
#include <vector>

#include "tensor.hpp"

namespace reel::autograd {

using GradcheckFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// For each input x that requires a gradient, and a random cotangent v of each output, compares
/// d<v, f>/dx by backward with (f(x + eps) - f(x - eps)) / (2 eps), element by element, to
/// |difference| <= atol + rtol |numerical|. Inputs must be float64. Returns true, or throws
/// AutogradError naming the input, the element and both numbers (false with raise = false).
/// https://pytorch.org/docs/stable/generated/torch.autograd.gradcheck.html
bool gradcheck(const GradcheckFunction& f, const std::vector<Tensor>& inputs, double eps = 1e-6,
               double atol = 1e-5, double rtol = 1e-3, bool raise = true);
/// gradcheck of the gradients themselves: of (x, v) -> d<v, f>/dx.
bool gradgradcheck(const GradcheckFunction& f, const std::vector<Tensor>& inputs, double eps = 1e-6,
                   double atol = 1e-5, double rtol = 1e-3, bool raise = true);

}  // namespace reel::autograd
