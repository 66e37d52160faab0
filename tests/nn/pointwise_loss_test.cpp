// The losses of pointwise_loss.hpp and LayerNorm: that options reach the ops, whose numbers the op
// table checks against PyTorch's.
#include "nn/pointwise_loss.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "nn/layer_norm.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
namespace F = reel::nn::functional;

namespace {
using Values = std::vector<double>;
Tensor vector(const Values& v) { return reel::tensor(v, kFloat64); }
}  // namespace

TEST_CASE("pointwise losses: options and reductions") {
  const Tensor a = vector({1, 2, 4}), b = vector({0, 4, 4.5});
  CHECK(nn::L1Loss()(a, b).item<double>() == doctest::Approx(3.5 / 3));
  CHECK(nn::L1Loss(kSum)(a, b).item<double>() == 3.5);
  CHECK(values(F::l1_loss(a, b, kNone)) == Values{1, 2, 0.5});
  CHECK(values(nn::SmoothL1Loss(nn::SmoothL1LossOptions(kNone).beta(2))(a, b)) ==
        Values{0.25, 1, 0.0625});
  CHECK(values(nn::HuberLoss(nn::HuberLossOptions(kNone).delta(0.5))(a, b)) ==
        Values{0.375, 0.875, 0.125});
  CHECK(
      mentions(error_of<Error>([&] { nn::SmoothL1Loss(nn::SmoothL1LossOptions().beta(-1))(a, b); }),
               {"smooth_l1_loss", "-1"}));
  CHECK(error_of<Error>([&] { nn::HuberLoss(nn::HuberLossOptions().delta(0))(a, b); }) != "");

  const Tensor sign = vector({1, -1, -1});
  CHECK(values(nn::HingeEmbeddingLoss(nn::HingeEmbeddingLossOptions(kNone).margin(3))(a, sign)) ==
        Values{1, 1, 0});
  CHECK(values(nn::MarginRankingLoss(nn::MarginRankingLossOptions(kNone).margin(0.25))(
            a, b, sign)) == Values{0, 0, 0});
  CHECK(nn::MarginRankingLoss(nn::MarginRankingLossOptions(kSum).margin(3))(a, b, sign)
            .item<double>() == 2 + 1 + 2.5);
  CHECK(nn::CosineEmbeddingLoss()(a, a, reel::tensor(1.0, kFloat64)).item<double>() < 1e-12);
  CHECK(values(nn::PoissonNLLLoss(nn::PoissonNLLLossOptions(kNone).log_input(false).eps(1))(
            a, vector({0, 0, 0}))) == Values{1, 2, 4});
}

TEST_CASE("pointwise losses: binary cross entropy, with weights as buffers") {
  const Tensor x = vector({0.5, -1, 2}), target = vector({1, 0, 1});
  const double plain = nn::BCEWithLogitsLoss(kSum)(x, target).item<double>();
  CHECK(plain == doctest::Approx(std::log1p(std::exp(-0.5)) + std::log1p(std::exp(-1)) +
                                 std::log1p(std::exp(-2))));
  CHECK(nn::BCELoss(kSum)(x.sigmoid(), target).item<double>() == doctest::Approx(plain));
  nn::BCEWithLogitsLoss weighted(
      nn::BCEWithLogitsLossOptions(kSum).weight(vector({2, 2, 2})).pos_weight(vector({1, 1, 1})));
  CHECK(weighted(x, target).item<double>() == doctest::Approx(2 * plain));
  CHECK(weighted->state_dict().keys() == std::vector<std::string>{"weight", "pos_weight"});
  CHECK(nn::BCELoss()->state_dict().is_empty());
  CHECK(nn::BCELoss(nn::BCELossOptions(kSum).weight(vector({3, 3, 3})))(x.sigmoid(), target)
            .item<double>() == doctest::Approx(3 * plain));
  CHECK(mentions(error_of<Error>([&] { nn::BCELoss()(x, target); }),
                 {"between 0 and 1", "with_logits"}));
  CHECK(mentions(error_of<ShapeError>([&] { nn::BCELoss()(x, vector({1, 0})); }), {"[2]", "[3]"}));
}

TEST_CASE("pointwise losses: kl_div divides by the batch for kBatchMean") {
  const Tensor p = reel::tensor({{0.25, 0.75}, {0.5, 0.5}}, kFloat64);
  const Tensor q = reel::tensor({{0.5, 0.5}, {0.25, 0.75}}, kFloat64).log();
  const double sum = nn::KLDivLoss(nn::KLDivLossOptions(kSum))(q, p).item<double>();
  CHECK(sum > 0);
  CHECK(nn::KLDivLoss(nn::KLDivLossOptions(kBatchMean))(q, p).item<double>() ==
        doctest::Approx(sum / 2));
  CHECK(nn::KLDivLoss()(q, p).item<double>() == doctest::Approx(sum / 4));
  CHECK(F::kl_div(q, p.log(), F::KLDivFuncOptions(kSum).log_target(true)).item<double>() ==
        doctest::Approx(sum));
}

TEST_CASE("LayerNorm: parameters, options, printing") {
  nn::LayerNorm norm(nn::LayerNormOptions({4}));
  CHECK(norm->state_dict().keys() == std::vector<std::string>{"weight", "bias"});
  manual_seed(1);
  const Tensor x = reel::randn({3, 4});
  CHECK(std::abs(norm(x).mean().item<double>()) < 1e-6);
  CHECK(difference(norm(x), F::layer_norm(x, F::LayerNormFuncOptions({4}))) < 1e-6);
  (norm(x) * x).sum().backward();
  CHECK(norm->weight.grad().sizes() == IntArrayRef({4}));
  CHECK(difference(norm->bias.grad(), x.sum({0})) < 1e-6);
  nn::LayerNorm bare(nn::LayerNormOptions({3, 4}).elementwise_affine(false).eps(0.1));
  CHECK(bare->parameters().empty());
  std::ostringstream out;
  bare->pretty_print(out);
  CHECK(out.str() == "reel::nn::LayerNorm([3, 4], eps=0.1, elementwise_affine=false)");
  CHECK(mentions(error_of<ShapeError>([&] {
                   norm(reel::zeros({2, 3}));
                 }),
                 {"layer_norm", "[4]", "[2, 3]"}));
}
