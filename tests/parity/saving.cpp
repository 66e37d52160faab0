// Models and optimizers through every way of saving that libtorch has; training goes on afterwards
// as if nothing had happened.
#include <sstream>

#include "support.hpp"

namespace {

struct NetImpl : torch::nn::Module {
  NetImpl()
      : lstm(register_module("lstm", torch::nn::LSTM(torch::nn::LSTMOptions(3, 5).num_layers(2)))),
        norm(register_module("norm", torch::nn::BatchNorm1d(5))),
        head(register_module("head", torch::nn::Linear(5, 1))) {
    parity::fill(*this);
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return head(norm(std::get<0>(lstm(x)).select(0, -1)));
  }
  torch::nn::LSTM lstm;
  torch::nn::BatchNorm1d norm;
  torch::nn::Linear head;
};
TORCH_MODULE(Net);

double train(Net& net, torch::optim::Optimizer& optimizer, int steps) {
  const auto x = parity::wave({6, 4, 3}, 0.3), y = parity::wave({4, 1}, 0.8);
  torch::Tensor loss;
  for (int i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    loss = torch::mse_loss(net(x), y);
    loss.backward();
    optimizer.step();
  }
  return loss.item<double>();
}

template <class Optimizer, class Options>
void through_every_form(const char* name, const Options& options) {
  Net net;
  Optimizer optimizer(net->parameters(), options);
  train(net, optimizer, 5);

  std::stringstream model_stream, optimizer_stream, archive_stream;
  torch::save(net, model_stream);
  torch::save(optimizer, optimizer_stream);
  torch::serialize::OutputArchive out, out_model, out_optimizer;
  net->save(out_model);
  optimizer.save(out_optimizer);
  out.write("model", out_model);
  out.write("optimizer", out_optimizer);
  out.write("epoch", torch::tensor(5));
  out.save_to(archive_stream);
  std::string model_bytes, optimizer_bytes;
  torch::save(net, [&](const void* data, size_t size) {
    model_bytes.append(static_cast<const char*>(data), size);
    return size;
  });
  torch::save(optimizer, [&](const void* data, size_t size) {
    optimizer_bytes.append(static_cast<const char*>(data), size);
    return size;
  });
  const auto state = std::vector<torch::Tensor>{net->lstm->parameters()[0].detach().clone()};
  std::stringstream tensors;
  torch::save(state, tensors);
  parity::print(name, train(net, optimizer, 5));

  {
    Net again;
    Optimizer other(again->parameters(), options);
    torch::load(again, model_stream);
    torch::load(other, optimizer_stream);
    parity::print("streams", train(again, other, 5));
  }
  {
    Net again;
    Optimizer other(again->parameters(), options);
    torch::serialize::InputArchive in, in_model, in_optimizer;
    in.load_from(archive_stream);
    in.read("model", in_model);
    again->load(in_model);
    in.read("optimizer", in_optimizer);
    other.load(in_optimizer);
    torch::Tensor epoch;
    in.read("epoch", epoch);
    parity::print("archives", train(again, other, static_cast<int>(epoch.item<int64_t>())));
  }
  {
    Net again;
    Optimizer other(again->parameters(), options);
    torch::load(again, model_bytes.data(), model_bytes.size());
    torch::load(
        other,
        [&](uint64_t position, void* into, size_t size) {
          const size_t n = position < optimizer_bytes.size()
                               ? std::min(size, optimizer_bytes.size() - position)
                               : 0;
          std::copy_n(optimizer_bytes.data() + position, n, static_cast<char*>(into));
          return n;
        },
        [&] { return optimizer_bytes.size(); });
    parity::print("memory", train(again, other, 5));
  }
  std::vector<torch::Tensor> loaded;
  torch::load(loaded, tensors);
  parity::print("tensors", (loaded.at(0) - state[0]).abs().max());
}

}  // namespace

PARITY_PROGRAM(saving) {
  through_every_form<torch::optim::Adam>("adam", torch::optim::AdamOptions(1e-2));
  through_every_form<torch::optim::SGD>("sgd", torch::optim::SGDOptions(1e-2).momentum(0.9));
  through_every_form<torch::optim::RMSprop>("rmsprop", torch::optim::RMSpropOptions(1e-2));
  through_every_form<torch::optim::Adagrad>("adagrad", torch::optim::AdagradOptions(1e-2));
  through_every_form<torch::optim::AdamW>("adamw", torch::optim::AdamWOptions(1e-2));
}
