#include "streaming.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "autograd/denormals.hpp"
#include "autograd/ops/ops.hpp"
#include "autograd/pointwise.hpp"
#include "autograd/product.hpp"
#include "recurrent.hpp"
#include "recurrent_formula.hpp"

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

std::int64_t whole_lanes(std::int64_t n) {
  return (n + Lanes::count - 1) / Lanes::count * Lanes::count;
}

std::vector<float> floats(const Tensor& t) {
  const Tensor flat = t.detach().to(kFloat32).contiguous();
  return std::vector<float>(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
}

// One layer. Its operand [B, I + S] holds the input and the state h side by side. The weights lie
// in the order in which a step reads them: for every block of hidden units that fills a SIMD lane,
// for every column of the operand, the gates of the block. So a step reads each weight once, from
// front to back, has a block's gates in registers, and applies the formula to them there; the last
// block is padded with zeros. The formula of one block and the weights of the next overlap.
//
// A GRU's candidate takes the input's and the state's part apart: a column of the operand adds to
// one of the two.
class Layer {
 public:
  Layer(RecurrentKind kind, std::int64_t batch, const Tensor& ih, const Tensor& hh,
        const Tensor& bias_ih, const Tensor& bias_hh, const Tensor& hr)
      : kind_(kind),
        batch_(batch),
        in_(ih.size(1)),
        state_(hh.size(1)),
        hidden_(hh.size(0) / detail::cell_of(kind).gates()),
        padded_(whole_lanes(hidden_)),
        row_(in_ + std::max(state_, padded_)),
        weights_(aligned(padded_ * detail::cell_of(kind).gates() * (in_ + state_))),
        bias_(aligned(padded_ * sums(kind))),
        operand_(aligned(batch * row_)),
        next_(aligned(batch * row_)),
        cell_(aligned(kind == RecurrentKind::Lstm ? batch * padded_ : 0)) {
    place_weights(ih, 0);
    place_weights(hh, in_);
    if (bias_ih.defined()) {
      place_bias(bias_ih, false);
      place_bias(bias_hh, true);
    }
    if (hr.defined()) {
      const Tensor columns = hr.detach().to(kFloat32).t().contiguous();
      projection_ = std::make_unique<product::Packed<float>>(product::matrix<float>(columns));
      full_ = aligned(batch * padded_);
    }
  }

  std::int64_t input_size() const { return in_; }
  std::int64_t state_size() const { return state_; }
  std::int64_t hidden_size() const { return hidden_; }
  bool has_cell() const { return kind_ == RecurrentKind::Lstm; }
  float* input(std::int64_t b) { return data(operand_) + b * row_; }
  float* h(std::int64_t b) { return input(b) + in_; }
  /// What the last step read.
  product::Matrix<float> inputs() { return {data(next_), batch_, in_, row_, 1}; }
  float* c(std::int64_t b) { return data(cell_) + b * padded_; }
  /// The states of the batch as a matrix.
  product::Matrix<float> output() { return {h(0), batch_, state_, row_, 1}; }

  void step() {
    switch (kind_) {
      case RecurrentKind::RnnTanh:
        run<RecurrentKind::RnnTanh>();
        break;
      case RecurrentKind::RnnRelu:
        run<RecurrentKind::RnnRelu>();
        break;
      case RecurrentKind::Gru:
        run<RecurrentKind::Gru>();
        break;
      case RecurrentKind::Lstm:
        run<RecurrentKind::Lstm>();
        break;
      case RecurrentKind::GruResetBefore:
      case RecurrentKind::Custom:
        break;  // refused when the runner was made
    }
    if (projection_) {
      const product::Matrix<float> full{data(full_), batch_, hidden_, padded_, 1};
      projection_->multiply(full, data(next_) + in_, row_);
    }
    std::swap(operand_, next_);
  }

  void reset() {
    for (const Tensor& t : {operand_, next_, cell_}) std::fill_n(data(t), t.numel(), 0.f);
  }

 private:
  using Batch = Lanes::type;
  static constexpr std::int64_t kLanes = Lanes::count;
  // Rows of the batch that share a pass over the weights: as many as the registers hold sums of.
  static constexpr int kRows = sizeof(Batch) == 64 ? 4 : 2;

  // Zeros, in memory made for SIMD loads.
  static Tensor aligned(std::int64_t n) { return zeros({n}, kFloat32); }
  static float* data(const Tensor& t) { return reinterpret_cast<float*>(t.impl()->data); }
  // Sums that the formula reads: one per gate, and a GRU's candidate has two.
  static constexpr std::int64_t sums(RecurrentKind kind) {
    return kind == RecurrentKind::Lstm || kind == RecurrentKind::Gru ? 4 : 1;
  }

  void place_weights(const Tensor& weight, std::int64_t first) {
    const std::vector<float> w = floats(weight);
    const std::int64_t gates = detail::cell_of(kind_).gates(), cols = weight.size(1);
    for (std::int64_t gate = 0; gate < gates; ++gate)
      for (std::int64_t j = 0; j < hidden_; ++j)
        for (std::int64_t k = 0; k < cols; ++k)
          data(weights_)[((j / kLanes * (in_ + state_) + first + k) * gates + gate) * kLanes +
                         j % kLanes] = w[static_cast<std::size_t>((gate * hidden_ + j) * cols + k)];
  }
  void place_bias(const Tensor& bias, bool of_hidden) {
    const std::vector<float> b = floats(bias);
    for (std::int64_t gate = 0; gate < detail::cell_of(kind_).gates(); ++gate)
      for (std::int64_t j = 0; j < hidden_; ++j) {
        const bool apart = kind_ == RecurrentKind::Gru && gate == 2 && of_hidden;
        data(bias_)[(j / kLanes * sums(kind_) + (apart ? 3 : gate)) * kLanes + j % kLanes] +=
            b[static_cast<std::size_t>(gate * hidden_ + j)];
      }
  }

  template <RecurrentKind kind>
  void run() {
    std::int64_t b = 0;
    for (; b + kRows <= batch_; b += kRows) run_rows<kind, kRows>(b);
    for (; b + 2 <= batch_; b += 2) run_rows<kind, 2>(b);
    if (b < batch_) run_rows<kind, 1>(b);
  }

  // One step of the rows [b, b + rows) of the batch.
  template <RecurrentKind kind, int rows>
  void run_rows(std::int64_t b) {
    constexpr std::int64_t kSums = sums(kind);
    constexpr bool kGruLike = kind == RecurrentKind::Gru;
    constexpr std::int64_t kGates = kGruLike ? 3 : kSums;
    const float* w = data(weights_);
    const float* bias = data(bias_);
    for (std::int64_t j = 0; j < padded_; j += kLanes, bias += kSums * kLanes) {
      // Two sums for each, over every second column: an addition need not wait for the last.
      Batch sum[2][rows][kSums];
      for (int r = 0; r < rows; ++r)
        for (int g = 0; g < kSums; ++g) {
          sum[0][r][g] = Lanes::load(bias + g * kLanes);
          sum[1][r][g] = Batch(0.f);
        }
      const auto columns = [&](std::int64_t first, std::int64_t count, auto last_sum) {
        const float* x[rows];
        for (int r = 0; r < rows; ++r) x[r] = input(b + r) + first;
        const auto add = [&](int part, std::int64_t k, const float* from) {
          for (int g = 0; g < kGates; ++g) {
            const Batch weight = Lanes::load(from + g * kLanes);
            const int at = g + 1 == kGates ? static_cast<int>(last_sum) : g;
            for (int r = 0; r < rows; ++r)
              sum[part][r][at] = xsimd::fma(Batch(x[r][k]), weight, sum[part][r][at]);
          }
        };
        std::int64_t k = 0;
        for (; k + 2 <= count; k += 2, w += 2 * kGates * kLanes) {
          add(0, k, w);
          add(1, k + 1, w + kGates * kLanes);
        }
        if (k < count) {
          add(0, k, w);
          w += kGates * kLanes;
        }
      };
      columns(0, in_, std::integral_constant < int,
              kGruLike ? 2 : static_cast<int>(kSums) - 1 > ());
      columns(in_, state_, std::integral_constant<int, static_cast<int>(kSums) - 1>());
      for (int r = 0; r < rows; ++r) {
        const auto gate = [&](int g) { return Number(sum[0][r][g] + sum[1][r][g]); };
        float* out = projection_ ? data(full_) + (b + r) * padded_ + j
                                 : data(next_) + (b + r) * row_ + in_ + j;
        apply_formula<kind>(gate, h(b + r) + j, has_cell() ? c(b + r) + j : nullptr, out);
      }
    }
  }

  // `h` and `c` at a block of units, c to be replaced; the new h goes to `out`.
  template <RecurrentKind kind, class Gate>
  REEL_INLINE static void apply_formula(const Gate& gate, [[maybe_unused]] const float* h,
                                        [[maybe_unused]] float* c, float* out) {
    if constexpr (kind == RecurrentKind::RnnTanh) {
      Lanes::store(out, evaluate(detail::kRnnTanh, gate(0)).data.v.v);
    } else if constexpr (kind == RecurrentKind::RnnRelu) {
      Lanes::store(out, evaluate(detail::kRnnRelu, gate(0)).data.v.v);
    } else if constexpr (kind == RecurrentKind::Gru) {
      const Number none = Number::constant(0);
      Lanes::store(out, evaluate(detail::kGru, gate(0), gate(1), gate(2), none, none, gate(3),
                                 Number(Lanes::load(h)))
                            .data.v.v);
    } else {
      const auto [next, cell] =
          evaluate(detail::kLstm, gate(0), gate(1), gate(2), gate(3), Number(Lanes::load(c)));
      Lanes::store(c, cell.data.v.v);
      Lanes::store(out, next.data.v.v);
    }
  }

  RecurrentKind kind_;
  std::int64_t batch_, in_, state_, hidden_, padded_, row_;
  Tensor weights_, bias_;
  std::unique_ptr<product::Packed<float>> projection_;
  Tensor operand_, next_, cell_, full_;  // next_: the operand of the next step; full_: o tanh(c)
};

inline constexpr auto kSigmoid = [](auto a) { return sigmoid(a); };

// What leads a layer's input around it: see LayerConnection.
class Connection {
 public:
  /// Residual where the highway's parameters are undefined.
  Connection(std::int64_t batch, std::int64_t width, const Tensor& weight, const Tensor& bias)
      : batch_(batch),
        width_(width),
        padded_(whole_lanes(width)),
        gate_(static_cast<std::size_t>(batch * padded_), 1.f),
        mixed_(static_cast<std::size_t>(batch * width)) {
    if (!weight.defined()) return;
    const Tensor columns = weight.detach().to(kFloat32).t().contiguous();
    weight_ = std::make_unique<product::Packed<float>>(product::matrix<float>(columns));
    bias_ = floats(bias);
  }
  product::Matrix<float> apply(Layer& layer) {
    if (weight_) {
      weight_->multiply(layer.inputs(), gate_.data(), padded_, {bias_.data(), 0});
      for (std::size_t i = 0; i < gate_.size(); i += Lanes::count)
        Lanes::store(gate_.data() + i,
                     evaluate(kSigmoid, Number(Lanes::load(gate_.data() + i))).data.v.v);
    }
    for (std::int64_t b = 0; b < batch_; ++b) {
      const float *in = layer.inputs().at(b, 0), *out = layer.h(b),
                  *gate = gate_.data() + b * padded_;
      float* mixed = mixed_.data() + b * width_;
      for (std::int64_t j = 0; j < width_; ++j)
        mixed[j] = weight_ ? in[j] + gate[j] * (out[j] - in[j]) : in[j] + out[j];
    }
    return {mixed_.data(), batch_, width_, width_, 1};
  }

 private:
  std::int64_t batch_, width_, padded_;
  std::unique_ptr<product::Packed<float>> weight_;
  std::vector<float> bias_, gate_, mixed_;
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
    check(!o.extras().layer_norm(), "[StreamingRunner] a module with layer_norm cannot be ",
          "streamed; step the module itself, or train one without");
    check(!o.extras().reset_before(), "[StreamingRunner] a GRU with reset_before cannot be ",
          "streamed; step the module itself, or train one without");
    const auto parameters = module.named_parameters(false);
    for (std::int64_t k = 0; k < o.num_layers(); ++k) {
      const auto find = [&](const char* name) {
        const std::string key = name + std::to_string(k);
        return parameters.contains(key) ? parameters[key] : Tensor();
      };
      layers_.emplace_back(o.mode(), batch, find("weight_ih_l"), find("weight_hh_l"),
                           find("bias_ih_l"), find("bias_hh_l"), find("weight_hr_l"));
      if (k > 0 && o.extras().connection() != LayerConnection::None)
        connections_.emplace_back(batch, layers_.back().state_size(), find("highway_weight_l"),
                                  find("highway_bias_l"));
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
    const FlushDenormals guard;
    product::Matrix<float> given{input, batch_, input_size(), input_size(), 1};
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      Layer& layer = layers_[k];
      for (std::int64_t b = 0; b < batch_; ++b)
        std::copy_n(given.at(b, 0), given.cols, layer.input(b));
      layer.step();
      given = k > 0 && !connections_.empty() ? connections_[k - 1].apply(layer) : layer.output();
    }
    if (head_)
      head_->multiply(given, output, out_, {head_bias_.data(), 0});
    else
      for (std::int64_t b = 0; b < batch_; ++b)
        std::copy_n(given.at(b, 0), out_, output + b * out_);
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
  std::vector<Connection> connections_;  // of all layers but the first, or none
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
