#include <reel/reel.hpp>

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

// A character-level language model: for every character, scores for the one that follows.
struct CharModel : reel::nn::Module {
  CharModel(std::int64_t vocabulary, std::int64_t hidden)
      : embedding(register_module("embedding", reel::nn::Embedding(vocabulary, 16))),
        lstm(register_module("lstm", reel::nn::LSTM(16, hidden))),
        head(register_module("head", reel::nn::Linear(hidden, vocabulary))) {}

  reel::Tensor forward(const reel::Tensor& characters) {
    auto [output, state] = lstm(embedding(characters));  // [T, B, hidden]
    return head(output);
  }

  reel::nn::Embedding embedding;
  reel::nn::LSTM lstm;
  reel::nn::Linear head;
};

int main() {
  reel::manual_seed(1);
  const std::string text = "the quick brown fox jumps over the lazy dog and runs away.";
  const auto characters = reel::tensor(std::vector<std::int64_t>(text.begin(), text.end()));
  const auto input = characters.slice(0, 0, -1).unsqueeze(1);  // [T, B = 1]
  const auto target = characters.slice(0, 1);                  // [T]

  auto model = std::make_shared<CharModel>(128, 64);
  reel::optim::Adam optimizer(model->parameters(), reel::optim::AdamOptions(1e-2));
  reel::nn::CrossEntropyLoss criterion;
  reel::Tensor loss;
  for (int step = 0; step < 100; ++step) {
    optimizer.zero_grad();
    loss = criterion(model->forward(input).squeeze(1), target);
    loss.backward();
    reel::nn::utils::clip_grad_norm_(model->parameters(), 1.0);
    optimizer.step();
  }
  reel::save(model, "char_model.json");

  const auto guess = model->forward(input).squeeze(1).argmax(1);
  const double right = guess.eq(target).to(reel::kDouble).mean().item<double>();
  std::cout << "loss " << loss.item<float>() << ", right " << 100 * right << " %\n";
}
