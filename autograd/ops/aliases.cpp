#include "aliases.hpp"

#include "autograd/tape.hpp"
#include "ops.hpp"

namespace reel {

Tensor subtract(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  return sub(self, other, alpha);
}
Tensor subtract(const Tensor& self, const Scalar& other, const Scalar& alpha) {
  return sub(self, other, alpha);
}
Tensor multiply(const Tensor& self, const Tensor& other) { return mul(self, other); }
Tensor multiply(const Tensor& self, const Scalar& other) { return mul(self, other); }
Tensor divide(const Tensor& self, const Tensor& other) { return div(self, other); }
Tensor divide(const Tensor& self, const Scalar& other) { return div(self, other); }
Tensor true_divide(const Tensor& self, const Tensor& other) { return div(self, other); }
Tensor true_divide(const Tensor& self, const Scalar& other) { return div(self, other); }
Tensor less(const Tensor& self, const Tensor& other) { return lt(self, other); }
Tensor less(const Tensor& self, const Scalar& other) { return lt(self, other); }
Tensor less_equal(const Tensor& self, const Tensor& other) { return le(self, other); }
Tensor less_equal(const Tensor& self, const Scalar& other) { return le(self, other); }
Tensor greater(const Tensor& self, const Tensor& other) { return gt(self, other); }
Tensor greater(const Tensor& self, const Scalar& other) { return gt(self, other); }
Tensor greater_equal(const Tensor& self, const Tensor& other) { return ge(self, other); }
Tensor greater_equal(const Tensor& self, const Scalar& other) { return ge(self, other); }
Tensor not_equal(const Tensor& self, const Tensor& other) { return ne(self, other); }
Tensor not_equal(const Tensor& self, const Scalar& other) { return ne(self, other); }
Tensor clip(const Tensor& self, const std::optional<Scalar>& min,
            const std::optional<Scalar>& max) {
  return clamp(self, min, max);
}
Tensor sgn(const Tensor& self) { return sign(self); }
Tensor fix(const Tensor& self) { return trunc(self); }
Tensor arctan(const Tensor& self) { return atan(self); }
Tensor arcsin(const Tensor& self) { return asin(self); }
Tensor arccos(const Tensor& self) { return acos(self); }
Tensor argwhere(const Tensor& self) { return nonzero(self); }
Tensor concatenate(TensorList tensors, std::int64_t dim) { return cat(tensors, dim); }
Tensor row_stack(TensorList tensors) { return vstack(tensors); }
Tensor negative(const Tensor& self) { return neg(self); }
Tensor absolute(const Tensor& self) { return abs(self); }
Tensor concat(TensorList tensors, std::int64_t dim) { return cat(tensors, dim); }
Tensor ger(const Tensor& self, const Tensor& other) { return outer(self, other); }

Tensor rsub(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  return sub(other, self, alpha);
}
Tensor rsub(const Tensor& self, const Scalar& other, const Scalar& alpha) {
  return other - mul(self, alpha);
}
Tensor exp2(const Tensor& self) {
  return pow(2, self.is_floating_point() ? self : self.to(get_default_dtype()));
}
Tensor ravel(const Tensor& self) { return self.contiguous().view({self.numel()}); }

Tensor diff(const Tensor& self, std::int64_t n, std::int64_t dim) {
  check<ShapeError>(self.dim() > 0, "[diff] expected at least one dimension, found none");
  check(n >= 0, "[diff] the order must not be negative, found ", n);
  if (n == 0) return self.clone();
  Tensor x = self;
  for (; n > 0; --n) {
    const std::int64_t size = x.size(dim);
    if (size == 0) break;
    const Tensor later = x.narrow(dim, 1, size - 1), sooner = x.narrow(dim, 0, size - 1);
    x = x.scalar_type() == kBool ? logical_xor(later, sooner) : later - sooner;
  }
  return x;
}

Tensor dist(const Tensor& self, const Tensor& other, const Scalar& p) {
  return norm(sub(self, other), p);
}
std::tuple<Tensor, Tensor> var_mean(const Tensor& x) { return {var(x), mean(x)}; }
std::tuple<Tensor, Tensor> var_mean(const Tensor& x, IntArrayRef dim,
                                    std::optional<std::int64_t> correction, bool keepdim) {
  return {var(x, dim, correction, keepdim), mean(x, dim, keepdim)};
}

Tensor isclose(const Tensor& self, const Tensor& other, double rtol, double atol, bool equal_nan) {
  check<DtypeError>(self.scalar_type() == other.scalar_type(),
                    "[isclose] expected one dtype, found ", dtype_name(self.scalar_type()), " and ",
                    dtype_name(other.scalar_type()));
  check(rtol >= 0 && atol >= 0, "[isclose] rtol and atol must not be negative, found ", rtol,
        " and ", atol);
  NoGradGuard no_grad;
  const Tensor a = self.to(kFloat64), b = other.to(kFloat64), off = abs(a - b);
  Tensor close =
      logical_or(eq(self, other), logical_and(isfinite(off), off.le(abs(b) * rtol + atol)));
  if (equal_nan) close = logical_or(close, logical_and(isnan(a), isnan(b)));
  return close;
}

Tensor broadcast_to(const Tensor& self, IntArrayRef size) { return self.expand(size); }
std::vector<Tensor> broadcast_tensors(TensorList tensors) {
  Dims shape;
  for (const Tensor& t : tensors) shape = broadcast_shapes("broadcast_tensors", shape, t.sizes());
  std::vector<Tensor> all;
  for (const Tensor& t : tensors) all.push_back(t.expand(shape));
  return all;
}

std::vector<Tensor> meshgrid(TensorList tensors, std::string_view indexing) {
  check(indexing == "ij" || indexing == "xy", "[meshgrid] indexing is \"ij\" or \"xy\", found \"",
        indexing, "\"");
  check(tensors.size() > 0, "[meshgrid] expected at least one tensor");
  Dims shape;
  for (const Tensor& t : tensors) {
    check<ShapeError>(t.dim() < 2, "[meshgrid] expected vectors, found ", t.sizes());
    shape.push_back(t.numel());
  }
  std::vector<Tensor> grids;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    Dims own(tensors.size(), 1);
    own[i] = shape[i];
    const Tensor grid = tensors[i].reshape(own).expand(shape);
    grids.push_back(indexing == "xy" && tensors.size() > 1 ? grid.transpose(0, 1) : grid);
  }
  return grids;
}

Tensor flipud(const Tensor& self) {
  check<ShapeError>(self.dim() > 0, "[flipud] expected at least one dimension, found none");
  return flip(self, {0});
}
Tensor fliplr(const Tensor& self) {
  check<ShapeError>(self.dim() > 1, "[fliplr] expected at least two dimensions, found ",
                    self.sizes());
  return flip(self, {1});
}
Tensor column_stack(TensorList tensors) {
  std::vector<Tensor> columns;
  for (const Tensor& t : tensors) columns.push_back(t.dim() < 2 ? t.reshape({t.numel(), 1}) : t);
  return cat(columns, 1);
}
Tensor take(const Tensor& self, const Tensor& index) {
  const Tensor at = index.reshape({index.numel()});
  return self.reshape({self.numel()}).index({at}).reshape(index.sizes());
}

}  // namespace reel
