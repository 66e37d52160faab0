// Rows of the ops whose cases stand in fixtures/ops_sequence.json: convolution, pooling, batch
// normalisation, attention, CTC, and forms of other ops.
#include "op_table.hpp"

namespace reel::test {

namespace {

Tensors outputs(const Tensor& t) { return {t}; }
Tensors outputs(const std::vector<Tensor>& list) { return list; }
Tensors outputs(const std::tuple<Tensor, Tensor>& t) { return {std::get<0>(t), std::get<1>(t)}; }

Tensor input(const Tensors& x, std::size_t i) { return i < x.size() ? x[i] : Tensor(); }
ScalarType dtype(const Args& a) { return dtype_from_name(a.list("dtype").get<std::string>()); }

// One number, or nothing where the case does not say.
std::vector<std::int64_t> number(const Args& a, const char* name,
                                 std::vector<std::int64_t> otherwise = {}) {
  return a.has(name) ? std::vector<std::int64_t>{a.integer(name)} : otherwise;
}

Tensor run_conv1d(const Tensors& x, const Args& a) {
  const auto stride = number(a, "stride", {1}), dilation = number(a, "dilation", {1});
  if (a.has("padding") && a.list("padding").is_string())
    return conv1d(x[0], x[1], input(x, 2), stride, a.list("padding").get<std::string>(), dilation,
                  a.integer("groups", 1));
  return conv1d(x[0], x[1], input(x, 2), stride, number(a, "padding", {0}), dilation,
                a.integer("groups", 1));
}

// Which of weight and bias follow the input, and then the running statistics.
Tensor run_batch_norm(const Tensors& x, const Args& a) {
  const std::string affine = a.has("affine") ? a.list("affine").get<std::string>() : "";
  std::size_t next = 1;
  const Tensor weight = affine.find('w') == std::string::npos ? Tensor() : x[next++];
  const Tensor bias = affine.find('b') == std::string::npos ? Tensor() : x[next++];
  const bool training = !a.has("training") || a.flag("training");
  return batch_norm(x[0], weight, bias, input(x, next), input(x, next + 1), training, 0.1,
                    a.real("eps", 1e-5));
}

Tensor run_ctc_loss(const Tensors& x, const Args& a) {
  return ctc_loss(log_softmax(x[0], -1), x[1], x[2], x[3], a.integer("blank", 0),
                  a.integer("reduction", 1), a.flag("zero_infinity"));
}
std::vector<std::int64_t> listed(const Tensor& t) {
  std::vector<std::int64_t> list;
  for (const double v : values(t)) list.push_back(static_cast<std::int64_t>(v));
  return list;
}

// clang-format off
#define RUN(...) \
  [](const Tensors& x, const Args& a) -> Tensors { return (void)x, (void)a, outputs(__VA_ARGS__); }
// The free function and the method, applied to the first tensor and the arguments given.
#define OP(op, ...) {#op, RUN(reel::op(x[0], __VA_ARGS__)), RUN(x[0].op(__VA_ARGS__)), ""}
#define FUNCTION(op, ...) {#op, RUN(reel::op(__VA_ARGS__)), nullptr, ""}
#define IN_PLACE(op, ...) {#op, nullptr, RUN(x[0].clone().op(__VA_ARGS__)), ""}
#define COMPARE_IN_PLACE(op)                                                               \
  {#op, nullptr, RUN(x.size() > 1 ? x[0].clone().op(x[1])                                  \
                                  : x[0].clone().op(a.scalar("other"))), ""}
#define REDUCE_DTYPE(op)                                                                   \
  {#op "_dtype",                                                                           \
   RUN(a.has("dim") ? reel::op(x[0], a.integer("dim"), a.flag("keepdim"), dtype(a))        \
                    : reel::op(x[0], dtype(a))),                                           \
   RUN(a.has("dim") ? x[0].op(a.integer("dim"), a.flag("keepdim"), dtype(a))               \
                    : x[0].op(dtype(a))), ""}
#define SCAN_DTYPE(op)                                                                     \
  {#op "_dtype", RUN(reel::op(x[0], a.integer("dim"), dtype(a))),                          \
   RUN(x[0].op(a.integer("dim"), dtype(a))), ""}
#define POOL(op, ...)                                                                      \
  FUNCTION(op, x[0], a.integer("kernel_size"), number(a, "stride"),                        \
           number(a, "padding", {0}), __VA_ARGS__)
// clang-format on

}  // namespace

std::vector<OpRow> sequence_rows() {
  return {
      {"conv1d", RUN(run_conv1d(x, a)), nullptr, ""},
      POOL(max_pool1d, number(a, "dilation", {1}), a.flag("ceil_mode")),
      POOL(max_pool1d_with_indices, number(a, "dilation", {1}), a.flag("ceil_mode")),
      POOL(avg_pool1d, a.flag("ceil_mode"),
           !a.has("count_include_pad") || a.flag("count_include_pad")),
      {"batch_norm", RUN(run_batch_norm(x, a)), nullptr, ""},
      FUNCTION(scaled_dot_product_attention, x[0], x[1], x[2], input(x, 3), 0.0,
               a.flag("is_causal")),
      {"ctc_loss", RUN(run_ctc_loss(x, a)), nullptr, ""},
      {"ctc_loss with lengths as numbers",
       RUN(ctc_loss(log_softmax(x[0], -1), x[1], listed(x[2]), listed(x[3]), a.integer("blank", 0),
                    a.integer("reduction", 1), a.flag("zero_infinity"))),
       nullptr, "ctc_loss"},
      COMPARE_IN_PLACE(eq_),
      COMPARE_IN_PLACE(ne_),
      COMPARE_IN_PLACE(lt_),
      COMPARE_IN_PLACE(le_),
      COMPARE_IN_PLACE(gt_),
      COMPARE_IN_PLACE(ge_),
      REDUCE_DTYPE(sum),
      REDUCE_DTYPE(mean),
      REDUCE_DTYPE(prod),
      SCAN_DTYPE(cumsum),
      SCAN_DTYPE(cumprod),
      {"sort_stable",
       RUN(reel::sort(x[0], std::optional<bool>(true), a.integer("dim", -1), a.flag("descending"))),
       RUN(x[0].sort(std::optional<bool>(true), a.integer("dim", -1), a.flag("descending"))), ""},
      {"argsort_stable", RUN(reel::argsort(x[0], true, a.integer("dim", -1), a.flag("descending"))),
       RUN(x[0].argsort(true, a.integer("dim", -1), a.flag("descending"))), ""},
      IN_PLACE(transpose_, a.integer("dim0"), a.integer("dim1")),
      {"swapaxes_", nullptr, RUN(x[0].clone().swapaxes_(a.integer("dim0"), a.integer("dim1"))),
       "transpose_"},
      {"swapdims_", nullptr, RUN(x[0].clone().swapdims_(a.integer("dim0"), a.integer("dim1"))),
       "transpose_"},
      {"t_", nullptr, RUN(x[0].clone().t_()), ""},
      {"squeeze_", nullptr,
       RUN(a.has("dim") ? x[0].clone().squeeze_(a.integer("dim")) : x[0].clone().squeeze_()), ""},
      IN_PLACE(unsqueeze_, a.integer("dim")),
      OP(diagonal, a.integer("offset", 0), a.integer("dim1", 0), a.integer("dim2", 1)),
      {"split of sizes", RUN(reel::split(x[0], a.integers("sizes"), a.integer("dim", 0))),
       RUN(x[0].split(a.integers("sizes"), a.integer("dim", 0))), "split_with_sizes"},
      {"split_with_sizes as a method", nullptr,
       RUN(x[0].split_with_sizes(a.integers("sizes"), a.integer("dim", 0))), "split_with_sizes"},
      {"where_number",
       RUN(x.size() == 1    ? reel::where(x[0], a.scalar("first"), a.scalar("other"))
           : a.has("first") ? reel::where(x[0], a.scalar("first"), x[1])
                            : reel::where(x[0], x[1], a.scalar("other"))),
       nullptr, ""},
      {"where as a method", nullptr, RUN(x[1].where(x[0], x[2])), "where"},
      {"where_nonzero", RUN(reel::where(x[0])), nullptr, ""},
      {"masked_fill_tensor", RUN(reel::masked_fill(x[0], x[1], x[2])),
       RUN(x[0].masked_fill(x[1], x[2])), ""},
      {"masked_fill_tensor_", nullptr, RUN(x[0].clone().masked_fill_(x[1], x[2])),
       "masked_fill_tensor"},
      {"max_of_two", RUN(reel::max(x[0], x[1])), RUN(x[0].max(x[1])), ""},
      {"min_of_two", RUN(reel::min(x[0], x[1])), RUN(x[0].min(x[1])), ""},
      {"clamp_min_tensor_", RUN(reel::clamp_min_(x[0].clone(), x[1])),
       RUN(x[0].clone().clamp_min_(x[1])), "clamp_min_tensor"},
      {"clamp_max_tensor_", RUN(reel::clamp_max_(x[0].clone(), x[1])),
       RUN(x[0].clone().clamp_max_(x[1])), "clamp_max_tensor"},
      {"fill_tensor_", nullptr, RUN(x[0].clone().fill_(x[1])), ""},
      // activations
      FUNCTION(hardswish, x[0]),
      FUNCTION(threshold, x[0], a.scalar("threshold"), a.scalar("value")),
      OP(hardshrink, a.scalar("lambd", 0.5)),
      FUNCTION(softshrink, x[0], a.scalar("lambd", 0.5)),
      OP(prelu, x[1]),
      FUNCTION(glu, x[0], a.integer("dim", -1)),
      FUNCTION(rrelu, x[0], a.scalar("lower", 0.125), a.scalar("upper", 1.0 / 3),
               a.flag("training")),
      {"hardswish_", RUN(reel::hardswish_(x[0].clone())), nullptr, "hardswish"},
      {"threshold_", RUN(reel::threshold_(x[0].clone(), a.scalar("threshold"), a.scalar("value"))),
       nullptr, "threshold"},
      {"rrelu_",
       RUN(reel::rrelu_(x[0].clone(), a.scalar("lower", 0.125), a.scalar("upper", 1.0 / 3),
                        a.flag("training"))),
       nullptr, "rrelu"},
  };
}

}  // namespace reel::test
