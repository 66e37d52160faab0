// The modules of modules_test.cpp beyond their numbers: how they print, start, are copied, what
// they refuse, their functions with options, and the containers of modules and parameters.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "nn/nn.hpp"
#include "tests/says.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
namespace F = reel::nn::functional;

namespace {

using Values = std::vector<double>;

template <class M>
std::string printed(const M& module) {
  std::ostringstream out;
  out << module;
  return out.str();
}
double largest(const Tensor& t) { return t.detach().abs().max().item<double>(); }
Tensor reals(const Values& v) { return reel::tensor(v, kFloat64); }

}  // namespace

TEST_CASE("modules: they print as in PyTorch") {
  using namespace nn;
  CHECK(printed(ELU()) == "reel::nn::ELU(alpha=1)");
  CHECK(printed(ELU(ELUOptions().alpha(2).inplace(true))) ==
        "reel::nn::ELU(alpha=2, inplace=true)");
  CHECK(printed(SELU()) == "reel::nn::SELU()");
  CHECK(printed(SELU(true)) == "reel::nn::SELU(inplace=true)");
  CHECK(printed(ReLU6(true)) == "reel::nn::ReLU6(inplace=true)");
  CHECK(printed(CELU()) == "reel::nn::CELU(alpha=1)");
  CHECK(printed(LeakyReLU()) == "reel::nn::LeakyReLU(negative_slope=0.01)");
  CHECK(printed(RReLU()) == "reel::nn::RReLU(lower=0.125, upper=0.333333)");
  CHECK(printed(Hardtanh()) == "reel::nn::Hardtanh(min_val=-1, max_val=1)");
  CHECK(printed(Threshold(1, 2)) == "reel::nn::Threshold(threshold=1, value=2)");
  CHECK(printed(Hardshrink()) == "reel::nn::Hardshrink(0.5)");
  CHECK(printed(Softshrink(0.25)) == "reel::nn::Softshrink(0.25)");
  CHECK(printed(Softplus()) == "reel::nn::Softplus(beta=1, threshold=20)");
  CHECK(printed(GELU()) == "reel::nn::GELU()");
  CHECK(printed(GLU(1)) == "reel::nn::GLU(dim=1)");
  CHECK(printed(PReLU()) == "reel::nn::PReLU(num_parameters=1)");
  CHECK(printed(Softmin(1)) == "reel::nn::Softmin(dim=1)");
  CHECK(printed(LogSigmoid()) == "reel::nn::LogSigmoid()");
  CHECK(printed(SiLU()) == "reel::nn::SiLU()");
  CHECK(printed(Mish()) == "reel::nn::Mish()");
  CHECK(printed(Softsign()) == "reel::nn::Softsign()");
  CHECK(printed(Tanhshrink()) == "reel::nn::Tanhshrink()");
  CHECK(printed(Softmax2d()) == "reel::nn::Softmax2d()");
  CHECK(printed(Hardsigmoid()) == "reel::nn::Hardsigmoid()");
  CHECK(printed(Hardswish(true)) == "reel::nn::Hardswish(inplace=true)");
  CHECK(printed(Conv1d(3, 4, 5)) == "reel::nn::Conv1d(3, 4, kernel_size=5, stride=1)");
  CHECK(printed(Conv1d(Conv1dOptions(4, 6, 3)
                           .stride(2)
                           .padding(1)
                           .dilation(2)
                           .groups(2)
                           .bias(false)
                           .padding_mode(kCircular))) ==
        "reel::nn::Conv1d(4, 6, kernel_size=3, stride=2, padding=1, dilation=2, groups=2, "
        "bias=false, padding_mode=kCircular)");
  CHECK(printed(Conv1d(Conv1dOptions(4, 6, 3).padding(kSame))) ==
        "reel::nn::Conv1d(4, 6, kernel_size=3, stride=1, padding='same')");
  CHECK(printed(MaxPool1d(3)) ==
        "reel::nn::MaxPool1d(kernel_size=3, stride=3, padding=0, dilation=1, ceil_mode=false)");
  CHECK(printed(AvgPool1d(AvgPool1dOptions(3).stride(2))) ==
        "reel::nn::AvgPool1d(kernel_size=3, stride=2, padding=0)");
  CHECK(printed(BatchNorm1d(4)) ==
        "reel::nn::BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=true, track_running_stats=true)");
  CHECK(mentions(printed(BatchNorm1d(BatchNorm1dOptions(4).momentum(nullopt))), {"momentum=none"}));
  CHECK(printed(Bilinear(1, 2, 3)) ==
        "reel::nn::Bilinear(in1_features=1, in2_features=2, out_features=3, bias=true)");
  CHECK(printed(EmbeddingBag(EmbeddingBagOptions(4, 2).mode(kSum).padding_idx(1))) ==
        "reel::nn::EmbeddingBag(num_embeddings=4, embedding_dim=2, mode=kSum, padding_idx=1)");
  CHECK(printed(CosineSimilarity()) == "reel::nn::CosineSimilarity(dim=1, eps=1e-08)");
  CHECK(printed(PairwiseDistance()) == "reel::nn::PairwiseDistance(p=2, eps=1e-06, keepdim=false)");
  CHECK(printed(CTCLoss()) == "reel::nn::CTCLoss()");
  CHECK(mentions(printed(MultiheadAttention(4, 2)),
                 {"MultiheadAttention", "(out_proj): reel::nn::Linear(in_features=4"}));
}

TEST_CASE("modules: first values") {
  manual_seed(31);
  nn::Conv1d conv(nn::Conv1dOptions(8, 100, 5).groups(2));
  const double bound = 1 / std::sqrt(20.0);
  CHECK(conv->weight.sizes() == IntArrayRef({100, 4, 5}));
  CHECK(largest(conv->weight) <= bound);
  CHECK(largest(conv->weight) > 0.99 * bound);
  CHECK(largest(conv->bias) <= bound);
  CHECK(largest(conv->bias) > 0.9 * bound);
  nn::Bilinear both(16, 5, 20);
  CHECK(largest(both->weight) <= 0.25);
  CHECK(largest(both->weight) > 0.24);
  CHECK(largest(both->bias) <= 0.25);
  nn::BatchNorm1d norm(3);
  CHECK(values(norm->weight) == Values{1, 1, 1});
  CHECK(values(norm->bias) == Values{0, 0, 0});
  CHECK(values(norm->running_mean) == Values{0, 0, 0});
  CHECK(values(norm->running_var) == Values{1, 1, 1});
  CHECK(norm->num_batches_tracked.item<std::int64_t>() == 0);
  CHECK(values(nn::PReLU(nn::PReLUOptions().num_parameters(2))->weight) == Values{0.25, 0.25});
  nn::MultiheadAttention attention(nn::MultiheadAttentionOptions(16, 2).add_bias_kv(true));
  const double xavier = std::sqrt(6.0 / (16 + 48));
  CHECK(largest(attention->in_proj_weight) <= xavier);
  CHECK(largest(attention->in_proj_weight) > 0.98 * xavier);
  CHECK(largest(attention->in_proj_bias) == 0);
  CHECK(largest(attention->out_proj->bias) == 0);
  CHECK(largest(attention->bias_k) > 0);
  CHECK(attention->state_dict().keys() ==
        std::vector<std::string>{"in_proj_weight", "in_proj_bias", "bias_k", "bias_v",
                                 "out_proj.weight", "out_proj.bias"});
  nn::EmbeddingBag bag(nn::EmbeddingBagOptions(200, 20).padding_idx(-1));
  CHECK(values(bag->weight[199]) == Values(20, 0.0));
  CHECK(bag->weight.std().item<double>() == doctest::Approx(1).epsilon(0.05));
}

TEST_CASE("modules: what they refuse") {
  using namespace nn;
  CHECK_SAYS(ShapeError, Conv1d(0, 1, 1), "[Conv1d]", "must be positive");
  CHECK_SAYS(ShapeError, Conv1d(Conv1dOptions(3, 4, 1).groups(2)), "[Conv1d] in_channels 3",
             "groups 2");
  CHECK_SAYS(Error, Conv1d(Conv1dOptions(3, 4, 1).stride(2).padding(kSame)),
             "[Conv1d] padding kSame");
  CHECK_SAYS(Error, Conv1dOptions(3, 4, {1, 2}), "[ExpandingArray] expected 1 values, but got 2");
  CHECK_SAYS(ShapeError, BatchNorm1d(-1), "[BatchNorm1d] num_features must not be negative");
  CHECK_SAYS(ShapeError, BatchNorm1d(3)(ones({3})), "[BatchNorm1d] expected an input [N, C]");
  CHECK_SAYS(ShapeError, BatchNorm1d(3)(ones({2, 4})), "[batch_norm]", "[3]");
  CHECK_SAYS(ShapeError, BatchNorm1d(3)(ones({1, 3})),
             "[batch_norm] expected more than 1 value per channel when training", "[1, 3]");
  CHECK_SAYS(Error,
             F::batch_norm(ones({2, 3}), ones({3}), ones({3}),
                           F::BatchNormFuncOptions().training(true).momentum(nullopt)),
             "[batch_norm]", "momentum");
  CHECK_SAYS(ShapeError, Bilinear(0, 1, 1), "[Bilinear] in1_features must be positive");
  CHECK_SAYS(ShapeError, PReLU(PReLUOptions().num_parameters(0)), "[PReLU] num_parameters");
  CHECK_SAYS(ShapeError, Softmax2d()(ones({2, 3})), "[Softmax2d]", "[2, 3]");
  CHECK_SAYS(Error, F::gumbel_softmax(ones({3}), F::GumbelSoftmaxFuncOptions().tau(0)),
             "[gumbel_softmax] tau must be positive");
  CHECK_SAYS(Error, F::pad(ones({3}), F::PadFuncOptions({1, 1}).mode(kReflect).value(2)),
             "[pad] mode kReflect takes no value");
}

TEST_CASE("attention: what it refuses") {
  using namespace nn;
  CHECK_SAYS(ShapeError, MultiheadAttention(5, 2), "[MultiheadAttention] embed_dim 5",
             "num_heads 2");
  CHECK_SAYS(ShapeError, MultiheadAttention(MultiheadAttentionOptions(4, 2).kdim(0)),
             "kdim and vdim");
  CHECK_SAYS(Error, MultiheadAttention(MultiheadAttentionOptions(4, 2).dropout(2)), "dropout");
  MultiheadAttention m(4, 2);
  const Tensor x = ones({3, 2, 4});
  CHECK_SAYS(ShapeError, m(x, x[0], x), "[MultiheadAttention] expected query, key and value");
  CHECK_SAYS(ShapeError, m(x, ones({5, 2, 4}), x), "[multi_head_attention_forward]", "[5, 2, 4]");
  CHECK_SAYS(ShapeError, m(ones({3, 2, 5}), x, x), "[multi_head_attention_forward]", "[3, 2, 5]");
  CHECK_SAYS(ShapeError, m(x, x, x, ones({3, 2}, kBool)), "expected key_padding_mask [2, 3]");
  CHECK_SAYS(DtypeError, m(x, x, x, ones({2, 3}, kInt64)), "key_padding_mask of bool", "int64");
  CHECK_SAYS(ShapeError, m(x, x, x, Tensor(), true, ones({2, 3}, kBool)),
             "expected attn_mask [3, 3]");
  CHECK_SAYS(DtypeError, m(x, x, x, Tensor(), true, ones({3, 3}, kUInt8)), "attn_mask of bool",
             "uint8");
  // Keys and values that are projected already.
  const Tensor k = reel::randn({4, 5, 2});
  const auto options = [&] {
    return F::MultiheadAttentionForwardFuncOptions(4, 2, m->in_proj_weight, m->in_proj_bias, {}, {},
                                                   false, 0, m->out_proj->weight,
                                                   m->out_proj->bias);
  };
  const auto [y, weights] =
      F::multi_head_attention_forward(x, x, x, options().static_k(k).static_v(k));
  CHECK(weights.sizes() == IntArrayRef({2, 3, 5}));
  CHECK(y.sizes() == IntArrayRef({3, 2, 4}));
  CHECK_SAYS(ShapeError, F::multi_head_attention_forward(x, x, x, options().static_k(k[0])),
             "expected static_k and static_v [4, S, 2]");
  CHECK_SAYS(Error, F::multi_head_attention_forward(x, x, x, options().bias_k(ones({1, 1, 4}))),
             "both bias_k and bias_v");
  CHECK_SAYS(Error,
             F::multi_head_attention_forward(
                 x, x, x,
                 options().bias_k(ones({1, 1, 4})).bias_v(ones({1, 1, 4})).static_k(k).static_v(k)),
             "cannot be added to static_k");
  // Dropout acts in training only.
  manual_seed(32);
  MultiheadAttention noisy(MultiheadAttentionOptions(4, 2).dropout(0.5));
  CHECK(difference(std::get<0>(noisy(x, x, x)), std::get<0>(noisy(x, x, x))) > 1e-3);
  noisy->eval();
  CHECK(difference(std::get<0>(noisy(x, x, x)), std::get<0>(noisy(x, x, x))) == 0);
}

TEST_CASE("embedding bag: what it refuses, and what it takes over") {
  using namespace nn;
  const Tensor w = reel::randn({4, 2}), rows = reel::tensor({{0, 1}, {2, 3}});
  const auto bag = [&](const Tensor& input, const F::EmbeddingBagFuncOptions& options) {
    return F::embedding_bag(input, w, options);
  };
  const auto o = [] { return F::EmbeddingBagFuncOptions(); };
  CHECK_SAYS(Error, bag(rows, o().offsets(reel::tensor({0}))), "offsets are for a vector");
  CHECK_SAYS(ShapeError, bag(rows[0], o()), "vector of indices with a vector of offsets");
  CHECK_SAYS(IndexError, bag(rows[0], o().offsets(reel::tensor({1}))), "offsets must begin with 0");
  CHECK_SAYS(IndexError, bag(rows[0], o().offsets(reel::tensor({0, 2, 1}))), "found 1 after 2");
  CHECK_SAYS(IndexError, bag(rows[0], o().offsets(reel::tensor({0, 3}))), "found 2 after 3");
  CHECK_SAYS(IndexError, bag(rows[0], o().offsets(reel::tensor({0, 1})).include_last_offset(true)),
             "end with the number of indices, 2");
  CHECK_SAYS(IndexError, bag(reel::tensor({{0, 4}}), o()),
             "indices must be within [0, 4), found 4");
  CHECK_SAYS(IndexError, bag(rows, o().padding_idx(4)), "padding_idx must be within [-4, 4)");
  CHECK_SAYS(DtypeError, bag(rows.to(kFloat32), o()), "expected indices of int64, found float32");
  CHECK_SAYS(Error, bag(rows, o().per_sample_weights(ones({2, 2}))),
             "need the mode kSum, found kMean");
  CHECK_SAYS(ShapeError, bag(rows, o().mode(kSum).per_sample_weights(ones({2}))),
             "per_sample_weights must have the shape of the indices [2, 2], found [2]");
  CHECK_SAYS(Error, bag(rows, o().sparse(true)), "sparse gradients are not supported");
  CHECK_SAYS(Error, bag(rows, o().scale_grad_by_freq(true)), "scale_grad_by_freq is not supported");
  CHECK_SAYS(ShapeError, F::embedding_bag(rows, w[0]), "expected a weight [rows, dim]");
  CHECK_SAYS(Error, EmbeddingBag(EmbeddingBagOptions(4, 2).sparse(true)), "[EmbeddingBag] sparse");
  CHECK_SAYS(Error, EmbeddingBag(EmbeddingBagOptions(4, 2).scale_grad_by_freq(true)),
             "[EmbeddingBag] scale_grad_by_freq");
  CHECK_SAYS(IndexError, EmbeddingBag(EmbeddingBagOptions(4, 2).padding_idx(9)), "[EmbeddingBag]",
             "9");
  CHECK_SAYS(ShapeError, EmbeddingBag(EmbeddingBagOptions(-1, 2)), "[EmbeddingBag]", "-1 and 2");
  CHECK_SAYS(ShapeError, EmbeddingBag(EmbeddingBagOptions(4, 2)._weight(ones({4, 3}))),
             "[EmbeddingBag] _weight must have shape [4, 2]");
  CHECK_SAYS(ShapeError, EmbeddingBag::from_pretrained(ones({4})),
             "[EmbeddingBag::from_pretrained]");
  EmbeddingBag frozen =
      EmbeddingBag::from_pretrained(w, EmbeddingBagFromPretrainedOptions().mode(kSum));
  CHECK_FALSE(frozen->weight.requires_grad());
  CHECK(difference(frozen(rows), stack({w[0] + w[1], w[2] + w[3]})) < 1e-6);
  // Nothing but padding.
  EmbeddingBag only(EmbeddingBagOptions(4, 2).padding_idx(1).mode(kMax));
  const Tensor none = only(reel::tensor({{1, 1}}));
  CHECK(values(none) == Values{0, 0});
  none.sum().backward();
  CHECK(largest(only->weight.grad()) == 0);
}

TEST_CASE("modules: functions with options") {
  const Tensor x = reals({-2, -0.25, 0, 0.25, 3});
  CHECK(values(F::threshold(x, F::ThresholdFuncOptions(0.1, 9))) == Values{9, 9, 9, 0.25, 3});
  CHECK(values(F::hardshrink(x)) == Values{-2, 0, 0, 0, 3});
  CHECK(values(F::softshrink(x, 1)) == Values{-1, 0, 0, 0, 2});
  CHECK(values(F::relu6(x * 3)) == Values{0, 0, 0, 0.75, 6});
  CHECK(values(F::hardtanh(x, F::HardtanhFuncOptions().min_val(-1).max_val(2))) ==
        Values{-1, -0.25, 0, 0.25, 2});
  CHECK(values(F::leaky_relu(x, F::LeakyReLUFuncOptions().negative_slope(0.5))) ==
        Values{-1, -0.125, 0, 0.25, 3});
  CHECK(difference(F::elu(x, F::ELUFuncOptions().alpha(2)), reel::elu(x, 2)) == 0);
  CHECK(difference(F::celu(x, F::CELUFuncOptions().alpha(2)), reel::celu(x, 2)) == 0);
  CHECK(difference(F::selu(x), reel::selu(x)) == 0);
  CHECK(difference(F::gelu(x, F::GELUFuncOptions().approximate("tanh")), reel::gelu(x, "tanh")) ==
        0);
  CHECK(difference(F::softplus(x, F::SoftplusFuncOptions().beta(3)), reel::softplus(x, 3)) == 0);
  CHECK(difference(F::silu(x), reel::silu(x)) == 0);
  CHECK(difference(F::mish(x), reel::mish(x)) == 0);
  CHECK(difference(F::softsign(x), reel::softsign(x)) == 0);
  CHECK(difference(F::logsigmoid(x), reel::log_sigmoid(x)) == 0);
  CHECK(difference(F::tanhshrink(x), x - x.tanh()) == 0);
  CHECK(difference(F::glu(x.narrow(0, 0, 4)), reel::glu(x.narrow(0, 0, 4))) == 0);
  CHECK(difference(F::prelu(x, reals({0.5})), reel::prelu(x, reals({0.5}))) == 0);
  CHECK(difference(F::softmin(x, 0), reel::softmax(-x, 0)) == 0);
  CHECK(F::softmax(x, F::SoftmaxFuncOptions(0).dtype(kFloat32)).scalar_type() == kFloat32);
  CHECK(F::log_softmax(x, F::LogSoftmaxFuncOptions(0).dtype(kFloat32)).scalar_type() == kFloat32);
  CHECK(F::softmin(x, F::SoftminFuncOptions(0).dtype(kFloat32)).scalar_type() == kFloat32);
  CHECK(difference(F::rrelu(x, F::RReLUFuncOptions().lower(0.5).upper(0.5)),
                   F::leaky_relu(x, F::LeakyReLUFuncOptions().negative_slope(0.5))) == 0);
  // In place: the input holds the result.
  const auto writes = [&](auto function, auto options) {
    Tensor y = x.clone();
    const Tensor result = function(y, options);
    CHECK(result.is_same(y));
    return difference(y, x) > 0;
  };
  CHECK(writes(F::relu, F::ReLUFuncOptions(true)));
  CHECK(writes(F::relu6, F::ReLU6FuncOptions(true)));
  CHECK(writes(F::selu, F::SELUFuncOptions(true)));
  CHECK(writes(F::elu, F::ELUFuncOptions().inplace(true)));
  CHECK(writes(F::celu, F::CELUFuncOptions().inplace(true)));
  CHECK(writes(F::leaky_relu, F::LeakyReLUFuncOptions().inplace(true)));
  CHECK(writes(F::rrelu, F::RReLUFuncOptions().inplace(true)));
  CHECK(writes(F::hardtanh, F::HardtanhFuncOptions().inplace(true)));
  CHECK(writes(F::threshold, F::ThresholdFuncOptions(1, 7).inplace(true)));
  for (Tensor y : {x.clone()}) CHECK(nn::Hardswish(true)(y).is_same(y));
  for (Tensor y : {x.clone()}) CHECK(nn::Hardsigmoid(true)(y).is_same(y));
  // Others
  CHECK(difference(F::normalize(reals({3, 4}).unsqueeze(0)), reals({0.6, 0.8}).unsqueeze(0)) <
        1e-12);
  CHECK(difference(F::normalize(reals({3, 4}), F::NormalizeFuncOptions().p(1).dim(0)),
                   reals({3.0 / 7, 4.0 / 7})) < 1e-12);
  CHECK(values(F::pad(reals({1, 2, 3}), F::PadFuncOptions({1, 2}).value(9))) ==
        Values{9, 1, 2, 3, 9, 9});
  CHECK(values(F::pad(reals({1, 2, 3}), F::PadFuncOptions({1, 1}).mode(kReflect))) ==
        Values{2, 1, 2, 3, 2});
  CHECK(values(F::pad(reals({1, 2, 3}), F::PadFuncOptions({1, 1}).mode(kReplicate))) ==
        Values{1, 1, 2, 3, 3});
  CHECK(values(F::pad(reals({1, 2, 3}), F::PadFuncOptions({1, 1}).mode(kCircular))) ==
        Values{3, 1, 2, 3, 1});
  const auto [pooled, places] =
      F::max_pool1d_with_indices(reals({1, 3, 2, 0}).view({1, 1, 4}), F::MaxPool1dFuncOptions(2));
  CHECK(values(pooled) == Values{3, 2});
  CHECK(values(places) == Values{1, 2});
  CHECK(values(F::avg_pool1d(reals({1, 3, 2, 0}).view({1, 1, 4}), F::AvgPool1dFuncOptions(2))) ==
        Values{2, 1});
  CHECK(values(F::conv1d(reals({1, 3, 2}).view({1, 1, 3}), reals({1, -1}).view({1, 1, 2}))) ==
        Values{-2, 1});
  CHECK(values(F::bilinear(reals({2}), reals({3}), reals({5}).view({1, 1, 1}), reals({1}))) ==
        Values{31});
}

TEST_CASE("gumbel_softmax: samples of the distribution, hard ones with a soft gradient") {
  manual_seed(33);
  const Tensor logits = reals({1, 0, -1}).expand({20000, 3}).clone().requires_grad_();
  const Tensor hard = F::gumbel_softmax(logits, F::GumbelSoftmaxFuncOptions().hard(true).dim(1));
  CHECK(difference(hard.sum(1), reel::ones({20000}, kFloat64)) < 1e-9);
  CHECK(difference(hard.mean(0), reals({1, 0, -1}).softmax(0)) < 0.02);
  hard.select(1, 0).sum().backward();
  CHECK(largest(logits.grad()) > 0.01);
  const Tensor soft = F::gumbel_softmax(logits.detach(), F::GumbelSoftmaxFuncOptions().tau(0.5));
  CHECK(difference(soft.sum(1), reel::ones({20000}, kFloat64)) < 1e-9);
  CHECK(soft.min().item<double>() >= 0);
  // Where the generator gives a zero.
  default_generator().set_state({1, 10460476});
  CHECK(reel::rand({2})[1].item<float>() == 0);
  default_generator().set_state({1, 10460476});
  const Tensor rare = F::gumbel_softmax(reel::zeros({2}), F::GumbelSoftmaxFuncOptions().dim(0));
  CHECK(values(rare)[1] > 0.999);
  CHECK(rare.sum().item<double>() == doctest::Approx(1));
}

TEST_CASE("batch norm: statistics are kept, reset and copied") {
  manual_seed(34);
  nn::BatchNorm1d norm(2);
  for (int i = 0; i < 3; ++i) norm(reel::randn({8, 2}) + 5);
  CHECK(norm->num_batches_tracked.item<std::int64_t>() == 3);
  CHECK(norm->running_mean.min().item<double>() > 1);
  const auto twin = std::dynamic_pointer_cast<nn::BatchNorm1dImpl>(norm->clone());
  CHECK(difference(twin->running_mean, norm->running_mean) == 0);
  CHECK_FALSE(twin->running_mean.is_same(norm->running_mean));
  norm->eval();
  const Tensor before = norm->running_mean.clone();
  norm(reel::randn({8, 2}));
  CHECK(difference(norm->running_mean, before) == 0);
  norm->reset_running_stats();
  CHECK(values(norm->running_mean) == Values{0, 0});
  CHECK(norm->num_batches_tracked.item<std::int64_t>() == 0);
  CHECK(values(twin->num_batches_tracked) == Values{3});
  // A batch that is refused does not count.
  norm->train();
  CHECK_SAYS(ShapeError, norm(ones({1, 2})), "more than 1 value");
  CHECK(norm->num_batches_tracked.item<std::int64_t>() == 0);
}

TEST_CASE("modules: in a Sequential, and copied") {
  manual_seed(35);
  nn::Sequential net(nn::Conv1d(nn::Conv1dOptions(2, 4, 3).padding(kSame)), nn::BatchNorm1d(4),
                     nn::ELU(), nn::MaxPool1d(2), nn::Flatten(), nn::Linear(12, 3), nn::Softmin(1));
  net->eval();
  const Tensor x = reel::randn({5, 2, 6});
  const Tensor y = net->forward(x);
  CHECK(y.sizes() == IntArrayRef({5, 3}));
  const auto copy = std::dynamic_pointer_cast<nn::SequentialImpl>(net->clone());
  CHECK(difference(copy->forward(x), y) == 0);
  nn::Sequential attend(nn::MultiheadAttention(4, 2));
  const Tensor z = reel::randn({3, 2, 4});
  const auto result = attend->forward<std::tuple<Tensor, Tensor>>(z, z, z);
  CHECK(std::get<1>(result).sizes() == IntArrayRef({2, 3, 3}));
  nn::Sequential bags(nn::EmbeddingBag(4, 2));
  CHECK(bags->forward(reel::tensor({{0, 1}})).sizes() == IntArrayRef({1, 2}));
}

TEST_CASE("module dict: names, order, changes, copies") {
  using nn::ModuleDict;
  ModuleDict dict;
  CHECK(dict->empty());
  dict->update({{"linear", nn::Linear(2, 3).ptr()}, {"act", nn::Tanh().ptr()}});
  CHECK(dict->size() == 2);
  CHECK(dict->keys() == std::vector<std::string>{"linear", "act"});
  CHECK(dict->contains("act"));
  CHECK(dict->at<nn::LinearImpl>("linear").weight.sizes() == IntArrayRef({3, 2}));
  CHECK(dict["act"] == dict->values()[1]);
  CHECK(dict->items()[0].first == "linear");
  CHECK(dict->parameters().size() == 2);
  CHECK(dict->named_parameters().keys() ==
        std::vector<std::string>{"linear.weight", "linear.bias"});
  CHECK_SAYS(Error, dict->at<nn::TanhImpl>("linear"), "[ModuleDict] module 'linear' is of type",
             "Linear", "not", "Tanh");
  CHECK_SAYS(Error, dict["none"], "Module 'none' is not defined");
  CHECK(printed(dict) ==
        "reel::nn::ModuleDict(\n  (linear): reel::nn::Linear(in_features=2, out_features=3, "
        "bias=true)\n  (act): reel::nn::Tanh()\n)");
  const auto copy = std::dynamic_pointer_cast<nn::ModuleDictImpl>(dict->clone());
  CHECK(copy->keys() == dict->keys());
  CHECK_FALSE((*copy)["linear"] == dict["linear"]);
  CHECK(difference(copy->at<nn::LinearImpl>("linear").weight,
                   dict->at<nn::LinearImpl>("linear").weight) == 0);
  // A name in use gets the new module, in its place.
  const auto wider = nn::Linear(2, 5).ptr();
  dict->update({{"linear", wider}});
  CHECK(dict->keys() == std::vector<std::string>{"linear", "act"});
  CHECK(dict["linear"] == wider);
  CHECK(dict->named_parameters()["linear.weight"].size(0) == 5);
  OrderedDict<std::string, std::shared_ptr<nn::Module>> more;
  more.insert("again", wider);
  dict->update(more);
  CHECK(dict->parameters().size() == 2);
  const auto same = std::dynamic_pointer_cast<nn::ModuleDictImpl>(dict->clone());
  CHECK((*same)["again"] == (*same)["linear"]);
  CHECK(dict->pop("linear") == wider);
  CHECK_FALSE(dict->contains("linear"));
  CHECK_SAYS(Error, dict->pop("linear"), "'linear' is not defined");
  std::size_t seen = 0;
  for (const auto& item : *dict) seen += item.key().size();
  CHECK(seen == std::string("actagain").size());
  dict->clear();
  CHECK(dict->empty());
  CHECK(dict->children().empty());
  CHECK_SAYS(Error, dict->update({{"null", nullptr}}), "null");
  CHECK(dict->empty());
}

TEST_CASE("parameter list: order, requires_grad, copies") {
  const Tensor a = reel::ones({2}).requires_grad_(), b = reel::zeros({3});
  nn::ParameterList list(a, b);
  CHECK(list->size() == 2);
  CHECK((*list)[0].is_same(a));
  CHECK(list->at(1).is_same(b));
  CHECK_FALSE(list->at(1).requires_grad());
  CHECK(list->named_parameters().keys() == std::vector<std::string>{"0", "1"});
  list->append(reel::ones({1}));
  list->extend(std::vector<Tensor>{reel::ones({1}), reel::ones({1})});
  nn::ParameterList other(reel::ones({4}));
  *list += *other;
  CHECK(list->size() == 6);
  CHECK(list->at(5).size(0) == 4);
  CHECK_SAYS(IndexError, list->at(6), "index 6 is out of range");
  const auto copy = std::dynamic_pointer_cast<nn::ParameterListImpl>(list->clone());
  CHECK(copy->size() == 6);
  CHECK(copy->at(0).requires_grad());
  CHECK_FALSE(copy->at(1).requires_grad());
  CHECK_FALSE(copy->at(0).is_same(a));
  CHECK(values(copy->at(0)) == Values{1, 1});
  nn::ParameterList one(a);
  CHECK(printed(one) ==
        "reel::nn::ParameterList(\n(0): Parameter containing: [Float of size [2]]\n)");
  CHECK(nn::ParameterList()->is_empty());
}

TEST_CASE("parameter dict: names, changes, copies") {
  nn::ParameterDict dict;
  CHECK(dict->empty());
  const Tensor a = reel::ones({2}).requires_grad_();
  CHECK(dict->insert("a", a).is_same(a));
  dict->insert("b", reel::zeros({3}));
  CHECK(dict->keys() == std::vector<std::string>{"a", "b"});
  CHECK(dict["a"].is_same(a));
  CHECK(dict->get("b").size(0) == 3);
  CHECK(dict->values().size() == 2);
  CHECK(dict->contains("b"));
  CHECK_FALSE(dict->get("b").requires_grad());
  CHECK_SAYS(Error, dict->insert("a", a), "already has a parameter named 'a'");
  CHECK_SAYS(Error, dict->get("c"), "Parameter 'c' is not defined");
  OrderedDict<std::string, Tensor> more;
  more.insert("b", reel::ones({1}));
  more.insert("c", reel::ones({4}));
  dict->update(more);
  CHECK(dict->keys() == std::vector<std::string>{"a", "b", "c"});
  CHECK(dict->get("b").size(0) == 1);
  const auto copy = std::dynamic_pointer_cast<nn::ParameterDictImpl>(dict->clone());
  CHECK(copy->keys() == dict->keys());
  CHECK(copy->get("a").requires_grad());
  CHECK_FALSE(copy->get("a").is_same(a));
  CHECK(nn::ParameterDict(more)->size() == 2);
  CHECK(dict->pop("b").size(0) == 1);
  CHECK_SAYS(Error, dict->pop("b"), "'b' is not defined");
  CHECK(printed(nn::ParameterDict(more)).find("(c): Parameter containing: [Float of size [4]]") !=
        std::string::npos);
  dict->clear();
  CHECK(dict->size() == 0);
  CHECK(dict->parameters().empty());
}

TEST_CASE("layers: adaptive pooling, unflatten and margin losses refuse what does not fit") {
  const auto text = [](auto run) { return error_of<ShapeError>([&] { run(); }); };
  CHECK(mentions(text([] { nn::AdaptiveAvgPool1d(2)(ones({4})); }),
                 {"[adaptive_avg_pool1d]", "[N, C, L]", "[4]"}));
  CHECK(mentions(text([] {
                   nn::AdaptiveMaxPool1d(0)(ones({2, 4}));
                 }),
                 {"[adaptive_max_pool1d]", "output_size 0", "[2, 4]"}));
  CHECK(mentions(text([] { nn::AdaptiveMaxPool1d(1)(ones({2, 0})); }), {"[2, 0]"}));
  CHECK(mentions(text([] {
                   nn::Unflatten(1, std::vector<std::int64_t>{2, 2})(ones({2, 6}));
                 }),
                 {"unflatten", "6"}));
  CHECK(mentions(text([] { nn::SoftMarginLoss()(ones({3}), ones({2})); }),
                 {"[soft_margin_loss]", "[2]", "[3]"}));
  CHECK(mentions(text([] {
                   nn::TripletMarginLoss()(ones({3, 2}), ones({2}), ones({3, 2}));
                 }),
                 {"[triplet_margin_loss]", "[3, 2]", "[2]"}));
  CHECK(printed(nn::AdaptiveAvgPool1d(2)) == "reel::nn::AdaptiveAvgPool1d(output_size=2)");
  CHECK(printed(nn::AdaptiveMaxPool1d(3)) == "reel::nn::AdaptiveMaxPool1d(output_size=3)");
  CHECK(printed(nn::Unflatten(1, std::vector<std::int64_t>{2, 3})) ==
        "reel::nn::Unflatten(dim=1, unflattened_size={2, 3})");
  CHECK(printed(nn::SoftMarginLoss()) == "reel::nn::SoftMarginLoss()");
  CHECK(printed(nn::TripletMarginLoss(nn::TripletMarginLossOptions().margin(3).swap(true))) ==
        "reel::nn::TripletMarginLoss(margin=3, p=2, eps=1e-06, swap=true)");
}
