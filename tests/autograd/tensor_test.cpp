// Tensors as values: dtypes and promotion, creation, views, element access, conversions, errors.
#include <doctest/doctest.h>

#include <limits>
#include <memory>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {
using Numbers = std::vector<double>;
using Sizes = std::vector<std::int64_t>;

Sizes sizes_of(const Tensor& t) { return t.sizes().vec(); }
}  // namespace

TEST_CASE("tensor: what an undefined tensor says") {
  const Tensor t;
  CHECK_FALSE(t.defined());
  CHECK(error_of<Error>([&] { t.sizes(); }) != "");
  CHECK(error_of<Error>([&] { (void)t.sum(); }) != "");
  CHECK(error_of<Error>([&] { (void)(reel::zeros({2}) + t); }) != "");
}

TEST_CASE("tensor: creation") {
  const Tensor z = reel::zeros({2, 3});
  CHECK(z.scalar_type() == kFloat32);
  CHECK(sizes_of(z) == Sizes{2, 3});
  CHECK(values(z) == Numbers(6, 0.0));
  CHECK(values(reel::ones({2}, kInt64)) == Numbers{1, 1});
  CHECK(reel::ones({2}, kInt64).scalar_type() == kInt64);
  CHECK(sizes_of(reel::empty({0, 4})) == Sizes{0, 4});
  CHECK(sizes_of(reel::zeros({})) == Sizes{});
  CHECK(values(reel::full({2}, 1.5)) == Numbers{1.5, 1.5});
  CHECK(reel::full({2}, 1.5).scalar_type() == kFloat32);
  CHECK(reel::full({2}, 3).scalar_type() == kInt64);
  CHECK(reel::full({2}, true).scalar_type() == kBool);
  CHECK(reel::full({2}, 3, kFloat64).scalar_type() == kFloat64);
  CHECK(reel::scalar_tensor(2.5, kFloat64).item<double>() == 2.5);
  CHECK(reel::scalar_tensor(2.5).dim() == 0);
  CHECK(values(reel::arange(4)) == Numbers{0, 1, 2, 3});
  CHECK(reel::arange(4).scalar_type() == kInt64);
  CHECK(reel::arange(4.0).scalar_type() == kFloat32);
  CHECK(values(reel::arange(2, 5)) == Numbers{2, 3, 4});
  CHECK(values(reel::arange(5, 0, -2)) == Numbers{5, 3, 1});
  CHECK(values(reel::arange(0.0, 1.0, 0.25)) == Numbers{0, 0.25, 0.5, 0.75});
  CHECK(values(reel::arange(0)) == Numbers{});
  CHECK(error_of<Error>([] { reel::arange(0, 5, 0); }) != "");
  CHECK(error_of<Error>([] { reel::arange(0, 5, -1); }) != "");
  CHECK(values(reel::linspace(0, 1, 5)) == Numbers{0, 0.25, 0.5, 0.75, 1});
  CHECK(values(reel::linspace(3, 3, 1)) == Numbers{3});
  CHECK(values(reel::linspace(1, 2, 0)) == Numbers{});
  CHECK(values(reel::eye(2)) == Numbers{1, 0, 0, 1});
  CHECK(values(reel::eye(2, 3)) == Numbers{1, 0, 0, 0, 1, 0});
  const Tensor like = reel::zeros({2, 2}, kFloat64);
  CHECK(reel::ones_like(like).scalar_type() == kFloat64);
  CHECK(sizes_of(reel::zeros_like(like)) == Sizes{2, 2});
  CHECK(values(reel::full_like(like, 7)) == Numbers{7, 7, 7, 7});
  CHECK(sizes_of(reel::empty_like(like)) == Sizes{2, 2});
  CHECK(sizes_of(reel::rand_like(like)) == Sizes{2, 2});
  CHECK(sizes_of(reel::randn_like(like)) == Sizes{2, 2});
  CHECK(reel::zeros_like(like, kInt64).scalar_type() == kInt64);
  CHECK(error_of<Error>([] { reel::zeros({2, -1}); }) != "");
  const std::int64_t huge = std::int64_t{1} << 40;
  CHECK(error_of<Error>([&] { reel::zeros({huge, huge}); }) != "");
}

TEST_CASE("tensor: from lists, with libtorch's dtypes") {
  const Tensor f = reel::tensor({1.0, 2.5});
  CHECK(f.scalar_type() == kFloat32);
  CHECK(values(f) == Numbers{1, 2.5});
  CHECK(reel::tensor({1, 2}).scalar_type() == kInt64);
  CHECK(reel::tensor({1.f}).scalar_type() == kFloat32);
  CHECK(reel::tensor({true, false}).scalar_type() == kBool);
  CHECK(reel::tensor({1.0, 2.0}, kFloat64).scalar_type() == kFloat64);
  CHECK(reel::tensor({1, 2}, kFloat32).scalar_type() == kFloat32);
  CHECK(reel::tensor(3).dim() == 0);
  CHECK(reel::tensor(3).scalar_type() == kInt64);
  CHECK(reel::tensor(2.5).item<double>() == 2.5);
  const Tensor nested = reel::tensor({{1, 2, 3}, {4, 5, 6}});
  CHECK(sizes_of(nested) == Sizes{2, 3});
  CHECK(values(nested) == Numbers{1, 2, 3, 4, 5, 6});
  CHECK(sizes_of(reel::tensor({{{1.0}, {2.0}}})) == Sizes{1, 2, 1});
  CHECK(values(reel::tensor(std::vector<std::int64_t>{4, 5})) == Numbers{4, 5});
  CHECK(values(reel::tensor(std::vector<float>{4.5f})) == Numbers{4.5});
  CHECK(reel::tensor({1.0}, reel::dtype(kFloat64).requires_grad(true)).requires_grad());
  CHECK(error_of<Error>([] { reel::tensor({{1, 2}, {3}}); }) != "");
}

TEST_CASE("tensor: from_blob shares the caller's memory") {
  std::vector<float> data{1, 2, 3, 4, 5, 6};
  const Tensor t = reel::from_blob(data.data(), {2, 3});
  CHECK(t.data_ptr<float>() == data.data());
  data[1] = 20;
  CHECK(t[0][1].item<float>() == 20);
  t.mul_(2);
  CHECK(data[5] == 12);
  const Tensor copy = t.clone();
  data[0] = 99;
  CHECK(copy[0][0].item<float>() == 2);
  std::vector<std::int64_t> longs{7, 8};
  CHECK(values(reel::from_blob(longs.data(), {2}, kInt64)) == Numbers{7, 8});
  // With strides, and with a deleter that runs when the last view dies.
  const Tensor columns = reel::from_blob(data.data(), {3, 2}, {1, 3});
  CHECK(values(columns) == values(t.t()));
  int freed = 0;
  {
    auto* owned = new float[2]{1, 2};
    Tensor view;
    {
      const Tensor whole = reel::from_blob(owned, {2}, [&freed](void* p) {
        delete[] static_cast<float*>(p);
        ++freed;
      });
      view = whole[1];
    }
    CHECK(freed == 0);
    CHECK(view.item<float>() == 2);
  }
  CHECK(freed == 1);
}

TEST_CASE("tensor: dtypes of results follow PyTorch's promotion") {
  const Tensor b = reel::tensor({true, false}), u8 = reel::ones({2}, kUInt8),
               i32 = reel::ones({2}, kInt32), i64 = reel::ones({2}, kInt64),
               f32 = reel::ones({2}, kFloat32), f64 = reel::ones({2}, kFloat64);
  const auto zero_dim = [](ScalarType t) { return reel::ones({}, t); };
  const auto is = [](const Tensor& t, ScalarType want) { return t.scalar_type() == want; };
  CHECK(is(b + u8, kUInt8));
  CHECK(is(u8 + i32, kInt32));
  CHECK(is(i32 + i64, kInt64));
  CHECK(is(i64 + f32, kFloat32));
  CHECK(is(f32 + f64, kFloat64));
  CHECK(is(b + b, kBool));
  CHECK(is(b * b, kBool));
  // Numbers and zero-dim tensors do not widen within their kind.
  CHECK(is(f32 * 2.5, kFloat32));
  CHECK(is(i64 * 2.5, kFloat32));
  CHECK(is(i64 * 2, kInt64));
  CHECK(is(u8 + 300, kUInt8));
  CHECK(is(b + 1, kInt64));
  CHECK(is(b * 1.5, kFloat32));
  CHECK(is(f32 + zero_dim(kFloat64), kFloat32));
  CHECK(is(i32 + zero_dim(kFloat64), kFloat64));
  CHECK(is(u8 + zero_dim(kInt64), kUInt8));
  CHECK(is(zero_dim(kFloat32) + zero_dim(kFloat64), kFloat64));
  CHECK(is(f32.masked_fill(b, -1e9), kFloat32));
  // Division and the transcendental functions leave the integers.
  CHECK(is(i64 / i64, kFloat32));
  CHECK(is(u8 / 2, kFloat32));
  CHECK(values(reel::tensor({3, 5}) / 2) == Numbers{1.5, 2.5});
  CHECK(is(i64.exp(), kFloat32));
  CHECK(is(b.sigmoid(), kFloat32));
  CHECK(is(i32.sum(), kInt64));
  CHECK(is(b.sum(), kInt64));
  CHECK(is(i64 > 0, kBool));
  CHECK(is(f32.argmax(), kInt64));
  CHECK(error_of<DtypeError>([&] { (void)i64.mean(); }) != "");
  CHECK(promote_types(kInt64, kFloat32) == kFloat32);
  CHECK(promote_types(kBool, kUInt8) == kUInt8);
  // Wraps around like C++.
  CHECK(values(reel::full({1}, 250, kUInt8) + 10) == Numbers{4});
}

TEST_CASE("tensor: comparing whole tensors") {
  const Tensor a = reel::tensor({1.0, 2.0, 3.0});
  CHECK(reel::equal(a, a.clone()));
  CHECK_FALSE(reel::equal(a, a + 1e-6));
  CHECK_FALSE(reel::equal(a, a.unsqueeze(0)));
  CHECK(reel::equal(reel::zeros({0}), reel::zeros({0})));
  CHECK(reel::allclose(a, a + 1e-6));
  CHECK_FALSE(reel::allclose(a, a + 1e-3));
  CHECK(reel::allclose(a, a + 0.05, 0.0, 0.1));
  CHECK(reel::allclose(a * 1000, a * 1001, 0.01, 0.0));
  const Tensor nan = a.masked_fill(a > 1, std::numeric_limits<double>::quiet_NaN());
  CHECK_FALSE(reel::equal(nan, nan));
  CHECK_FALSE(reel::allclose(nan, nan));
  CHECK(reel::allclose(nan, nan, 1e-5, 1e-8, true));
  CHECK(reel::result_type(a, reel::tensor(1.0, kFloat64)) == kFloat32);
  CHECK(reel::result_type(reel::tensor({1, 2}), Scalar(0.5)) == kFloat32);
}

TEST_CASE("tensor: the sum of squares is taken in double") {
  CHECK(reel::sum_of_squares(reel::tensor({3.0, -4.0})) == 25);
  CHECK(reel::sum_of_squares(reel::full({1000, 1000}, 1e-3)) == doctest::Approx(1).epsilon(1e-6));
  CHECK(reel::sum_of_squares(reel::arange(6, kFloat64).reshape({2, 3}).t()) == 55);
  CHECK(reel::sum_of_squares(reel::zeros({0})) == 0);
}

TEST_CASE("tensor: softmax in a dtype of its own") {
  const Tensor x = reel::tensor({1, 2, 3});
  CHECK(reel::softmax(x, 0, kFloat64).scalar_type() == kFloat64);
  CHECK(difference(reel::softmax(x, 0, kFloat64), x.to(kFloat64).softmax(0)) == 0);
  CHECK(difference(reel::log_softmax(x, 0, kFloat32), x.to(kFloat32).log_softmax(0)) == 0);
}

TEST_CASE("tensor: the default dtype") {
  CHECK(get_default_dtype() == kFloat32);
  set_default_dtype(kFloat64);
  CHECK(reel::zeros({1}).scalar_type() == kFloat64);
  CHECK(reel::tensor({1.0}).scalar_type() == kFloat64);
  CHECK((reel::ones({1}, kInt64) / 2).scalar_type() == kFloat64);
  set_default_dtype(kFloat32);
  CHECK(reel::zeros({1}).scalar_type() == kFloat32);
  CHECK(error_of<DtypeError>([] { set_default_dtype(kInt64); }) != "");
}

TEST_CASE("tensor: views share memory, copies do not") {
  const Tensor t = reel::arange(24, kFloat32).reshape({2, 3, 4}).clone();
  const auto shares = [&](const Tensor& v) {
    const float before = v.reshape({-1})[0].item<float>();
    t.add_(1);
    const bool moved = v.reshape({-1})[0].item<float>() == before + 1;
    t.sub_(1);
    return moved;
  };
  for (const Tensor& v :
       {t.view({6, 4}), t.reshape({24}), t.transpose(0, 2), t.permute({1, 2, 0}), t.select(1, 2),
        t.slice(2, 1, 4, 2), t.narrow(1, 1, 2), t.unsqueeze(0), t.unsqueeze(0).squeeze(0),
        t.flatten(1), t[1], t[0].expand({5, 3, 4}), t.chunk(2, 2)[1], t.split(1, 0)[1],
        t.unbind(1)[2], t.detach(), t.as_strided({2, 2}, {1, 5}, 3), t[0].t()})
    CHECK(shares(v));
  for (const Tensor& c : {t.clone(), t + 0, t.transpose(0, 1).reshape({-1}), t.to(kFloat64),
                          t.transpose(0, 2).contiguous(), reel::cat({t}, 0)})
    CHECK_FALSE(shares(c));
  CHECK(t.contiguous().data_ptr() == t.data_ptr());
  CHECK(t.to(kFloat32).data_ptr() == t.data_ptr());
  CHECK(t.to(kFloat32, false, true).data_ptr() != t.data_ptr());
}

TEST_CASE("tensor: sizes, strides and contiguity") {
  const Tensor t = reel::zeros({2, 3, 4});
  CHECK(t.dim() == 3);
  CHECK(t.numel() == 24);
  CHECK(t.size(-1) == 4);
  CHECK(t.strides().vec() == Sizes{12, 4, 1});
  CHECK(t.nbytes() == 96);
  CHECK(t.is_contiguous());
  const Tensor v = t.transpose(1, 2);
  CHECK(v.strides().vec() == Sizes{12, 1, 4});
  CHECK_FALSE(v.is_contiguous());
  CHECK(t[1].storage_offset() == 12);
  CHECK(t[1].is_contiguous());
  CHECK(t.slice(0, 0, 1).is_contiguous());
  CHECK_FALSE(t.slice(1, 0, 1).is_contiguous());
  CHECK(t.narrow(0, 1, 1).select(0, 0).select(1, 2).storage_offset() == 14);
  CHECK(t.expand({5, 2, 3, 4}).stride(0) == 0);
  CHECK(reel::zeros({1, 3}).transpose(0, 1).is_contiguous());
  CHECK(reel::zeros({0, 3}).is_contiguous());
  CHECK(error_of<IndexError>([&] { t.size(3); }) != "");
  CHECK(error_of<IndexError>([&] { t.stride(-4); }) != "");
}

TEST_CASE("tensor: more dimensions than fit inline") {
  const Tensor t = reel::arange(256).reshape({2, 2, 2, 2, 2, 2, 2, 2});
  CHECK(t.dim() == 8);
  const Tensor v = t.permute({7, 6, 5, 4, 3, 2, 1, 0});
  CHECK(v[0][1][0][0][0][0][0][1].item<std::int64_t>() == 128 + 2);
  CHECK(values(v.permute({7, 6, 5, 4, 3, 2, 1, 0})) == values(t));
  CHECK((v + t).sum().item<std::int64_t>() == 2 * 255 * 128);
}

TEST_CASE("tensor: reading elements") {
  const Tensor t = reel::tensor({{1.5, 2.5}, {3.5, 4.5}});
  CHECK(t[1][0].item<float>() == 3.5f);
  CHECK(t[1][0].item<double>() == 3.5);
  CHECK(t[1][0].item<int>() == 3);
  CHECK(t[1][0].item().toDouble() == 3.5);
  CHECK(reel::tensor(7).item().toLong() == 7);
  CHECK(reel::tensor(true).item<bool>());
  const std::string text = error_of<ShapeError>([&] { t.item<float>(); });
  CHECK(mentions(text, {"[2, 2]"}));
  const auto view = t.t();
  const auto a = view.accessor<float, 2>();
  CHECK(a[0][1] == 3.5f);
  CHECK(a.size(1) == 2);
  a[0][1] = 9;
  CHECK(t[1][0].item<float>() == 9);
  CHECK(error_of<ShapeError>([&] { (void)t.accessor<float, 1>(); }) != "");
  CHECK(error_of<DtypeError>([&] { (void)t.accessor<double, 2>(); }) != "");
  CHECK(error_of<DtypeError>([&] { (void)t.data_ptr<std::int64_t>(); }) != "");
  CHECK(t.data_ptr<float>() == t.data_ptr());
}

TEST_CASE("tensor: conversions between dtypes") {
  const Tensor f = reel::tensor({-1.7, 0.0, 2.9, 300.2});
  CHECK(values(f.to(kInt64)) == Numbers{-1, 0, 2, 300});
  CHECK(values(f.to(kInt32)) == Numbers{-1, 0, 2, 300});
  CHECK(values(f.to(kBool)) == Numbers{1, 0, 1, 1});
  CHECK(values(reel::tensor({1.0, 0.0}).to(kUInt8)) == Numbers{1, 0});
  CHECK(values(reel::tensor({true, false}).to(kFloat64)) == Numbers{1, 0});
  const std::int64_t big = (std::int64_t{1} << 62) + 1;
  CHECK(reel::full({1}, big).to(kInt64).item<std::int64_t>() == big);
  CHECK((reel::full({1}, big) + 1).item<std::int64_t>() == big + 1);
  CHECK(f.to(reel::dtype(kFloat64)).scalar_type() == kFloat64);
  CHECK(f.type_as(reel::zeros({1}, kInt32)).scalar_type() == kInt32);
  CHECK(values(f.reshape({2, 2}).t().to(kInt64)) == Numbers{-1, 2, 0, 300});
  CHECK(f.to(reel::kCPU).data_ptr() == f.data_ptr());
  const std::string text = error_of<Error>([&] { (void)f.to(reel::Device("cuda")); });
  CHECK(mentions(text, {"cuda"}));
}

TEST_CASE("tensor: writing into tensors") {
  const Tensor t = reel::zeros({2, 3});
  t[0].fill_(1);
  t.select(1, 2).copy_(reel::tensor({5, 6}));
  CHECK(values(t) == Numbers{1, 1, 5, 0, 0, 6});
  t.slice(1, 0, 3, 2).mul_(10);
  CHECK(values(t) == Numbers{10, 1, 50, 0, 0, 60});
  t.copy_(reel::tensor({7.0, 8.0, 9.0}));
  CHECK(values(t) == Numbers{7, 8, 9, 7, 8, 9});
  t.t().copy_(reel::arange(6).reshape({3, 2}));
  CHECK(values(t) == Numbers{0, 2, 4, 1, 3, 5});
  t.zero_();
  CHECK(values(t) == Numbers(6, 0.0));
  const std::string text = error_of<ShapeError>([&] { t.copy_(reel::zeros({4})); });
  CHECK(mentions(text, {"4", "2, 3"}));
  // Source and destination overlap.
  const Tensor line = reel::arange(5);
  line.slice(0, 1, 5).copy_(line.slice(0, 0, 4).clone());
  CHECK(values(line) == Numbers{0, 0, 1, 2, 3});
  const Tensor square = reel::arange(4).reshape({2, 2}).clone();
  square.add_(square.t());
  CHECK(values(square) == Numbers{0, 3, 3, 6});
}

TEST_CASE("tensor: in-place arithmetic equals the arithmetic that makes a new tensor") {
  const Tensor x = reel::tensor({{1.0, -2.0}, {3.0, 4.0}}), y = reel::tensor({2.0, 5.0});
  CHECK(values(x.clone().add_(y, 2)) == values(x + y * 2));
  CHECK(values(x.clone().sub_(y)) == values(x - y));
  CHECK(values(x.clone().mul_(y)) == values(x * y));
  CHECK(values(x.clone().div_(y)) == values(x / y));
  CHECK(values(x.clone().add_(1.5, 2)) == values(x + 3));
  CHECK(values(x.clone().masked_fill_(x > 2, 0)) == Numbers{1, -2, 0, 0});
  Tensor z = x.clone();
  Tensor& same = z.add_(1).mul_(2);
  CHECK(same.is_same(z));
  CHECK(values(z) == values((x + 1) * 2));
}

TEST_CASE("tensor: operators with numbers on either side") {
  const Tensor x = reel::tensor({1.0, 2.0, 4.0});
  CHECK(values(1 - x) == Numbers{0, -1, -3});
  CHECK(values(2 / x) == Numbers{2, 1, 0.5});
  CHECK(values(3 * x) == Numbers{3, 6, 12});
  CHECK(values(1.5 + x) == Numbers{2.5, 3.5, 5.5});
  CHECK(values(-x) == Numbers{-1, -2, -4});
  CHECK(values(x > 1) == Numbers{0, 1, 1});
  CHECK(values(x <= reel::tensor({1.0, 1.0, 4.0})) == Numbers{1, 0, 1});
  CHECK(values(x == 2) == Numbers{0, 1, 0});
  CHECK(values(x != 2) == Numbers{1, 0, 1});
  CHECK((x == x).scalar_type() == kBool);
}

TEST_CASE("tensor: indexing with libtorch's indices") {
  using indexing::Ellipsis;
  using indexing::None;
  using indexing::Slice;
  const Tensor t = reel::arange(24).reshape({2, 3, 4}).clone();
  CHECK(values(t.index({1, 2, 3})) == Numbers{23});
  CHECK(values(t.index({1})) == values(t[1]));
  CHECK(values(t.index({Slice(), 1})) == values(t.select(1, 1)));
  CHECK(values(t.index({Ellipsis, 0})) == values(t.select(2, 0)));
  CHECK(values(t.index({0, Slice(1, None), Slice(None, None, 2)})) == Numbers{4, 6, 8, 10});
  CHECK(values(t.index({0, Slice(None, -1), -1})) == Numbers{3, 7});
  CHECK(sizes_of(t.index({None, 0, Ellipsis, None})) == Sizes{1, 3, 4, 1});
  CHECK(values(t.index({reel::tensor({1, 0, 1})})) == values(reel::stack({t[1], t[0], t[1]})));
  CHECK(values(t.index({t > 20})) == Numbers{21, 22, 23});
  CHECK(t.index({0, Slice(0, 2)}).data_ptr() == t.data_ptr());
  t.index_put_({0, Slice(), 0}, 100);
  CHECK(values(t.select(2, 0)) == Numbers{100, 100, 100, 12, 16, 20});
  t.index_put_({1, 0}, reel::tensor({-1, -2, -3, -4}));
  CHECK(values(t[1][0]) == Numbers{-1, -2, -3, -4});
  t.index_put_({t < 0}, 0);
  CHECK(values(t[1][0]) == Numbers{0, 0, 0, 0});
  t.index_put_({reel::tensor({1, 0}), 2}, reel::tensor({{1, 2, 3, 4}, {5, 6, 7, 8}}));
  CHECK(values(t[1][2]) == Numbers{1, 2, 3, 4});
  CHECK(values(t[0][2]) == Numbers{5, 6, 7, 8});
  t.index_put_({Ellipsis, -1}, 7);
  CHECK(values(t.select(2, 3)) == Numbers(6, 7.0));
  CHECK(error_of<IndexError>([&] { (void)t.index({2}); }) != "");
  CHECK(error_of<IndexError>([&] { (void)t.index({0, 0, 0, 0}); }) != "");
  CHECK(error_of<IndexError>([&] { (void)t.index({reel::tensor({5})}); }) != "");
}

TEST_CASE("tensor: errors name the op, what was found and what fits") {
  const Tensor a = reel::zeros({2, 3}), b = reel::zeros({4, 5});
  const auto text = [](const std::function<void()>& run) { return error_of<Error>(run); };
  CHECK(mentions(text([&] { (void)(a + b); }), {"add", "[2, 3]", "[4, 5]"}));
  CHECK(mentions(text([&] { (void)reel::matmul(a, b); }), {"matmul", "[2, 3]", "[4, 5]"}));
  CHECK(mentions(text([&] { (void)reel::matmul(a, reel::zeros({})); }), {"matmul"}));
  CHECK(mentions(text([&] {
                   (void)reel::matmul(a, reel::zeros({3, 2}, kFloat64));
                 }),
                 {"float32", "float64"}));
  CHECK(mentions(text([&] { (void)reel::mm(a, reel::zeros({3})); }), {"mm"}));
  CHECK(mentions(text([&] { (void)reel::linear(a, b); }), {"linear", "[2, 3]", "[4, 5]"}));
  CHECK(mentions(text([&] {
                   (void)reel::linear(a, reel::zeros({5, 3}), reel::zeros({4}));
                 }),
                 {"linear", "[4]"}));
  CHECK(mentions(text([&] { (void)a.view({4, 2}); }), {"view", "[4, 2]", "[2, 3]"}));
  CHECK(mentions(text([&] { (void)a.view({-1, -1}); }), {"view"}));
  CHECK(mentions(text([&] { (void)a.view({-1, 4}); }), {"view"}));
  CHECK(mentions(text([&] { (void)a.t().view({6}); }), {"view", "reshape"}));
  CHECK(mentions(text([&] { (void)a.reshape({5}); }), {"reshape", "[5]", "[2, 3]"}));
  CHECK(mentions(text([&] { (void)a.transpose(0, 2); }), {"transpose", "2"}));
  CHECK(mentions(text([&] { (void)a.permute({0}); }), {"permute"}));
  CHECK(mentions(text([&] { (void)a.permute({0, 0}); }), {"permute"}));
  CHECK(mentions(text([&] { (void)a.select(0, 2); }), {"select", "2"}));
  CHECK(mentions(text([&] { (void)a[-3]; }), {"select", "-3"}));
  CHECK(mentions(text([&] { (void)reel::zeros({})[0]; }), {"select"}));
  CHECK(mentions(text([&] { (void)a.slice(0, 0, 2, 0); }), {"slice", "0"}));
  CHECK(mentions(text([&] { (void)a.narrow(1, 2, 2); }), {"narrow", "3"}));
  CHECK(mentions(text([&] { (void)a.expand({4, 3}); }), {"expand", "[2, 3]", "[4, 3]"}));
  CHECK(mentions(text([&] { (void)a.expand({3}); }), {"expand"}));
  CHECK(mentions(text([&] { (void)a.chunk(0); }), {"chunk", "0"}));
  CHECK(mentions(text([&] { (void)a.split(0); }), {"split"}));
  CHECK(mentions(text([&] { (void)reel::cat(std::vector<Tensor>{}); }), {"cat"}));
  CHECK(mentions(text([&] { (void)reel::cat({a, b}); }), {"cat", "[4, 5]", "[2, 3]"}));
  CHECK(mentions(text([&] { (void)reel::stack({a, b}); }), {"stack", "[2, 3]", "[4, 5]"}));
  CHECK(mentions(text([&] { (void)a.sum({2}); }), {"sum", "2"}));
  CHECK(mentions(text([&] { (void)a.sum({0, 0}); }), {"sum"}));
  CHECK(mentions(text([&] { (void)reel::zeros({0}).max(); }), {"max"}));
  CHECK(mentions(text([&] { (void)reel::zeros({0}).argmax(); }), {"argmax"}));
  CHECK(mentions(text([&] { (void)a.softmax(2); }), {"softmax", "2"}));
  CHECK(mentions(text([&] { (void)a.masked_fill(a, 0); }), {"masked_fill"}));
  CHECK(mentions(text([&] { (void)(-reel::tensor({true})); }), {"neg"}));
  CHECK(mentions(text([&] { (void)a.t().t().unsqueeze(0).t(); }), {"t"}));
  const Tensor weight = reel::zeros({4, 2});
  CHECK(mentions(text([&] {
                   (void)reel::embedding(weight, reel::tensor({1, 4}));
                 }),
                 {"embedding", "4"}));
  CHECK(mentions(text([&] { (void)reel::embedding(weight, reel::tensor({-1})); }),
                 {"embedding", "-1"}));
  CHECK(mentions(text([&] { (void)reel::embedding(weight, reel::tensor({1.0})); }), {"embedding"}));
  CHECK(mentions(text([&] { (void)reel::cross_entropy_loss(a, reel::tensor({0, 3})); }), {"3"}));
  CHECK(mentions(text([&] { (void)reel::cross_entropy_loss(a, reel::tensor({0, -1})); }), {"-1"}));
  CHECK(mentions(text([&] {
                   (void)reel::cross_entropy_loss(a, reel::tensor({0, 1, 2}));
                 }),
                 {"[3]"}));
  CHECK(mentions(text([&] { (void)reel::nll_loss(a, reel::tensor({0, 5})); }), {"nll_loss", "5"}));
  CHECK(mentions(text([&] {
                   (void)reel::nll_loss(a, reel::tensor({0, 1}), reel::zeros({2}));
                 }),
                 {"nll_loss", "[2]"}));
  CHECK(mentions(text([&] { (void)reel::mse_loss(a, b); }), {"[2, 3]", "[4, 5]"}));
  CHECK(mentions(text([&] { (void)reel::index_select(a, 0, reel::tensor({2})); }),
                 {"index_select", "2"}));
  CHECK(mentions(text([&] { (void)reel::dropout(a, 1.5, true); }), {"dropout", "1.5"}));
  CHECK(mentions(text([&] { (void)reel::zeros({2}).multinomial(1); }), {"multinomial"}));
  CHECK(mentions(text([&] { (void)reel::tensor({1.0, -1.0}).multinomial(1); }), {"multinomial"}));
  CHECK(mentions(text([&] { (void)reel::tensor({1.0, 1.0}).multinomial(3); }), {"multinomial"}));
  CHECK(mentions(text([&] { (void)reel::randint(5, 5, {2}); }), {"randint"}));
}
