// Kernels that work on blocks, tiles and SIMD lanes, against plain loops: at sizes on both sides of
// every block's border, with NaN and ties, and along every dimension. And: the bits of a result
// depend neither on where its operand lies in memory nor on the elements beside it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/support.hpp"

using namespace reel;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Small whole numbers, so that sums are exact and ties are many; with `nan`, a few NaN.
Tensor whole_numbers(IntArrayRef sizes, ScalarType dtype, bool nan, unsigned seed) {
  std::mt19937 random(seed);
  Tensor x = empty(sizes, kFloat64);
  double* p = x.data_ptr<double>();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    p[i] = static_cast<double>(random() % 61) - 30;
    if (nan && random() % 997 == 0) p[i] = kNaN;
  }
  return dtype == kBool ? x > 0 : dtype == kUInt8 ? abs(x).to(kUInt8) : x.to(dtype);
}

// The elements of x along dim, for each position of the others in order.
std::vector<std::vector<double>> lines(const Tensor& x, std::int64_t dim) {
  std::vector<std::vector<double>> list;
  const std::int64_t n = x.size(dim);
  // Positions of the result in its own order, where dim was left out.
  const Tensor moved = x.to(kFloat64).permute([&] {
    std::vector<std::int64_t> order;
    for (std::int64_t d = 0; d < x.dim(); ++d)
      if (d != dim) order.push_back(d);
    order.push_back(dim);
    return order;
  }());
  std::vector<std::int64_t> index(static_cast<std::size_t>(x.dim()), 0);
  const double* base = moved.data_ptr<double>();
  for (std::int64_t i = 0; i < moved.numel() / n; ++i) {
    std::vector<double> line;
    std::int64_t rest = i, at = 0;
    for (std::int64_t d = x.dim() - 2; d >= 0; --d) {
      at += rest % moved.size(d) * moved.stride(d);
      rest /= moved.size(d);
    }
    for (std::int64_t j = 0; j < n; ++j) line.push_back(base[at + j * moved.stride(-1)]);
    list.push_back(line);
  }
  return list;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Compares result (a number for each line) with want(line).
template <class Want>
void check_lines(const char* what, const Tensor& result, const Tensor& x, std::int64_t dim,
                 Want want) {
  const Tensor flat = result.to(kFloat64).contiguous();
  const auto all = lines(x, dim);
  REQUIRE(flat.numel() == static_cast<std::int64_t>(all.size()));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!same(flat.data_ptr<double>()[i], want(all[i]))) ++wrong;
  CAPTURE(std::string(what));
  CAPTURE(x.sizes());
  CAPTURE(dim);
  CHECK(wrong == 0);
}

std::size_t first_best(const std::vector<double>& line, bool largest) {
  std::size_t best = 0;
  for (std::size_t j = 0; j < line.size(); ++j) {
    if (std::isnan(line[j])) return j;
    if (largest ? line[j] > line[best] : line[j] < line[best]) best = j;
  }
  return best;
}
double number(std::size_t i) { return static_cast<double>(i); }

const std::vector<std::vector<std::int64_t>> kShapes = {
    {1, 1, 1}, {3, 5, 7}, {2, 130, 17}, {1, 70, 1030}, {40, 1, 33}, {2, 257, 129}, {5, 3, 512}};

}  // namespace

TEST_CASE("blocks: reductions along every dimension are those of plain loops") {
  for (const auto dtype : {kFloat32, kFloat64, kInt64, kInt32, kUInt8, kBool})
    for (const auto& shape : kShapes)
      for (const bool nan : {false, true}) {
        if (nan && !is_floating_point(dtype)) continue;
        const Tensor x = whole_numbers(shape, dtype, nan, 3);
        for (std::int64_t dim = 0; dim < 3; ++dim) {
          const auto best = [](bool largest) {
            return [largest](const auto& line) { return line[first_best(line, largest)]; };
          };
          const auto where_best = [](bool largest) {
            return [largest](const auto& line) { return number(first_best(line, largest)); };
          };
          check_lines("sum", x.sum(dim), x, dim, [](const auto& line) {
            double s = 0;
            for (const double v : line) s += v;
            return s;
          });
          check_lines("amax", x.amax(dim), x, dim, best(true));
          check_lines("amin", x.amin(dim), x, dim, best(false));
          check_lines("argmax", x.argmax(dim), x, dim, where_best(true));
          check_lines("argmin", x.argmin(dim), x, dim, where_best(false));
          check_lines("count_nonzero", count_nonzero(x, dim), x, dim, [](const auto& line) {
            return number(line.size()) -
                   number(static_cast<std::size_t>(std::count(line.begin(), line.end(), 0.0)));
          });
          check_lines("all", all(x, dim, false), x, dim, [](const auto& line) {
            return std::count(line.begin(), line.end(), 0.0) == 0 ? 1.0 : 0.0;
          });
          if (dtype != kFloat64) continue;
          check_lines("norm", square(x.norm(2, dim)).round(), x, dim, [](const auto& line) {
            double s = 0;
            for (const double v : line) s += v * v;
            return s;
          });
        }
      }
}

TEST_CASE("blocks: products, logsumexp and softmax along every dimension") {
  for (const auto& shape : kShapes) {
    const Tensor x = reel::randn(shape, kFloat64), near_one = x * 0.01 + 1.0;
    for (std::int64_t dim = 0; dim < 3; ++dim) {
      const Tensor product = exp(sum(log(near_one), dim));
      CHECK(allclose(near_one.prod(dim), product, 1e-10));
      const Tensor total = sum(exp(x), dim, true);
      CHECK(allclose(logsumexp(x, dim, true), log(total), 1e-12, 1e-12));
      CHECK(allclose(softmax(x, dim), exp(x) / total, 1e-12));
      CHECK(allclose(log_softmax(x, dim), x - log(total), 1e-12, 1e-12));
      CHECK(softmax(x, dim).is_contiguous());
      CHECK(allclose(softmax(x.to(kFloat32), dim).to(kFloat64), exp(x) / total, 1e-5));
    }
  }
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor x = full({3, 40}, -inf, kFloat64);
  x.select(0, 1).fill_(inf);
  x.select(0, 2).fill_(kNaN);
  for (const Tensor& y : {logsumexp(x, 1), logsumexp(x.t().contiguous(), 0)}) {
    CHECK(y[0].item<double>() == -inf);
    CHECK(y[1].item<double>() == inf);
    CHECK(std::isnan(y[2].item<double>()));
  }
}

TEST_CASE("blocks: sorting and selecting along every dimension, stable, NaN last") {
  for (const auto dtype : {kFloat32, kFloat64, kInt64, kInt32, kUInt8, kBool})
    for (const auto& shape : kShapes) {
      const Tensor x = whole_numbers(shape, dtype, is_floating_point(dtype), 5);
      for (std::int64_t dim = 0; dim < 3; ++dim)
        for (const bool descending : {false, true}) {
          const auto before = [descending](double a, double b) {
            if (std::isnan(a) || std::isnan(b))
              return descending ? std::isnan(a) && !std::isnan(b) : !std::isnan(a);
            return descending ? a > b : a < b;
          };
          const auto order_of = [&](const std::vector<double>& line) {
            std::vector<std::size_t> order(line.size());
            for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
            std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
              return std::isnan(line[i]) && std::isnan(line[j]) ? false : before(line[i], line[j]);
            });
            return order;
          };
          const Tensor order = argsort(x, dim, descending);
          const std::int64_t n = x.size(dim);
          for (const std::int64_t rank : {std::int64_t{0}, n / 3, n - 1})
            check_lines("sort", order.select(dim, rank), x, dim, [&](const auto& line) {
              return number(order_of(line)[static_cast<std::size_t>(rank)]);
            });
          const std::int64_t k = std::min<std::int64_t>(n, 3);
          check_lines("topk", std::get<1>(topk(x, k, dim, descending)).select(dim, k - 1), x, dim,
                      [&](const auto& line) {
                        return number(order_of(line)[static_cast<std::size_t>(k - 1)]);
                      });
          if (descending) continue;
          check_lines("kthvalue", std::get<1>(kthvalue(x, n / 2 + 1, dim)), x, dim,
                      [&](const auto& line) {
                        return number(order_of(line)[static_cast<std::size_t>(n / 2)]);
                      });
          check_lines("median", std::get<0>(median(x, dim)), x, dim, [&](const auto& line) {
            for (const double v : line)
              if (std::isnan(v)) return v;
            return line[order_of(line)[(line.size() - 1) / 2]];
          });
        }
    }
}

TEST_CASE("blocks: -0.0 and 0.0 keep their order when sorted") {
  const Tensor order = argsort(tensor({0.0, -0.0, -1.0, 0.0, -0.0}));
  CHECK(reel::equal(order, tensor({2, 0, 1, 3, 4})));
}

TEST_CASE("blocks: unique through a table of the range and through sorting agree") {
  const Tensor narrow = whole_numbers({3, 500}, kInt64, false, 9);
  const Tensor wide = narrow * 1000003;
  const auto [a, inverse_a, counts_a] = unique(narrow, true, true, true);
  const auto [b, inverse_b, counts_b] = unique(wide, true, true, true);
  CHECK(reel::equal(a * 1000003, b));
  CHECK(reel::equal(inverse_a, inverse_b));
  CHECK(reel::equal(counts_a, counts_b));
  CHECK(reel::equal(index_select(a, 0, inverse_a.reshape({-1})), narrow.reshape({-1})));
  CHECK(counts_a.sum().item<std::int64_t>() == narrow.numel());
  const Tensor ends = tensor({std::numeric_limits<std::int64_t>::max(),
                              std::numeric_limits<std::int64_t>::min(), std::int64_t{0}});
  CHECK(std::get<0>(unique(ends)).numel() == 3);
}

TEST_CASE("blocks: copies between transposed tensors") {
  for (const auto dtype : {kFloat32, kFloat64, kUInt8})
    for (const auto& shape : std::vector<std::vector<std::int64_t>>{
             {16, 16}, {17, 33}, {100, 40}, {3, 50, 20}, {20, 3, 50}, {2, 18, 3, 17}}) {
      const Tensor x = whole_numbers(shape, dtype, false, 11);
      const std::int64_t rank = x.dim();
      for (std::int64_t a = 0; a < rank; ++a)
        for (std::int64_t b = 0; b < rank; ++b) {
          const Tensor view = x.transpose(a, b), copied = view.contiguous();
          CHECK(copied.is_contiguous());
          bool right = true;
          for (std::int64_t i = 0; i < view.size(0); ++i)
            for (std::int64_t j = 0; j < view.size(-1); ++j) {
              const Tensor from = view.select(0, i).select(-1, j), to = copied.select(0, i);
              right = right && reel::equal(from, to.select(-1, j));
            }
          CHECK(right);
        }
    }
}

TEST_CASE("blocks: bits depend neither on the place in memory nor on the neighbours") {
  NoGradGuard no_grad;
  std::mt19937_64 random(1);
  for (const auto dtype : {kFloat32, kFloat64}) {
    Tensor x = reel::randn({4099}, dtype) * 3.0;
    // Some elements that go the long way: large angles, negative bases, huge quotients.
    for (int i = 0; i < 40; ++i) {
      const auto at = static_cast<std::int64_t>(random() % 4099);
      x.narrow(0, at, 1).fill_(i % 2 ? 1e30 : -3e5);
    }
    const Tensor y = reel::randn({4099}, dtype).abs() + 0.01;
    const auto bits_equal = [](const Tensor& a, const Tensor& b) {
      const Tensor p = a.contiguous(), q = b.contiguous();
      return std::memcmp(p.data_ptr(), q.data_ptr(), p.nbytes()) == 0;
    };
    using Op = Tensor (*)(const Tensor&, const Tensor&);
    const std::pair<const char*, Op> ops[] = {
#define ONE(name)                                                       \
  {                                                                     \
#name, [](const Tensor& a, const Tensor&) { return reel::name(a); } \
  }
#define TWO(name)                                                            \
  {                                                                          \
#name, [](const Tensor& a, const Tensor& b) { return reel::name(a, b); } \
  }
        ONE(exp),   ONE(expm1),     ONE(log),         ONE(log1p), ONE(log2), ONE(log10),
        ONE(sin),   ONE(cos),       ONE(tan),         ONE(asin),  ONE(acos), ONE(atan),
        ONE(sinh),  ONE(cosh),      ONE(tanh),        ONE(erf),   ONE(erfc), ONE(sigmoid),
        ONE(gelu),  ONE(mish),      ONE(softplus),    TWO(pow),   TWO(fmod), TWO(atan2),
        TWO(hypot), TWO(remainder), TWO(floor_divide)
#undef ONE
#undef TWO
    };
    for (const auto& entry : ops) {
      const std::string name = entry.first;
      const Op op = entry.second;
      const Tensor whole = op(x, y);
      CAPTURE(name);
      for (const std::int64_t start : {1, 3, 7, 1000}) {
        const std::int64_t n = 301;
        CHECK(bits_equal(whole.narrow(0, start, n),
                         op(x.narrow(0, start, n), y.narrow(0, start, n))));
        CHECK(bits_equal(whole.narrow(0, start, n),
                         op(x.narrow(0, start, n).clone(), y.narrow(0, start, n).clone())));
      }
      CHECK(bits_equal(whole.narrow(0, 2048, 1), op(x.narrow(0, 2048, 1), y.narrow(0, 2048, 1))));
    }
    // Reductions: of the same values wherever they lie.
    for (const std::int64_t start : {1, 2, 5}) {
      const Tensor here = x.narrow(0, start, 3000), there = here.clone();
      CHECK(bits_equal(here.sum(), there.sum()));
      CHECK(bits_equal(here.norm(), there.norm()));
      CHECK(bits_equal(softmax(here, 0), softmax(there, 0)));
    }
  }
}
