// Modules against PyTorch's numbers (fixtures/modules.json), values, buffers and every gradient,
// and against finite differences by inputs and parameters.
#include <doctest/doctest.h>

#include <map>

#include "nn/nn.hpp"
#include "tests/fixture.hpp"

using namespace reel;
using namespace reel::test;

namespace {

using Forward = std::function<Tensors(const Tensors&)>;

struct Built {
  std::shared_ptr<nn::Module> module;
  Forward forward;
};

// The constructor's arguments as PyTorch's Python names them.
struct Options {
  const json& written;
  double real(const char* name, double otherwise) const { return written.value(name, otherwise); }
  bool flag(const char* name, bool otherwise) const { return written.value(name, otherwise); }
  std::int64_t integer(const char* name, std::int64_t otherwise = 0) const {
    return written.value(name, otherwise);
  }
  std::string text(const char* name, const char* otherwise) const {
    return written.value(name, std::string(otherwise));
  }
};

template <class Holder>
Built one_input(Holder holder) {
  return {holder.ptr(), [holder](const Tensors& x) mutable { return Tensors{holder(x[0])}; }};
}
template <class Holder>
Built two_inputs(Holder holder) {
  return {holder.ptr(), [holder](const Tensors& x) mutable { return Tensors{holder(x[0], x[1])}; }};
}

Built make_conv1d(const Options& o) {
  nn::Conv1dOptions options(o.integer("in_channels"), o.integer("out_channels"),
                            o.integer("kernel_size"));
  options.stride(o.integer("stride", 1))
      .dilation(o.integer("dilation", 1))
      .groups(o.integer("groups", 1))
      .bias(o.flag("bias", true));
  if (o.written.contains("padding") && o.written["padding"] == "same")
    options.padding(kSame);
  else if (o.written.contains("padding") && o.written["padding"] == "valid")
    options.padding(kValid);
  else
    options.padding(o.integer("padding", 0));
  const std::string mode = o.text("padding_mode", "zeros");
  if (mode == "reflect") options.padding_mode(kReflect);
  if (mode == "replicate") options.padding_mode(kReplicate);
  if (mode == "circular") options.padding_mode(kCircular);
  return one_input(nn::Conv1d(options));
}

Built make_max_pool1d(const Options& o) {
  nn::MaxPool1dOptions options(o.integer("kernel_size"));
  options.padding(o.integer("padding", 0))
      .dilation(o.integer("dilation", 1))
      .ceil_mode(o.flag("ceil_mode", false));
  if (o.written.contains("stride")) options.stride(o.integer("stride"));
  nn::MaxPool1d pool(options);
  if (!o.flag("return_indices", false)) return one_input(pool);
  return {pool.ptr(), [pool](const Tensors& x) mutable {
            const auto [values, indices] = pool->forward_with_indices(x[0]);
            return Tensors{values, indices};
          }};
}

Built make_avg_pool1d(const Options& o) {
  nn::AvgPool1dOptions options(o.integer("kernel_size"));
  options.padding(o.integer("padding", 0))
      .ceil_mode(o.flag("ceil_mode", false))
      .count_include_pad(o.flag("count_include_pad", true));
  if (o.written.contains("stride")) options.stride(o.integer("stride"));
  return one_input(nn::AvgPool1d(options));
}

Built make_batch_norm1d(const Options& o) {
  nn::BatchNorm1dOptions options(o.integer("num_features"));
  options.eps(o.real("eps", 1e-5))
      .affine(o.flag("affine", true))
      .track_running_stats(o.flag("track_running_stats", true));
  if (o.written.contains("momentum"))
    options.momentum(o.written["momentum"].is_null()
                         ? std::optional<double>()
                         : std::optional<double>(o.real("momentum", 0)));
  return one_input(nn::BatchNorm1d(options));
}

Built make_attention(const Options& o, const json& call) {
  nn::MultiheadAttentionOptions options(o.integer("embed_dim"), o.integer("num_heads"));
  options.bias(o.flag("bias", true))
      .add_bias_kv(o.flag("add_bias_kv", false))
      .add_zero_attn(o.flag("add_zero_attn", false))
      .batch_first(o.flag("batch_first", false));
  options.kdim(o.integer("kdim", options.embed_dim())).vdim(o.integer("vdim", options.embed_dim()));
  nn::MultiheadAttention attention(options);
  const bool need_weights = call.value("need_weights", true),
             average = call.value("average_attn_weights", true);
  return {attention.ptr(), [=](const Tensors& x) mutable {
            const auto [y, weights] =
                attention(x[0], x[1], x[2], x.size() > 3 ? x[3] : Tensor(), need_weights,
                          x.size() > 4 ? x[4] : Tensor(), average);
            return weights.defined() ? Tensors{y, weights} : Tensors{y};
          }};
}

Built make_embedding_bag(const Options& o) {
  nn::EmbeddingBagOptions options(o.integer("num_embeddings"), o.integer("embedding_dim"));
  const std::string mode = o.text("mode", "mean");
  options.mode(mode == "sum"   ? nn::EmbeddingBagMode(kSum)
               : mode == "max" ? nn::EmbeddingBagMode(kMax)
                               : nn::EmbeddingBagMode(kMean));
  options.include_last_offset(o.flag("include_last_offset", false));
  if (o.written.contains("padding_idx")) options.padding_idx(o.integer("padding_idx"));
  if (o.written.contains("max_norm")) options.max_norm(o.real("max_norm", 0));
  nn::EmbeddingBag bag(options);
  return {
      bag.ptr(), [bag](const Tensors& x) mutable {
        return Tensors{bag(x[0], x.size() > 1 ? x[1] : Tensor(), x.size() > 2 ? x[2] : Tensor())};
      }};
}

Built make_ctc_loss(const Options& o) {
  const std::string reduction = o.text("reduction", "mean");
  nn::CTCLossOptions options;
  options.blank(o.integer("blank", 0)).zero_infinity(o.flag("zero_infinity", false));
  if (reduction == "none") options.reduction(kNone);
  if (reduction == "sum") options.reduction(kSum);
  nn::CTCLoss loss(options);
  return {loss.ptr(),
          [loss](const Tensors& x) mutable { return Tensors{loss(x[0], x[1], x[2], x[3])}; }};
}

Built build(const std::string& kind, const Options& given, const json& call) {
  using namespace nn;
  static const std::map<std::string, Built (*)(const Options&)> makers = {
#define PLAIN(Name)                                         \
  {                                                         \
#Name, [](const Options&) { return one_input(Name()); } \
  }
#define WITH(Name, options)                                          \
  {                                                                  \
#Name, [](const Options& o) { return one_input(Name(options)); } \
  }
      PLAIN(Tanh), PLAIN(Sigmoid), PLAIN(LogSigmoid), PLAIN(SiLU), PLAIN(Mish), PLAIN(Softsign),
      PLAIN(Tanhshrink), PLAIN(Softmax2d), PLAIN(ReLU), PLAIN(ReLU6), PLAIN(SELU),
      PLAIN(Hardsigmoid), PLAIN(Hardswish),
      WITH(ELU, ELUOptions().alpha(o.real("alpha", 1))),
      WITH(CELU, CELUOptions().alpha(o.real("alpha", 1))),
      WITH(LeakyReLU, LeakyReLUOptions().negative_slope(o.real("negative_slope", 0.01))),
      WITH(RReLU,
           RReLUOptions().lower(o.real("lower", 0.125)).upper(o.real("upper", 1.0 / 3))),
      WITH(Hardtanh,
           HardtanhOptions().min_val(o.real("min_val", -1)).max_val(o.real("max_val", 1))),
      WITH(Threshold, ThresholdOptions(o.real("threshold", 0), o.real("value", 0))),
      WITH(Hardshrink, HardshrinkOptions(o.real("lambd", 0.5))),
      WITH(Softshrink, SoftshrinkOptions(o.real("lambd", 0.5))),
      WITH(Softplus,
           SoftplusOptions().beta(o.real("beta", 1)).threshold(o.real("threshold", 20))),
      WITH(GELU, GELUOptions().approximate(o.text("approximate", "none"))),
      WITH(GLU, GLUOptions(o.integer("dim", -1))),
      WITH(PReLU, PReLUOptions()
                      .num_parameters(o.integer("num_parameters", 1))
                      .init(o.real("init", 0.25))),
      WITH(Softmax, o.integer("dim")), WITH(LogSoftmax, o.integer("dim")),
      WITH(Softmin, o.integer("dim")),
#undef PLAIN
#undef WITH
      {"Conv1d", make_conv1d}, {"MaxPool1d", make_max_pool1d}, {"AvgPool1d", make_avg_pool1d},
      {"BatchNorm1d", make_batch_norm1d}, {"EmbeddingBag", make_embedding_bag},
      {"CTCLoss", make_ctc_loss},
      {"Bilinear",
       [](const Options& o) {
         return two_inputs(nn::Bilinear(nn::BilinearOptions(o.integer("in1_features"),
                                                            o.integer("in2_features"),
                                                            o.integer("out_features"))
                                            .bias(o.flag("bias", true))));
       }},
      {"CosineSimilarity",
       [](const Options& o) {
         return two_inputs(nn::CosineSimilarity(nn::CosineSimilarityOptions()
                                                    .dim(o.integer("dim", 1))
                                                    .eps(o.real("eps", 1e-8))));
       }},
      {"PairwiseDistance",
       [](const Options& o) {
         return two_inputs(nn::PairwiseDistance(nn::PairwiseDistanceOptions()
                                                    .p(o.real("p", 2))
                                                    .eps(o.real("eps", 1e-6))
                                                    .keepdim(o.flag("keepdim", false))));
       }},
  };
  if (kind == "MultiheadAttention") return make_attention(given, call);
  return makers.at(kind)(given);
}

/// A case: the module in PyTorch's state, and the inputs as leaves.
struct Case {
  Built built;
  Tensors inputs;

  explicit Case(const json& row)
      : built(build(row.at("kind"), Options{row.at("options")}, row.at("call"))) {
    nn::Module& module = *built.module;
    module.to(kFloat64);
    OrderedDict<std::string, Tensor> state;
    for (const auto& [name, value] : row.at("state").items())
      state.insert(name, read_tensor(value));
    module.load_state_dict(state);
    module.train(row.at("train"));
    const bool differentiable = row.at("kind") != "CTCLoss" && row.at("kind") != "Hardsigmoid";
    for (const json& given : row.at("in")) {
      if (given.is_number()) {
        inputs.push_back(inputs[given.get<std::size_t>()]);
        continue;
      }
      Tensor x = given.is_null() ? Tensor() : read_tensor(given);
      if (differentiable && x.defined() && x.is_floating_point()) x.requires_grad_();
      inputs.push_back(x);
    }
  }
};

std::string problem_of(const json& row) {
  const Case c(row);
  const Tensors out = c.built.forward(c.inputs), want = read_tensors(row.at("out"));
  const auto differs = [](const Tensor& got, const Tensor& expected) {
    return !(difference(got, expected) <= 1e-10);
  };
  if (out.size() != want.size()) return "number of results";
  for (std::size_t i = 0; i < out.size(); ++i)
    if (differs(out[i], want[i])) return "result " + std::to_string(i);
  if (row.contains("after"))
    for (const auto& item : c.built.module->named_buffers())
      if (differs(item.value(), read_tensor(row.at("after").at(item.key()))))
        return "buffer " + item.key();
  Tensors tracked;
  for (const auto& t : out)
    if (t.requires_grad()) tracked.push_back(t);
  const Tensors cotangents = read_tensors(row.at("cot"));
  if (tracked.size() != cotangents.size()) return "number of differentiable results";
  if (tracked.empty()) return {};
  autograd::backward(tracked, cotangents);
  for (std::size_t i = 0; i < c.inputs.size(); ++i)
    if (!row.at("dx")[i].is_null() && differs(c.inputs[i].grad(), read_tensor(row.at("dx")[i])))
      return "gradient of input " + std::to_string(i);
  for (const auto& item : c.built.module->named_parameters())
    if (differs(item.value().grad(), read_tensor(row.at("grads").at(item.key()))))
      return "gradient of " + item.key();
  return {};
}

}  // namespace

TEST_CASE("modules: values, buffers and gradients agree with PyTorch's") {
  std::map<std::string, int> kinds;
  for (const auto& row : fixture("modules.json")) {
    INFO(row.at("kind").get<std::string>(), " / ", row.at("name").get<std::string>());
    std::string problem;
    try {
      problem = problem_of(row);
    } catch (const std::exception& e) {
      problem = e.what();
    }
    CHECK(problem == "");
    ++kinds[row.at("kind")];
  }
  CHECK(kinds.size() == 38);
}

TEST_CASE("modules: gradients agree with finite differences, and gradients of gradients") {
  manual_seed(21);
  std::map<std::string, int> checked;
  for (const auto& row : fixture("modules.json")) {
    const std::string kind = row.at("kind");
    // The first case of each module, and every one of those with parameters of several kinds.
    if (kind == "CTCLoss" || kind == "Hardsigmoid" || row.at("options").contains("max_norm"))
      continue;
    if (++checked[kind] > 1 && kind != "MultiheadAttention" && kind != "EmbeddingBag" &&
        kind != "Conv1d" && kind != "BatchNorm1d")
      continue;
    INFO(kind, " / ", row.at("name").get<std::string>());
    const Case c(row);
    // The parameters are varied where they are; inputs that are the same tensor only once.
    Tensors leaves;
    for (const Tensor& x : c.inputs) {
      bool seen = !x.defined() || !x.requires_grad();
      for (const Tensor& before : leaves) seen = seen || x.is_same(before);
      if (!seen) leaves.push_back(x);
    }
    for (const Tensor& p : c.built.module->parameters()) leaves.push_back(p);
    const auto f = [&](const Tensors&) { return c.built.forward(c.inputs); };
    CHECK(gradient_difference(f, leaves) < 1e-7);
    // Not where the second derivative jumps between close values, or costs too much.
    if (kind == "MaxPool1d" || kind == "EmbeddingBag" || checked[kind] > 3) continue;
    CHECK(autograd::gradgradcheck(f, leaves));
  }
  CHECK(checked.size() == 36);
}
