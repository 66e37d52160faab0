// The walk of pointwise kernels over memory: the bits of a result depend neither on how its
// operands lie nor on how the result does. And integers, lane by lane, against plain arithmetic.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "autograd/pointwise.hpp"
#include "tests/support.hpp"

using namespace reel;

namespace {

bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor x = a.contiguous(), y = b.contiguous();
  return x.sizes() == y.sizes() && x.scalar_type() == y.scalar_type() &&
         std::memcmp(x.impl()->data, y.impl()->data,
                     static_cast<std::size_t>(x.numel()) * x.element_size()) == 0;
}

// Values of the sizes asked for, which lie in memory as `kind` says.
Tensor lying(int kind, std::int64_t n, std::int64_t m, ScalarType dtype) {
  const auto make = [&](IntArrayRef sizes) {
    return is_floating_point(dtype) ? rand(sizes, dtype) + 0.5
                                    : randint(1, 100, sizes, kInt64).to(dtype);
  };
  switch (kind) {
    case 0:
      return make({n, m});
    case 1:
      return make({m, n}).t();
    case 2:
      return make({n, m + 3}).narrow(1, 2, m);
    case 3:
      return make({m + 1, n + 5}).t().narrow(0, 3, n).narrow(1, 1, m);
    case 4:
      return make({n, 1}).expand({n, m});
    case 5:
      return make({m}).expand({n, m});
    default:
      return make({n, 2 * m}).slice(1, 0, 2 * m, 2);
  }
}

const auto kFormula = [](auto x, auto y) { return (x - y) * x + y; };

}  // namespace

TEST_CASE("walk: an op's bits do not depend on how its operands lie") {
  manual_seed(5);
  for (const ScalarType dtype : {kFloat32, kFloat64, kInt64, kInt32, kUInt8})
    for (const auto& [n, m] : {std::pair<std::int64_t, std::int64_t>{1, 7},
                               {2, 16},
                               {3, 129},
                               {15, 17},
                               {16, 64},
                               {17, 33},
                               {40, 67},
                               {33, 260},
                               {300, 5}})
      for (int a = 0; a < 7; ++a)
        for (int b = 0; b < 7; ++b) {
          const Tensor x = lying(a, n, m, dtype), y = lying(b, n, m, dtype);
          const Tensor want = x.contiguous() * y.contiguous() + x.contiguous();
          CAPTURE(a);
          CAPTURE(b);
          CAPTURE(x.sizes());
          CHECK(same_bits(x * y + x, want));
          // Into memory with gaps, and over one of the operands.
          const Tensor room = lying(2, n, m, dtype);
          room.copy_(x);
          room.mul_(y).add_(x);
          CHECK(same_bits(room, want));
          const Tensor turned = lying(1, n, m, dtype);
          turned.copy_(x);
          turned.mul_(y).add_(x);
          CHECK(same_bits(turned, want));
        }
}

TEST_CASE("walk: gradients do not depend on how operands lie either") {
  manual_seed(6);
  for (int a = 0; a < 7; ++a)
    for (int b = 0; b < 7; ++b) {
      const Tensor x = lying(a, 37, 29, kFloat32).detach().requires_grad_(),
                   y = lying(b, 37, 29, kFloat32).detach().requires_grad_();
      const Tensor p = x.detach().contiguous().requires_grad_(),
                   q = y.detach().contiguous().requires_grad_();
      const Tensor cotangent = lying(b == 1 ? 0 : 1, 37, 29, kFloat32);
      const auto got = autograd::grad({pointwise("Formula", kFormula, x, y)}, {x, y}, {cotangent});
      const auto want =
          autograd::grad({pointwise("Formula", kFormula, p, q)}, {p, q}, {cotangent.contiguous()});
      CAPTURE(a);
      CAPTURE(b);
      CHECK(same_bits(got[0], want[0]));
      CHECK(same_bits(got[1], want[1]));
    }
}

TEST_CASE("walk: rows that are read one place beside where they are written") {
  for (const std::int64_t n : {5, 16, 17, 67, 200}) {
    const Tensor x = arange(3 * n).to(kFloat32).view({3, n});
    const Tensor want = x.clone();
    for (std::int64_t j = 1; j < n; ++j)
      for (std::int64_t i = 0; i < 3; ++i)
        want[i][j].fill_(x[i][j].item<float>() + x[i][j - 1].item<float>());
    x.narrow(1, 1, n - 1).add_(x.narrow(1, 0, n - 1));
    CHECK(same_bits(x, want));
    CHECK(same_bits(want.diff(), want.narrow(1, 1, n - 1) - want.narrow(1, 0, n - 1)));
  }
}

namespace {

template <class T, class Want>
void check_integers(const Tensor& x, const Tensor& y, const Tensor& got, Want want) {
  REQUIRE(got.scalar_type() == x.scalar_type());
  const T *p = x.data_ptr<T>(), *q = y.data_ptr<T>(), *r = got.data_ptr<T>();
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < x.numel(); ++i) wrong += r[i] != static_cast<T>(want(p[i], q[i]));
  CAPTURE(x.sizes());
  CAPTURE(x.scalar_type());
  CHECK(wrong == 0);
}

// Numbers of T, with its ends; `nonzero`: no zeros.
template <class T>
Tensor integers(std::int64_t n, bool nonzero) {
  const Tensor x =
      randint(0, 50, {n}, kInt64).to(dtype_of<T>::value) - (std::is_signed_v<T> ? 25 : 0);
  if (n > 4) {
    x[1].fill_(static_cast<std::int64_t>(std::numeric_limits<T>::max()));
    x[2].fill_(static_cast<std::int64_t>(std::numeric_limits<T>::lowest()));
    x[4].fill_(static_cast<std::int64_t>(static_cast<T>(-1)));
  }
  return nonzero ? x + (x == 0).to(x.scalar_type()) : x;
}

template <class T>
void check_all_integers() {
  using U = std::make_unsigned_t<T>;
  const auto wrapped = [](auto f) {
    return [f](T a, T b) { return static_cast<T>(f(static_cast<U>(a), static_cast<U>(b))); };
  };
  for (const std::int64_t n : {1, 3, 8, 16, 63, 64, 65, 200}) {
    const Tensor x = integers<T>(n, false), y = integers<T>(n, true).flip(0);
    const auto is = [&](const Tensor& got, auto want) { check_integers<T>(x, y, got, want); };
    is(x + y, wrapped([](U a, U b) { return static_cast<U>(a + b); }));
    is(x - y, wrapped([](U a, U b) { return static_cast<U>(a - b); }));
    is(x * y, wrapped([](U a, U b) { return static_cast<U>(std::uint64_t{a} * b); }));
    is(-x, wrapped([](U a, U) { return static_cast<U>(U(0) - a); }));
    is(maximum(x, y), [](T a, T b) { return a < b ? b : a; });
    is(minimum(x, y), [](T a, T b) { return b < a ? b : a; });
    is(sign(x), [](T a, T) { return (a > 0) - (a < 0); });
    is(clamp(x, 3, 9), [](T a, T) { return a < 3 ? 3 : a > 9 ? 9 : a; });
    is(clamp(x, y), [](T a, T b) { return a < b ? b : a; });
    is(where(x < y, x, y), [](T a, T b) { return a < b ? a : b; });
    const auto cut = [](T a, T b) {
      return std::is_signed_v<T> && b == static_cast<T>(-1)
                 ? static_cast<T>(U(0) - static_cast<U>(a))
                 : static_cast<T>(a / b);
    };
    const auto rest = [](T a, T b) {
      return std::is_signed_v<T> && b == static_cast<T>(-1) ? T(0) : static_cast<T>(a % b);
    };
    const auto crossed = [rest](T a, T b) { return rest(a, b) != 0 && (a < 0) != (b < 0); };
    is(x.div(y, "trunc"), cut);
    is(x.div(y, "floor"), [=](T a, T b) { return static_cast<T>(cut(a, b) - crossed(a, b)); });
    is(x.fmod(y), rest);
    is(x.remainder(y),
       [=](T a, T b) { return crossed(a, b) ? static_cast<T>(rest(a, b) + b) : rest(a, b); });
    is(x.div(7, "floor"), [=](T a, T) { return static_cast<T>(cut(a, 7) - crossed(a, 7)); });
    is(pow(x, 3), wrapped([](U a, U) { return static_cast<U>(std::uint64_t{a} * a * a); }));
  }
}

}  // namespace

TEST_CASE("integers: SIMD lanes compute what plain arithmetic does, and wrap around") {
  manual_seed(7);
  check_all_integers<std::int64_t>();
  check_all_integers<std::int32_t>();
  check_all_integers<std::uint8_t>();
}
