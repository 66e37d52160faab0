#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "autograd/ops/ops.hpp"
#include "autograd/product.hpp"
#include "sequence_model.hpp"
#include "streaming.hpp"

namespace reel {
namespace nn {

namespace {

/// In place, on rows of `cols` values.
void activate(SequenceActivation activation, float* x, std::int64_t rows, std::int64_t cols) {
  float* const end = x + rows * cols;
  switch (activation) {
    case SequenceActivation::None:
      return;
    case SequenceActivation::Tanh:
      for (; x != end; ++x) *x = std::tanh(*x);
      return;
    case SequenceActivation::ReLU:
      for (; x != end; ++x) *x = *x < 0 ? 0 : *x;
      return;
    case SequenceActivation::Sigmoid:
      for (; x != end; ++x) *x = 1 / (1 + std::exp(-*x));
      return;
    case SequenceActivation::ELU:
      for (; x != end; ++x) *x = *x < 0 ? std::expm1(*x) : *x;
      return;
    case SequenceActivation::Softmax:
      for (; x != end; x += cols) {
        const float largest = *std::max_element(x, x + cols);
        float sum = 0;
        for (std::int64_t j = 0; j < cols; ++j) sum += x[j] = std::exp(x[j] - largest);
        for (std::int64_t j = 0; j < cols; ++j) x[j] /= sum;
      }
      return;
  }
}

/// A recurrent layer with the linear one behind it, or a linear one alone; then an activation.
class Stage {
 public:
  Stage(StreamingRunner runner, SequenceActivation activation)
      : recurrent_(std::move(runner)),
        activation_(activation),
        batch_(recurrent_->batch_size()),
        output_size_(recurrent_->output_size()) {}
  Stage(const LinearImpl& linear, SequenceActivation activation, std::int64_t batch)
      : activation_(activation), batch_(batch), output_size_(linear.weight.size(0)) {
    const Tensor columns = linear.weight.detach().to(kFloat32).t().contiguous();
    weight_ = std::make_unique<product::Packed<float>>(product::matrix<float>(columns));
    bias_.assign(static_cast<std::size_t>(output_size_), 0.f);
    if (linear.bias.defined()) {
      const Tensor bias = linear.bias.detach().to(kFloat32).contiguous();
      std::copy_n(bias.data_ptr<float>(), output_size_, bias_.begin());
    }
  }

  std::int64_t output_size() const { return output_size_; }
  void step(const float* input, float* output) {
    if (recurrent_) {
      recurrent_->step(input, output);
    } else {
      weight_->multiply({input, batch_, weight_->rows(), weight_->rows(), 1}, output, output_size_,
                        {bias_.data(), 0});
    }
    activate(activation_, output, batch_, output_size_);
  }
  void reset() {
    if (recurrent_) recurrent_->reset();
  }

 private:
  std::optional<StreamingRunner> recurrent_;
  std::unique_ptr<product::Packed<float>> weight_;
  std::vector<float> bias_;
  SequenceActivation activation_;
  std::int64_t batch_, output_size_;
};

}  // namespace

class SequenceRunner::Impl {
 public:
  Impl(const SequenceModelImpl& model, std::int64_t batch)
      : batch_(batch), input_size_(model.input_size()), skip_(model.options.skip) {
    check(batch > 0, "[SequenceRunner] batch_size must be greater than zero, found ", batch);
    const auto& layers = model.layers;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const SequenceActivation own = model.options.layers[i].activation;
      if (const auto* linear = std::get_if<Linear>(&layers[i])) {
        stages_.emplace_back(**linear, own, batch);
        continue;
      }
      // The runner takes the linear layer behind along, unless something lies between.
      const std::size_t at = i;
      Linear head = nullptr;
      if (own == SequenceActivation::None && i + 1 < layers.size())
        if (const auto* next = std::get_if<Linear>(&layers[i + 1])) head = *next, ++i;
      StreamingRunner runner = std::visit(
          [&](const auto& module) -> StreamingRunner {
            if constexpr (std::is_same_v<std::decay_t<decltype(module)>, Linear>)
              throw Error("[SequenceRunner] a linear layer cannot be streamed as a recurrent one");
            else
              return StreamingRunner(module, head, batch);
          },
          layers[at]);
      const auto& [h, c] = model.start_states[at];
      if (h.defined()) {
        const auto each = [batch](const Tensor& s) {
          return s.defined() ? s.detach().expand({s.size(0), batch, s.size(2)}) : s;
        };
        runner.set_start_state(each(h), each(c));
      }
      stages_.emplace_back(std::move(runner), model.options.layers[i].activation);
    }
    std::int64_t widest = 0;
    for (const Stage& stage : stages_) widest = std::max(widest, stage.output_size());
    for (auto& buffer : between_) buffer.resize(static_cast<std::size_t>(batch * widest));
    skipped_.resize(static_cast<std::size_t>(batch * skip_));
  }

  std::int64_t batch_size() const { return batch_; }
  std::int64_t input_size() const { return input_size_; }
  std::int64_t output_size() const { return stages_.back().output_size(); }

  void step(const float* input, float* output) {
    // Kept, since the output may overwrite the input.
    for (std::int64_t b = 0; b < batch_; ++b)
      std::copy_n(input + b * input_size_, skip_, skipped_.data() + b * skip_);
    const float* from = input;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      float* to = between_[i % 2].data();
      stages_[i].step(from, to);
      from = to;
    }
    const std::int64_t out = output_size();
    std::copy_n(from, batch_ * out, output);
    if (skip_ == 0) return;
    for (std::int64_t b = 0; b < batch_; ++b)
      for (std::int64_t j = 0; j < out; ++j)
        output[b * out + j] += skipped_[static_cast<std::size_t>(b * skip_ + (skip_ > 1 ? j : 0))];
  }
  void reset() {
    for (Stage& stage : stages_) stage.reset();
  }

 private:
  std::int64_t batch_, input_size_, skip_;
  std::vector<Stage> stages_;
  std::vector<float> between_[2];  // what one stage hands to the next, in turn
  std::vector<float> skipped_;
};

SequenceRunner::SequenceRunner(const SequenceModel& model, std::int64_t batch_size)
    : impl_(std::make_unique<Impl>(*model, batch_size)) {}
SequenceRunner::SequenceRunner(SequenceRunner&&) noexcept = default;
SequenceRunner& SequenceRunner::operator=(SequenceRunner&&) noexcept = default;
SequenceRunner::~SequenceRunner() = default;

std::int64_t SequenceRunner::batch_size() const { return impl_->batch_size(); }
std::int64_t SequenceRunner::input_size() const { return impl_->input_size(); }
std::int64_t SequenceRunner::output_size() const { return impl_->output_size(); }

void SequenceRunner::step(const float* input, float* output) noexcept {
  impl_->step(input, output);
}
void SequenceRunner::run(const float* input, float* output, std::int64_t steps) noexcept {
  const std::int64_t in = batch_size() * input_size(), out = batch_size() * output_size();
  for (std::int64_t t = 0; t < steps; ++t) impl_->step(input + t * in, output + t * out);
}
void SequenceRunner::reset() noexcept { impl_->reset(); }

}  // namespace nn
}  // namespace reel
