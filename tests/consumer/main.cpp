// Trains a tiny LSTM with the installed package: it learns to say, at every step, what it saw two
// steps before.
#include <reel/reel.hpp>

#include <cstdint>
#include <cstdio>
#include <tuple>

int main() {
  reel::manual_seed(0);
  const std::int64_t symbols = 4, steps = 12, batch = 16, hidden = 24, lag = 2;

  reel::nn::Embedding embedding(symbols, 8);
  reel::nn::LSTM lstm(8, hidden);
  reel::nn::Linear head(hidden, symbols);
  auto parameters = embedding->parameters();
  for (const auto& p : lstm->parameters()) parameters.push_back(p);
  for (const auto& p : head->parameters()) parameters.push_back(p);
  reel::optim::Adam optimizer(parameters, reel::optim::AdamOptions(1e-2));
  reel::nn::CrossEntropyLoss criterion;

  double loss_value = 0;
  for (int step = 0; step < 300; ++step) {
    const auto input = reel::randint(symbols, {steps, batch}, reel::kLong);
    const auto output = std::get<0>(lstm(embedding(input)));
    const auto logits = head(output.slice(0, lag)).reshape({-1, symbols});
    auto loss = criterion(logits, input.slice(0, 0, steps - lag).reshape({-1}));
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    loss_value = loss.item<double>();
  }
  reel::save(lstm, "consumer.json");
  std::printf("loss %.4f (chance: 1.3863)\n", loss_value);
  return loss_value < 0.3 ? 0 : 1;
}
