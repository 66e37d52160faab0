// A sentiment classifier: packed sequences of different lengths, in any order, through a
// bidirectional GRU of two layers; the final states of both directions decide.
#include "support.hpp"

namespace {
namespace sentiment {

namespace nn = torch::nn;
using nn::utils::rnn::pack_padded_sequence;
using nn::utils::rnn::pad_packed_sequence;

struct NetImpl : nn::Module {
  NetImpl(int64_t vocabulary, int64_t features, int64_t hidden) {
    embedding = register_module(
        "embedding", nn::Embedding(nn::EmbeddingOptions(vocabulary, features).padding_idx(0)));
    gru = register_module(
        "gru",
        nn::GRU(
            nn::GRUOptions(features, hidden).num_layers(2).bidirectional(true).batch_first(true)));
    dropout = register_module("dropout", nn::Dropout(nn::DropoutOptions().p(0.5)));
    fc = register_module("fc", nn::Linear(2 * hidden, 1));
  }
  torch::Tensor forward(const torch::Tensor& words, const torch::Tensor& lengths) {
    const auto packed = pack_padded_sequence(dropout(embedding(words)), lengths,
                                             /*batch_first=*/true, /*enforce_sorted=*/false);
    auto [output, h] = gru->forward_with_packed_input(packed);
    last_output = std::get<0>(pad_packed_sequence(output, true));
    const auto both = torch::cat({h[-2], h[-1]}, /*dim=*/1);
    return fc(dropout(both)).squeeze(1);
  }
  nn::Embedding embedding{nullptr};
  nn::GRU gru{nullptr};
  nn::Dropout dropout{nullptr};
  nn::Linear fc{nullptr};
  torch::Tensor last_output;
};
TORCH_MODULE(Net);

}  // namespace sentiment
}  // namespace

PARITY_PROGRAM(sentiment) {
  using namespace sentiment;
  const int64_t vocabulary = 30, batch = 6, longest = 9;
  Net net(vocabulary, 10, 14);
  parity::fill(*net, 0.4);
  net->eval();  // dropout would draw random numbers
  torch::optim::RMSprop optimizer(
      net->parameters(),
      torch::optim::RMSpropOptions(3e-3).alpha(0.95).momentum(0.5).centered(true));
  nn::BCEWithLogitsLoss criterion(nn::BCEWithLogitsLossOptions().pos_weight(torch::tensor({1.5f})));

  for (int step = 0; step < 50; ++step) {
    const auto lengths = torch::tensor({4, 9, 1, 9, 6, 2}, torch::kLong).roll(step % batch);
    auto words = parity::labels({batch, longest}, vocabulary - 1, 0.3 * (step % 5)) + 1;
    for (int64_t b = 0; b < batch; ++b) words[b].slice(0, lengths[b].item<int64_t>()).fill_(0);
    const auto target = words.slice(1, 0, 1).squeeze(1).gt(vocabulary / 2).to(torch::kFloat);

    const auto logits = net(words, lengths);
    const auto loss = criterion(logits, target);
    optimizer.zero_grad();
    loss.backward();
    nn::utils::clip_grad_value_(net->parameters(), 0.5);
    optimizer.step();
    const auto right = torch::sigmoid(logits).round().eq(target).sum().item<int64_t>();
    std::printf("step %d loss %.10g right %lld\n", step, loss.item<double>(),
                static_cast<long long>(right));
  }
  parity::print("output", net->last_output);
  parity::print("padding row's gradient", net->embedding->weight.grad()[0].abs().sum());
}
