// Expressions: losses, normalisation, convolution and pooling, layers as functions and as modules,
// utilities.
#include "support.hpp"

namespace nn = torch::nn;
namespace F = torch::nn::functional;

PARITY_PROGRAM(losses) {
  const auto x = parity::wave({4, 3}, 0.2, 1.3, torch::kDouble).requires_grad_();
  const auto y = parity::wave({4, 3}, 0.9, 1.3, torch::kDouble).requires_grad_();
  const auto cube = parity::wave({2, 3, 5}, 0.4, 1.2, torch::kDouble).requires_grad_();
  const std::vector<torch::Tensor> leaves{x, y, cube};
  const auto c = torch::tensor({2, 0, 1, 2}), c5 = parity::labels({2, 5}, 3);
  const auto weight = torch::tensor({0.5, 1.0, 2.0}, torch::kDouble);
  const auto sign = torch::tensor({1.0, -1.0, -1.0, 1.0}, torch::kDouble);
  const auto p = torch::sigmoid(y.detach());
  SHOW_GRAD(F::cross_entropy(x, c));
  SHOW_GRAD(F::cross_entropy(x, c, F::CrossEntropyFuncOptions().weight(weight).ignore_index(1)));
  SHOW_GRAD(F::cross_entropy(
      x, c, F::CrossEntropyFuncOptions().reduction(torch::kNone).label_smoothing(0.1)));
  SHOW_GRAD(F::cross_entropy(x, p / p.sum(1, true)));
  SHOW_GRAD(F::cross_entropy(cube, c5));
  SHOW_GRAD(torch::cross_entropy_loss(x, c));
  SHOW_GRAD(F::nll_loss(torch::log_softmax(x, 1), c));
  SHOW_GRAD(torch::nll_loss(torch::log_softmax(x, 1), c, weight));
  SHOW_GRAD(F::mse_loss(x, y));
  SHOW_GRAD(torch::mse_loss(x, y, torch::Reduction::Sum));
  SHOW_GRAD(F::mse_loss(x, y, F::MSELossFuncOptions(torch::kNone)));
  SHOW_GRAD(F::l1_loss(x, y));
  SHOW_GRAD(torch::l1_loss(x, y));
  SHOW_GRAD(F::smooth_l1_loss(x, y));
  SHOW_GRAD(torch::smooth_l1_loss(x, y, torch::Reduction::Mean, 0.5));
  SHOW_GRAD(F::huber_loss(x, y, F::HuberLossFuncOptions().delta(0.7)));
  SHOW_GRAD(torch::huber_loss(x, y));
  SHOW_GRAD(F::binary_cross_entropy(torch::sigmoid(x), p));
  SHOW_GRAD(torch::binary_cross_entropy(torch::sigmoid(x), p));
  SHOW_GRAD(F::binary_cross_entropy_with_logits(x, p));
  SHOW_GRAD(torch::binary_cross_entropy_with_logits(x, p, {}, weight));
  SHOW_GRAD(F::binary_cross_entropy_with_logits(
      x, p, F::BinaryCrossEntropyWithLogitsFuncOptions().pos_weight(weight)));
  SHOW_GRAD(F::kl_div(torch::log_softmax(x, 1), p));
  SHOW_GRAD(
      F::kl_div(torch::log_softmax(x, 1), p, F::KLDivFuncOptions().reduction(torch::kBatchMean)));
  SHOW_GRAD(torch::kl_div(torch::log_softmax(x, 1), p, torch::Reduction::Sum));
  SHOW_GRAD(F::cosine_embedding_loss(x, y, sign));
  SHOW_GRAD(torch::cosine_embedding_loss(x, y, sign, 0.2));
  SHOW_GRAD(F::margin_ranking_loss(x.select(1, 0), y.select(1, 0), sign,
                                   F::MarginRankingLossFuncOptions().margin(0.3)));
  SHOW_GRAD(torch::margin_ranking_loss(x.select(1, 0), y.select(1, 0), sign));
  SHOW_GRAD(F::hinge_embedding_loss(x.select(1, 0), sign));
  SHOW_GRAD(torch::hinge_embedding_loss(x.select(1, 0), sign, 2.0));
  SHOW_GRAD(F::poisson_nll_loss(x, p));
  SHOW_GRAD(F::poisson_nll_loss(x, p, F::PoissonNLLLossFuncOptions().full(true)));
  SHOW_GRAD(torch::poisson_nll_loss(x, p, true, false, 1e-8, torch::Reduction::Mean));
  SHOW_GRAD(F::ctc_loss(torch::log_softmax(cube.permute({2, 0, 1}), 2),
                        torch::tensor({{1, 2}, {2, 1}}), torch::tensor({5, 4}),
                        torch::tensor({2, 1})));
  SHOW_GRAD(nn::CrossEntropyLoss()(x, c));
  SHOW_GRAD(nn::CrossEntropyLoss(nn::CrossEntropyLossOptions().ignore_index(2))(x, c));
  SHOW_GRAD(nn::NLLLoss()(torch::log_softmax(x, 1), c));
  SHOW_GRAD(nn::MSELoss()(x, y));
  SHOW_GRAD(nn::MSELoss(nn::MSELossOptions(torch::kSum))(x, y));
  SHOW_GRAD(nn::L1Loss()(x, y));
  SHOW_GRAD(nn::SmoothL1Loss()(x, y));
  SHOW_GRAD(nn::HuberLoss()(x, y));
  SHOW_GRAD(nn::BCELoss()(torch::sigmoid(x), p));
  SHOW_GRAD(nn::BCEWithLogitsLoss()(x, p));
  SHOW_GRAD(nn::KLDivLoss()(torch::log_softmax(x, 1), p));
  SHOW_GRAD(nn::CosineEmbeddingLoss()(x, y, sign));
  SHOW_GRAD(nn::MarginRankingLoss()(x.select(1, 0), y.select(1, 0), sign));
  SHOW_GRAD(nn::HingeEmbeddingLoss()(x.select(1, 0), sign));
  SHOW_GRAD(nn::PoissonNLLLoss()(x, p));
  SHOW_GRAD(F::soft_margin_loss(x, y.detach().sign()));
  SHOW_GRAD(nn::SoftMarginLoss(nn::SoftMarginLossOptions(torch::kNone))(x, y.detach().sign()));
  SHOW_GRAD(nn::TripletMarginLoss()(x, y, p));
  SHOW_GRAD(F::triplet_margin_loss(
      x, y, p, F::TripletMarginLossFuncOptions().margin(0.7).swap(true).reduction(torch::kSum)));
  SHOW_GRAD(F::triplet_margin_loss(x, y, p,
                                   F::TripletMarginLossFuncOptions().p(1).reduction(torch::kNone)));
  SHOW_GRAD(nn::CosineSimilarity(nn::CosineSimilarityOptions().dim(1))(x, y));
  SHOW_GRAD(nn::PairwiseDistance()(x, y));
}

PARITY_PROGRAM(layers) {
  const auto x = parity::wave({4, 6}, 0.2, 1.3, torch::kDouble).requires_grad_();
  const auto signal = parity::wave({2, 3, 8}, 0.9, 1.3, torch::kDouble).requires_grad_();
  const std::vector<torch::Tensor> leaves{x, signal};
  const auto ids = torch::tensor({{1, 0, 2}, {2, 2, 1}});
  const auto ready = [](auto module) {
    parity::fill(*module, 0.4);
    module->to(torch::kDouble);
    return module;
  };
  SHOW_GRAD(torch::layer_norm(x, {6}));
  SHOW_GRAD(F::layer_norm(x, F::LayerNormFuncOptions({6}).eps(1e-3)));
  SHOW_GRAD(torch::dropout(x, 0.5, false));
  SHOW_GRAD(F::dropout(x, F::DropoutFuncOptions().p(0.5).training(false)));
  SHOW_GRAD(torch::dropout(x, 0.0, true));
  SHOW_GRAD(ready(nn::Linear(6, 4))(x));
  SHOW_GRAD(ready(nn::Linear(nn::LinearOptions(6, 4).bias(false)))(x));
  SHOW_GRAD(ready(nn::LayerNorm(nn::LayerNormOptions({6})))(x));
  SHOW_GRAD(ready(nn::LayerNorm(nn::LayerNormOptions({6}).elementwise_affine(false)))(x));
  SHOW_GRAD(ready(nn::Embedding(3, 5))(ids));
  SHOW_GRAD(ready(nn::Embedding(nn::EmbeddingOptions(3, 5).padding_idx(0)))(ids));
  SHOW_GRAD(nn::Embedding::from_pretrained(parity::wave({3, 2}))(ids));
  SHOW_GRAD(std::get<0>(ready(nn::RNN(6, 5))(x.unsqueeze(1))));
  SHOW_GRAD(std::get<1>(ready(nn::RNN(
      nn::RNNOptions(6, 5).nonlinearity(torch::kReLU).bidirectional(true)))(x.unsqueeze(1))));
  SHOW_GRAD(std::get<0>(
      ready(nn::LSTM(nn::LSTMOptions(6, 5).num_layers(2).bias(false)))(x.unsqueeze(1))));
  SHOW_GRAD(std::get<1>(std::get<1>(ready(nn::LSTM(6, 5))(x.unsqueeze(1)))));
  SHOW_GRAD(std::get<0>(
      ready(nn::GRU(nn::GRUOptions(6, 5).batch_first(true).bidirectional(true)))(x.unsqueeze(0))));
  SHOW_GRAD(ready(nn::RNNCell(6, 5))(x));
  SHOW_GRAD(ready(nn::RNNCell(nn::RNNCellOptions(6, 5).nonlinearity(torch::kReLU).bias(false)))(x));
  SHOW_GRAD(ready(nn::GRUCell(6, 5))(x));
  SHOW_GRAD(std::get<0>(ready(nn::LSTMCell(6, 5))(x)));
  SHOW_GRAD(ready(nn::Bilinear(6, 6, 3))(x, x));
  SHOW_GRAD(ready(nn::BatchNorm1d(6))(x));
  SHOW_GRAD(ready(nn::Conv1d(nn::Conv1dOptions(3, 4, 3)))(signal));
  SHOW_GRAD(ready(nn::Conv1d(nn::Conv1dOptions(3, 4, 3).stride(2).padding(1).dilation(2)))(signal));
  SHOW_GRAD(nn::MaxPool1d(2)(signal));
  SHOW_GRAD(nn::AvgPool1d(2)(signal));
  SHOW_GRAD(nn::AdaptiveAvgPool1d(1)(signal));
  SHOW_GRAD(nn::AdaptiveAvgPool1d(nn::AdaptiveAvgPool1dOptions(3))(signal));
  SHOW_GRAD(F::adaptive_avg_pool1d(signal, F::AdaptiveAvgPool1dFuncOptions(11)));
  SHOW_GRAD(nn::AdaptiveMaxPool1d(3)(signal));
  SHOW(std::get<1>(nn::AdaptiveMaxPool1d(3)->forward_with_indices(signal)));
  SHOW_GRAD(F::adaptive_max_pool1d(signal[0], F::AdaptiveMaxPool1dFuncOptions(5)));
  SHOW_GRAD(nn::Unflatten(1, std::vector<int64_t>{3, 2})(x));
  SHOW_GRAD(nn::Unflatten(nn::UnflattenOptions(-1, {2, 3}))(x));
  SHOW_GRAD(torch::conv1d(signal, parity::wave({4, 3, 3}, 0.1, 1, torch::kDouble)));
  SHOW_GRAD(torch::max_pool1d(signal, 2));
  SHOW_GRAD(torch::avg_pool1d(signal, 2));
  SHOW_GRAD(F::max_pool1d(signal, F::MaxPool1dFuncOptions(3).stride(2)));
  SHOW_GRAD(F::avg_pool1d(signal, F::AvgPool1dFuncOptions(3).stride(2)));
  SHOW_GRAD(F::batch_norm(x, torch::zeros({6}, torch::kDouble), torch::ones({6}, torch::kDouble),
                          F::BatchNormFuncOptions().training(true)));
  SHOW_GRAD(ready(nn::EmbeddingBag(nn::EmbeddingBagOptions(3, 4).mode(torch::kMean)))(ids));
  SHOW_GRAD(nn::Flatten(nn::FlattenOptions().start_dim(0))(signal));
  {
    nn::MultiheadAttention attention(nn::MultiheadAttentionOptions(6, 2));
    ready(attention);
    const auto q = x.unsqueeze(1);
    SHOW_GRAD(std::get<0>(attention(q, q, q)));
    SHOW_GRAD(std::get<1>(attention(q, q, q)));
  }
}

PARITY_PROGRAM(utilities) {
  namespace rnn = torch::nn::utils::rnn;
  nn::Linear linear(3, 2);
  parity::fill(*linear);
  linear->forward(parity::wave({5, 3})).square().sum().backward();
  SHOW(nn::utils::clip_grad_norm_(linear->parameters(), 0.7));
  SHOW(linear->weight.grad());
  nn::utils::clip_grad_value_(linear->parameters(), 0.1);
  SHOW(linear->bias.grad());
  SHOW(nn::utils::parameters_to_vector(linear->parameters()));
  nn::utils::vector_to_parameters(torch::arange(8, torch::kFloat), linear->parameters());
  SHOW(linear->weight);
  SHOW(linear->bias);
  linear->zero_grad();

  const std::vector<torch::Tensor> sequences{parity::wave({4, 2}), parity::wave({2, 2}, 1),
                                             parity::wave({1, 2}, 2)};
  const auto packed = rnn::pack_sequence(sequences);
  SHOW(packed.data());
  SHOW(packed.batch_sizes());
  const auto unsorted = rnn::pack_padded_sequence(rnn::pad_sequence(sequences, true, 0.5),
                                                  torch::tensor({1, 4, 2}), true, false);
  SHOW(unsorted.data());
  SHOW(unsorted.sorted_indices());
  SHOW(unsorted.unsorted_indices());
  SHOW(std::get<0>(rnn::pad_packed_sequence(unsorted, true, -1, 6)));
  SHOW(std::get<1>(rnn::pad_packed_sequence(unsorted)));

  nn::LSTM lstm(nn::LSTMOptions(2, 3).num_layers(2).bidirectional(true));
  parity::fill(*lstm);
  const auto [output, state] = lstm->forward_with_packed_input(unsorted);
  SHOW(output.data());
  SHOW(std::get<0>(state));
  SHOW(std::get<1>(state));
  for (const auto& p : lstm->named_parameters())
    std::printf("%s %lld\n", p.key().c_str(), static_cast<long long>(p.value().numel()));
  lstm->flatten_parameters();
  std::printf("%zu weights\n", lstm->all_weights().size());

  auto t = torch::empty({4, 3});
  nn::init::constant_(t, 2.5);
  SHOW(t);
  SHOW(nn::init::zeros_(t));
  SHOW(nn::init::ones_(t));
  SHOW(nn::init::eye_(t));
  nn::init::xavier_uniform_(t);
  SHOW(t.abs().max().le(std::sqrt(6.0 / 7)));
  nn::init::kaiming_uniform_(t, 0, torch::kFanIn, torch::kReLU);
  SHOW(t.abs().max().le(std::sqrt(2.0)));
  nn::init::uniform_(t, 1, 2);
  SHOW(t.ge(1));
  nn::init::normal_(t, 0, 0);
  SHOW(t);
  SHOW(nn::init::calculate_gain(torch::kTanh));
  nn::init::orthogonal_(t);
  SHOW(t.t().mm(t).sub(torch::eye(3)).abs().max().lt(1e-5));
  nn::init::xavier_normal_(t);
  nn::init::kaiming_normal_(t);

  nn::Sequential sequential(nn::Linear(2, 3), nn::ReLU());
  sequential->push_back(nn::Linear(3, 1));
  sequential->push_back("named", nn::Sigmoid());
  parity::fill(*sequential);
  SHOW(sequential->forward(parity::wave({2, 2})));
  std::printf("%zu layers\n", sequential->size());
  for (const auto& m : sequential->named_modules("net")) std::printf("%s\n", m.key().c_str());
  nn::ModuleDict dict;
  dict->update(std::vector<std::pair<std::string, std::shared_ptr<nn::Module>>>{
      {"one", nn::Linear(1, 1).ptr()}, {"two", nn::Tanh().ptr()}});
  std::printf("%zu %d\n", dict->size(), dict->contains("two"));
  nn::ParameterList list;
  list->append(torch::ones({2}));
  std::printf("%zu\n", list->size());
  torch::OrderedDict<std::string, int> ordered;
  ordered.insert("a", 1);
  ordered.insert("b", 2);
  for (const auto& item : ordered) std::printf("%s %d\n", item.key().c_str(), item.value());
}
