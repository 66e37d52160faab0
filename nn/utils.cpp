#include "utils.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "autograd/autograd.hpp"

namespace reel {
namespace nn {
namespace utils {

namespace {

std::vector<Tensor> gradients(const std::vector<Tensor>& parameters) {
  std::vector<Tensor> result;
  result.reserve(parameters.size());
  for (const auto& parameter : parameters)
    if (parameter.grad().defined()) result.push_back(parameter.grad().detach());
  return result;
}

// Folds f over the elements in several independent lanes, which the compiler turns into vectors;
// one running value would wait for itself at every element.
template <class T, class Fold>
double fold(const T* values, std::int64_t n, Fold f) {
  constexpr std::int64_t kLanes = 16;
  std::array<double, kLanes> lanes{};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      auto& total = lanes[static_cast<std::size_t>(lane)];
      total = f(total, static_cast<double>(values[i + lane]));
    }
  for (; i < n; ++i) lanes[0] = f(lanes[0], static_cast<double>(values[i]));
  double total = lanes[0];
  for (std::size_t lane = 1; lane < lanes.size(); ++lane) total = f.join(total, lanes[lane]);
  return total;
}

struct SumOfSquares {
  double operator()(double total, double x) const { return total + x * x; }
  double join(double a, double b) const { return a + b; }
};
struct SumOfPowers {
  double order;
  double operator()(double total, double x) const { return total + std::pow(std::abs(x), order); }
  double join(double a, double b) const { return a + b; }
};
struct Largest {
  // Written so that a NaN in either place stays.
  double operator()(double most, double x) const { return join(most, std::abs(x)); }
  double join(double a, double b) const { return a >= b || a != a ? a : b; }
};

template <class Fold>
double fold_all(const std::vector<Tensor>& tensors, Fold f) {
  double total = 0.0;
  for (const auto& tensor : tensors) {
    const Tensor flat = tensor.contiguous();
    const double part = dispatch_float("clip_grad_norm_", flat.scalar_type(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      return fold(flat.data_ptr<T>(), flat.numel(), f);
    });
    total = f.join(total, part);
  }
  return total;
}

double total_norm(const std::vector<Tensor>& tensors, double order) {
  if (order == 2.0) return std::sqrt(fold_all(tensors, SumOfSquares{}));
  if (std::isinf(order)) return fold_all(tensors, Largest{});
  return std::pow(fold_all(tensors, SumOfPowers{order}), 1.0 / order);
}

}  // namespace

double clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, double norm_type,
                       bool error_if_nonfinite) {
  check(max_norm >= 0.0, "[clip_grad_norm_] max_norm must not be negative, found ", max_norm);
  check(norm_type > 0.0, "[clip_grad_norm_] norm_type must be positive or infinity, found ",
        norm_type);
  const NoGradGuard no_grad;
  const auto grads = gradients(parameters);
  const double norm = total_norm(grads, norm_type);
  check(!error_if_nonfinite || std::isfinite(norm), "[clip_grad_norm_] the norm of order ",
        norm_type, " of the gradients is ", norm,
        ", so they cannot be clipped; look for the first loss that is not finite, or pass "
        "error_if_nonfinite = false");
  const double scale = max_norm / (norm + 1e-6);
  if (scale >= 1.0) return norm;
  for (const auto& grad : grads) grad.mul_(scale);
  return norm;
}

double clip_grad_norm_(std::initializer_list<Tensor> parameters, double max_norm, double norm_type,
                       bool error_if_nonfinite) {
  return clip_grad_norm_(std::vector<Tensor>(parameters), max_norm, norm_type, error_if_nonfinite);
}

double clip_grad_norm_(const Tensor& parameter, double max_norm, double norm_type,
                       bool error_if_nonfinite) {
  return clip_grad_norm_(std::vector<Tensor>{parameter}, max_norm, norm_type, error_if_nonfinite);
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value) {
  check(clip_value >= 0.0, "[clip_grad_value_] clip_value must not be negative, found ",
        clip_value);
  const NoGradGuard no_grad;
  for (const auto& grad : gradients(parameters)) {
    grad.masked_fill_(grad.gt(clip_value), clip_value);
    grad.masked_fill_(grad.lt(-clip_value), -clip_value);
  }
}

void clip_grad_value_(std::initializer_list<Tensor> parameters, double clip_value) {
  clip_grad_value_(std::vector<Tensor>(parameters), clip_value);
}

void clip_grad_value_(const Tensor& parameter, double clip_value) {
  clip_grad_value_(std::vector<Tensor>{parameter}, clip_value);
}

Tensor parameters_to_vector(const std::vector<Tensor>& parameters) {
  std::vector<Tensor> flat;
  flat.reserve(parameters.size());
  for (const auto& parameter : parameters) flat.push_back(parameter.reshape({-1}));
  return cat(flat);
}

void vector_to_parameters(const Tensor& vec, const std::vector<Tensor>& parameters) {
  std::int64_t total = 0;
  for (const auto& parameter : parameters) total += parameter.numel();
  check<ShapeError>(vec.dim() == 1 && vec.numel() == total,
                    "[vector_to_parameters] expected a vector of ", total,
                    " elements, as many as the parameters have; found shape ", vec.sizes());
  const NoGradGuard no_grad;
  std::int64_t start = 0;
  for (const auto& parameter : parameters) {
    parameter.copy_(vec.narrow(0, start, parameter.numel()).reshape(parameter.sizes()));
    start += parameter.numel();
  }
}

}  // namespace utils
}  // namespace nn
}  // namespace reel
