// Clipping of gradients; parameters as one vector.
#pragma once

#include <initializer_list>
#include <vector>

#include "../autograd/tensor.hpp"

namespace reel {
namespace nn {
namespace utils {

/// Scales all gradients by min(1, max_norm / (norm + 1e-6)), where norm = (sum |g|^p)^(1/p) over
/// the elements of all of them, p = norm_type (infinity: the largest |g|), and returns norm.
/// Parameters without gradient are left out. Throws Error where max_norm is negative, norm_type is
/// not positive, or (`error_if_nonfinite`) norm is not finite; no gradient is changed then.
/// https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
double clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm,
                       double norm_type = 2.0, bool error_if_nonfinite = false);
double clip_grad_norm_(std::initializer_list<Tensor> parameters, double max_norm,
                       double norm_type = 2.0, bool error_if_nonfinite = false);
double clip_grad_norm_(const Tensor& parameter, double max_norm, double norm_type = 2.0,
                       bool error_if_nonfinite = false);

/// Limits every element of every gradient to [-clip_value, clip_value]. Throws Error where
/// clip_value is negative.
/// https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html
void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value);
void clip_grad_value_(std::initializer_list<Tensor> parameters, double clip_value);
void clip_grad_value_(const Tensor& parameter, double clip_value);

/// All elements of all parameters, one after the other; recorded.
Tensor parameters_to_vector(const std::vector<Tensor>& parameters);
/// The reverse: copies the elements of `vec` into the parameters. Throws ShapeError where their
/// number differs.
void vector_to_parameters(const Tensor& vec, const std::vector<Tensor>& parameters);

}  // namespace utils
}  // namespace nn
}  // namespace reel
