// The vectorised functions over the whole range of float and double, against libm in the next
// wider type: largest error in ulp.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support.hpp"

using namespace reel;

namespace {

template <class T>
using Bits = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;
// What a result is compared with: a function of double for float, of long double for double.
template <class T>
using Wide = std::conditional_t<std::is_same_v<T, float>, double, long double>;

template <class T>
T from_bits(Bits<T> bits) {
  T x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// The error of `got` in units of the last place of the T nearest to `want`.
template <class T>
double ulps(T got, Wide<T> want) {
  const auto nearest = static_cast<T>(want);
  if (std::isnan(want)) return std::isnan(got) ? 0 : 1e30;
  if (std::isinf(nearest)) return got == nearest ? 0 : 1e30;
  if (std::isinf(got) || std::isnan(got)) return 1e30;
  if (want == 0 && std::signbit(want) != std::signbit(got)) return 1e30;
  const T magnitude = std::abs(nearest);
  const Wide<T> unit =
      static_cast<Wide<T>>(std::nextafter(magnitude, std::numeric_limits<T>::infinity())) -
      static_cast<Wide<T>>(magnitude);
  return static_cast<double>(std::abs(static_cast<Wide<T>>(got) - want) / unit);
}

// Every 397th float, and as many doubles: over the whole range and, more densely, over exponents
// from -60 to 20. Of either sign, with both ends, zeros, denormals, infinities and NaN.
template <class T>
const Tensor& samples() {
  static const Tensor all = [] {
    std::vector<T> list;
    constexpr bool single = std::is_same_v<T, float>;
    using B = Bits<T>;
    constexpr B infinity =
        single ? static_cast<B>(0x7f800000u) : static_cast<B>(0x7ff0000000000000ull);
    constexpr B step = single ? static_cast<B>(397) : static_cast<B>(36893488147419);
    const auto both = [&](B bits) {
      list.push_back(from_bits<T>(bits));
      list.push_back(-list.back());
    };
    for (B bits = 0; bits <= infinity; bits += step) both(bits);
    for (const B bits : {infinity, infinity - 1, infinity | infinity >> 1, B{1}, B{2}}) both(bits);
    if constexpr (!single)
      for (std::uint64_t bits = std::uint64_t{1023 - 60} << 52; bits < std::uint64_t{1043} << 52;
           bits += 1200959900633)
        both(bits);
    return from_blob(list.data(), {static_cast<std::int64_t>(list.size())}, dtype_of<T>::value)
        .clone();
  }();
  return all;
}

struct Worst {
  double ulp = 0, at = 0;
};

template <class T, class Op, class Exact>
Worst worst_error(Op op, Exact exact) {
  NoGradGuard no_grad;
  Worst worst;
  const Tensor& x = samples<T>();
  const Tensor y = op(x);
  const T* p = x.data_ptr<T>();
  const T* q = y.template data_ptr<T>();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const double e = ulps<T>(q[i], exact(static_cast<Wide<T>>(p[i])));
    if (e > worst.ulp) worst = {e, static_cast<double>(p[i])};
  }
  return worst;
}

template <class T, class Op, class Exact>
void bound_error(const char* name, Op op, Exact exact) {
  const Worst worst = worst_error<T>(op, exact);
  MESSAGE(std::string(name), " of ", std::is_same_v<T, float> ? "float32" : "float64",
          ": largest error ", worst.ulp, " ulp, at ", worst.at);
  CHECK(worst.ulp <= 4.0);
}

// Two operands: all pairs of special values, and pairs at random over many magnitudes.
template <class T>
std::pair<Tensor, Tensor> pairs() {
  const T infinity = std::numeric_limits<T>::infinity();
  const T special[] = {0,
                       -T(0),
                       1,
                       -1,
                       T(0.5),
                       3,
                       -2,
                       infinity,
                       -infinity,
                       std::numeric_limits<T>::quiet_NaN(),
                       std::numeric_limits<T>::max(),
                       std::numeric_limits<T>::denorm_min(),
                       std::numeric_limits<T>::min()};
  std::vector<T> a, b;
  for (const T x : special)
    for (const T y : special) {
      a.push_back(x);
      b.push_back(y);
    }
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> unit(-1, 1), decade(-8, 8);
  for (int i = 0; i < 400000; ++i) {
    a.push_back(static_cast<T>(unit(random) * std::pow(10.0, decade(random))));
    // Every fourth one a near multiple, where quotients round up to integers.
    b.push_back(i % 4 == 0 ? a.back() / static_cast<T>(random() % 1000 + 1)
                           : static_cast<T>(unit(random) * std::pow(10.0, decade(random))));
  }
  const auto tensor_of = [](std::vector<T>& list) {
    return from_blob(list.data(), {static_cast<std::int64_t>(list.size())}, dtype_of<T>::value)
        .clone();
  };
  return {tensor_of(a), tensor_of(b)};
}

// Bases over the whole range or next to 1, of either sign, with exponents that take their powers
// from zero over denormals to infinity, every fourth one an integer.
template <class T>
std::pair<Tensor, Tensor> powers() {
  const auto [special_a, special_b] = pairs<T>();
  constexpr double most = std::is_same_v<T, float> ? 155 : 1080;
  constexpr int bits = std::numeric_limits<T>::digits;
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> unit(-1, 1);
  const Tensor a = empty({400000}, dtype_of<T>::value), b = empty_like(a);
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    T x = 0;
    if (i % 3 == 0)
      while (!(x > 0 && x <= std::numeric_limits<T>::max()))
        x = from_bits<T>(static_cast<Bits<T>>(random()));
    else
      x = static_cast<T>(1 + unit(random) * std::exp2(unit(random) * bits / 2 - bits / 2.0));
    auto y = static_cast<T>(most * unit(random) / std::log2(x));
    if (i % 4 == 0) y = std::trunc(y);
    a.data_ptr<T>()[i] = i % 2 == 0 ? x : -x;
    b.data_ptr<T>()[i] = y;
  }
  return {cat({special_a, a, a.abs()}), cat({special_b, b, b})};
}

template <class T, class Op, class Exact>
void bound_error_of_pairs(const char* name, double bound, Op op, Exact exact,
                          const std::pair<Tensor, Tensor>& operands = pairs<T>()) {
  NoGradGuard no_grad;
  const auto& [a, b] = operands;
  const Tensor y = op(a, b);
  Worst worst;
  double other = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    const T p = a.template data_ptr<T>()[i], q = b.template data_ptr<T>()[i],
            got = y.template data_ptr<T>()[i];
    const Wide<T> want = exact(p, q);
    const double e = ulps<T>(got, want);
    if (e > worst.ulp) {
      worst = {e, static_cast<double>(p)};
      other = static_cast<double>(q);
    }
  }
  MESSAGE(std::string(name), " of ", std::is_same_v<T, float> ? "float32" : "float64",
          ": largest error ", worst.ulp, " ulp, at ", worst.at, " and ", other);
  CHECK(worst.ulp <= bound);
}

}  // namespace

#define REEL_BOUND(name)                                    \
  bound_error<TestType>(                                    \
      #name, [](const Tensor& x) { return reel::name(x); }, \
      [](Wide<TestType> x) { return std::name(x); })

TEST_CASE_TEMPLATE("simd: functions of one number are within 4 ulp over their whole range",
                   TestType, float, double) {
  REEL_BOUND(exp);
  REEL_BOUND(expm1);
  REEL_BOUND(log);
  REEL_BOUND(log1p);
  REEL_BOUND(log2);
  REEL_BOUND(log10);
  REEL_BOUND(sin);
  REEL_BOUND(cos);
  REEL_BOUND(tan);
  REEL_BOUND(asin);
  REEL_BOUND(acos);
  REEL_BOUND(atan);
  REEL_BOUND(sinh);
  REEL_BOUND(cosh);
  REEL_BOUND(tanh);
  REEL_BOUND(erf);
  REEL_BOUND(erfc);
  REEL_BOUND(sqrt);
  bound_error<TestType>(
      "sigmoid", [](const Tensor& x) { return reel::sigmoid(x); },
      [](Wide<TestType> x) { return 1 / (1 + std::exp(-x)); });
}

TEST_CASE_TEMPLATE("simd: functions of two numbers, special values and signs of zero included",
                   TestType, float, double) {
  using T = TestType;
  using W = Wide<T>;
  bound_error_of_pairs<T>(
      "pow", 2, [](const Tensor& a, const Tensor& b) { return reel::pow(a, b); },
      [](T a, T b) { return std::pow(static_cast<W>(a), static_cast<W>(b)); }, powers<T>());
  bound_error_of_pairs<T>(
      "atan2", 4, [](const Tensor& a, const Tensor& b) { return reel::atan2(a, b); },
      [](T a, T b) { return std::atan2(static_cast<W>(a), static_cast<W>(b)); });
  bound_error_of_pairs<T>(
      "hypot", 4, [](const Tensor& a, const Tensor& b) { return reel::hypot(a, b); },
      [](T a, T b) { return std::hypot(static_cast<W>(a), static_cast<W>(b)); });
  bound_error_of_pairs<T>(
      "fmod", 0, [](const Tensor& a, const Tensor& b) { return reel::fmod(a, b); },
      [](T a, T b) { return static_cast<W>(std::fmod(a, b)); });
  const auto remainder = [](T a, T b) {
    const T r = std::fmod(a, b);
    return r != 0 && (b < 0) != (r < 0) ? r + b : r;
  };
  bound_error_of_pairs<T>(
      "remainder", 0, [](const Tensor& a, const Tensor& b) { return reel::remainder(a, b); },
      [&](T a, T b) { return static_cast<W>(remainder(a, b)); });
  bound_error_of_pairs<T>(
      "div trunc", 0, [](const Tensor& a, const Tensor& b) { return reel::div(a, b, "trunc"); },
      [](T a, T b) { return static_cast<W>(std::trunc(a / b)); });
  bound_error_of_pairs<T>(
      "floor_divide", 0, [](const Tensor& a, const Tensor& b) { return reel::floor_divide(a, b); },
      [](T a, T b) {
        if (b == 0) return static_cast<W>(a / b);
        const T r = std::fmod(a, b);
        T q = (a - r) / b;
        if (r != 0 && (b < 0) != (r < 0)) q -= 1;
        return static_cast<W>(q == 0 ? std::copysign(T(0), a / b) : std::nearbyint(q));
      });
}
