// PyTorch's answers in the corners: extreme and missing numbers, nothing to reduce, division by
// zero, dims and indices out of range, numbers that do not fit, in-place changes of shape.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/says.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
using Numbers = std::vector<double>;

Tensor reals(const Numbers& v) { return reel::tensor(v, kFloat64); }
Tensor bytes(std::initializer_list<TensorData> v) { return reel::tensor(v, kUInt8); }
bool is_nan(const Tensor& t) {
  for (const double v : values(t))
    if (!std::isnan(v)) return false;
  return true;
}

}  // namespace

TEST_CASE("semantics: a loss of shapes that do not fit names itself") {
  CHECK_SAYS(ShapeError, mse_loss(reals({1, 2, 3}), reals({1, 2})), "[mse_loss]", "[3]", "[2]");
}

TEST_CASE("semantics: the softmax family with extreme inputs") {
  for (const ScalarType t : {kFloat32, kFloat64}) {
    const Tensor x = reals({1e4, -1e4, 0, 1e4}).to(t);
    CHECK(values(x.softmax(0)) == Numbers{0.5, 0, 0, 0.5});
    CHECK(difference(x.log_softmax(0).to(kFloat64),
                     reals({-std::log(2), -2e4 - std::log(2), -1e4 - std::log(2), -std::log(2)})) <
          1e-6);
    CHECK(values(softmin(x, 0)) == Numbers{0, 1, 0, 0});
    // The same down columns, and in cross entropy.
    CHECK(difference(x.unsqueeze(1).log_softmax(0).to(kFloat64).squeeze(1),
                     x.to(kFloat64).log_softmax(0)) < 1e-6);
    Tensor logits = x.unsqueeze(0).clone().requires_grad_();
    const Tensor loss = cross_entropy_loss(logits, reel::tensor({3}));
    CHECK(loss.item<double>() == doctest::Approx(std::log(2)).epsilon(1e-6));
    loss.backward();
    CHECK(difference(logits.grad().to(kFloat64), reals({0.5, 0, 0, -0.5}).unsqueeze(0)) < 1e-6);
    // -inf is a probability of 0, in value and in gradient.
    Tensor masked = reals({-kInf, 0, 1}).to(t).requires_grad_();
    const Tensor p = masked.softmax(0), l = masked.log_softmax(0);
    CHECK(p[0].item<double>() == 0);
    CHECK(l[0].item<double>() == -kInf);
    CHECK(std::exp(l[2].item<double>()) == doctest::Approx(p[2].item<double>()));
    p[1].backward();
    CHECK(masked.grad()[0].item<double>() == 0);
    CHECK(masked.grad()[1].item<double>() ==
          doctest::Approx(p[1].item<double>() * (1 - p[1].item<double>())));
    masked.mutable_grad() = Tensor();
    l[1].backward();
    CHECK(masked.grad()[0].item<double>() == 0);
    CHECK(masked.grad()[2].item<double>() == doctest::Approx(-p[2].item<double>()));
    CHECK(is_nan(reals({-kInf, -kInf}).to(t).softmax(0)));
    CHECK(is_nan(reals({-kInf, -kInf}).to(t).log_softmax(0)));
    CHECK(is_nan(reals({kInf, 0}).to(t).softmax(0)[0]));
    CHECK(is_nan(reals({std::nan(""), 0}).to(t).softmax(0)));
  }
  CHECK(reel::zeros({0, 3}).softmax(0).sizes() == IntArrayRef({0, 3}));
  CHECK(reel::zeros({2, 0}).log_softmax(1).sizes() == IntArrayRef({2, 0}));
  CHECK(values(reel::tensor(3.0).softmax(-1)) == Numbers{1});
  // With a dtype the input is converted first.
  CHECK(reel::tensor({1, 2}).softmax(0, kFloat64).scalar_type() == kFloat64);
  CHECK(difference(reel::tensor({1, 2}).softmax(0, kFloat64), reals({1, 2}).softmax(0)) == 0);
  CHECK(reals({1, 2}).log_softmax(0, kFloat32).scalar_type() == kFloat32);
  CHECK(softmin(reals({1, 2}), 0, kFloat32).scalar_type() == kFloat32);
  CHECK_SAYS(DtypeError, reals({1, 2}).softmax(0, kInt64), "[softmax]", "int64");
}

TEST_CASE("semantics: reductions over nothing") {
  const Tensor none = reel::zeros({2, 0}, kFloat64), no_integers = reel::zeros({0}, kInt64);
  CHECK(none.sum().item<double>() == 0);
  CHECK(values(none.sum(1)) == Numbers{0, 0});
  CHECK(none.sum(0).sizes() == IntArrayRef({0}));
  CHECK(no_integers.sum().item<std::int64_t>() == 0);
  CHECK(none.prod().item<double>() == 1);
  CHECK(values(none.prod(1)) == Numbers{1, 1});
  CHECK(is_nan(none.mean()));
  CHECK(is_nan(none.mean(1)));
  CHECK(none.mean(0).sizes() == IntArrayRef({0}));
  CHECK(is_nan(none.var()));
  CHECK(is_nan(none.std(IntArrayRef(1))));
  CHECK(is_nan(reel::ones({1}).var()));
  CHECK(values(none.logsumexp(1)) == Numbers{-kInf, -kInf});
  CHECK(none.norm().item<double>() == 0);
  CHECK(none.norm(1).item<double>() == 0);
  CHECK(none.norm(0).item<double>() == 0);
  CHECK(none.all().item<bool>());
  CHECK_FALSE(none.any().item<bool>());
  CHECK(none.count_nonzero().item<std::int64_t>() == 0);
  CHECK(none.cumsum(1).sizes() == IntArrayRef({2, 0}));
  CHECK(none.cumprod(0).sizes() == IntArrayRef({2, 0}));
  CHECK(std::get<0>(none.cummax(1)).sizes() == IntArrayRef({2, 0}));
  CHECK(is_nan(none.median()));
  CHECK(std::get<0>(none.sort(1)).sizes() == IntArrayRef({2, 0}));
  // Nothing has no largest element.
  CHECK_SAYS(ShapeError, none.max(), "[max]");
  CHECK_SAYS(ShapeError, none.amin(), "[amin]");
  CHECK_SAYS(IndexError, none.max(1), "[max]");
  CHECK_SAYS(IndexError, none.argmax(), "[argmax]");
  CHECK_SAYS(IndexError, none.argmin(1), "[argmin]");
  CHECK_SAYS(ShapeError, no_integers.median(), "[median]");
  CHECK(none.norm(kInf).item<double>() == 0);
  // Where the reduced dimension is not the empty one, there is nothing to refuse.
  CHECK(std::get<0>(none.max(0)).sizes() == IntArrayRef({0}));
  CHECK(none.argmax(0).sizes() == IntArrayRef({0}));
  CHECK(reel::ones({2, 3}).argmax(nullopt, true).sizes() == IntArrayRef({1, 1}));
  CHECK(none.amax(0).sizes() == IntArrayRef({0}));
}

TEST_CASE("semantics: integers divided by zero are refused, floats follow IEEE") {
  const Tensor i = reel::tensor({7, -7}), zero = reel::tensor({1, 0});
  for (const ScalarType t : {kUInt8, kInt32, kInt64}) {
    CHECK_SAYS(Error, i.to(t).floor_divide(zero.to(t)), "[floor_divide] integer division by zero");
    CHECK_SAYS(Error, i.to(t).remainder(zero.to(t)), "[remainder] integer division by zero");
    CHECK_SAYS(Error, i.to(t).fmod(zero.to(t)), "[fmod] integer division by zero");
    CHECK_SAYS(Error, i.to(t).fmod(0), "[fmod] integer division by zero");
  }
  CHECK(values(i / zero) == Numbers{7, -kInf});
  CHECK(values(reals({1, -1}).floor_divide(0.0)) == Numbers{kInf, -kInf});
  CHECK(is_nan(reals({1}).remainder(0.0)));
  CHECK(is_nan(reals({0}) / 0.0));
}

TEST_CASE("semantics: dims and indices out of range and given twice") {
  const Tensor x = reel::zeros({2, 3});
  for (const std::int64_t dim : {2, -3}) {
    CHECK_SAYS(IndexError, x.sum(dim), "[sum]", std::to_string(dim));
    CHECK_SAYS(IndexError, x.softmax(dim), "[softmax]", std::to_string(dim));
    CHECK_SAYS(IndexError, x.transpose(0, dim), "[transpose]", std::to_string(dim));
    CHECK_SAYS(IndexError, x.cumsum(dim), "[cumsum]", std::to_string(dim));
    CHECK_SAYS(IndexError, x.diagonal(0, 0, dim), "[diagonal]", std::to_string(dim));
    CHECK_SAYS(IndexError, glu(x, dim), std::to_string(dim));
  }
  CHECK_SAYS(IndexError, x.sum({0, 0}), "[sum] dim 0 appears multiple times");
  CHECK_SAYS(IndexError, x.mean({1, -1}), "[mean]", "appears multiple times");
  CHECK_SAYS(IndexError, x.var({0, -2}), "[var] dim -2 appears multiple times");
  CHECK_SAYS(IndexError, x.permute({0, 0}), "[permute] duplicate dims");
  CHECK_SAYS(ShapeError, x.diagonal(0, 1, -1), "[diagonal] dim1 and dim2 must differ, both are 1");
  CHECK(x.sum(-2).sizes() == IntArrayRef({3}));
  CHECK(x.sum(IntArrayRef({-1, -2})).sizes().empty());
  CHECK(x.unsqueeze(-3).sizes() == IntArrayRef({1, 2, 3}));
  CHECK_SAYS(IndexError, x[2], "[select] index 2");
  CHECK_SAYS(IndexError, x.index({reel::tensor({0, 5})}), "[index] index 5");
  CHECK_SAYS(IndexError, x.index_select(1, reel::tensor({3})), "[index_select] index 3");
}

TEST_CASE("semantics: numbers that an integer tensor cannot hold") {
  const Tensor u = bytes({1, 44, 200}), mask = u > 1;
  // Arithmetic and comparisons wrap around, as in PyTorch.
  CHECK(values(u + 300) == Numbers{45, 88, 244});
  CHECK(values(u * 300) == Numbers{44, 144, 96});
  CHECK(values(u - (-1)) == Numbers{2, 45, 201});
  CHECK(values(u == 300) == Numbers{0, 1, 0});
  CHECK(values(u < 300) == Numbers{1, 0, 0});
  CHECK(values(u < -1) == Numbers{1, 1, 1});
  CHECK(values(u.floor_divide(300)) == Numbers{0, 1, 4});
  CHECK(values(u.remainder(300)) == Numbers{1, 0, 24});
  CHECK(values(reel::maximum(u, reel::tensor(300))) == Numbers{44, 44, 200});
  // What fills or bounds must fit; -1 stands for the highest byte.
  const char* overflow = "cannot be converted to type uint8 without overflow";
  CHECK_SAYS(Error, u.clone().fill_(300), "[fill_] value 300", overflow);
  CHECK_SAYS(Error, u.clone().fill_(-300), "[fill_] value -300", overflow);
  CHECK(values(u.clone().fill_(-1)) == Numbers{255, 255, 255});
  CHECK(values(u.clone().fill_(2.7)) == Numbers{2, 2, 2});
  CHECK_SAYS(Error, reel::full({2}, 300, kUInt8), "value 300", overflow);
  CHECK(values(reel::full({2}, -1, kUInt8)) == Numbers{255, 255});
  CHECK_SAYS(Error, reel::full_like(u, 300), "value 300", overflow);
  CHECK_SAYS(Error, reel::scalar_tensor(300, kUInt8), "value 300", overflow);
  CHECK_SAYS(Error, u.clamp(nullopt, 300), "[clamp] value 300", overflow);
  CHECK_SAYS(Error, u.clamp_min(-300), "[clamp] value -300", overflow);
  CHECK(values(u.clamp_min(-1)) == Numbers{255, 255, 255});
  CHECK_SAYS(Error, u.masked_fill(mask, 300), "[masked_fill] value 300", overflow);
  CHECK(values(u.masked_fill(mask, -1)) == Numbers{1, 255, 255});
  CHECK_SAYS(Error, u.masked_fill(mask, reel::tensor(300)), "[masked_fill] value 300", overflow);
  CHECK_SAYS(Error, u.pow(300), "[pow] value 300", overflow);
  CHECK_SAYS(Error, u.add(u, 300), "[add] value 300", overflow);
  CHECK_SAYS(Error, u.clone().add_(u, 300), "[add_] value 300", overflow);
  CHECK_SAYS(Error, u.clone().index_put_({0}, 300), "value 300", overflow);
  CHECK_SAYS(Error, u.scatter(0, reel::tensor({0}), 300), "value 300", overflow);
  CHECK_SAYS(Error, constant_pad_nd(u, {1, 1}, 300), "value 300", overflow);
  CHECK_SAYS(Error, reel::where(mask, u, 300), "value 300", overflow);
  CHECK_SAYS(Error, u.clone().fill_(reel::tensor(300)), "[fill_] value 300", overflow);
  CHECK_SAYS(Error, bytes({300}), "300", "without overflow");
  // The same for the other dtypes.
  CHECK_SAYS(Error, reel::zeros({1}, kInt32).fill_(std::int64_t{1} << 40), "type int32");
  CHECK(values(reel::ones({1}, kInt32) + (std::int64_t{1} << 40)) == Numbers{1});
  CHECK_SAYS(Error, reel::zeros({1}).fill_(1e300), "[fill_] value 1e+300", "type float32");
  CHECK(values(reel::zeros({1}) + 1e300) == Numbers{kInf});
  CHECK(values(reel::zeros({1}).fill_(kInf)) == Numbers{kInf});
  CHECK_SAYS(Error, reel::zeros({1}, kInt64).fill_(std::nan("")), "type int64");
  CHECK_SAYS(Error, reel::zeros({1}, kInt64).fill_(kInf), "type int64");
  CHECK(values(reel::zeros({1}, kBool).fill_(3)) == Numbers{1});
  // alpha
  CHECK_SAYS(DtypeError, u.add(u, 0.5), "[add] for integral tensors alpha must not be a floating");
  CHECK_SAYS(DtypeError, u.to(kInt64).sub(u, false), "[sub] a boolean alpha");
  // One number by itself.
  CHECK(Scalar(300).to<int>() == 300);
  CHECK(Scalar(-1).to<std::uint8_t>() == 255);
  CHECK(Scalar(2.9).to<int>() == 2);
  CHECK(Scalar(300).wrapped<std::uint8_t>() == 44);
  CHECK(Scalar(1e300).wrapped<float>() == std::numeric_limits<float>::infinity());
  CHECK_SAYS(Error, Scalar(300).to<std::uint8_t>(), "[Scalar] 300", "0 to 255");
  CHECK_SAYS(Error, Scalar(1e10).toInt(), "[Scalar] 1e+10", "without overflow");
  CHECK_SAYS(Error, Scalar(std::nan("")).toLong(), "[Scalar] nan");
  CHECK_SAYS(Error, reals({1e300}).item<float>(), "[Scalar] 1e+300");
  CHECK(Scalar(kInf).to<float>() == std::numeric_limits<float>::infinity());
}

TEST_CASE("semantics: comparisons in place keep the dtype and stop the gradient") {
  Tensor x = reals({1, 2, 3}).requires_grad_();
  Tensor y = x * 2;
  Tensor& same = y.ge_(4);
  CHECK(same.is_same(y));
  CHECK(y.scalar_type() == kFloat64);
  CHECK(values(y) == Numbers{0, 1, 1});
  CHECK(y.grad_fn()->name() == "GeBackward0");
  y.sum().backward();
  CHECK(values(x.grad()) == Numbers{0, 0, 0});
  CHECK_SAYS(AutogradError, x.eq_(1), "[eq_] a leaf variable that requires grad");
  CHECK_SAYS(ShapeError, reel::zeros({2}).lt_(reel::zeros({3, 2})), "[lt_]", "[2]", "[3, 2]");
  // A part of a tensor: the rest keeps its gradient.
  Tensor z = x * 2;
  z.narrow(0, 0, 2).ne_(2);
  CHECK(values(z) == Numbers{0, 1, 6});
  x.mutable_grad() = Tensor();
  z.sum().backward();
  CHECK(values(x.grad()) == Numbers{0, 0, 2});
  // So do the logical ops.
  Tensor w = x * 1;
  w.logical_not_();
  x.mutable_grad() = Tensor();
  w.sum().backward();
  CHECK(values(x.grad()) == Numbers{0, 0, 0});
}

TEST_CASE("semantics: a tensor changes its shape in place") {
  Tensor x = reel::arange(6, kFloat64).reshape({2, 3}).clone().requires_grad_();
  CHECK_SAYS(AutogradError, x.transpose_(0, 1), "[transpose_] a leaf variable");
  CHECK_SAYS(AutogradError, x[0].unsqueeze_(0), "[unsqueeze_] a view of a leaf");
  CHECK(x.sizes() == IntArrayRef({2, 3}));
  Tensor y = x * 2;
  const auto* memory = y.data_ptr();
  CHECK(y.t_().is_same(y));
  CHECK(y.sizes() == IntArrayRef({3, 2}));
  CHECK_FALSE(y.is_contiguous());
  CHECK(y.data_ptr() == memory);
  CHECK(y._version() == 1);
  CHECK(y.grad_fn()->name() == "TBackward0");
  const Tensor weight = reel::arange(6, kFloat64).reshape({3, 2});
  (y * weight).sum().backward();
  CHECK(values(x.grad()) == Numbers{0, 4, 8, 2, 6, 10});
  // A view of it that was made before shows the same memory as before.
  Tensor a = reel::arange(6).reshape({1, 2, 3}).clone();
  const Tensor row = a[0][1];
  a.squeeze_(0).transpose_(0, 1).unsqueeze_(-1);
  CHECK(a.sizes() == IntArrayRef({3, 2, 1}));
  CHECK(values(row) == Numbers{3, 4, 5});
  CHECK(values(a) == Numbers{0, 3, 1, 4, 2, 5});
  row.fill_(9);
  CHECK(values(a) == Numbers{0, 9, 1, 9, 2, 9});
  // What was saved for backward has changed.
  Tensor saved = x * 1;
  const Tensor square = saved * saved;
  saved.t_();
  CHECK_SAYS(AutogradError, square.sum().backward(), "modified");
  // A view changes alone.
  Tensor base = x * 1, view = base[1];
  view.unsqueeze_(1);
  CHECK(base.sizes() == IntArrayRef({2, 3}));
  x.mutable_grad() = Tensor();
  (view * reals({1, 2, 3}).unsqueeze(1)).sum().backward();
  CHECK(values(x.grad()) == Numbers{0, 0, 0, 1, 2, 3});
  // An expanded tensor may change its shape, though not its values.
  CHECK(reel::ones({1, 2}).expand({3, 2}).t_().sizes() == IntArrayRef({2, 3}));
  CHECK_SAYS(ShapeError, reel::zeros({2, 2, 2}).t_(), "[t]");
  CHECK_SAYS(IndexError, reel::zeros({2}).squeeze_(1), "[squeeze]");
}

TEST_CASE("semantics: memory that several positions share is not written to") {
  const Tensor x = reel::arange(7).to(kFloat64);
  for (const bool recording : {true, false}) {
    AutoGradMode mode(recording);
    CHECK_SAYS(Error, x.unfold(0, 3, 2).add_(1), "[add_]", "[3, 3]", "[2, 1]", "clone()");
    CHECK_SAYS(Error, x.as_strided({3, 2}, {1, 1}).mul_(x[0]), "[mul_]", "[3, 2]", "[1, 1]");
    CHECK_SAYS(Error, x.as_strided({2, 3}, {2, 2}).fill_(2), "[fill_]", "[2, 3]", "[2, 2]");
    CHECK_SAYS(Error, x.as_strided({2, 2, 2}, {1, 3, 2}).copy_(x[0]), "[copy_]", "[1, 3, 2]");
    CHECK_SAYS(Error, x.narrow(0, 0, 1).expand({3}).fill_(1), "[fill_]", "[3]", "[0]");
  }
  CHECK(values(x) == Numbers{0, 1, 2, 3, 4, 5, 6});
  // Windows beside each other, and positions that interlock without meeting.
  x.unfold(0, 3, 3).add_(10);
  x.as_strided({2, 2}, {3, 2}).add_(100);
  x.as_strided({3, 1, 2}, {1, 0, 3}).mul_(1);
  CHECK(values(x) == Numbers{110, 11, 112, 113, 14, 115, 6});
  CHECK(values(x.unfold(0, 3, 2).clone().add_(1)[1]) == Numbers{113, 114, 15});
}

TEST_CASE("semantics: fills and choices refuse what does not fit") {
  const Tensor x = reals({1, 2}), mask = x > 1;
  CHECK_SAYS(ShapeError, x.masked_fill(mask, x), "[masked_fill] expected a value without dim");
  CHECK_SAYS(DtypeError, x.masked_fill(x, x[0]), "[masked_fill] expected a bool mask");
  CHECK_SAYS(ShapeError, x.clone().fill_(x), "[fill_] expected a value without dimensions");
  CHECK_SAYS(DtypeError, reel::dropout(reel::ones({2}, kInt64), 0.3, true), "[dropout]");
  CHECK(mask.sign().scalar_type() == kBool);
  CHECK(x.where(mask, 0.5).scalar_type() == kFloat64);
  CHECK(reel::where(mask, reel::ones({2}, kInt64), 0.5).scalar_type() == kFloat32);
  CHECK(x.equal(reals({1, 2})));
  CHECK_FALSE(x.equal(reals({1, 3})));
  CHECK(x.allclose(reals({1, 2 + 1e-9})));
  CHECK_FALSE(x.allclose(reals({1, 2.1})));
  // An empty pair of braces is an empty list of dims, not a dtype.
  CHECK(x.sum({}).scalar_type() == kFloat64);
  CHECK(x.sum(kInt64).item<std::int64_t>() == 3);
  CHECK(reel::sum(x, std::optional<ScalarType>(kFloat32)).scalar_type() == kFloat32);
  CHECK_SAYS(DtypeError, x.mean(kInt64), "[mean]", "int64");
  CHECK_SAYS(DtypeError, reel::tensor({1, 2}).mean(), "[mean]", "int64");
}
