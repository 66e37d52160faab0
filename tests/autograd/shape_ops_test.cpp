// Reductions, order, indexing, rearrangement and products: what the op table cannot say: errors,
// shared memory, and calls as users write them.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <tuple>

#include "tests/says.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::indexing;
using namespace reel::test;

namespace {

Tensor longs(std::initializer_list<TensorData> values) { return tensor(values, kInt64); }

}  // namespace

TEST_CASE("reductions: errors name the op and what does not fit") {
  const Tensor x = ones({2, 3}), none = ones({2, 0}), i = arange(3);
  CHECK_SAYS(IndexError, prod(x, {0, -2}), "[prod] dim -2 appears multiple times");
  CHECK_SAYS(IndexError, x.amax(2), "[amax]");
  CHECK_SAYS(ShapeError, none.amax(1), "[amax]");
  CHECK_SAYS(ShapeError, none.max(), "[max]");
  CHECK_SAYS(IndexError, none.max(1), "[max]");
  CHECK_SAYS(IndexError, none.argmin(1), "[argmin]");
  CHECK_SAYS(IndexError, none.median(1), "[median]");
  CHECK_SAYS(DtypeError, i.var(), "[var] input must be floating point, found int64");
  CHECK_SAYS(DtypeError, i.norm(), "[norm] input must be floating point, found int64");
  CHECK_SAYS(IndexError, x.kthvalue(4), "[kthvalue] k = 4 is out of range: expected 1 to 3");
  CHECK_SAYS(IndexError, x.kthvalue(0), "[kthvalue]");
  CHECK_SAYS(IndexError, x.topk(4), "[topk] k = 4 is out of range");
  CHECK_SAYS(IndexError, x.cumsum(2), "[cumsum]");
  CHECK_SAYS(IndexError, x.sort(5), "[sort]");
  CHECK_SAYS(IndexError, bincount(longs({1, -1})), "[bincount] found -1 at position 1");
  CHECK_SAYS(DtypeError, bincount(x), "[bincount] expected integers");
}

TEST_CASE("reductions: called as users call them") {
  const Tensor x = tensor({{1.0, 5.0, 2.0}, {4.0, 3.0, 6.0}});
  Tensor values, indices;
  std::tie(values, indices) = x.max(1);
  CHECK(equal(values, tensor({5.0, 6.0})));
  CHECK(equal(indices, longs({1, 2})));
  std::tie(values, indices) = reel::topk(x, 2, 0);
  CHECK(equal(indices, longs({{1, 0, 1}, {0, 1, 0}})));
  // A number is a dimension, a bool says what is divided by.
  CHECK(equal(x.var(1), x.var(IntArrayRef(1), true)));
  CHECK(allclose(x.var(false), x.var() * (5.0 / 6.0)));
  CHECK(allclose(x.std(0, false), x.std(0, std::optional<std::int64_t>(0))));
  CHECK(allclose(x.norm(), x.square().sum().sqrt()));
  CHECK(x.any().item<bool>());
  CHECK(equal(ones({1, 2, 3}).mT(), ones({1, 3, 2})));
  const auto nothing = median(empty({0})).item<double>();
  CHECK(nothing != nothing);
}

TEST_CASE("gather and scatter: positions below 0 or beyond, ranks and dtypes that differ") {
  const Tensor x = ones({2, 3});
  CHECK_SAYS(IndexError, x.gather(1, longs({{3}})), "[gather] index 3 is out of bounds");
  CHECK_SAYS(IndexError, x.gather(1, longs({{-1}})), "[gather] index -1 is out of bounds");
  CHECK_SAYS(ShapeError, x.gather(1, longs({0})), "same rank");
  CHECK_SAYS(ShapeError, x.gather(1, longs({{0}, {0}, {0}})), "no larger sizes");
  CHECK_SAYS(DtypeError, x.gather(1, ones({2, 1})), "[gather] expected int64 indices");
  CHECK_SAYS(DtypeError, x.scatter(1, longs({{0}}), arange(1).view({1, 1})), "same dtype");
  CHECK_SAYS(ShapeError, x.scatter_add(1, longs({{0, 1}}), ones({1, 1})), "source of shape [1, 1]");
  CHECK_SAYS(ShapeError, x.index_add(0, longs({0}), ones({2, 3})), "expected a source of shape");
  CHECK_SAYS(IndexError, x.index_add(0, longs({2}), ones({1, 3})), "[index_add] index 2");
  CHECK_SAYS(DtypeError, x.masked_select(x), "[masked_select] expected a mask of bool");
  CHECK_SAYS(IndexError, one_hot(longs({3}), 3), "[one_hot] class 3 is out of range");
  CHECK_SAYS(DtypeError, one_hot(x), "[one_hot] expected int64");
  Tensor leaf = ones({2, 3}).requires_grad_();
  CHECK_SAYS(AutogradError, leaf.scatter_(1, longs({{0}}), 2.0), "scatter_");
  CHECK_SAYS(AutogradError, leaf.index_add_(0, longs({0}), ones({1, 3})), "index_add_");
  CHECK(equal(leaf.detach(), ones({2, 3})));
}

TEST_CASE("index: lists of tensors that do not fit") {
  const Tensor x = ones({2, 3});
  CHECK_SAYS(IndexError, x.index({longs({0}), longs({3})}), "[index] index 3");
  CHECK_SAYS(ShapeError, x.index({longs({0, 1}), longs({0, 1, 2})}), "[index]");
  CHECK_SAYS(IndexError, x.index({longs({0}), longs({0}), longs({0})}), "too many indices");
  CHECK_SAYS(IndexError, x.index({ones({3}) > 0}), "the shape of the mask");
  CHECK_SAYS(DtypeError, x.index({ones({2})}), "[index] expected int64 or int32 indices");
}

TEST_CASE("index_put_ that accumulates adds at repeated positions and in windows") {
  Tensor x = zeros({3, 2});
  x.index_put_({longs({1, 1, 0})}, ones({3, 2}), true);
  CHECK(equal(x, tensor({{1.0, 1.0}, {2.0, 2.0}, {0.0, 0.0}})));
  x.index_put_({Slice(1, None), 0}, ones({2}), true);
  CHECK(equal(x, tensor({{1.0, 1.0}, {3.0, 2.0}, {1.0, 0.0}})));
  Tensor w = ones({2}).requires_grad_();
  Tensor y = zeros({3});
  y.index_put_({longs({2, 2})}, w, true);
  (y * y).sum().backward();
  CHECK(equal(w.grad(), tensor({4.0, 4.0})));
}

TEST_CASE("unfold and unflatten share memory, repeat and flip do not") {
  Tensor x = zeros({6});
  const Tensor windows = x.unfold(0, 2, 2), block = x.unflatten(0, {2, 3});
  Tensor copies = x.repeat({1}), flipped = x.flip({});
  x.fill_(1);
  CHECK(equal(windows, ones({3, 2})));
  CHECK(equal(block, ones({2, 3})));
  CHECK(equal(copies, zeros({6})));
  CHECK(equal(flipped, zeros({6})));
}

TEST_CASE("rearrangement: errors name the op and what does not fit") {
  const Tensor x = ones({2, 3});
  CHECK_SAYS(ShapeError, x.unflatten(1, {2, 2}), "[unflatten] sizes [2, 2]");
  CHECK_SAYS(ShapeError, x.unflatten(1, {-1, -1}), "[unflatten]");
  CHECK_SAYS(IndexError, x.movedim({0, 0}, {0, 1}), "[movedim] dim 0 appears multiple times");
  CHECK_SAYS(ShapeError, x.movedim({0}, {0, 1}), "[movedim]");
  CHECK_SAYS(ShapeError, x.repeat({2}), "[repeat]");
  CHECK_SAYS(ShapeError, x.repeat({2, -1}), "[repeat] negative entry");
  CHECK_SAYS(ShapeError, x.repeat_interleave(longs({1, 2}), 1), "expected 1 or 3 repeats");
  CHECK_SAYS(IndexError, x.flip({0, 0}), "[flip] dim 0 appears multiple times");
  CHECK_SAYS(ShapeError, x.roll({1, 2}, {0}), "[roll] 2 shifts but 1 dims");
  CHECK_SAYS(ShapeError, pad(x, {1}), "[constant_pad_nd]");
  CHECK_SAYS(ShapeError, pad(x, {3, 0}, "reflect"), "[pad] padding 3 and 0 is too much");
  CHECK_SAYS(ShapeError, pad(x, {-2, -2}), "leaves a negative size");
  CHECK_SAYS(Error, pad(x, {1, 0}, "mirror"), "unknown mode \"mirror\"");
  CHECK_SAYS(Error, pad(x, {1, 0}, "reflect", 1.0), "takes no value");
  CHECK_SAYS(ShapeError, x.unfold(1, 4, 1), "[unfold] windows of size 4");
  CHECK_SAYS(Error, x.unfold(1, 2, 0), "[unfold] step must be positive");
  CHECK_SAYS(ShapeError, ones({3}).tril(), "[tril] expected at least 2 dimensions");
  CHECK_SAYS(ShapeError, ones({1, 1, 1}).diag(), "[diag]");
  CHECK_SAYS(ShapeError, ones({3}).trace(), "[trace] expected a matrix");
  CHECK(equal(x.view({1, 2, 1, 3}).squeeze({0, 2}), x));
  CHECK_SAYS(IndexError, x.squeeze({0, 0}), "[squeeze] dim 0 appears multiple times");
  CHECK(equal(tril(full({2, 2}, INFINITY)), tensor({{INFINITY, 0.0}, {INFINITY, INFINITY}})));
}

TEST_CASE("products: errors name the op and what does not fit") {
  const Tensor x = ones({2, 3}), v = ones({2});
  CHECK_SAYS(ShapeError, x.mv(v), "[mv] expected shapes [n, k] and [k], found [2, 3] and [2]");
  CHECK_SAYS(ShapeError, v.dot(ones({3})), "[dot]");
  CHECK_SAYS(ShapeError, outer(x, v), "[outer]");
  CHECK_SAYS(ShapeError, bilinear(x, x, ones({4, 3, 2})), "[bilinear] expected shapes");
  CHECK_SAYS(ShapeError, bilinear(x, x, ones({4, 3, 3}), v), "[bilinear] expected a bias");
  CHECK_SAYS(ShapeError, einsum("ij,jk->ik", {x, x}), "[einsum] 'j'");
  CHECK_SAYS(ShapeError, einsum("ij->i", {x, x}), "names 1 operands, but 2 were given");
  CHECK_SAYS(ShapeError, einsum("ijk->i", {x}), "has 3 letters");
  CHECK_SAYS(Error, einsum("...i->i", {x}), "\"...\" is not supported");
  CHECK_SAYS(Error, einsum("ii->i", {x}), "occurs twice in one operand");
  CHECK_SAYS(Error, einsum("ij->k", {x}), "occurs in no operand");
  CHECK_SAYS(Error, einsum("ij->ii", {x}), "occurs twice");
  CHECK_SAYS(Error, einsum("i1->i", {x}), "expected letters, found '1'");
}
