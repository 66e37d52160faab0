#include "normalise.hpp"

#include <cmath>
#include <limits>

#include "autograd/kernels.hpp"
#include "autograd/random.hpp"
#include "ops.hpp"
#include "row_math.hpp"
#include "view.hpp"

namespace reel {
namespace {

// softmax of x along dimension d, or its logarithm.
Tensor softmax_along(const Tensor& x, std::size_t d, bool logarithm) {
  const Tensor dense = x.detach().contiguous();
  Tensor out = empty(x.sizes(), x.scalar_type());
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < d; ++i) outer *= x.sizes()[i];
  for (std::size_t i = d + 1; i < x.sizes().size(); ++i) inner *= x.sizes()[i];
  const std::int64_t n = x.dim() == 0 ? 1 : x.sizes()[d];
  if (x.numel() == 0) return out;
  dispatch_float("softmax", x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < outer; ++i) {
      const T* from = dense.data_ptr<T>() + i * n * inner;
      T* to = out.data_ptr<T>() + i * n * inner;
      if (inner != 1) {
        for (std::int64_t j = 0; j < inner; j += kernels::kColumns)
          row::softmax_columns(from + j, n, std::min(kernels::kColumns, inner - j), inner, to + j,
                               logarithm);
        continue;
      }
      const T top = row::max(from, n), total = row::exp_minus(from, top, to, n);
      if (logarithm)
        row::minus(from, top + std::log(total), to, n);
      else
        row::scale(to, T(1) / total, n);
    }
  });
  return out;
}

Tensor softmax_of(const Tensor& x, std::int64_t dim) {
  const std::size_t d = wrap_dim("softmax", dim, static_cast<std::size_t>(x.dim()));
  Tensor out = softmax_along(x, d, false);
  if (needs_record(x))
    record("SoftmaxBackward0", {&x}, {&out}, [y = Saved::result(out), dim](Backward& pass) {
      const Tensor s = y.get(pass), g = pass.grad();
      const Tensor weighted = g * s;
      pass.add(0, weighted - s * weighted.sum(dim, true), true);
    });
  return out;
}

Tensor log_softmax_of(const Tensor& x, std::int64_t dim) {
  const std::size_t d = wrap_dim("log_softmax", dim, static_cast<std::size_t>(x.dim()));
  Tensor out = softmax_along(x, d, true);
  if (needs_record(x))
    record("LogSoftmaxBackward0", {&x}, {&out}, [y = Saved::result(out), dim](Backward& pass) {
      const Tensor g = pass.grad();
      pass.add(0, g - y.get(pass).exp() * g.sum(dim, true), true);
    });
  return out;
}

Tensor floating(const Tensor& x, std::optional<ScalarType> dtype) {
  return x.to(dtype.value_or(x.is_floating_point() ? x.scalar_type() : get_default_dtype()));
}
}  // namespace

Tensor softmax(const Tensor& x, std::int64_t dim) { return softmax(x, dim, nullopt); }
Tensor softmax(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype) {
  return softmax_of(floating(x, dtype), dim);
}
Tensor log_softmax(const Tensor& x, std::int64_t dim) { return log_softmax(x, dim, nullopt); }
Tensor log_softmax(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype) {
  return log_softmax_of(floating(x, dtype), dim);
}

Tensor softmin(const Tensor& x, std::int64_t dim) { return softmin(x, dim, nullopt); }
Tensor softmin(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype) {
  return softmax(-floating(x, dtype), dim);
}

Tensor dropout(const Tensor& x, double p, bool train) {
  check(p >= 0.0 && p <= 1.0, "[dropout] probability has to be between 0 and 1, but got ", p);
  if (!train || p == 0.0) return x;
  if (p == 1.0) return x * 0.0;
  Tensor mask = empty(x.sizes(), x.scalar_type());
  fill_bernoulli(mask, 1.0 - p, 1.0 / (1.0 - p));
  return x * mask;
}

}  // namespace reel
