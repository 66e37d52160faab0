// Compiled without fused multiply-add contraction, so that every platform rounds alike.
#include "random.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels.hpp"
#include "ops/ops.hpp"
#include "ops/view.hpp"

namespace reel {
namespace {

__extension__ using Wide = unsigned __int128;

struct Block {
  std::uint32_t word[4];
  std::uint64_t wide(int i) const { return std::uint64_t{word[2 * i + 1]} << 32 | word[2 * i]; }
};

Block philox(std::uint64_t seed, std::uint64_t counter) {
  std::uint32_t c[4] = {static_cast<std::uint32_t>(counter),
                        static_cast<std::uint32_t>(counter >> 32), 0, 0};
  std::uint32_t k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * c[0],
                        b = std::uint64_t{0xCD9E8D57u} * c[2];
    const std::uint32_t next[4] = {
        static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(a)};
    std::copy(next, next + 4, c);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c[0], c[1], c[2], c[3]}};
}

double unit(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

// log for x in (0, 1), by atanh's series: libraries differ in their last bit, this does not.
double own_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1), z = s * s;
  double sum = 0;
  for (int n = 21; n >= 1; n -= 2) sum = sum * z + 1.0 / n;
  return 2 * s * sum + exponent * 0.693147180559945309417;
}

double ratio(double r, const double (&p)[8], const double (&q)[8]) {
  double a = p[7], b = q[7];
  for (int i = 6; i >= 0; --i) {
    a = a * r + p[i];
    b = b * r + q[i];
  }
  return a / b;
}

// The normal quantile: Wichura, algorithm AS 241 (PPND16), relative error about 1e-16.
double normal_quantile(double p) {
  static const double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                             1.9715909503065514427e3, 1.3731693765509461125e4,
                             4.5921953931549871457e4, 6.7265770927008700853e4,
                             3.3430575583588128105e4, 2.5090809287301226727e3};
  static const double b[] = {1.0,
                             4.2313330701600911252e1,
                             6.8718700749205790830e2,
                             5.3941960214247511077e3,
                             2.1213794301586595867e4,
                             3.9307895800092710610e4,
                             2.8729085735721942674e4,
                             5.2264952788528545610e3};
  static const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                             5.76949722146069140550e0,  3.64784832476320460504e0,
                             1.27045825245236838258e0,  2.41780725177450611770e-1,
                             2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static const double d[] = {1.0,
                             2.05319162663775882187e0,
                             1.67638483018380384940e0,
                             6.89767334985100004550e-1,
                             1.48103976427480074590e-1,
                             1.51986665636164571966e-2,
                             5.47593808499534494600e-4,
                             1.05075007164441684324e-9};
  static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                             1.78482653991729133580e0,  2.96560571828504891230e-1,
                             2.65321895265761230930e-2, 1.24266094738807843860e-3,
                             2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static const double f[] = {1.0,
                             5.99832206555887937690e-1,
                             1.36929880922735805310e-1,
                             1.48753612908506148525e-2,
                             7.86869131145613259100e-4,
                             1.84631831751005468180e-5,
                             1.42151175831644588870e-7,
                             2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) return q * ratio(0.180625 - q * q, a, b);
  const double r = std::sqrt(-own_log(q < 0 ? p : 1 - p));
  const double tail = r <= 5 ? ratio(r - 1.6, c, d) : ratio(r - 5, e, f);
  return q < 0 ? -tail : tail;
}

// Never 0 and never 1: the quantile is finite.
double normal(std::uint64_t bits) {
  return normal_quantile((static_cast<double>(bits >> 11) + 0.5) * 0x1.0p-53);
}

// Fills `t` in logical order with make(bits), two elements per block.
template <class Make>
void fill_with(const Tensor& t, Make make) {
  const Tensor dense = t.is_contiguous() ? t : empty(t.sizes(), t.scalar_type());
  const std::int64_t n = dense.numel();
  const auto start = default_generator().take(static_cast<std::uint64_t>(n + 1) / 2);
  dispatch(t.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* p = dense.data_ptr<T>();
    for (std::int64_t i = 0; i < n; i += 2) {
      const Block block = philox(start.seed, start.counter + static_cast<std::uint64_t>(i / 2));
      p[i] = static_cast<T>(make(block.wide(0)));
      if (i + 1 < n) p[i + 1] = static_cast<T>(make(block.wide(1)));
    }
  });
  if (!dense.is_same(t)) kernels::copy(t, dense);
}

double unit_for(ScalarType t, std::uint64_t bits) {
  return t == kFloat32 ? static_cast<double>(bits >> 40) * 0x1.0p-24 : unit(bits);
}
// The largest number below `to` on the side of `from`.
double last_before(ScalarType t, double to, double from) {
  if (t != kFloat32) return std::nextafter(to, from);
  return static_cast<double>(std::nextafter(static_cast<float>(to), static_cast<float>(from)));
}

void check_random_target(const char* op, const Tensor& t) {
  check<DtypeError>(t.is_floating_point(), "[", op, "] expected a floating point tensor, found ",
                    dtype_name(t.scalar_type()));
}

}  // namespace

Generator& default_generator() {
  static Generator generator;
  return generator;
}
void manual_seed(std::uint64_t seed) { default_generator().manual_seed(seed); }

double Generator::uniform() {
  const State s = take(1);
  return unit(philox(s.seed, s.counter).wide(0));
}
std::uint64_t Generator::below(std::uint64_t bound) {
  check(bound > 0, "[random] the bound must be positive");
  // The high half of a 128-bit product; the few values that would favour some results are redrawn.
  for (;;) {
    const State s = take(1);
    const auto wide = static_cast<Wide>(philox(s.seed, s.counter).wide(0)) * bound;
    if (static_cast<std::uint64_t>(wide) >= (0 - bound) % bound)
      return static_cast<std::uint64_t>(wide >> 64);
  }
}

void fill_bernoulli(const Tensor& t, double p, double value) {
  fill_with(t, [=](std::uint64_t bits) { return unit(bits) < p ? value : 0.0; });
}

Tensor& Tensor::uniform_(double from, double to) const {
  check_random_target("uniform_", *this);
  check(from <= to, "[uniform_] expects to return a [from, to) range, but found from=", from,
        " > to=", to);
  detail::check_in_place("uniform_", *this);
  const ScalarType type = scalar_type();
  // Rounding must not reach the excluded upper bound.
  const double last = last_before(type, to, from);
  fill_with(*this, [=](std::uint64_t bits) {
    return std::min(from + (to - from) * unit_for(type, bits), last);
  });
  return detail::forget_history(*this);
}
Tensor& Tensor::normal_(double mean, double std) const {
  check_random_target("normal_", *this);
  check(std >= 0, "[normal_] expects std >= 0.0, but found std=", std);
  detail::check_in_place("normal_", *this);
  fill_with(*this, [=](std::uint64_t bits) { return mean + std * normal(bits); });
  return detail::forget_history(*this);
}

Tensor& Tensor::bernoulli_(double p) const {
  check(p >= 0 && p <= 1, "[bernoulli_] expects p to be in [0, 1], but found p=", p);
  detail::check_in_place("bernoulli_", *this);
  fill_with(*this, [=](std::uint64_t bits) { return unit(bits) < p ? 1.0 : 0.0; });
  return detail::forget_history(*this);
}

namespace {
/// Integers uniform in [low, high).
auto integers(std::int64_t low, std::int64_t high) {
  const auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  return [=](std::uint64_t bits) {
    const auto offset = static_cast<std::uint64_t>(static_cast<Wide>(bits) * span >> 64);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
  };
}

/// The largest integer up to which a dtype holds all.
std::int64_t largest_integer(ScalarType t) {
  return dispatch(t, [](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_floating_point_v<T>)
      return std::int64_t{1} << std::numeric_limits<T>::digits;
    else
      return static_cast<std::int64_t>(std::numeric_limits<T>::max());
  });
}

/// Throws Error unless the dtype holds all integers in [from, to).
void check_holds(const char* op, ScalarType t, std::int64_t from, std::int64_t to) {
  const std::int64_t most = largest_integer(t);
  const std::int64_t least = t == kUInt8 || t == kBool ? 0
                             : is_floating_point(t)    ? -most
                                                       : -most - 1;
  check(from >= least && to - 1 <= most, "[", op, "] ", dtype_name(t),
        " does not hold all integers from ", from, " to ", to - 1);
}
}  // namespace

Tensor& Tensor::random_(std::int64_t from, std::int64_t to) const {
  check(from < to, "[random_] expects from < to, but found from=", from, " >= to=", to);
  check_holds("random_", scalar_type(), from, to);
  detail::check_in_place("random_", *this);
  fill_with(*this, integers(from, to));
  return detail::forget_history(*this);
}

namespace {
template <class Fill>
Tensor random(IntArrayRef sizes, const TensorOptions& options, Fill fill) {
  Tensor t = empty(sizes, options.requires_grad(false));
  fill(t);
  if (options.requires_grad()) t.set_requires_grad(true);
  return t;
}
TensorOptions like(const Tensor& t, const TensorOptions& o) {
  return o.has_dtype() ? o : o.dtype(t.scalar_type());
}
}  // namespace

Tensor rand(IntArrayRef sizes, const TensorOptions& options) {
  return random(sizes, options, [](const Tensor& t) { t.uniform_(); });
}
Tensor rand_like(const Tensor& t, const TensorOptions& options) {
  return rand(t.sizes(), like(t, options));
}
Tensor randn(IntArrayRef sizes, const TensorOptions& options) {
  return random(sizes, options, [](const Tensor& t) { t.normal_(); });
}
Tensor randn_like(const Tensor& t, const TensorOptions& options) {
  return randn(t.sizes(), like(t, options));
}

Tensor randint(std::int64_t high, IntArrayRef sizes, const TensorOptions& options) {
  return randint(0, high, sizes, options);
}
Tensor randint(std::int64_t low, std::int64_t high, IntArrayRef sizes,
               const TensorOptions& options) {
  check(low < high, "[randint] expects low < high, but found low=", low, " >= high=", high);
  const TensorOptions wanted = options.has_dtype() ? options : options.dtype(kInt64);
  check_holds("randint", wanted.dtype(), low, high);
  return random(sizes, wanted, [&](const Tensor& t) { fill_with(t, integers(low, high)); });
}

Tensor randperm(std::int64_t n, const TensorOptions& options) {
  check(n >= 0, "[randperm] n must be non-negative, found ", n);
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[default_generator().below(i)]);
  Tensor t = empty({n}, kInt64);
  std::copy(order.begin(), order.end(), t.data_ptr<std::int64_t>());
  return t.to(options.has_dtype() ? options.dtype() : kInt64);
}

Tensor multinomial(const Tensor& weights, std::int64_t num_samples, bool replacement) {
  check<ShapeError>(weights.dim() == 1 || weights.dim() == 2,
                    "[multinomial] expected weights of shape [C] or [N, C], found ",
                    weights.sizes());
  check_random_target("multinomial", weights);
  const std::int64_t count = weights.size(-1), rows = weights.dim() == 2 ? weights.size(0) : 1;
  check(num_samples > 0, "[multinomial] cannot sample n_sample <= 0 samples");
  check(replacement || num_samples <= count, "[multinomial] cannot sample ", num_samples, " from ",
        count, " categories without replacement");
  const Tensor dense = weights.detach().to(kFloat64).contiguous();
  const Tensor out = empty({rows, num_samples}, kInt64);
  std::vector<double> left(static_cast<std::size_t>(count));
  for (std::int64_t r = 0; r < rows; ++r) {
    const double* w = dense.data_ptr<double>() + r * count;
    std::int64_t positive = 0;
    for (std::int64_t j = 0; j < count; ++j) {
      check(std::isfinite(w[j]) && w[j] >= 0,
            "[multinomial] weights must be finite and >= 0, found ", w[j], " at position ", j,
            " of row ", r);
      left[static_cast<std::size_t>(j)] = w[j];
      positive += w[j] > 0 ? 1 : 0;
    }
    check(positive >= (replacement ? 1 : num_samples), "[multinomial] row ", r, " has ", positive,
          " categories of nonzero weight, too few for ", num_samples, " samples");
    for (std::int64_t s = 0; s < num_samples; ++s) {
      double total = 0;
      for (const double v : left) total += v;
      double at = default_generator().uniform() * total;
      std::int64_t chosen = -1;
      for (std::int64_t j = 0; j < count; ++j) {
        const double v = left[static_cast<std::size_t>(j)];
        if (v <= 0) continue;
        chosen = j;  // rounding may run past the end: then it is the last one with weight
        if (at < v) break;
        at -= v;
      }
      out.data_ptr<std::int64_t>()[r * num_samples + s] = chosen;
      if (!replacement) left[static_cast<std::size_t>(chosen)] = 0;
    }
  }
  return weights.dim() == 2 ? out : out.reshape({num_samples});
}

Tensor bernoulli(const Tensor& p) {
  check_random_target("bernoulli", p);
  const Tensor u = rand(p.sizes(), kFloat64), limit = p.detach().to(kFloat64).contiguous();
  Tensor out = empty(p.sizes(), kFloat64);
  for (std::int64_t i = 0; i < out.numel(); ++i) {
    const double q = limit.data_ptr<double>()[i];
    check(q >= 0 && q <= 1, "[bernoulli] expected probabilities in [0, 1], found ", q);
    out.data_ptr<double>()[i] = u.data_ptr<double>()[i] < q ? 1.0 : 0.0;
  }
  return out.to(p.scalar_type());
}

}  // namespace reel
