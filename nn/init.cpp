#include "init.hpp"

#include <algorithm>
#include <cmath>

#include "autograd/autograd.hpp"

namespace reel {
namespace nn {
namespace init {

namespace {

struct Gain {
  double param;
  double operator()(enumtype::kTanh) const { return 5.0 / 3.0; }
  double operator()(enumtype::kReLU) const { return std::sqrt(2.0); }
  double operator()(enumtype::kLeakyReLU) const { return std::sqrt(2.0 / (1.0 + param * param)); }
  template <class Tag>
  double operator()(Tag) const {
    return 1.0;
  }
};

double kaiming_std(const Tensor& tensor, double a, const FanModeType& mode,
                   const NonlinearityType& nonlinearity) {
  const auto [fan_in, fan_out] = _calculate_fan_in_and_fan_out(tensor);
  const auto fan = std::holds_alternative<enumtype::kFanIn>(mode) ? fan_in : fan_out;
  return calculate_gain(nonlinearity, a) / std::sqrt(static_cast<double>(fan));
}

double xavier_std(const Tensor& tensor, double gain) {
  const auto [fan_in, fan_out] = _calculate_fan_in_and_fan_out(tensor);
  return gain * std::sqrt(2.0 / static_cast<double>(fan_in + fan_out));
}

// Makes the `count` rows of length `n` orthonormal, count <= n. Gram-Schmidt, twice per row: one
// pass alone leaves errors that grow with the rows' condition.
void orthonormalise(double* rows, std::int64_t count, std::int64_t n) {
  for (std::int64_t i = 0; i < count; ++i) {
    double* row = rows + i * n;
    for (int pass = 0; pass < 2; ++pass) {
      for (std::int64_t j = 0; j < i; ++j) {
        const double* other = rows + j * n;
        double dot = 0.0;
        for (std::int64_t k = 0; k < n; ++k) dot += row[k] * other[k];
        for (std::int64_t k = 0; k < n; ++k) row[k] -= dot * other[k];
      }
    }
    double square = 0.0;
    for (std::int64_t k = 0; k < n; ++k) square += row[k] * row[k];
    const double scale = 1.0 / std::sqrt(square);
    for (std::int64_t k = 0; k < n; ++k) row[k] *= scale;
  }
}

}  // namespace

double calculate_gain(NonlinearityType nonlinearity, double param) {
  return std::visit(Gain{param}, nonlinearity);
}

std::tuple<std::int64_t, std::int64_t> _calculate_fan_in_and_fan_out(const Tensor& tensor) {
  check<ShapeError>(
      tensor.dim() >= 2,
      "[init] fan in and fan out need a tensor of at least 2 dimensions, found shape ",
      tensor.sizes());
  const auto receptive = count_elements(
      IntArrayRef(tensor.sizes().data() + 2, static_cast<std::size_t>(tensor.dim() - 2)));
  return {tensor.size(1) * receptive, tensor.size(0) * receptive};
}

Tensor constant_(Tensor tensor, Scalar value) {
  const NoGradGuard no_grad;
  return tensor.fill_(value);
}

Tensor zeros_(Tensor tensor) { return constant_(std::move(tensor), 0); }

Tensor ones_(Tensor tensor) { return constant_(std::move(tensor), 1); }

Tensor eye_(Tensor matrix) {
  check<ShapeError>(matrix.dim() == 2, "[init::eye_] expected a 2-D tensor, found shape ",
                    matrix.sizes());
  const NoGradGuard no_grad;
  return matrix.copy_(eye(matrix.size(0), matrix.size(1), matrix.options()));
}

Tensor uniform_(Tensor tensor, double low, double high) {
  check(low <= high, "[init::uniform_] expected low <= high, found ", low, " and ", high);
  const NoGradGuard no_grad;
  return tensor.uniform_(low, high);
}

Tensor normal_(Tensor tensor, double mean, double std) {
  check(std >= 0.0, "[init::normal_] expected std >= 0, found ", std);
  const NoGradGuard no_grad;
  return tensor.normal_(mean, std);
}

// A tensor without elements has a fan of zero, so it is left out before any division.
Tensor xavier_uniform_(Tensor tensor, double gain) {
  const double bound = std::sqrt(3.0) * xavier_std(tensor, gain);
  return tensor.numel() == 0 ? tensor : uniform_(tensor, -bound, bound);
}

Tensor xavier_normal_(Tensor tensor, double gain) {
  const double std = xavier_std(tensor, gain);
  return tensor.numel() == 0 ? tensor : normal_(tensor, 0.0, std);
}

Tensor kaiming_uniform_(Tensor tensor, double a, FanModeType mode, NonlinearityType nonlinearity) {
  const double bound = std::sqrt(3.0) * kaiming_std(tensor, a, mode, nonlinearity);
  return tensor.numel() == 0 ? tensor : uniform_(tensor, -bound, bound);
}

Tensor kaiming_normal_(Tensor tensor, double a, FanModeType mode, NonlinearityType nonlinearity) {
  const double std = kaiming_std(tensor, a, mode, nonlinearity);
  return tensor.numel() == 0 ? tensor : normal_(tensor, 0.0, std);
}

Tensor orthogonal_(Tensor tensor, double gain) {
  check<ShapeError>(tensor.dim() >= 2,
                    "[init::orthogonal_] expected a tensor of at least 2 dimensions, found shape ",
                    tensor.sizes());
  if (tensor.numel() == 0) return tensor;
  const NoGradGuard no_grad;
  const auto rows = tensor.size(0);
  const auto columns = tensor.numel() / rows;
  const auto fewer = std::min(rows, columns);
  const auto more = std::max(rows, columns);
  const Tensor basis = randn({fewer, more}, kFloat64);
  orthonormalise(basis.data_ptr<double>(), fewer, more);
  const Tensor matrix = rows > columns ? basis.t() : basis;
  return tensor.copy_(matrix.mul(gain).reshape(tensor.sizes()));
}

}  // namespace init
}  // namespace nn
}  // namespace reel
