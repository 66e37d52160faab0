// Random numbers: repeatable by seed, and distributed as they should be. Bounds are about five
// standard deviations wide; the seeds are fixed, so nothing here is flaky.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

struct Moments {
  double mean = 0, variance = 0, lag_correlation = 0;
  explicit Moments(const std::vector<double>& x) {
    const auto n = static_cast<double>(x.size());
    for (const double v : x) mean += v / n;
    for (const double v : x) variance += (v - mean) * (v - mean) / n;
    for (std::size_t i = 1; i < x.size(); ++i)
      lag_correlation += (x[i] - mean) * (x[i - 1] - mean) / n / variance;
  }
};

// Largest distance between the empirical distribution of `x` and `cdf` (Kolmogorov-Smirnov),
// times sqrt(n): above 2.2 with a probability of 1e-4 where they agree.
template <class Cdf>
double distance(std::vector<double> x, Cdf cdf) {
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size());
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto k = static_cast<double>(i);
    const double p = cdf(x[i]);
    worst = std::max({worst, std::abs(p - k / n), std::abs((k + 1) / n - p)});
  }
  return worst * std::sqrt(n);
}

double uniform_cdf(double x) { return std::clamp(x, 0.0, 1.0); }
double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

std::vector<double> counts(const Tensor& t, std::size_t kinds) {
  std::vector<double> n(kinds, 0);
  for (const double v : values(t)) n.at(static_cast<std::size_t>(v)) += 1;
  return n;
}

// Pearson's statistic; for k kinds about k - 1, with standard deviation sqrt(2 (k - 1)).
double chi_square(const std::vector<double>& seen, const std::vector<double>& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < seen.size(); ++i)
    sum += (seen[i] - expected[i]) * (seen[i] - expected[i]) / expected[i];
  return sum;
}

}  // namespace

TEST_CASE("random: the same seed gives the same numbers, another seed others") {
  const Tensor weights = reel::tensor({1.0, 2.0, 3.0, 4.0});
  const auto draw = [&](std::uint64_t seed) {
    manual_seed(seed);
    return Tensors{reel::rand({7}),
                   reel::randn({7}),
                   reel::randint(1000, {7}),
                   reel::randperm(30),
                   weights.multinomial(20, true),
                   reel::dropout(reel::ones({40}), 0.5, true),
                   reel::rand({7}, kFloat64),
                   reel::randn({7}, kFloat64),
                   reel::zeros({5}).uniform_(-1, 1),
                   reel::zeros({5}).normal_(2, 3),
                   reel::rand_like(weights),
                   reel::randn_like(weights)};
  };
  const Tensors first = draw(5), again = draw(5), other = draw(6);
  for (std::size_t i = 0; i < first.size(); ++i) {
    INFO("generator ", i);
    CHECK(difference(first[i], again[i]) == 0);
    CHECK(difference(first[i], other[i]) > 0);
  }
  manual_seed(5);
  const Tensor a = reel::rand({100});
  const Tensor b = reel::rand({100});
  CHECK(difference(a, b) > 0);
  CHECK(std::abs(Moments(values((a - b))).mean) < 0.3);
}

TEST_CASE("random: rand is uniform on [0, 1)") {
  manual_seed(21);
  for (const ScalarType dtype : {kFloat32, kFloat64}) {
    INFO(dtype);
    const auto x = values(reel::rand({200000}, dtype));
    CHECK(*std::min_element(x.begin(), x.end()) >= 0);
    CHECK(*std::max_element(x.begin(), x.end()) < 1);
    CHECK(distance(x, uniform_cdf) < 2.2);
    const Moments m(x);
    CHECK(std::abs(m.mean - 0.5) < 0.0033);
    CHECK(std::abs(m.variance - 1.0 / 12) < 0.001);
    CHECK(std::abs(m.lag_correlation) < 0.0112);
  }
  const auto y = values(reel::empty({100000}).uniform_(-3, 1));
  CHECK(*std::min_element(y.begin(), y.end()) >= -3);
  CHECK(*std::max_element(y.begin(), y.end()) <= 1);
  CHECK(distance(y, [](double v) { return uniform_cdf((v + 3) / 4); }) < 2.2);
}

TEST_CASE("random: randn is standard normal") {
  manual_seed(22);
  for (const ScalarType dtype : {kFloat32, kFloat64}) {
    INFO(dtype);
    const auto x = values(reel::randn({200000}, dtype));
    CHECK(distance(x, normal_cdf) < 2.2);
    const Moments m(x);
    CHECK(std::abs(m.mean) < 0.0112);
    CHECK(std::abs(m.variance - 1) < 0.016);
    CHECK(std::abs(m.lag_correlation) < 0.0112);
    double fourth = 0;
    for (const double v : x) fourth += v * v * v * v / static_cast<double>(x.size());
    CHECK(std::abs(fourth - 3) < 0.11);
    CHECK(std::all_of(x.begin(), x.end(), [](double v) { return std::isfinite(v); }));
  }
  const auto y = values(reel::empty({100000}, kFloat64).normal_(2, 0.5));
  CHECK(distance(y, [](double v) { return normal_cdf((v - 2) / 0.5); }) < 2.2);
  // An odd number of elements, and one.
  CHECK(values(reel::randn({3})).size() == 3);
  CHECK(std::isfinite(reel::randn({1}).item<double>()));
}

TEST_CASE("random: uniform_ does not round up to its upper bound") {
  manual_seed(3);
  const Tensor x = empty({50000});
  float most = 0;
  for (int i = 0; i < 100; ++i) most = std::max(most, x.uniform_(1000, 1001).max().item<float>());
  CHECK(most < 1001);
  CHECK(most > 1000.9F);
  CHECK(empty({1}).uniform_(2, 2).item<float>() == 2);
}

TEST_CASE("random: integers that the dtype does not hold are refused") {
  CHECK(mentions(error_of<Error>([] { randint(0, 1000, {3}, kUInt8); }), {"[randint] uint8"}));
  CHECK(mentions(error_of<Error>([] { randint(-1, 1, {3}, kBool); }), {"[randint] bool"}));
  // -2^24 - 1 is no float32.
  CHECK_THROWS_AS(empty({1}).random_(-16777217, 0), Error);
  CHECK(empty({1}).random_(-16777216, -16777215).item<double>() == -16777216);
}

TEST_CASE("random: randint") {
  manual_seed(23);
  const Tensor t = reel::randint(10, {100000});
  CHECK(t.scalar_type() == kInt64);
  CHECK(chi_square(counts(t, 10), std::vector<double>(10, 10000)) < 9 + 5 * std::sqrt(18.0));
  const Tensor shifted = reel::randint(-3, 2, {5000});
  CHECK(shifted.min().item<std::int64_t>() == -3);
  CHECK(shifted.max().item<std::int64_t>() == 1);
  CHECK(values(reel::randint(4, 5, {3})) == std::vector<double>{4, 4, 4});
  const std::int64_t wide = std::int64_t{1} << 45;
  const auto far = values(reel::randint(wide, {1000}));
  CHECK(*std::max_element(far.begin(), far.end()) > 0.98 * static_cast<double>(wide));
  CHECK(distance(far, [&](double v) { return v / static_cast<double>(wide); }) < 2.2);
}

TEST_CASE("random: randperm gives every permutation with equal probability") {
  manual_seed(24);
  auto p = values(reel::randperm(1000));
  std::sort(p.begin(), p.end());
  for (std::size_t i = 0; i < p.size(); ++i) REQUIRE(p[i] == static_cast<double>(i));
  CHECK(reel::randperm(0).numel() == 0);
  CHECK(reel::randperm(1).item<std::int64_t>() == 0);
  std::vector<double> seen(24, 0);
  for (int i = 0; i < 24000; ++i) {
    const auto q = values(reel::randperm(4));
    int code = 0;
    for (std::size_t a = 0; a < 4; ++a)
      for (std::size_t b = a + 1; b < 4; ++b)
        code = code * (b == a + 1 ? 4 - static_cast<int>(a) : 1) + (q[b] < q[a]);
    seen[static_cast<std::size_t>(code)] += 1;
  }
  CHECK(chi_square(seen, std::vector<double>(24, 1000)) < 23 + 5 * std::sqrt(46.0));
}

TEST_CASE("random: multinomial follows its weights") {
  manual_seed(25);
  const Tensor weights = reel::tensor({1.0, 0.0, 2.0, 5.0});
  const Tensor drawn = weights.multinomial(80000, true);
  CHECK(drawn.scalar_type() == kInt64);
  const auto n = counts(drawn, 4);
  CHECK(n[1] == 0);
  CHECK(chi_square({n[0], n[2], n[3]}, {10000, 20000, 50000}) < 2 + 5 * 2);
  // Rows of their own.
  const Tensor rows = reel::tensor({{1.0, 0.0, 0.0}, {0.0, 0.0, 3.0}}).multinomial(50, true);
  CHECK(rows.sizes().vec() == std::vector<std::int64_t>{2, 50});
  CHECK(rows[0].max().item<std::int64_t>() == 0);
  CHECK(rows[1].min().item<std::int64_t>() == 2);
  // Without replacement: each index once; the first is drawn by weight, the second from the rest.
  double first_is_last = 0, second_is_last = 0;
  for (int i = 0; i < 20000; ++i) {
    const auto d = values(reel::tensor({1.0, 1.0, 2.0}, kFloat64).multinomial(2));
    REQUIRE(d[0] != d[1]);
    first_is_last += d[0] == 2;
    second_is_last += d[1] == 2;
  }
  CHECK(std::abs(first_is_last / 20000 - 0.5) < 0.018);
  CHECK(std::abs(second_is_last / 20000 - 1.0 / 3) < 0.018);
}

TEST_CASE("random: bernoulli follows each element's probability") {
  manual_seed(27);
  const Tensor p = reel::tensor({0.0, 0.2, 0.7, 1.0}).unsqueeze(1).expand({4, 50000});
  const Tensor drawn = reel::bernoulli(p);
  CHECK(drawn.scalar_type() == kFloat32);
  const auto share = values(drawn.mean({1}));
  CHECK(share[0] == 0);
  CHECK(std::abs(share[1] - 0.2) < 0.009);
  CHECK(std::abs(share[2] - 0.7) < 0.0103);
  CHECK(share[3] == 1);
}

TEST_CASE("random: dropout zeroes a share of the elements and scales the rest") {
  manual_seed(26);
  for (const double p : {0.1, 0.5, 0.9}) {
    INFO(p);
    Tensor x = reel::ones({100, 1000}).requires_grad_();
    const Tensor y = reel::dropout(x, p, true);
    const auto v = values(y);
    double zeros = 0;
    for (const double e : v) {
      if (e == 0)
        zeros += 1;
      else
        REQUIRE(std::abs(e - 1 / (1 - p)) < 1e-5);
    }
    CHECK(std::abs(zeros / 1e5 - p) < 5 * std::sqrt(p * (1 - p) / 1e5));
    y.backward(reel::full({100, 1000}, 3.0));
    CHECK(difference(x.grad(), y.detach() * 3) < 1e-6);
    // No pattern along the rows or from row to row.
    std::vector<double> dropped, by_column;
    for (const double e : v) dropped.push_back(e == 0);
    CHECK(std::abs(Moments(dropped).lag_correlation) < 0.016);
    CHECK(difference(y.detach(), reel::dropout(x, p, true).detach()) > 0);
  }
}
