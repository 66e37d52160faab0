// Loss modules against their formulas, written out with plain numbers.
#include "nn/loss.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "nn/functional.hpp"
#include "nn/linear.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
namespace F = reel::nn::functional;

namespace {

using Values = std::vector<double>;

const Values kLogits{0.5, -1.0, 2.0, 1.0, 0.25, -0.5, -2.0, 3.0, 0.0};
const std::vector<std::int64_t> kTargets{2, 0, 1};
const Values kWeights{1.0, 3.0, 0.5};

Tensor logits() { return reel::tensor(kLogits, kFloat64).view({3, 3}); }
Tensor targets() { return reel::tensor(kTargets, kInt64); }
Tensor weights() { return reel::tensor(kWeights, kFloat64); }

double log_softmax(std::size_t row, std::size_t column) {
  double sum = 0;
  for (std::size_t c = 0; c < 3; ++c) sum += std::exp(kLogits[row * 3 + c]);
  return kLogits[row * 3 + column] - std::log(sum);
}
double loss_of(std::size_t row) {
  return -log_softmax(row, static_cast<std::size_t>(kTargets[row]));
}
double weight_of(std::size_t row) { return kWeights[static_cast<std::size_t>(kTargets[row])]; }

}  // namespace

TEST_CASE("cross entropy loss: reductions") {
  const double sum = loss_of(0) + loss_of(1) + loss_of(2);
  using Options = nn::CrossEntropyLossOptions;
  CHECK(nn::CrossEntropyLoss()(logits(), targets()).item<double>() == doctest::Approx(sum / 3));
  CHECK(nn::CrossEntropyLoss(Options().reduction(kSum))(logits(), targets()).item<double>() ==
        doctest::Approx(sum));
  const Tensor each = nn::CrossEntropyLoss(Options().reduction(kNone))(logits(), targets());
  CHECK(each.sizes() == IntArrayRef({3}));
  for (std::size_t i = 0; i < 3; ++i) CHECK(values(each)[i] == doctest::Approx(loss_of(i)));
}

TEST_CASE("cross entropy loss: weights, ignored targets, label smoothing") {
  using Options = nn::CrossEntropyLossOptions;
  double weighted = 0, total = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    weighted += weight_of(i) * loss_of(i);
    total += weight_of(i);
  }
  CHECK(nn::CrossEntropyLoss(Options().weight(weights()))(logits(), targets()).item<double>() ==
        doctest::Approx(weighted / total));
  CHECK(nn::CrossEntropyLoss(Options().ignore_index(0))(logits(), targets()).item<double>() ==
        doctest::Approx((loss_of(0) + loss_of(2)) / 2));
  double smoothed = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    double all = 0;
    for (std::size_t c = 0; c < 3; ++c) all -= log_softmax(i, c);
    smoothed += 0.8 * loss_of(i) + 0.2 / 3 * all;
  }
  CHECK(nn::CrossEntropyLoss(Options().label_smoothing(0.2))(logits(), targets()).item<double>() ==
        doctest::Approx(smoothed / 3));
  CHECK(F::cross_entropy(logits(), targets(),
                         F::CrossEntropyFuncOptions().weight(weights()).reduction(kSum))
            .item<double>() == doctest::Approx(weighted));
  CHECK(mentions(error_of<Error>([] { nn::CrossEntropyLoss(Options().label_smoothing(1.5)); }),
                 {"[CrossEntropyLoss] label_smoothing", "1.5"}));
}

TEST_CASE("cross entropy loss: its gradient is softmax minus target") {
  const Tensor x = logits().requires_grad_();
  nn::CrossEntropyLoss()(x, targets()).backward();
  const auto grad = values(x.grad());
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t c = 0; c < 3; ++c) {
      const double target = kTargets[i] == static_cast<std::int64_t>(c) ? 1 : 0;
      CHECK(grad[i * 3 + c] == doctest::Approx((std::exp(log_softmax(i, c)) - target) / 3));
    }
}

TEST_CASE("cross entropy loss: several dimensions behind the classes keep their order") {
  // Wrong only where they are at least three, and of different sizes or values.
  const Tensor x = randn({2, 3, 2, 3, 4}, kFloat64).requires_grad_();
  const Tensor target = randint(3, {2, 2, 3, 4});
  const Tensor each = reel::nll_loss(x, target, Tensor(), Reduction::None);
  CHECK(difference(each, -x.gather(1, target.unsqueeze(1)).squeeze(1)) == 0);
  const Tensor losses = reel::cross_entropy_loss(x, target, Tensor(), Reduction::None);
  CHECK(difference(losses, -log_softmax(x, 1).gather(1, target.unsqueeze(1)).squeeze(1)) < 1e-14);
  CHECK(difference(reel::cross_entropy_loss(x, target), losses.mean()) < 1e-14);
}

TEST_CASE("nll loss: takes log-probabilities") {
  using Options = nn::NLLLossOptions;
  const Tensor log_p = logits().log_softmax(1);
  CHECK(nn::NLLLoss()(log_p, targets()).item<double>() ==
        doctest::Approx((loss_of(0) + loss_of(1) + loss_of(2)) / 3));
  double weighted = 0, total = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    weighted += weight_of(i) * loss_of(i);
    total += weight_of(i);
  }
  CHECK(nn::NLLLoss(Options().weight(weights()))(log_p, targets()).item<double>() ==
        doctest::Approx(weighted / total));
  CHECK(nn::NLLLoss(Options().ignore_index(1).reduction(kSum))(log_p, targets()).item<double>() ==
        doctest::Approx(loss_of(0) + loss_of(1)));
  CHECK(F::nll_loss(log_p, targets(), F::NLLLossFuncOptions().reduction(kNone)).sizes() ==
        IntArrayRef({3}));
}

TEST_CASE("losses: class weights are a buffer, converted and cloned with the module") {
  const Tensor given = weights().to(kFloat32);
  nn::CrossEntropyLoss loss(nn::CrossEntropyLossOptions().weight(given));
  CHECK(loss->state_dict().keys() == std::vector<std::string>{"weight"});
  CHECK(nn::CrossEntropyLoss()->state_dict().is_empty());
  CHECK(loss->parameters().empty());
  loss->to(kFloat64);
  CHECK(loss->weight.scalar_type() == kFloat64);
  CHECK(given.scalar_type() == kFloat32);
  const auto copy = std::dynamic_pointer_cast<nn::CrossEntropyLossImpl>(loss->clone());
  const double before = loss(logits(), targets()).item<double>();
  CHECK(copy->forward(logits(), targets()).item<double>() == before);
  copy->weight.fill_(1);
  CHECK(loss(logits(), targets()).item<double>() == before);
  CHECK(copy->forward(logits(), targets()).item<double>() != before);
}

TEST_CASE("mse loss: reductions") {
  const Tensor a = reel::tensor({1.0, 2.0, 4.0}, kFloat64);
  const Tensor b = reel::tensor({0.0, 4.0, 1.0}, kFloat64);
  CHECK(nn::MSELoss()(a, b).item<double>() == doctest::Approx(14.0 / 3));
  CHECK(nn::MSELoss(nn::MSELossOptions(kSum))(a, b).item<double>() == 14);
  CHECK(nn::MSELoss(kSum)(a, b).item<double>() == 14);
  CHECK(values(nn::MSELoss(nn::MSELossOptions().reduction(kNone))(a, b)) == Values{1, 4, 9});
  CHECK(values(F::mse_loss(a, b, kNone)) == Values{1, 4, 9});
  CHECK(F::mse_loss(a, b).item<double>() == doctest::Approx(14.0 / 3));
}

TEST_CASE("options: setters chain and getters read") {
  auto options = nn::CrossEntropyLossOptions().ignore_index(3).reduction(kNone);
  CHECK(options.ignore_index() == 3);
  CHECK(enumtype::get_enum_name(options.reduction()) == "kNone");
  options.label_smoothing() = 0.5;
  CHECK(options.label_smoothing() == 0.5);
  const nn::LinearOptions linear = nn::LinearOptions(2, 3).bias(false);
  CHECK(linear.in_features() == 2);
  CHECK(linear.out_features() == 3);
  CHECK_FALSE(linear.bias());
}
