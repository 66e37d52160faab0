// Linear, Embedding, Dropout, activations and their functions.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "nn/activation.hpp"
#include "nn/dropout.hpp"
#include "nn/embedding.hpp"
#include "nn/functional.hpp"
#include "nn/linear.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
namespace F = reel::nn::functional;

namespace {

using Values = std::vector<double>;

double largest(const Tensor& t) {
  double most = 0;
  for (const double v : values(t)) most = std::max(most, std::abs(v));
  return most;
}

}  // namespace

TEST_CASE("linear: computes x W^T + b") {
  nn::Linear linear(3, 2);
  linear->load_state_dict({{"weight", reel::tensor({1.f, 2.f, 3.f, -1.f, 0.f, 4.f}).view({2, 3})},
                           {"bias", reel::tensor({10.f, 20.f})}});
  const Tensor x = reel::tensor({1.f, 1.f, 1.f, 0.f, 2.f, -1.f}).view({2, 3});
  CHECK(values(linear(x)) == Values{16, 23, 11, 16});
  CHECK(values(linear(x[0])) == Values{16, 23});
  CHECK(linear(reel::zeros({4, 5, 3})).sizes() == IntArrayRef({4, 5, 2}));
  nn::Linear bare(nn::LinearOptions(3, 2).bias(false));
  CHECK_FALSE(bare->bias.defined());
  CHECK(bare->parameters().size() == 1);
  CHECK(bare->state_dict().keys() == std::vector<std::string>{"weight"});
  bare->load_state_dict({{"weight", linear->weight}});
  CHECK(values(bare(x)) == Values{6, 3, 1, -4});
  CHECK(error_of<ShapeError>([&] { linear(reel::zeros({2, 4})); }) != "");
}

TEST_CASE("linear: starts as PyTorch's, U(-1/sqrt(in), 1/sqrt(in))") {
  reel::manual_seed(1);
  nn::Linear linear(64, 500);
  const double bound = 1.0 / 8.0;
  CHECK(largest(linear->weight) <= bound);
  CHECK(largest(linear->weight) > 0.999 * bound);
  CHECK(largest(linear->bias) <= bound);
  CHECK(linear->bias.max().item<double>() > 0.97 * bound);
  CHECK(linear->bias.min().item<double>() < -0.97 * bound);
  double sum = 0, square = 0;
  for (const double v : values(linear->weight)) {
    sum += v;
    square += v * v;
  }
  const double n = 64 * 500;
  CHECK(std::abs(sum / n) < 5 * bound / std::sqrt(3 * n));
  CHECK(square / n == doctest::Approx(bound * bound / 3).epsilon(0.02));
  nn::Linear none(0, 2);
  CHECK(values(none->bias) == Values{0, 0});
  CHECK(nn::Linear(2, 0)->weight.sizes() == IntArrayRef({0, 2}));
  CHECK(mentions(error_of<ShapeError>([] { nn::Linear(-1, 2); }), {"[Linear]", "-1 and 2"}));
}

TEST_CASE("identity and flatten") {
  const Tensor x = reel::arange(24).view({2, 3, 4});
  CHECK(nn::Identity()(x).is_same(x));
  CHECK(nn::Flatten()(x).sizes() == IntArrayRef({2, 12}));
  CHECK(nn::Flatten(nn::FlattenOptions().start_dim(0).end_dim(1))(x).sizes() ==
        IntArrayRef({6, 4}));
}

TEST_CASE("embedding: looks rows up and trains them, the padding row excepted") {
  reel::manual_seed(2);
  nn::Embedding table(nn::EmbeddingOptions(5, 3).padding_idx(-4));
  CHECK(table->options.padding_idx() == 1);
  CHECK(values(table->weight[1]) == Values{0, 0, 0});
  CHECK(largest(table->weight[0]) > 0);
  const Tensor indices = reel::tensor({4, 1, 4, 0}, kInt64).view({2, 2});
  const Tensor y = table(indices);
  CHECK(y.sizes() == IntArrayRef({2, 2, 3}));
  CHECK(difference(y[0][0], table->weight[4]) == 0);
  CHECK(difference(y[1][1], table->weight[0]) == 0);
  y.sum().backward();
  CHECK(values(table->weight.grad().select(1, 0)) == Values{1, 0, 0, 0, 2});
  CHECK(error_of<IndexError>([&] { table(reel::tensor({5}, kInt64)); }) != "");
}

TEST_CASE("embedding: starts as N(0, 1)") {
  reel::manual_seed(3);
  const auto v = values(nn::Embedding(200, 200)->weight);
  double sum = 0, square = 0;
  for (const double x : v) {
    sum += x;
    square += x * x;
  }
  const auto n = static_cast<double>(v.size());
  CHECK(std::abs(sum / n) < 5 / std::sqrt(n));
  CHECK(square / n == doctest::Approx(1).epsilon(0.04));
}

TEST_CASE("embedding: from_pretrained takes the rows, frozen or not") {
  const Tensor rows = reel::arange(6, kFloat32).view({3, 2});
  auto frozen = nn::Embedding::from_pretrained(rows);
  CHECK_FALSE(frozen->weight.requires_grad());
  CHECK(values(frozen(reel::tensor({2}, kInt64))) == Values{4, 5});
  auto free = nn::Embedding::from_pretrained(
      rows, nn::EmbeddingFromPretrainedOptions().freeze(false).padding_idx(0));
  CHECK(free->weight.requires_grad());
  CHECK(values(free->weight) == values(rows));
  const auto copy = std::dynamic_pointer_cast<nn::EmbeddingImpl>(frozen->clone());
  copy->weight.fill_(0);
  CHECK(values(frozen->weight) == Values{0, 1, 2, 3, 4, 5});
  CHECK(mentions(error_of<ShapeError>([] { nn::Embedding::from_pretrained(reel::ones({3})); }),
                 {"[Embedding::from_pretrained]", "2-D", "[3]"}));
  CHECK(mentions(
      error_of<ShapeError>([&] { nn::Embedding(nn::EmbeddingOptions(2, 3)._weight(rows)); }),
      {"[Embedding] _weight must have shape [2, 3]", "[3, 2]"}));
}

TEST_CASE("embedding: max_norm scales the rows that are looked up") {
  const Tensor rows = reel::tensor({3.f, 4.f, 30.f, 40.f, 0.3f, -0.4f}).view({3, 2});
  const auto max_norm = [&](double most, double order) {
    auto table = nn::Embedding::from_pretrained(
        rows.clone(), nn::EmbeddingFromPretrainedOptions().max_norm(most).norm_type(order));
    const Tensor out = table(reel::tensor({0, 2, 0}, kInt64));
    CHECK(difference(out[0], table->weight[0]) == 0);
    CHECK(values(table->weight[1]) == Values{30, 40});  // not looked up
    CHECK(difference(table->weight[2], rows[2]) == 0);  // small enough
    return values(table->weight[0]);
  };
  const auto two = max_norm(1, 2);
  CHECK(two[0] == doctest::Approx(0.6).epsilon(1e-6));
  CHECK(two[1] == doctest::Approx(0.8).epsilon(1e-6));
  CHECK(max_norm(2, 1)[0] == doctest::Approx(6.0 / 7).epsilon(1e-6));
  CHECK(max_norm(2, std::numeric_limits<double>::infinity())[0] ==
        doctest::Approx(1.5).epsilon(1e-6));
  const Tensor kept = rows.clone();
  const auto options = F::EmbeddingFuncOptions().max_norm(1);
  const Tensor narrow = F::embedding(reel::tensor({2, 0}, kInt32), rows.clone(), options);
  CHECK(difference(narrow[1], reel::tensor({0.6f, 0.8f})) < 1e-6);
  CHECK(mentions(error_of<DtypeError>([&] {
                   F::embedding(reel::tensor({0.f, 1.f}), kept, options);
                 }),
                 {"[embedding] expected indices of int64", "float32"}));
  CHECK(difference(kept, rows) == 0);
  CHECK(mentions(error_of<IndexError>([&] {
                   F::embedding(reel::tensor({0, 3}, kInt64), kept, options);
                 }),
                 {"[embedding] indices must be within [0, 3)", "at most 3"}));
  CHECK(mentions(error_of<IndexError>([&] {
                   F::embedding(reel::tensor({-1, 0}, kInt64), kept, options);
                 }),
                 {"[embedding] indices must be within [0, 3)", "at least -1"}));
  CHECK(difference(kept, rows) == 0);
  CHECK(mentions(error_of<Error>([&] {
                   F::embedding(reel::tensor({0}, kInt64), kept,
                                F::EmbeddingFuncOptions().max_norm(-1));
                 }),
                 {"[embedding] max_norm must not be negative", "-1"}));
}

TEST_CASE("embedding: refuses what it does not do and what is out of range") {
  CHECK(mentions(
      error_of<Error>([] { nn::Embedding(nn::EmbeddingOptions(2, 2).scale_grad_by_freq(true)); }),
      {"[Embedding] scale_grad_by_freq is not supported"}));
  CHECK(mentions(error_of<Error>([] { nn::Embedding(nn::EmbeddingOptions(2, 2).sparse(true)); }),
                 {"[Embedding] sparse gradients are not supported"}));
  CHECK(mentions(
      error_of<IndexError>([] { nn::Embedding(nn::EmbeddingOptions(2, 2).padding_idx(2)); }),
      {"[Embedding] padding_idx must be within [-2, 2)", "found 2"}));
  CHECK(mentions(error_of<ShapeError>([] { nn::Embedding(-2, 2); }), {"[Embedding]", "-2 and 2"}));
  const Tensor weight = reel::ones({2, 2}), index = reel::zeros({1}, kInt64);
  CHECK(mentions(error_of<Error>([&] {
                   F::embedding(index, weight, F::EmbeddingFuncOptions().scale_grad_by_freq(true));
                 }),
                 {"[embedding] scale_grad_by_freq is not supported"}));
  CHECK(mentions(
      error_of<Error>([&] { F::embedding(index, weight, F::EmbeddingFuncOptions().sparse(true)); }),
      {"[embedding] sparse gradients are not supported"}));
  CHECK(mentions(error_of<IndexError>([&] {
                   F::embedding(index, weight, F::EmbeddingFuncOptions().padding_idx(-3));
                 }),
                 {"[embedding] padding_idx must be within [-2, 2)", "found -3"}));
}

TEST_CASE("one_hot") {
  const Tensor classes = reel::tensor({0, 2, 1, 0}, kInt64).view({2, 2});
  const Tensor hot = F::one_hot(classes);
  CHECK(hot.sizes() == IntArrayRef({2, 2, 3}));
  CHECK(hot.scalar_type() == kInt64);
  CHECK(values(hot) == Values{1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0});
  CHECK(values(F::one_hot(classes.t(), 4)[0][1]) == Values{0, 1, 0, 0});
  CHECK(F::one_hot(reel::zeros({0}, kInt64), 3).sizes() == IntArrayRef({0, 3}));
  CHECK(mentions(error_of<IndexError>([&] { F::one_hot(classes, 2); }),
                 {"[one_hot]", "[0, 2)", "found 2"}));
  CHECK(mentions(error_of<IndexError>([&] { F::one_hot(reel::tensor({-1}, kInt64), 2); }),
                 {"[one_hot]", "found -1"}));
  CHECK(mentions(error_of<DtypeError>([] { F::one_hot(reel::ones({2})); }),
                 {"[one_hot]", "int64", "float32"}));
  CHECK(mentions(error_of<Error>([] { F::one_hot(reel::zeros({0}, kInt64)); }),
                 {"[one_hot]", "pass num_classes"}));
  CHECK(mentions(error_of<Error>([&] { F::one_hot(classes, -2); }), {"[one_hot]", "found -2"}));
}

TEST_CASE("dropout: zeroes a share and scales the rest in training, does nothing in eval") {
  reel::manual_seed(4);
  nn::Dropout dropout(0.25);
  const Tensor x = reel::ones({100, 100});
  const auto y = values(dropout(x));
  const auto zeros = std::count(y.begin(), y.end(), 0.0);
  CHECK(std::abs(static_cast<double>(zeros) / 10000 - 0.25) < 0.03);
  for (const double v : y) CHECK_UNARY(v == 0.0 || std::abs(v - 4.0 / 3) < 1e-6);
  CHECK(largest(x) == 1.0);
  dropout->eval();
  CHECK(difference(dropout(x), x) == 0);
  CHECK(largest(nn::Dropout(1.0)(x)) == 0.0);
  CHECK(difference(nn::Dropout(0.0)(x), x) == 0);
  CHECK(difference(F::dropout(x, F::DropoutFuncOptions().training(false)), x) == 0);
}

TEST_CASE("dropout: in place overwrites the input and passes the right gradient") {
  reel::manual_seed(5);
  nn::Dropout dropout(nn::DropoutOptions(0.5).inplace(true));
  const Tensor leaf = reel::ones({50}).requires_grad_();
  const Tensor x = leaf * 3;
  const Tensor y = dropout(x);
  CHECK(y.is_same(x));
  y.sum().backward();
  const auto out = values(y), grad = values(leaf.grad());
  int kept = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    CHECK_UNARY(out[i] == 0.0 || out[i] == 6.0);
    CHECK(grad[i] == out[i]);
    kept += out[i] != 0.0;
  }
  CHECK(kept > 5);
  CHECK(kept < 45);
  dropout->eval();
  const Tensor same = reel::ones({3});
  CHECK(dropout(same).is_same(same));
  CHECK(values(same) == Values{1, 1, 1});
}

TEST_CASE("dropout: refuses a probability outside [0, 1]") {
  CHECK(error_of<Error>([] { nn::Dropout(1.5); }) ==
        "[Dropout] the probability p must be between 0 and 1, found 1.5");
  CHECK(error_of<Error>([] { F::dropout(reel::ones({1}), F::DropoutFuncOptions().p(-0.5)); }) ==
        "[dropout] the probability p must be between 0 and 1, found -0.5");
}

TEST_CASE("activations as modules") {
  const Tensor x = reel::tensor({-1.0, 0.0, 2.0, 0.5}, kFloat64).view({2, 2});
  CHECK(difference(nn::Tanh()(x), x.tanh()) == 0);
  CHECK(difference(nn::Sigmoid()(x), x.sigmoid()) == 0);
  CHECK(values(nn::ReLU()(x)) == Values{0, 0, 2, 0.5});
  CHECK(values(x) == Values{-1, 0, 2, 0.5});
  const auto soft = values(nn::Softmax(0)(x));
  CHECK(soft[0] == doctest::Approx(std::exp(-1) / (std::exp(-1) + std::exp(2))));
  CHECK(soft[3] == doctest::Approx(std::exp(0.5) / (1 + std::exp(0.5))));
  CHECK(values(nn::LogSoftmax(1)(x))[0] == doctest::Approx(-1 - std::log(std::exp(-1) + 1)));
  const Tensor whole = reel::tensor({1, 2}, kInt64);
  const Tensor wide = F::softmax(whole, F::SoftmaxFuncOptions(0).dtype(kFloat64));
  CHECK(wide.scalar_type() == kFloat64);
  CHECK(values(wide)[1] == doctest::Approx(1 / (1 + std::exp(-1))));
  CHECK(values(F::log_softmax(whole, F::LogSoftmaxFuncOptions(0).dtype(kFloat64)))[1] ==
        doctest::Approx(-std::log(1 + std::exp(-1))));
}

TEST_CASE("relu in place overwrites the input and passes the right gradient") {
  const Tensor leaf = reel::tensor({-1.0, 0.0, 0.25}, kFloat64).requires_grad_();
  const Tensor x = leaf * 3;
  const Tensor y = nn::ReLU(nn::ReLUOptions(true))(x);
  CHECK(y.is_same(x));
  CHECK(values(x) == Values{0, 0, 0.75});
  (y * y).sum().backward();
  CHECK(values(leaf.grad()) == Values{0, 0, 4.5});
  CHECK(std::isnan(values(F::relu(reel::full({1}, std::nan("")), true))[0]));
}
