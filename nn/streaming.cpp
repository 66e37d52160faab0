#include "streaming.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops/ops.hpp"
#include "autograd/pointwise.hpp"
#include "autograd/product.hpp"
#include "recurrent.hpp"
#include "recurrent_formula.hpp"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace reel {
namespace nn {
namespace {

using detail::RecurrentKind;
using Lanes = simd::Lanes<float>;
using Number = formula::Num<Lanes::type>;

// A formula on numbers: as in the forward pass of the tape's pointwise ops, with nothing saved.
template <class F, std::size_t... K, class... N>
REEL_INLINE auto evaluate(const F& f, std::index_sequence<K...>, const N&... n) {
  using Mode = formula::Forward<float, formula::Plan<F, std::index_sequence<K...>>, false>;
  const typename Mode::Memory* none = nullptr;
  return f(formula::Val<Mode, formula::In<static_cast<int>(K)>>{{n, none}}...);
}
template <class F, class... N>
REEL_INLINE auto evaluate(const F& f, const N&... n) {
  return evaluate(f, std::index_sequence_for<N...>{}, n...);
}

// Denormal numbers read and written as zeros in this scope.
class FlushToZero {
 public:
#if defined(__SSE__)
  FlushToZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kFlush | kDenormalsAreZero); }
  ~FlushToZero() { _mm_setcsr(before_); }

 private:
  static constexpr unsigned kFlush = 0x8000, kDenormalsAreZero = 0x0040;
  unsigned before_;
#else
  FlushToZero() {}
  ~FlushToZero() {}
#endif
  FlushToZero(const FlushToZero&) = delete;
  FlushToZero& operator=(const FlushToZero&) = delete;
};

std::int64_t whole_lanes(std::int64_t n) {
  return (n + Lanes::count - 1) / Lanes::count * Lanes::count;
}

std::vector<float> floats(const Tensor& t) {
  const Tensor flat = t.detach().to(kFloat32).contiguous();
  return std::vector<float>(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
}

product::Matrix<float> row_major(const std::vector<float>& data, std::int64_t rows,
                                 std::int64_t cols) {
  return {data.data(), rows, cols, cols, 1};
}

// One layer. Its operand [B, I + S] holds the input and the state h side by side, so that a step
// is one product with all weights, [I + S, blocks * padded], and one formula over the blocks. Every
// block of H columns is padded to whole SIMD lanes. A GRU has four blocks: r, z, and the input's
// and the hidden state's parts of n, each with zeros for the other's weights.
class Layer {
 public:
  Layer(RecurrentKind kind, std::int64_t batch, const Tensor& ih, const Tensor& hh,
        const Tensor& bias_ih, const Tensor& bias_hh, const Tensor& hr)
      : kind_(kind),
        batch_(batch),
        in_(ih.size(1)),
        state_(hh.size(1)),
        hidden_(hh.size(0) / detail::gate_count(kind)),
        padded_(whole_lanes(hidden_)),
        width_(padded_ * (kind == RecurrentKind::Gru ? 4 : detail::gate_count(kind))),
        weights_(row_major(arranged(ih, hh), in_ + state_, width_)),
        operand_(static_cast<std::size_t>(batch * (in_ + state_))),
        gates_(static_cast<std::size_t>(batch * width_)),
        next_(static_cast<std::size_t>(batch * padded_)),
        cell_(static_cast<std::size_t>(kind == RecurrentKind::Lstm ? batch * padded_ : 0)),
        bias_(static_cast<std::size_t>(width_)) {
    if (bias_ih.defined()) add_biases(floats(bias_ih), floats(bias_hh));
    if (hr.defined()) {
      const Tensor columns = hr.detach().to(kFloat32).t().contiguous();
      projection_ = std::make_unique<product::Packed<float>>(product::matrix<float>(columns));
    }
  }

  std::int64_t input_size() const { return in_; }
  std::int64_t state_size() const { return state_; }
  std::int64_t hidden_size() const { return hidden_; }
  bool has_cell() const { return !cell_.empty(); }
  float* input(std::int64_t b) { return operand_.data() + b * (in_ + state_); }
  float* h(std::int64_t b) { return input(b) + in_; }
  float* c(std::int64_t b) { return cell_.data() + b * padded_; }
  /// The states of the batch as a matrix.
  product::Matrix<float> output() { return {h(0), batch_, state_, in_ + state_, 1}; }

  void step() {
    for (std::int64_t b = 0; b < batch_; ++b)
      std::copy(bias_.begin(), bias_.end(), gates_.begin() + b * width_);
    weights_.multiply(row_major(operand_, batch_, in_ + state_), gates_.data(), width_, true);
    for (std::int64_t b = 0; b < batch_; ++b) apply_formula(b);
    if (projection_) {
      const product::Matrix<float> full{next_.data(), batch_, hidden_, padded_, 1};
      projection_->multiply(full, h(0), in_ + state_, false);
    } else {
      for (std::int64_t b = 0; b < batch_; ++b)
        std::copy_n(next_.data() + b * padded_, hidden_, h(b));
    }
  }

  void reset() {
    std::fill(operand_.begin(), operand_.end(), 0.f);
    std::fill(cell_.begin(), cell_.end(), 0.f);
    std::fill(next_.begin(), next_.end(), 0.f);
  }
  /// After h was written from outside: what the formula reads of it.
  void state_changed() {
    if (!projection_)
      for (std::int64_t b = 0; b < batch_; ++b)
        std::copy_n(h(b), hidden_, next_.data() + b * padded_);
  }

 private:
  // Where rows [gate * H, (gate + 1) * H) of a weight go: the input's, or the hidden state's.
  std::int64_t column(std::int64_t gate, bool of_hidden) const {
    const bool own_block = kind_ == RecurrentKind::Gru && gate == 2 && of_hidden;
    return (own_block ? 3 : gate) * padded_;
  }
  std::vector<float> arranged(const Tensor& ih, const Tensor& hh) const {
    std::vector<float> all(static_cast<std::size_t>((in_ + state_) * width_));
    const auto place = [&](const Tensor& weight, std::int64_t first_row, bool of_hidden) {
      const std::vector<float> w = floats(weight);
      const std::int64_t cols = weight.size(1);
      for (std::int64_t gate = 0; gate < detail::gate_count(kind_); ++gate)
        for (std::int64_t j = 0; j < hidden_; ++j)
          for (std::int64_t k = 0; k < cols; ++k)
            all[static_cast<std::size_t>((first_row + k) * width_ + column(gate, of_hidden) + j)] =
                w[static_cast<std::size_t>((gate * hidden_ + j) * cols + k)];
    };
    place(ih, 0, false);
    place(hh, in_, true);
    return all;
  }
  void add_biases(const std::vector<float>& of_input, const std::vector<float>& of_hidden) {
    for (std::int64_t gate = 0; gate < detail::gate_count(kind_); ++gate)
      for (std::int64_t j = 0; j < hidden_; ++j) {
        const auto from = static_cast<std::size_t>(gate * hidden_ + j);
        bias_[static_cast<std::size_t>(column(gate, false) + j)] += of_input[from];
        bias_[static_cast<std::size_t>(column(gate, true) + j)] += of_hidden[from];
      }
  }

  void apply_formula(std::int64_t b) {
    const float* gates = gates_.data() + b * width_;
    float* next = next_.data() + b * padded_;
    const auto gate = [&](std::int64_t i, std::int64_t j) {
      return Number(Lanes::load(gates + i * padded_ + j));
    };
    for (std::int64_t j = 0; j < padded_; j += Lanes::count) {
      Number h;
      using detail::kGru, detail::kLstm, detail::kRnnRelu, detail::kRnnTanh;
      switch (kind_) {
        case RecurrentKind::RnnTanh:
          h = evaluate(kRnnTanh, gate(0, j)).data.v;
          break;
        case RecurrentKind::RnnRelu:
          h = evaluate(kRnnRelu, gate(0, j)).data.v;
          break;
        case RecurrentKind::Gru: {
          const Number none = Number::constant(0);
          h = evaluate(kGru, gate(0, j), gate(1, j), gate(2, j), none, none, gate(3, j),
                       Number(Lanes::load(next + j)))
                  .data.v;
          break;
        }
        case RecurrentKind::Lstm: {
          const auto [out, cell] = evaluate(kLstm, gate(0, j), gate(1, j), gate(2, j), gate(3, j),
                                            Number(Lanes::load(c(b) + j)));
          Lanes::store(c(b) + j, cell.data.v.v);
          h = out.data.v;
          break;
        }
      }
      Lanes::store(next + j, h.v);
    }
  }

  RecurrentKind kind_;
  std::int64_t batch_, in_, state_, hidden_, padded_, width_;
  product::Packed<float> weights_;
  std::unique_ptr<product::Packed<float>> projection_;
  std::vector<float> operand_, gates_, next_, cell_, bias_;  // next_: o tanh(c), or h, padded
};

}  // namespace

class StreamingRunner::Impl {
 public:
  template <class Module>
  Impl(const Module& module, const Linear& head, std::int64_t batch) : batch_(batch) {
    const detail::RNNOptionsBase& o = module.options_base;
    check(batch > 0, "[StreamingRunner] batch_size must be greater than zero, found ", batch);
    check(!o.bidirectional(), "[StreamingRunner] a bidirectional module needs the whole sequence ",
          "and cannot be streamed; train one with bidirectional = false");
    const auto parameters = module.named_parameters(false);
    for (std::int64_t k = 0; k < o.num_layers(); ++k) {
      const auto find = [&](const char* name) {
        const std::string key = name + std::to_string(k);
        return parameters.contains(key) ? parameters[key] : Tensor();
      };
      layers_.emplace_back(o.mode(), batch, find("weight_ih_l"), find("weight_hh_l"),
                           find("bias_ih_l"), find("bias_hh_l"), find("weight_hr_l"));
    }
    out_ = layers_.back().state_size();
    if (!head) return;
    check<ShapeError>(head->weight.size(1) == out_, "[StreamingRunner] expected a head with ", out_,
                      " in_features, the module's output size, found ", head->weight.size(1));
    const Tensor columns = head->weight.detach().to(kFloat32).t().contiguous();
    head_ = std::make_unique<product::Packed<float>>(product::matrix<float>(columns));
    out_ = columns.size(1);
    head_bias_.assign(static_cast<std::size_t>(out_), 0.f);
    if (head->bias.defined()) head_bias_ = floats(head->bias);
  }

  void step(const float* input, float* output) {
    const FlushToZero guard;
    product::Matrix<float> given{input, batch_, input_size(), input_size(), 1};
    for (Layer& layer : layers_) {
      for (std::int64_t b = 0; b < batch_; ++b)
        std::copy_n(given.at(b, 0), given.cols, layer.input(b));
      layer.step();
      given = layer.output();
    }
    for (std::int64_t b = 0; b < batch_; ++b) {
      if (head_)
        std::copy(head_bias_.begin(), head_bias_.end(), output + b * out_);
      else
        std::copy_n(given.at(b, 0), out_, output + b * out_);
    }
    if (head_) head_->multiply(given, output, out_, true);
  }

  void reset() {
    if (start_h_.empty())
      for (Layer& layer : layers_) layer.reset();
    else
      put_state(start_h_, start_c_);
  }

  std::tuple<Tensor, Tensor> state() {
    const Tensor h = empty(h_sizes(), kFloat32);
    Tensor c = has_cell() ? empty(c_sizes(), kFloat32) : Tensor();
    each_row([&](Layer& layer, std::int64_t row, std::int64_t b) {
      std::copy_n(layer.h(b), layer.state_size(), h.data_ptr<float>() + row * layer.state_size());
      if (has_cell())
        std::copy_n(layer.c(b), layer.hidden_size(),
                    c.data_ptr<float>() + row * layer.hidden_size());
    });
    return {h, c};
  }

  void set_state(const Tensor& h, const Tensor& c, bool start) {
    const auto fits = [](const char* which, const Tensor& t, const Dims& expected) {
      check<ShapeError>(t.defined() && t.sizes() == IntArrayRef(expected),
                        "[StreamingRunner] expected ", which, " of size ", expected, ", got ",
                        t.defined() ? t.sizes() : IntArrayRef());
    };
    fits("hidden state", h, h_sizes());
    if (has_cell()) fits("cell state", c, c_sizes());
    check(has_cell() || !c.defined(), "[StreamingRunner] this module has no cell state");
    std::vector<float> from_h = floats(h);
    std::vector<float> from_c = has_cell() ? floats(c) : std::vector<float>();
    put_state(from_h, from_c);
    if (!start) return;
    start_h_ = std::move(from_h);
    start_c_ = std::move(from_c);
  }

  std::int64_t batch_size() const { return batch_; }
  std::int64_t input_size() const { return layers_.front().input_size(); }
  std::int64_t output_size() const { return out_; }

 private:
  template <class Visit>
  void each_row(Visit visit) {
    std::int64_t row = 0;
    for (Layer& layer : layers_)
      for (std::int64_t b = 0; b < batch_; ++b) visit(layer, row++, b);
  }
  /// Copies states, laid out as state() gives them, into the layers.
  void put_state(const std::vector<float>& from_h, const std::vector<float>& from_c) {
    each_row([&](Layer& layer, std::int64_t row, std::int64_t b) {
      std::copy_n(from_h.data() + row * layer.state_size(), layer.state_size(), layer.h(b));
      if (has_cell())
        std::copy_n(from_c.data() + row * layer.hidden_size(), layer.hidden_size(), layer.c(b));
    });
    for (Layer& layer : layers_) layer.state_changed();
  }
  bool has_cell() const { return layers_.front().has_cell(); }
  Dims h_sizes() const {
    return {static_cast<std::int64_t>(layers_.size()), batch_, layers_.front().state_size()};
  }
  Dims c_sizes() const {
    return {static_cast<std::int64_t>(layers_.size()), batch_, layers_.front().hidden_size()};
  }

  std::int64_t batch_, out_ = 0;
  std::vector<Layer> layers_;
  std::unique_ptr<product::Packed<float>> head_;
  std::vector<float> head_bias_;
  std::vector<float> start_h_, start_c_;  // empty: zeros
};

StreamingRunner::StreamingRunner(const RNN& module, const Linear& head, std::int64_t batch_size)
    : impl_(std::make_unique<Impl>(*module, head, batch_size)) {}
StreamingRunner::StreamingRunner(const LSTM& module, const Linear& head, std::int64_t batch_size)
    : impl_(std::make_unique<Impl>(*module, head, batch_size)) {}
StreamingRunner::StreamingRunner(const GRU& module, const Linear& head, std::int64_t batch_size)
    : impl_(std::make_unique<Impl>(*module, head, batch_size)) {}
StreamingRunner::StreamingRunner(StreamingRunner&&) noexcept = default;
StreamingRunner& StreamingRunner::operator=(StreamingRunner&&) noexcept = default;
StreamingRunner::~StreamingRunner() = default;

std::int64_t StreamingRunner::batch_size() const { return impl_->batch_size(); }
std::int64_t StreamingRunner::input_size() const { return impl_->input_size(); }
std::int64_t StreamingRunner::output_size() const { return impl_->output_size(); }

void StreamingRunner::step(const float* input, float* output) noexcept {
  impl_->step(input, output);
}
void StreamingRunner::run(const float* input, float* output, std::int64_t steps) noexcept {
  const std::int64_t in = batch_size() * input_size(), out = batch_size() * output_size();
  for (std::int64_t t = 0; t < steps; ++t) impl_->step(input + t * in, output + t * out);
}
void StreamingRunner::reset() noexcept { impl_->reset(); }
std::tuple<Tensor, Tensor> StreamingRunner::state() const { return impl_->state(); }
void StreamingRunner::set_state(const Tensor& h, const Tensor& c) { impl_->set_state(h, c, false); }
void StreamingRunner::set_start_state(const Tensor& h, const Tensor& c) {
  impl_->set_state(h, c, true);
}

}  // namespace nn
}  // namespace reel
