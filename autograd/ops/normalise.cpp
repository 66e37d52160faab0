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

// Runs `rows` on x with `dim` brought to the end.
template <class F>
Tensor along_last(const char* op, const Tensor& x, std::int64_t dim, F rows) {
  const std::size_t d = wrap_dim(op, dim, static_cast<std::size_t>(x.dim()));
  if (x.dim() == 0) return rows(x.reshape({1})).reshape({});
  if (d + 1 == x.sizes().size()) return rows(x);
  const auto axis = static_cast<std::int64_t>(d);
  return rows(x.transpose(axis, -1)).transpose(axis, -1);
}

template <class Kernel>
Tensor map_rows(const Tensor& x, Kernel kernel) {
  const Tensor dense = x.detach().contiguous();
  Tensor out = empty(x.sizes(), x.scalar_type());
  const std::int64_t width = x.size(-1), rows = width == 0 ? 0 : x.numel() / width;
  dispatch_float("softmax", x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < rows; ++i)
      kernel(dense.data_ptr<T>() + i * width, out.data_ptr<T>() + i * width, width);
  });
  return out;
}

Tensor softmax_rows(const Tensor& x) {
  Tensor out = map_rows(x, [](const auto* in, auto* y, std::int64_t n) {
    const auto top = row::max(in, n);
    const auto total = row::exp_minus(in, top, y, n);
    row::scale(y, decltype(total)(1) / total, n);
  });
  if (needs_record(x))
    record("SoftmaxBackward0", {&x}, {&out}, [y = Saved::result(out)](Backward& pass) {
      const Tensor s = y.get(pass), g = pass.grad();
      const Tensor weighted = g * s;
      pass.add(0, weighted - s * weighted.sum(-1, true), true);
    });
  return out;
}

Tensor log_softmax_rows(const Tensor& x) {
  Tensor out = map_rows(x, [](const auto* in, auto* y, std::int64_t n) {
    const auto top = row::max(in, n);
    const auto total = row::exp_minus(in, top, y, n);
    row::minus(in, top + std::log(total), y, n);
  });
  if (needs_record(x))
    record("LogSoftmaxBackward0", {&x}, {&out}, [y = Saved::result(out)](Backward& pass) {
      const Tensor g = pass.grad();
      pass.add(0, g - y.get(pass).exp() * g.sum(-1, true), true);
    });
  return out;
}

Tensor floating(const Tensor& x, std::optional<ScalarType> dtype) {
  return x.to(dtype.value_or(x.is_floating_point() ? x.scalar_type() : get_default_dtype()));
}
}  // namespace

Tensor softmax(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype) {
  return along_last("softmax", floating(x, dtype), dim, softmax_rows);
}
Tensor log_softmax(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype) {
  return along_last("log_softmax", floating(x, dtype), dim, log_softmax_rows);
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
  if (p == 1.0) return x * 0.0;
  Tensor mask = empty(x.sizes(), x.scalar_type());
  fill_bernoulli(mask, 1.0 - p, 1.0 / (1.0 - p));
  return x * mask;
}

}  // namespace reel
