#include "num.hpp"

#include "ops/ops.hpp"
#include "ops/view.hpp"

namespace reel::formula {

namespace {
bool known(const Num<Tensor>& a, const Num<Tensor>& b) { return a.v.defined() && b.v.defined(); }
}  // namespace

Num<Tensor> Num<Tensor>::constant(const Scalar& s) {
  // Without dimensions: it takes on the dtype of what it meets.
  return Num(full({}, s, s.isFloatingPoint() ? kFloat64 : kInt64));
}
Num<Tensor> operator+(const Num<Tensor>& a, const Num<Tensor>& b) {
  return Num<Tensor>(known(a, b) ? a.v + b.v : Tensor());
}
Num<Tensor> operator-(const Num<Tensor>& a, const Num<Tensor>& b) {
  return Num<Tensor>(known(a, b) ? a.v - b.v : Tensor());
}
Num<Tensor> operator*(const Num<Tensor>& a, const Num<Tensor>& b) {
  return Num<Tensor>(known(a, b) ? a.v * b.v : Tensor());
}
Num<Tensor> operator/(const Num<Tensor>& a, const Num<Tensor>& b) {
  return Num<Tensor>(known(a, b) ? a.v / b.v : Tensor());
}
Num<Tensor> operator-(const Num<Tensor>& a) { return Num<Tensor>(a.v.defined() ? -a.v : Tensor()); }
Tensor operator<(const Num<Tensor>& a, const Num<Tensor>& b) {
  return known(a, b) ? a.v < b.v : Tensor();
}
Tensor operator<=(const Num<Tensor>& a, const Num<Tensor>& b) {
  return known(a, b) ? a.v <= b.v : Tensor();
}
Tensor operator==(const Num<Tensor>& a, const Num<Tensor>& b) {
  return known(a, b) ? a.v == b.v : Tensor();
}
Num<Tensor> Num<Tensor>::choose(const Tensor& mask, const Num& a, const Num& b) {
  return Num(mask.defined() && known(a, b) ? where(mask, a.v, b.v) : Tensor());
}
template <>
Num<Tensor> step(const Num<Tensor>& x) {
  if (!x.v.defined()) return Num<Tensor>();
  const Tensor flat = logical_not(x.v <= 0).to(x.v.scalar_type());
  return Num<Tensor>(detail::beside("ThresholdBackwardBackward0", x.v, flat));
}
template <>
Num<Tensor> sign(const Num<Tensor>& x) {
  return Num<Tensor>(x.v.defined() ? x.v.sign() : Tensor());
}
template <>
Num<Tensor> power(const Num<Tensor>& a, const Num<Tensor>& b) {
  if (!known(a, b)) return Num<Tensor>();
  const bool number = b.v.dim() == 0 && !b.v.requires_grad();
  return Num<Tensor>(number ? pow(a.v, b.v.item()) : pow(a.v, b.v));
}

}  // namespace reel::formula
