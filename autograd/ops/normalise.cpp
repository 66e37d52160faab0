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

// A contiguous tensor as rows along dimension d, or as bundles of columns: calls row(at, n) or
// columns(at, n, count, stride) for each, which begins at element `at`.
template <class Row, class Columns>
void each_along(const Tensor& x, std::size_t d, Row row, Columns columns) {
  std::int64_t inner = 1;
  for (std::size_t i = d + 1; i < x.sizes().size(); ++i) inner *= x.sizes()[i];
  const std::int64_t n = x.dim() == 0 ? 1 : x.sizes()[d];
  for (std::int64_t at = 0; at < x.numel(); at += n * inner) {
    if (inner == 1) {
      row(at, n);
      continue;
    }
    for (std::int64_t j = 0; j < inner; j += kernels::kColumns)
      columns(at + j, n, std::min(kernels::kColumns, inner - j), inner);
  }
}

// softmax of x along dimension d, or its logarithm.
Tensor softmax_along(const Tensor& x, std::size_t d, bool logarithm) {
  const Tensor dense = x.detach().contiguous();
  Tensor out = empty(x.sizes(), x.scalar_type());
  dispatch_float("softmax", x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* from = dense.data_ptr<T>();
    T* to = out.data_ptr<T>();
    each_along(
        dense, d,
        [&](std::int64_t at, std::int64_t n) {
          const T top = row::max(from + at, n);
          const T total = row::exp_minus(from + at, top, to + at, n);
          if (logarithm)
            row::minus(from + at, top, T(std::log(total)), to + at, n);
          else
            row::scale(to + at, T(1) / total, n);
        },
        [&](std::int64_t at, std::int64_t n, std::int64_t count, std::int64_t stride) {
          row::softmax_columns(from + at, n, count, stride, to + at, logarithm);
        });
  });
  return out;
}

// The gradient by the operand of softmax_along, from its result y and the gradient by that.
Tensor softmax_gradient(const Tensor& y, const Tensor& gradient, std::size_t d, bool logarithm) {
  const Tensor g = gradient.contiguous();
  Tensor out = empty(y.sizes(), y.scalar_type());
  dispatch_float("softmax", y.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T *of = y.data_ptr<T>(), *from = g.data_ptr<T>();
    T* to = out.data_ptr<T>();
    each_along(
        y, d,
        [&](std::int64_t at, std::int64_t n) {
          row::softmax_gradient(of + at, from + at, n, to + at, logarithm);
        },
        [&](std::int64_t at, std::int64_t n, std::int64_t count, std::int64_t stride) {
          row::softmax_gradient(of + at, from + at, n, count, stride, to + at, logarithm);
        });
  });
  return out;
}

Tensor softmax_of(const Tensor& x, std::int64_t dim) {
  const std::size_t d = wrap_dim("softmax", dim, static_cast<std::size_t>(x.dim()));
  Tensor out = softmax_along(x, d, false);
  if (needs_record(x))
    record("SoftmaxBackward0", {&x}, {&out}, [y = Saved::result(out), d](Backward& pass) {
      const Tensor s = y.get(pass), g = pass.grad();
      if (!pass.recording()) return pass.add(0, softmax_gradient(s, g, d, false), true);
      const Tensor weighted = g * s;
      pass.add(0, weighted - s * weighted.sum(static_cast<std::int64_t>(d), true), true);
    });
  return out;
}

Tensor log_softmax_of(const Tensor& x, std::int64_t dim) {
  const std::size_t d = wrap_dim("log_softmax", dim, static_cast<std::size_t>(x.dim()));
  Tensor out = softmax_along(x, d, true);
  if (needs_record(x))
    record("LogSoftmaxBackward0", {&x}, {&out}, [y = Saved::result(out), d](Backward& pass) {
      const Tensor s = y.get(pass), g = pass.grad();
      if (!pass.recording()) return pass.add(0, softmax_gradient(s, g, d, true), true);
      pass.add(0, g - s.exp() * g.sum(static_cast<std::int64_t>(d), true), true);
    });
  return out;
}

Tensor floating(const Tensor& x, std::optional<ScalarType> dtype) {
  return x.to(dtype.value_or(x.is_floating_point() ? x.scalar_type() : get_default_dtype()));
}
}  // namespace

Tensor softmax(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype) {
  return softmax_of(floating(x, dtype), dim);
}
Tensor log_softmax(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype) {
  return log_softmax_of(floating(x, dtype), dim);
}

Tensor softmin(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype) {
  return softmax(-floating(x, dtype), dim);
}

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const Tensor& attn_mask, double dropout_p, bool is_causal,
                                    std::optional<double> scale) {
  const char* op = "[scaled_dot_product_attention] ";
  check<ShapeError>(query.dim() >= 2 && key.dim() >= 2 && value.dim() >= 2 &&
                        query.size(-1) == key.size(-1) && key.size(-2) == value.size(-2),
                    op,
                    "expected query [..., L, E], key [..., S, E] and value [..., S, Ev], found ",
                    query.sizes(), ", ", key.sizes(), " and ", value.sizes());
  check(!is_causal || !attn_mask.defined(), op, "give either attn_mask or is_causal, not both");
  const double by = scale.value_or(1.0 / std::sqrt(static_cast<double>(query.size(-1))));
  Tensor scores = matmul(query * by, key.transpose(-2, -1));
  const auto only = [&](const Tensor& seen) {
    return scores.masked_fill(logical_not(seen), -std::numeric_limits<double>::infinity());
  };
  if (is_causal) {
    scores = only(ones({query.size(-2), key.size(-2)}, kBool).tril());
  } else if (attn_mask.defined()) {
    check<ShapeError>(broadcast_shapes("scaled_dot_product_attention", scores.sizes(),
                                       attn_mask.sizes()) == scores.sizes(),
                      op, "a mask of shape ", attn_mask.sizes(),
                      " does not broadcast to scores of shape ", scores.sizes());
    check<DtypeError>(
        attn_mask.scalar_type() == kBool || attn_mask.scalar_type() == query.scalar_type(), op,
        "expected a mask of bool or of the query's dtype ", dtype_name(query.scalar_type()),
        ", found ", dtype_name(attn_mask.scalar_type()));
    scores = attn_mask.scalar_type() == kBool ? only(attn_mask) : scores + attn_mask;
  }
  return matmul(dropout(softmax(scores, -1), dropout_p, true), value);
}

Tensor dropout(const Tensor& x, double p, bool train) {
  check(p >= 0.0 && p <= 1.0, "[dropout] probability has to be between 0 and 1, but got ", p);
  if (!train || p == 0.0) return x;
  check<DtypeError>(x.is_floating_point(), "[dropout] expected a floating point tensor, found ",
                    dtype_name(x.scalar_type()), "; convert it with .to(reel::kFloat32)");
  if (p == 1.0) return x * 0.0;
  Tensor mask = empty(x.sizes(), x.scalar_type());
  fill_bernoulli(mask, 1.0 - p, 1.0 / (1.0 - p));
  return x * mask;
}

}  // namespace reel
