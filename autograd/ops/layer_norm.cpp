#include <cmath>

#include "autograd/tape.hpp"
#include "elementwise.hpp"
#include "ops.hpp"

namespace reel {
namespace {

// Sum over a row of f(i), in lanes.
template <class T, class F>
T row_sum(std::int64_t n, F f) {
  using L = simd::Lanes<T>;
  typename L::type sum(T(0));
  std::int64_t i = 0;
  for (; i + L::count <= n; i += L::count) sum += f.batch(i);
  T total = xsimd::hadd(sum);
  for (; i < n; ++i) total += f.one(i);
  return total;
}
template <class T>
struct Values {
  const T* x;
  auto batch(std::int64_t i) const { return simd::Lanes<T>::load(x + i); }
  T one(std::int64_t i) const { return x[i]; }
};
template <class T>
struct Squares {  // of x - mean
  const T* x;
  T mean;
  auto batch(std::int64_t i) const {
    const typename simd::Lanes<T>::type d = simd::Lanes<T>::load(x + i) - mean;
    return typename simd::Lanes<T>::type(d * d);
  }
  T one(std::int64_t i) const { return (x[i] - mean) * (x[i] - mean); }
};
template <class T>
struct Products {  // of g and x - mean
  const T* g;
  const T* x;
  T mean;
  auto batch(std::int64_t i) const {
    using L = simd::Lanes<T>;
    return typename L::type(L::load(g + i) * (L::load(x + i) - mean));
  }
  T one(std::int64_t i) const { return g[i] * (x[i] - mean); }
};

// dx = rstd (g - mean(g) - y mean(g y)), where y is the normalised row.
Tensor gradient_rows(const Tensor& input, const Tensor& grad, const Tensor& statistics) {
  const Tensor x = input.contiguous(), g = grad.contiguous();
  const std::int64_t rows = x.size(0), width = x.size(1);
  const Tensor out = empty(x.sizes(), x.scalar_type());
  dispatch_float("layer_norm", x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* in = x.data_ptr<T>() + r * width;
      const T* from = g.data_ptr<T>() + r * width;
      T* to = out.data_ptr<T>() + r * width;
      const T mean = statistics.data_ptr<T>()[2 * r], rstd = statistics.data_ptr<T>()[2 * r + 1];
      const T n = static_cast<T>(width);
      const T mean_g = row_sum<T>(width, Values<T>{from}) / n;
      const T slope = row_sum<T>(width, Products<T>{from, in, mean}) * rstd * rstd / n;
      for (std::int64_t i = 0; i < width; ++i)
        to[i] = rstd * (from[i] - mean_g - (in[i] - mean) * slope);
    }
  });
  return out;
}

// (x - mean) / sqrt(var + eps) of each row of [rows, width]; `moments` gets [rows, 2] means and
// variances.
Tensor normalised_rows(const Tensor& x, double eps, Tensor* moments = nullptr) {
  const Tensor dense = x.detach().contiguous();
  const std::int64_t rows = x.size(0), width = x.size(1);
  Tensor out = empty(x.sizes(), x.scalar_type());
  const Tensor statistics = empty({rows, 2}, x.scalar_type());  // mean, 1 / deviation
  if (moments) *moments = empty({rows, 2}, x.scalar_type());
  dispatch_float("layer_norm", x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* in = dense.data_ptr<T>() + r * width;
      T* to = out.data_ptr<T>() + r * width;
      const T n = static_cast<T>(width);
      const T mean = row_sum<T>(width, Values<T>{in}) / n;
      const T variance = row_sum<T>(width, Squares<T>{in, mean}) / n;
      const T rstd = T(1) / std::sqrt(variance + static_cast<T>(eps));
      for (std::int64_t i = 0; i < width; ++i) to[i] = (in[i] - mean) * rstd;
      statistics.data_ptr<T>()[2 * r] = mean;
      statistics.data_ptr<T>()[2 * r + 1] = rstd;
      if (!moments) continue;
      moments->data_ptr<T>()[2 * r] = mean;
      moments->data_ptr<T>()[2 * r + 1] = variance;
    }
  });
  if (needs_record(x))
    record("NativeLayerNormBackward0", {&x}, {&out},
           [x = Saved(x), statistics, eps](Backward& pass) {
             const Tensor input = x.get(pass), g = pass.grad();
             if (!pass.recording()) return pass.add(0, gradient_rows(input, g, statistics), true);
             const Tensor centred = input - input.mean({1}, true);
             const Tensor deviation = sqrt(square(centred).mean({1}, true) + eps);
             const Tensor y = centred / deviation;
             pass.add(0, (g - g.mean({1}, true) - y * (g * y).mean({1}, true)) / deviation);
           });
  return out;
}

// y * weight + bias, each where given.
Tensor affine(const char* node, const Tensor& y, const Tensor& weight, const Tensor& bias) {
  if (weight.defined() && bias.defined())
    return pointwise(
        node, [](auto v, auto w, auto b) { return v * w + b; }, y, weight, bias);
  if (weight.defined()) return y * weight;
  return bias.defined() ? y + bias : y;
}

}  // namespace

Tensor layer_norm(const Tensor& x, IntArrayRef normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  const std::size_t n = normalized_shape.size(), rank = x.sizes().size();
  bool fits = n >= 1 && n <= rank;
  for (std::size_t i = 0; fits && i < n; ++i) fits = x.sizes()[rank - n + i] == normalized_shape[i];
  check<ShapeError>(fits, "[layer_norm] normalized_shape ", normalized_shape,
                    " must be the last dimensions of the input's shape ", x.sizes());
  for (const Tensor& t : {weight, bias})
    check<ShapeError>(!t.defined() || t.sizes() == normalized_shape,
                      "[layer_norm] weight and bias must have normalized_shape ", normalized_shape,
                      ", found ", t.defined() ? t.sizes() : IntArrayRef());
  check<DtypeError>(x.is_floating_point(), "[layer_norm] expected a floating input, found ",
                    dtype_name(x.scalar_type()));
  const std::int64_t width = count_elements(normalized_shape);
  if (x.numel() == 0) return x.clone();
  const Tensor y = normalised_rows(x.reshape({x.numel() / width, width}), eps).reshape(x.sizes());
  return affine("LayerNormAffineBackward0", y, weight, bias);
}

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                  const Tensor& running_mean, const Tensor& running_var, bool training,
                  double momentum, double eps, bool) {
  detail::check_floating("batch_norm", x);
  check<ShapeError>(x.dim() >= 2, "[batch_norm] expected an input [N, C, ...], found shape ",
                    x.sizes());
  const std::int64_t channels = x.size(1);
  for (const Tensor& t : {weight, bias, running_mean, running_var})
    check<ShapeError>(!t.defined() || (t.dim() == 1 && t.size(0) == channels),
                      "[batch_norm] weight, bias and running statistics must have shape [",
                      channels, "] for an input of shape ", x.sizes(), ", found ",
                      t.defined() ? t.sizes() : IntArrayRef());
  check(training || (running_mean.defined() && running_var.defined()),
        "[batch_norm] running_mean and running_var must be given where not training");
  Dims one_per_channel(x.sizes().size(), 1);
  one_per_channel[1] = channels;
  const auto spread = [&](const Tensor& t) { return t.defined() ? t.reshape(one_per_channel) : t; };
  const char* node = "NativeBatchNormBackward0";
  if (!training) {
    const Tensor centred = x - spread(running_mean);
    return affine(node, centred * spread(rsqrt(running_var + eps)), spread(weight), spread(bias));
  }
  const Tensor swapped = x.transpose(0, 1);
  const std::int64_t count = channels == 0 ? 0 : x.numel() / channels;
  check<ShapeError>(count > 0, "[batch_norm] the mean over nothing is not defined: training on an ",
                    "input of shape ", x.sizes());
  Tensor moments;
  const Tensor rows = normalised_rows(swapped.reshape({channels, count}), eps, &moments);
  {
    NoGradGuard no_grad;
    const auto update = [momentum](const Tensor& running, const Tensor& now) {
      if (running.defined()) running.mul_(1 - momentum).add_(now, momentum);
    };
    update(running_mean, moments.select(1, 0));
    const auto n = static_cast<double>(count);
    update(running_var, moments.select(1, 1) * (n / (n - 1)));
  }
  return affine(node, rows.reshape(swapped.sizes()).transpose(0, 1), spread(weight), spread(bias))
      .contiguous();
}

}  // namespace reel
