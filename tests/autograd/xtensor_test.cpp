// Interop with xtensor, both ways.
#include <doctest/doctest.h>

#include <reel/xtensor.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

using namespace reel;

TEST_CASE("xtensor: a tensor's memory is read and written through its strides") {
  const Tensor t = arange(6).to(kFloat32).view({2, 3});
  auto a = array<float>(t);
  CHECK(a(1, 2) == 5.0f);
  a(0, 1) = 42.0f;
  CHECK(t[0][1].item<float>() == 42.0f);

  auto transposed = array<float>(t.t());
  CHECK(transposed.shape()[0] == 3);
  CHECK(transposed(2, 1) == 5.0f);
  transposed(0, 1) = -1.0f;
  CHECK(t[1][0].item<float>() == -1.0f);

  const Tensor column = t.narrow(1, 1, 1);
  CHECK(array<float>(column)(1, 0) == 4.0f);
  CHECK(xt::sum(array<float>(t.slice(1, 0, 3, 2)))() == doctest::Approx(0 + 2 - 1 + 5));
  CHECK(array<float>(zeros({0, 3})).size() == 0);
  CHECK_THROWS_WITH_AS(array<double>(t), "[data_ptr] expected scalar type Double but found Float",
                       DtypeError);
}

TEST_CASE("xtensor: a tensor from an expression") {
  const xt::xarray<double> x = {{1, 2, 3}, {4, 5, 6}};
  const Tensor whole = from_xtensor(x);
  CHECK(whole.scalar_type() == kFloat64);
  CHECK(equal(whole, tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, kFloat64)));
  CHECK(equal(from_xtensor(2.0 * xt::view(x, xt::all(), 1) + 1.0), tensor({5.0, 11.0}, kFloat64)));
  CHECK(equal(from_xtensor(xt::transpose(x)), whole.t()));
  const xt::xarray<int> none = xt::xarray<int>::from_shape({0, 2});
  CHECK(from_xtensor(none).sizes() == IntArrayRef({0, 2}));
  // It owns its memory and takes part in the tape.
  const Tensor leaf = from_xtensor(x).requires_grad_();
  (leaf * leaf).sum().backward();
  CHECK(equal(leaf.grad(), whole * 2.0));
}
