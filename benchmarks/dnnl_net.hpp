// A recurrent net of oneDNN's RNN primitives, for the files NAME_dnnl.cpp.
#pragma once

#include <cmath>
#include <dnnl.hpp>
#include <random>
#include <unordered_map>
#include <vector>

#include "contender.hpp"

// Of the OpenMP library under oneDNN.
extern "C" void omp_set_num_threads(int) __attribute__((weak));

namespace bench {
namespace {

/// Forward for inference, or forward for training and backward. Only the primitives are timed: the
/// weights lie in the layouts that each of them asks for, and the clearing of weight gradients,
/// into which oneDNN adds, is left out.
class DnnlNet : public Contender {
 public:
  DnnlNet(const Case& c, bool training) : DnnlNet(c, training, c.hidden, false) {}
  /// With `inputs` features. Where `carried` (of an LSTM, forward only), each run starts from the
  /// state in which the last one ended.
  DnnlNet(const Case& c, bool training, std::int64_t inputs, bool carried)
      : c_(c), training_(training), carried_(carried) {
    if (omp_set_num_threads) omp_set_num_threads(1);
    // One primitive serves several layers, but not where a layer's input is wider than its units.
    const std::int64_t stages = c.directions == 2 ? c.layers : 1;
    for (std::int64_t i = 0; i < stages; ++i) {
      const std::int64_t in = i == 0 ? inputs : c.hidden * c.directions;
      add_stage(in, c.directions == 2 ? 1 : c.layers);
    }
  }
  double run() override {
    for (auto& stage : stages_) {
      stage.forward.execute(stream_, stage.forward_args);
      if (carried_) {
        Args& args = stage.forward_args;
        std::swap(args.at(DNNL_ARG_SRC_ITER), args.at(DNNL_ARG_DST_ITER));
        std::swap(args.at(DNNL_ARG_SRC_ITER_C), args.at(DNNL_ARG_DST_ITER_C));
      }
    }
    if (training_)
      for (auto s = stages_.rbegin(); s != stages_.rend(); ++s)
        s->backward.execute(stream_, s->backward_args);
    stream_.wait();
    const memory& last = training_ ? stages_.front().backward_args.at(DNNL_ARG_DIFF_SRC_LAYER)
                                   : stages_.back().forward_args.at(DNNL_ARG_DST_LAYER);
    return static_cast<double>(*static_cast<const float*>(last.get_data_handle()));
  }

 private:
  using memory = dnnl::memory;
  using Args = std::unordered_map<int, memory>;
  using Tag = memory::format_tag;
  struct Stage {
    dnnl::primitive forward, backward;
    Args forward_args, backward_args;
  };
  struct Shapes {
    memory::desc x, weights_x, weights_h, bias, y;
  };

  static memory::desc desc(const memory::dims& dims, Tag tag) {
    return memory::desc(dims, memory::data_type::f32, tag);
  }
  /// Memory of random numbers, evenly spread over [-bound, bound].
  memory filled(const memory::desc& d, const memory::dims& dims, Tag tag, float bound) {
    memory plain(desc(dims, tag), engine_), result(d, engine_);
    auto* data = static_cast<float*>(plain.get_data_handle());
    std::uniform_real_distribution<float> draw(-bound, bound);
    for (std::size_t i = 0; i < plain.get_desc().get_size() / sizeof(float); ++i)
      data[i] = draw(random_);
    dnnl::reorder(plain, result).execute(stream_, plain, result);
    stream_.wait();
    return result;
  }
  memory cleared(const memory::desc& d) {
    memory m(d, engine_);
    std::fill_n(static_cast<char*>(m.get_data_handle()), d.get_size(), '\0');
    return m;
  }

  void add_stage(std::int64_t in, std::int64_t layers) {
    const std::int64_t h = c_.hidden, d = c_.directions;
    const std::int64_t gates = c_.cell == "lstm" ? 4 : c_.cell == "gru" ? 3 : 1;
    const std::int64_t biases = c_.cell == "gru" ? 4 : gates;
    const memory::dims wx{layers, d, in, gates, h}, wh{layers, d, h, gates, h},
        bias{layers, d, biases, h}, x{c_.steps, c_.batch, in}, y{c_.steps, c_.batch, h * d};
    const Shapes any{desc(x, Tag::tnc), desc(wx, Tag::any), desc(wh, Tag::any),
                     desc(bias, Tag::ldgo), desc(y, Tag::tnc)};
    const auto kind =
        training_ ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    const auto direction = d == 2 ? dnnl::rnn_direction::bidirectional_concat
                                  : dnnl::rnn_direction::unidirectional_left2right;
    const auto back = dnnl::prop_kind::backward;
    const memory::desc none;
    const memory::desc state = carried_ ? desc({layers, d, c_.batch, h}, Tag::ldnc) : none;
    const auto act = dnnl::algorithm::eltwise_tanh;
    if (c_.cell == "lstm") {
      const dnnl::lstm_forward::primitive_desc f({kind, direction, any.x, none, none, any.weights_x,
                                                  any.weights_h, any.bias, any.y, none, none},
                                                 engine_);
      add(f, wx, wh, bias, x);
      if (training_)
        add_backward<dnnl::lstm_backward>(
            dnnl::lstm_backward::primitive_desc(
                {back,          direction,     any.x,    none,  none,  any.weights_x, any.weights_h,
                 any.bias,      any.y,         none,     none,  any.x, none,          none,
                 any.weights_x, any.weights_h, any.bias, any.y, none,  none},
                engine_, f),
            wx, wh, y);
    } else if (c_.cell == "gru") {
      const dnnl::lbr_gru_forward::primitive_desc f(
          {kind, direction, any.x, none, any.weights_x, any.weights_h, any.bias, any.y, none},
          engine_);
      add(f, wx, wh, bias, x);
      if (training_)
        add_backward<dnnl::lbr_gru_backward>(
            dnnl::lbr_gru_backward::primitive_desc(
                {back, direction, any.x, none, any.weights_x, any.weights_h, any.bias, any.y, none,
                 any.x, none, any.weights_x, any.weights_h, any.bias, any.y, none},
                engine_, f),
            wx, wh, y);
    } else {
      const dnnl::vanilla_rnn_forward::primitive_desc f(
          {kind, act, direction, any.x, none, any.weights_x, any.weights_h, any.bias, any.y, none},
          engine_);
      add(f, wx, wh, bias, x);
      if (training_)
        add_backward<dnnl::vanilla_rnn_backward>(
            dnnl::vanilla_rnn_backward::primitive_desc(
                {back, act, direction, any.x, none, any.weights_x, any.weights_h, any.bias, any.y,
                 none, any.x, none, any.weights_x, any.weights_h, any.bias, any.y, none},
                engine_, f),
            wx, wh, y);
    }
  }

  float bound() const { return 1.f / std::sqrt(static_cast<float>(c_.hidden)); }

  template <class Desc>
  void add(const Desc& f, const memory::dims& wx, const memory::dims& wh, const memory::dims& bias,
           const memory::dims& x) {
    Stage stage;
    stage.forward = dnnl::primitive(f);
    stage.forward_args = {
        {DNNL_ARG_SRC_LAYER, stages_.empty() ? filled(f.src_layer_desc(), x, Tag::tnc, 1.f)
                                             : stages_.back().forward_args.at(DNNL_ARG_DST_LAYER)},
        {DNNL_ARG_WEIGHTS_LAYER, filled(f.weights_layer_desc(), wx, Tag::ldigo, bound())},
        {DNNL_ARG_WEIGHTS_ITER, filled(f.weights_iter_desc(), wh, Tag::ldigo, bound())},
        {DNNL_ARG_BIAS, filled(f.bias_desc(), bias, Tag::ldgo, bound())},
        {DNNL_ARG_DST_LAYER, cleared(f.dst_layer_desc())}};
    if (carried_)
      for (const int arg :
           {DNNL_ARG_SRC_ITER, DNNL_ARG_SRC_ITER_C, DNNL_ARG_DST_ITER, DNNL_ARG_DST_ITER_C})
        stage.forward_args.insert({arg, cleared(f.dst_iter_desc())});
    if (training_) stage.forward_args.insert({DNNL_ARG_WORKSPACE, cleared(f.workspace_desc())});
    stages_.push_back(std::move(stage));
  }
  template <class Primitive, class Desc>
  void add_backward(const Desc& b, const memory::dims& wx, const memory::dims& wh,
                    const memory::dims& y) {
    Stage& stage = stages_.back();
    stage.backward = Primitive(b);
    stage.backward_args = stage.forward_args;
    Args& args = stage.backward_args;
    args.at(DNNL_ARG_WEIGHTS_LAYER) = filled(b.weights_layer_desc(), wx, Tag::ldigo, bound());
    args.at(DNNL_ARG_WEIGHTS_ITER) = filled(b.weights_iter_desc(), wh, Tag::ldigo, bound());
    args.insert({DNNL_ARG_DIFF_SRC_LAYER, cleared(b.diff_src_layer_desc())});
    args.insert({DNNL_ARG_DIFF_WEIGHTS_LAYER, cleared(b.diff_weights_layer_desc())});
    args.insert({DNNL_ARG_DIFF_WEIGHTS_ITER, cleared(b.diff_weights_iter_desc())});
    args.insert({DNNL_ARG_DIFF_BIAS, cleared(b.diff_bias_desc())});
    const memory dy = filled(b.diff_dst_layer_desc(), y, Tag::tnc, 1.f);
    args.insert({DNNL_ARG_DIFF_DST_LAYER, dy});
    // The layer below takes this one's gradient of its input.
    if (stages_.size() > 1)
      stages_[stages_.size() - 2].backward_args.at(DNNL_ARG_DIFF_DST_LAYER) =
          args.at(DNNL_ARG_DIFF_SRC_LAYER);
  }

  Case c_;
  bool training_, carried_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::mt19937 random_{1};
  std::vector<Stage> stages_;
};

}  // namespace
}  // namespace bench
