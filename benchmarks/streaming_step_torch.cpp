// libtorch's part of streaming_step.
#include <torch/torch.h>

#include "streaming_step.hpp"

namespace bench {
namespace {

class Stream : public Contender {
 public:
  explicit Stream(std::int64_t hidden)
      : cell_(1, hidden),
        x_(torch::full({1, 1}, 0.5f)),
        state_(torch::zeros({1, hidden}), torch::zeros({1, hidden})) {
    at::set_num_threads(1);
  }
  double run() override {
    const torch::NoGradGuard no_grad;
    state_ = cell_(x_, state_);
    return static_cast<double>(*std::get<0>(state_).data_ptr<float>());
  }

 private:
  torch::nn::LSTMCell cell_;
  torch::Tensor x_;
  std::tuple<torch::Tensor, torch::Tensor> state_;
};

}  // namespace
std::unique_ptr<Contender> make_torch_stream(std::int64_t hidden) {
  return std::make_unique<Stream>(hidden);
}
}  // namespace bench
