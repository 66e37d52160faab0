#include "bitwise.hpp"

#include "autograd/tape.hpp"
#include "ops.hpp"

namespace reel {
namespace {

template <class F>
Tensor bitwise(const char* op, const Tensor& a, const Tensor& b, F f) {
  NoGradGuard no_grad;
  const ScalarType dtype = result_type(a, b);
  check<DtypeError>(!is_floating_point(dtype), "[", op, "] expected integers or bools, found ",
                    dtype_name(a.scalar_type()), " and ", dtype_name(b.scalar_type()));
  const Dims shape = broadcast_shapes(op, a.sizes(), b.sizes());
  const Tensor x = a.to(dtype).expand(shape).contiguous(),
               y = b.to(dtype).expand(shape).contiguous();
  Tensor out = empty(shape, dtype);
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      const T *p = x.data_ptr<T>(), *q = y.data_ptr<T>();
      T* r = out.data_ptr<T>();
      for (std::int64_t i = 0; i < out.numel(); ++i) r[i] = static_cast<T>(f(p[i], q[i]));
    }
  });
  return out;
}

Tensor as_tensor(const Tensor& like, const Scalar& s) {
  return scalar_tensor(s, result_type(like, s));
}

}  // namespace

Tensor bitwise_and(const Tensor& self, const Tensor& other) {
  return bitwise("bitwise_and", self, other, [](auto a, auto b) { return a & b; });
}
Tensor bitwise_and(const Tensor& self, const Scalar& other) {
  return bitwise_and(self, as_tensor(self, other));
}
Tensor bitwise_or(const Tensor& self, const Tensor& other) {
  return bitwise("bitwise_or", self, other, [](auto a, auto b) { return a | b; });
}
Tensor bitwise_or(const Tensor& self, const Scalar& other) {
  return bitwise_or(self, as_tensor(self, other));
}
Tensor bitwise_xor(const Tensor& self, const Tensor& other) {
  return bitwise("bitwise_xor", self, other, [](auto a, auto b) { return a ^ b; });
}
Tensor bitwise_xor(const Tensor& self, const Scalar& other) {
  return bitwise_xor(self, as_tensor(self, other));
}
Tensor bitwise_not(const Tensor& self) {
  const bool truth = self.scalar_type() == kBool;
  return bitwise("bitwise_not", self, self, [truth](auto a, auto) {
    return truth ? static_cast<decltype(a)>(!a)
                 : static_cast<decltype(a)>(~static_cast<int64_t>(a));
  });
}

}  // namespace reel
