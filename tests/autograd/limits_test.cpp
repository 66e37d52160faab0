// Sizes, strides and steps at the ends of int64, and products over nothing.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/autograd.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
}

TEST_CASE("limits: a view whose size or memory does not fit 64 bits is refused") {
  const Tensor x = ones({4}, kFloat64);
  // 2^61 elements of 8 bytes: their number in bytes wraps around to 0.
  CHECK(mentions(error_of<Error>([&] { x.as_strided({2}, {std::int64_t{1} << 61}); }),
                 {"[as_strided]", "beyond the memory of 4 elements"}));
  CHECK_THROWS_AS(x.as_strided({3, 3}, {kMost, kMost}), Error);
  CHECK_THROWS_AS(x.as_strided({2}, {1}, kMost), Error);
  const std::int64_t half = std::int64_t{1} << 32;  // half * half wraps around to 0
  const Tensor nothing = ones({0});
  CHECK(mentions(error_of<ShapeError>([&] { nothing.view({half, half}); }), {"[view]", "64 bits"}));
  CHECK_THROWS_AS(nothing.reshape({half, half, -1}), ShapeError);
  CHECK(nothing.view({half, 0, half}).sizes() == IntArrayRef{half, 0, half});
  CHECK(mentions(error_of<ShapeError>([] { ones({1}).expand({-2}); }), {"[expand]", "-2"}));
}

TEST_CASE("limits: a step as long as can be takes one element") {
  const Tensor x = arange(4, kFloat64).requires_grad_();
  const Tensor one = x.slice(0, 1, 4, kMost);
  CHECK(values(one) == std::vector<double>{1});
  one.sum().backward();
  CHECK(values(x.grad()) == std::vector<double>{0, 1, 0, 0});
  CHECK(values(x.unfold(0, 2, kMost)) == std::vector<double>{0, 1});
  CHECK(x.chunk(kMost).size() == 4);
}

TEST_CASE("limits: pieces that do not add up say so by the op's name") {
  CHECK(mentions(error_of<ShapeError>([] {
                   ones({3}).split({2, 5});
                 }),
                 {"[split] sizes [2, 5] must sum to 3"}));
  CHECK(mentions(error_of<ShapeError>([] { ones({3}).split({4, -1}); }), {"[split]"}));
  CHECK(mentions(error_of<ShapeError>([] {
                   ones({1, 2}).unflatten(0, {-1, -1});
                 }),
                 {"[unflatten] only one dimension can be inferred"}));
}

TEST_CASE("limits: products over no elements, and of none") {
  const Tensor a = ones({2, 3, 0}).requires_grad_(), b = ones({0, 4}).requires_grad_();
  const Tensor c = matmul(a, b);
  CHECK(difference(c, zeros({2, 3, 4})) == 0);
  c.sum().backward();
  CHECK(a.grad().sizes() == a.sizes());
  CHECK(b.grad().sizes() == b.sizes());

  const Tensor weight = ones({0, 3}).requires_grad_(), bias = ones({0}).requires_grad_();
  for (const Dims& lead : {Dims{2}, Dims{4, 2}, Dims{}}) {
    Dims in = lead, out = lead;
    in.push_back(3);
    out.push_back(0);
    const Tensor x = ones(in).requires_grad_(), y = linear(x, weight, bias);
    CHECK(y.sizes() == out);
    y.sum().backward();
    CHECK(difference(x.grad(), zeros(in)) == 0);
  }
  CHECK(bilinear(ones({4, 3}), ones({4, 2}), ones({0, 3, 2})).sizes() == IntArrayRef{4, 0});
}

TEST_CASE("limits: factors of integer products are integers") {
  const Tensor m = ones({2, 2}, kInt32);
  const Tensor sum = addmm(m, m, m, 1, 2.5);
  CHECK(sum.dtype() == kInt32);
  CHECK(values(sum) == std::vector<double>{5, 5, 5, 5});
}

TEST_CASE("limits: arange counts beyond what doubles hold") {
  const std::int64_t start = std::int64_t{1} << 53;
  CHECK(arange(start, start + 3).numel() == 3);
  CHECK(arange(start + 3, start, -1)[2].item<std::int64_t>() == start + 1);
  CHECK(arange(kMost - 1, kMost).item<std::int64_t>() == kMost - 1);
  CHECK_THROWS_AS(arange(start + 1, start), Error);
  CHECK(arange(5, 5).numel() == 0);
  CHECK(values(arange(0, 5, 2)) == std::vector<double>{0, 2, 4});
  CHECK(values(arange(5, 0, -2)) == std::vector<double>{5, 3, 1});
}

TEST_CASE("limits: NaN stands behind all numbers of a sorted sequence") {
  const Tensor nan = full({1}, std::nan(""), kFloat64);
  const Tensor sorted = tensor({1.0, 2.0}, kFloat64);
  CHECK(searchsorted(sorted, nan).item<int>() == 2);
  CHECK(searchsorted(sorted, nan, false, true).item<int>() == 2);
  CHECK(values(searchsorted(cat({sorted, nan}), tensor({0.0, 1.0, 1.5}, kFloat64))) ==
        std::vector<double>{0, 0, 1});
}

TEST_CASE("limits: a tensor without dimensions has no size to ask for") {
  const Tensor x = zeros({});
  CHECK(mentions(error_of<IndexError>([&] { x.size(0); }), {"[size]", "no dimensions"}));
  CHECK(mentions(error_of<IndexError>([&] { x.stride(-1); }), {"[stride]", "no dimensions"}));
}
