// Activation functions that are built of other ops.
#include "activation.hpp"

#include "elementwise.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {

using detail::check_floating;

Tensor threshold(const Tensor& self, const Scalar& threshold, const Scalar& value) {
  return self.masked_fill(self.detach() <= threshold, value);
}

Tensor softshrink(const Tensor& self, const Scalar& lambd) {
  check_floating("softshrink", self);
  const double bound = lambd.toDouble();
  check(bound >= 0, "[softshrink] lambd must not be negative, found ", bound);
  return self - clamp(self, -bound, bound);
}

Tensor prelu(const Tensor& self, const Tensor& weight) {
  check_floating("prelu", self);
  check<DtypeError>(self.scalar_type() == weight.scalar_type(),
                    "[prelu] expected a weight of the input's dtype ",
                    dtype_name(self.scalar_type()), ", found ", dtype_name(weight.scalar_type()));
  const std::int64_t channels = self.dim() < 2 ? 1 : self.size(1);
  check<ShapeError>(weight.dim() <= 1 && (weight.numel() == 1 || weight.numel() == channels),
                    "[prelu] expected a weight of 1 or ", channels,
                    " numbers for an input of shape ", self.sizes(), ", found shape ",
                    weight.sizes());
  Dims sizes(static_cast<std::size_t>(self.dim()), 1);
  if (weight.numel() != 1) sizes[1] = channels;
  return where(self.detach() > 0, self, self * weight.reshape(sizes));
}

Tensor glu(const Tensor& self, std::int64_t dim) {
  check_floating("glu", self);
  check<ShapeError>(self.dim() > 0, "[glu] a tensor without dimensions cannot be halved");
  const std::int64_t size = self.sizes()[wrap_dim("glu", dim, self.sizes().size())];
  check<ShapeError>(size % 2 == 0, "[glu] the size of dimension ", dim,
                    " must be even to be halved, found ", size, " in shape ", self.sizes());
  return self.narrow(dim, 0, size / 2) * self.narrow(dim, size / 2, size / 2).sigmoid();
}

Tensor rrelu(const Tensor& self, const Scalar& lower, const Scalar& upper, bool training) {
  check_floating("rrelu", self);
  const double low = lower.toDouble(), high = upper.toDouble();
  check(low <= high, "[rrelu] lower must not exceed upper, found ", low, " and ", high);
  if (!training) return leaky_relu(self, (low + high) / 2);
  const Tensor slopes = empty(self.sizes(), self.scalar_type()).uniform_(low, high);
  return where(self.detach() > 0, self, self * slopes);
}

Tensor& threshold_(const Tensor& self, const Scalar& threshold, const Scalar& value) {
  return self.masked_fill_(self.detach() <= threshold, value);
}
Tensor& rrelu_(const Tensor& self, const Scalar& lower, const Scalar& upper, bool training) {
  return detail::write_in_place("rrelu_", self,
                                rrelu(detail::before_write(self, true), lower, upper, training));
}

}  // namespace reel
