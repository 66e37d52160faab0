#include "op_table.hpp"

namespace reel::test {

namespace {

Tensors outputs(const Tensor& t) { return {t}; }
Tensors outputs(std::vector<Tensor> list) { return list; }

Tensor third(const Tensors& x) { return x.size() > 2 ? x[2] : Tensor(); }

std::optional<double> maybe_real(const Args& a, const char* name) {
  return a.has(name) ? a.real(name, 0.0) : std::optional<double>();
}
std::optional<Scalar> maybe_scalar(const Args& a, const char* name) {
  return a.has(name) ? a.scalar(name) : std::optional<Scalar>();
}
// A bound that is a tensor: the second input is the lower one unless the case says otherwise.
std::optional<Tensor> bound(const Tensors& x, const Args& a, const char* name) {
  const bool upper = std::string(name) == "max";
  if (x.size() > 2) return x[upper ? 2 : 1];
  return a.flag("upper") == upper ? x[1] : std::optional<Tensor>();
}

// The entries of an index list, as make_ops.py writes them; "tensor" is the next input,
// beginning with number `next`.
std::vector<indexing::TensorIndex> index_list(const Tensors& x, const Args& args,
                                              std::size_t next) {
  std::vector<indexing::TensorIndex> list;
  for (const json& entry : args.list("indices")) {
    const auto bound = [&](std::size_t i) {
      return entry[i].is_null() ? std::optional<std::int64_t>() : entry[i].get<std::int64_t>();
    };
    if (entry.is_number())
      list.emplace_back(entry.get<std::int64_t>());
    else if (entry.is_array())
      list.emplace_back(indexing::Slice(bound(0), bound(1), bound(2)));
    else if (entry == "None")
      list.emplace_back(indexing::None);
    else if (entry == "...")
      list.emplace_back(indexing::Ellipsis);
    else
      list.emplace_back(x.at(next++));
  }
  return list;
}

// clang-format off
// x: the case's tensors, a: its arguments.
#define RUN(...) \
  [](const Tensors& x, const Args& a) -> Tensors { return (void)x, (void)a, outputs(__VA_ARGS__); }
// The free function and the method, applied to the first tensor and the arguments given.
#define OP(op, ...) {#op, RUN(reel::op(x[0], __VA_ARGS__)), RUN(x[0].op(__VA_ARGS__)), ""}
#define UNARY(op)   {#op, RUN(reel::op(x[0])), RUN(x[0].op()), ""}
#define FUNCTION(op, ...) {#op, RUN(reel::op(__VA_ARGS__)), nullptr, ""}
#define METHOD(op, ...)   {#op, nullptr, RUN(x[0].op(__VA_ARGS__)), ""}
// With a second tensor or, where the case has none, with a number.
#define BINARY(op)                                                                         \
  {#op, RUN(x.size() > 1 ? reel::op(x[0], x[1]) : reel::op(x[0], a.scalar("other"))),      \
        RUN(x.size() > 1 ? x[0].op(x[1]) : x[0].op(a.scalar("other"))), ""}
#define BINARY_ALPHA(op)                                                                   \
  {#op, RUN(x.size() > 1 ? reel::op(x[0], x[1], a.scalar("alpha", 1))                      \
                         : reel::op(x[0], a.scalar("other"), a.scalar("alpha", 1))),       \
        RUN(x.size() > 1 ? x[0].op(x[1], a.scalar("alpha", 1))                             \
                         : x[0].op(a.scalar("other"), a.scalar("alpha", 1))), ""}
// In place on a copy of the first tensor, against the cases of the op that makes a new one.
#define IN_PLACE(op, cases)                                                                \
  {#op, nullptr, RUN(x.size() > 1 ? x[0].clone().op(x[1])                                  \
                                  : x[0].clone().op(a.scalar("other"))), cases}
#define IN_PLACE_ALPHA(op, cases)                                                          \
  {#op, nullptr, RUN(x.size() > 1 ? x[0].clone().op(x[1], a.scalar("alpha", 1))            \
                                  : x[0].clone().op(a.scalar("other"), a.scalar("alpha", 1))), \
   cases}
#define UNARY_IN_PLACE(op) {#op "_", RUN(reel::op##_(x[0].clone())), RUN(x[0].clone().op##_()), #op}
#define FUNCTION_IN_PLACE(op, ...) {#op "_", RUN(reel::op##_(__VA_ARGS__)), nullptr, #op}
#define METHOD_IN_PLACE(op, ...) {#op "_", nullptr, RUN(x[0].clone().op##_(__VA_ARGS__)), #op}
#define TWIN(op, ...) \
  {#op "_", RUN(reel::op##_(x[0].clone(), __VA_ARGS__)), RUN(x[0].clone().op##_(__VA_ARGS__)), #op}
#define BINARY_AS(row, op, mode)                                                           \
  {#row, RUN(x.size() > 1 ? reel::op(x[0], x[1], mode) : reel::op(x[0], a.scalar("other"), mode)), \
         RUN(x.size() > 1 ? x[0].op(x[1], mode) : x[0].op(a.scalar("other"), mode)), ""}
// Over all elements or, where the case says so, over dimensions.
#define REDUCE(op)                                                                         \
  {#op, RUN(a.has("dim") ? reel::op(x[0], a.integers("dim"), a.flag("keepdim"))            \
                         : reel::op(x[0])),                                                \
        RUN(a.has("dim") ? x[0].op(a.integers("dim"), a.flag("keepdim")) : x[0].op()), ""}
#define SQUEEZE(op)                                                                        \
  {#op, RUN(a.has("dim") ? reel::op(x[0], a.integer("dim")) : reel::op(x[0])),             \
        RUN(a.has("dim") ? x[0].op(a.integer("dim")) : x[0].op()), ""}
// Whether it can run depends on the strides of its input: on the case's own layout only.
#define LAYOUT_BOUND(op, ...) \
  {#op, RUN(reel::op(x[0], __VA_ARGS__)), RUN(x[0].op(__VA_ARGS__)), "", true}
// Checked by hand in a test file.
#define TESTED_IN(op, file) {#op, nullptr, nullptr, file}
// clang-format on

}  // namespace

const std::vector<OpRow>& op_table() {
  static const std::vector<OpRow> own = {
      // pointwise
      BINARY_ALPHA(add),
      BINARY_ALPHA(sub),
      BINARY(mul),
      BINARY(div),
      UNARY(neg),
      UNARY(abs),
      UNARY(sign),
      UNARY(square),
      UNARY(sqrt),
      OP(pow, a.scalar("exponent")),
      UNARY(exp),
      UNARY(log),
      UNARY(tanh),
      UNARY(sigmoid),
      UNARY(relu),
      FUNCTION(where, x[0], x[1], x[2]),
      OP(masked_fill, x[1], a.scalar("value")),
      BINARY(eq),
      BINARY(ne),
      BINARY(lt),
      BINARY(le),
      BINARY(gt),
      BINARY(ge),
      TESTED_IN(equal, "autograd/tensor_test.cpp"),
      TESTED_IN(allclose, "autograd/tensor_test.cpp"),
      TESTED_IN(result_type, "autograd/tensor_test.cpp"),
      // pointwise: one operand
      UNARY(rsqrt),
      UNARY(reciprocal),
      UNARY(expm1),
      UNARY(log1p),
      UNARY(log2),
      UNARY(log10),
      UNARY(sin),
      UNARY(cos),
      UNARY(tan),
      UNARY(asin),
      UNARY(acos),
      UNARY(atan),
      UNARY(sinh),
      UNARY(cosh),
      UNARY(erf),
      UNARY(erfc),
      UNARY(floor),
      UNARY(ceil),
      UNARY(round),
      UNARY(trunc),
      UNARY(frac),
      UNARY(isnan),
      UNARY(isinf),
      UNARY(isfinite),
      UNARY(logical_not),
      OP(nan_to_num, maybe_real(a, "nan"), maybe_real(a, "posinf"), maybe_real(a, "neginf")),
      // activations
      FUNCTION(relu6, x[0]),
      FUNCTION(selu, x[0]),
      FUNCTION(silu, x[0]),
      FUNCTION(mish, x[0]),
      FUNCTION(softsign, x[0]),
      FUNCTION(hardsigmoid, x[0]),
      FUNCTION(log_sigmoid, x[0]),
      FUNCTION(hardtanh, x[0], a.scalar("min_val", -1), a.scalar("max_val", 1)),
      FUNCTION(leaky_relu, x[0], a.scalar("negative_slope", 0.01)),
      FUNCTION(elu, x[0], a.scalar("alpha", 1), a.scalar("scale", 1), a.scalar("input_scale", 1)),
      FUNCTION(celu, x[0], a.scalar("alpha", 1)),
      FUNCTION(gelu, x[0], a.has("tanh") ? "tanh" : "none"),
      FUNCTION(softplus, x[0], a.scalar("beta", 1), a.scalar("threshold", 20)),
      // pointwise: two and three operands
      OP(maximum, x[1]),
      OP(minimum, x[1]),
      OP(atan2, x[1]),
      OP(hypot, x[1]),
      BINARY(floor_divide),
      BINARY(remainder),
      BINARY(fmod),
      BINARY_AS(div_floor, div, "floor"),
      BINARY_AS(div_trunc, div, "trunc"),
      {"pow_tensor", RUN(reel::pow(x[0], x[1])), RUN(x[0].pow(x[1])), ""},
      {"pow_of_number", RUN(reel::pow(a.scalar("base"), x[0])), nullptr, ""},
      {"remainder_of_number", RUN(reel::remainder(a.scalar("base"), x[0])), nullptr, ""},
      {"clamp", RUN(reel::clamp(x[0], maybe_scalar(a, "min"), maybe_scalar(a, "max"))),
       RUN(x[0].clamp(maybe_scalar(a, "min"), maybe_scalar(a, "max"))), ""},
      {"clamp_tensor", RUN(reel::clamp(x[0], bound(x, a, "min"), bound(x, a, "max"))),
       RUN(x[0].clamp(bound(x, a, "min"), bound(x, a, "max"))), ""},
      OP(clamp_min, a.scalar("min")),
      OP(clamp_max, a.scalar("max")),
      {"clamp_min_tensor", RUN(reel::clamp_min(x[0], x[1])), RUN(x[0].clamp_min(x[1])), ""},
      {"clamp_max_tensor", RUN(reel::clamp_max(x[0], x[1])), RUN(x[0].clamp_max(x[1])), ""},
      {"lerp",
       RUN(x.size() > 2 ? reel::lerp(x[0], x[1], x[2])
                        : reel::lerp(x[0], x[1], a.scalar("weight"))),
       RUN(x.size() > 2 ? x[0].lerp(x[1], x[2]) : x[0].lerp(x[1], a.scalar("weight"))), ""},
      OP(addcmul, x[1], x[2], a.scalar("value", 1)),
      OP(addcdiv, x[1], x[2], a.scalar("value", 1)),
      OP(logical_and, x[1]),
      OP(logical_or, x[1]),
      OP(logical_xor, x[1]),
      // the same in place
      UNARY_IN_PLACE(neg),
      UNARY_IN_PLACE(abs),
      UNARY_IN_PLACE(sign),
      UNARY_IN_PLACE(square),
      UNARY_IN_PLACE(sqrt),
      UNARY_IN_PLACE(rsqrt),
      UNARY_IN_PLACE(reciprocal),
      UNARY_IN_PLACE(exp),
      UNARY_IN_PLACE(expm1),
      UNARY_IN_PLACE(log),
      UNARY_IN_PLACE(log1p),
      UNARY_IN_PLACE(log2),
      UNARY_IN_PLACE(log10),
      UNARY_IN_PLACE(sin),
      UNARY_IN_PLACE(cos),
      UNARY_IN_PLACE(tan),
      UNARY_IN_PLACE(asin),
      UNARY_IN_PLACE(acos),
      UNARY_IN_PLACE(atan),
      UNARY_IN_PLACE(sinh),
      UNARY_IN_PLACE(cosh),
      UNARY_IN_PLACE(tanh),
      UNARY_IN_PLACE(sigmoid),
      UNARY_IN_PLACE(erf),
      UNARY_IN_PLACE(erfc),
      UNARY_IN_PLACE(floor),
      UNARY_IN_PLACE(ceil),
      UNARY_IN_PLACE(round),
      UNARY_IN_PLACE(trunc),
      UNARY_IN_PLACE(frac),
      {"logical_not_", nullptr, RUN(x[0].clone().logical_not_()), "logical_not"},
      {"relu_", RUN(reel::relu_(x[0].clone())), RUN(x[0].clone().relu_()), "relu"},
      TWIN(nan_to_num, maybe_real(a, "nan"), maybe_real(a, "posinf"), maybe_real(a, "neginf")),
      FUNCTION_IN_PLACE(relu6, x[0].clone()),
      FUNCTION_IN_PLACE(selu, x[0].clone()),
      FUNCTION_IN_PLACE(silu, x[0].clone()),
      FUNCTION_IN_PLACE(mish, x[0].clone()),
      FUNCTION_IN_PLACE(hardsigmoid, x[0].clone()),
      FUNCTION_IN_PLACE(hardtanh, x[0].clone(), a.scalar("min_val", -1), a.scalar("max_val", 1)),
      FUNCTION_IN_PLACE(leaky_relu, x[0].clone(), a.scalar("negative_slope", 0.01)),
      FUNCTION_IN_PLACE(elu, x[0].clone(), a.scalar("alpha", 1), a.scalar("scale", 1),
                        a.scalar("input_scale", 1)),
      FUNCTION_IN_PLACE(celu, x[0].clone(), a.scalar("alpha", 1)),
      FUNCTION_IN_PLACE(gelu, x[0].clone(), a.has("tanh") ? "tanh" : "none"),
      METHOD_IN_PLACE(atan2, x[1]),
      METHOD_IN_PLACE(hypot, x[1]),
      IN_PLACE(floor_divide_, "floor_divide"),
      IN_PLACE(remainder_, "remainder"),
      IN_PLACE(fmod_, "fmod"),
      {"pow_", nullptr, RUN(x[0].clone().pow_(x[1])), "pow_tensor"},
      {"pow_number_", nullptr, RUN(x[0].clone().pow_(a.scalar("exponent"))), "pow"},
      {"div_floor_", nullptr,
       RUN(x.size() > 1 ? x[0].clone().div_(x[1], "floor")
                        : x[0].clone().div_(a.scalar("other"), "floor")),
       "div_floor"},
      {"div_trunc_", nullptr,
       RUN(x.size() > 1 ? x[0].clone().div_(x[1], "trunc")
                        : x[0].clone().div_(a.scalar("other"), "trunc")),
       "div_trunc"},
      {"clamp_", RUN(reel::clamp_(x[0].clone(), maybe_scalar(a, "min"), maybe_scalar(a, "max"))),
       RUN(x[0].clone().clamp_(maybe_scalar(a, "min"), maybe_scalar(a, "max"))), "clamp"},
      {"clamp_tensor_", RUN(reel::clamp_(x[0].clone(), bound(x, a, "min"), bound(x, a, "max"))),
       RUN(x[0].clone().clamp_(bound(x, a, "min"), bound(x, a, "max"))), "clamp_tensor"},
      {"clamp_min_", RUN(reel::clamp_min_(x[0].clone(), a.scalar("min"))),
       RUN(x[0].clone().clamp_min_(a.scalar("min"))), "clamp_min"},
      {"clamp_max_", RUN(reel::clamp_max_(x[0].clone(), a.scalar("max"))),
       RUN(x[0].clone().clamp_max_(a.scalar("max"))), "clamp_max"},
      {"lerp_", nullptr,
       RUN(x.size() > 2 ? x[0].clone().lerp_(x[1], x[2])
                        : x[0].clone().lerp_(x[1], a.scalar("weight"))),
       "lerp"},
      METHOD_IN_PLACE(addcmul, x[1], x[2], a.scalar("value", 1)),
      METHOD_IN_PLACE(addcdiv, x[1], x[2], a.scalar("value", 1)),
      METHOD_IN_PLACE(logical_and, x[1]),
      METHOD_IN_PLACE(logical_or, x[1]),
      METHOD_IN_PLACE(logical_xor, x[1]),
      // in place
      IN_PLACE_ALPHA(add_, "add"),
      IN_PLACE_ALPHA(sub_, "sub"),
      IN_PLACE(mul_, "mul"),
      IN_PLACE(div_, "div"),
      {"masked_fill_", nullptr, RUN(x[0].clone().masked_fill_(x[1], a.scalar("value"))),
       "masked_fill"},
      TESTED_IN(copy_, "autograd/tensor_test.cpp"),
      TESTED_IN(fill_, "autograd/tensor_test.cpp"),
      TESTED_IN(zero_, "autograd/tensor_test.cpp"),
      TESTED_IN(index_put_, "autograd/tensor_test.cpp"),
      TESTED_IN(requires_grad_, "autograd/tape_test.cpp"),
      TESTED_IN(detach_, "autograd/tape_test.cpp"),
      TESTED_IN(uniform_, "autograd/random_test.cpp"),
      TESTED_IN(normal_, "autograd/random_test.cpp"),
      TESTED_IN(bernoulli_, "torch_test.cpp"),
      TESTED_IN(random_, "torch_test.cpp"),
      // linalg
      OP(matmul, x[1]),
      OP(mm, x[1]),
      OP(bmm, x[1]),
      OP(addmm, x[1], x[2], a.scalar("beta", 1), a.scalar("alpha", 1)),
      UNARY(t),
      FUNCTION(linear, x[0], x[1], third(x)),
      // reduce
      REDUCE(sum),
      REDUCE(mean),
      OP(sum_to_size, a.integers("sizes")),
      TESTED_IN(sum_of_squares, "autograd/tensor_test.cpp"),
      // shape
      LAYOUT_BOUND(view, a.integers("sizes")),
      LAYOUT_BOUND(as_strided, a.integers("sizes"), a.integers("strides"),
                   a.integer("storage_offset")),
      OP(reshape, a.integers("sizes")),
      OP(flatten, a.integer("start_dim", 0), a.integer("end_dim", -1)),
      OP(transpose, a.integer("dim0"), a.integer("dim1")),
      OP(permute, a.integers("dims")),
      SQUEEZE(squeeze),
      OP(unsqueeze, a.integer("dim")),
      OP(expand, a.integers("sizes")),
      METHOD(expand_as, x[1]),
      OP(narrow, a.integer("dim"), a.integer("start"), a.integer("length")),
      OP(select, a.integer("dim"), a.integer("index")),
      OP(slice, a.integer("dim"), a.maybe("start"), a.maybe("end"), a.integer("step")),
      OP(split, a.integer("split_size"), a.integer("dim", 0)),
      FUNCTION(split_with_sizes, x[0], a.integers("sizes"), a.integer("dim", 0)),
      OP(chunk, a.integer("chunks"), a.integer("dim", 0)),
      OP(unbind, a.integer("dim", 0)),
      FUNCTION(cat, x, a.integer("dim", 0)),
      FUNCTION(stack, x, a.integer("dim", 0)),
      // index
      OP(index, index_list(x, a, 1)),
      {"several index tensors", RUN(x[0].index(index_list(x, a, 1))), nullptr, "index_tensors"},
      {"index_put_ on a copy", nullptr,
       RUN(x[0].clone().index_put_(index_list(x, a, 2), x[1], a.flag("accumulate"))), "index_put"},
      OP(index_select, a.integer("dim"), x[1]),
      UNARY(nonzero),
      FUNCTION(embedding, x[0], x[1], a.integer("padding_idx", -1)),
      // normalise, loss
      OP(softmax, a.integer("dim")),
      OP(log_softmax, a.integer("dim")),
      FUNCTION(dropout, x[0], a.real("p", 0.5), a.flag("train")),
      FUNCTION(nll_loss, x[0], x[1], third(x), a.integer("reduction", 1),
               a.integer("ignore_index", -100)),
      FUNCTION(cross_entropy_loss, x[0], x[1], third(x), a.integer("reduction", 1),
               a.integer("ignore_index", -100), a.real("label_smoothing", 0.0)),
      FUNCTION(mse_loss, x[0], x[1], a.integer("reduction", 1)),
      // creation
      TESTED_IN(empty, "autograd/tensor_test.cpp"),
      TESTED_IN(zeros, "autograd/tensor_test.cpp"),
      TESTED_IN(ones, "autograd/tensor_test.cpp"),
      TESTED_IN(full, "autograd/tensor_test.cpp"),
      TESTED_IN(empty_like, "autograd/tensor_test.cpp"),
      TESTED_IN(zeros_like, "autograd/tensor_test.cpp"),
      TESTED_IN(ones_like, "autograd/tensor_test.cpp"),
      TESTED_IN(full_like, "autograd/tensor_test.cpp"),
      TESTED_IN(scalar_tensor, "autograd/tensor_test.cpp"),
      TESTED_IN(arange, "autograd/tensor_test.cpp"),
      TESTED_IN(linspace, "autograd/tensor_test.cpp"),
      TESTED_IN(eye, "autograd/tensor_test.cpp"),
      TESTED_IN(tensor, "autograd/tensor_test.cpp"),
      TESTED_IN(from_blob, "autograd/tensor_test.cpp"),
      // random
      TESTED_IN(rand, "autograd/random_test.cpp"),
      TESTED_IN(randn, "autograd/random_test.cpp"),
      TESTED_IN(rand_like, "autograd/random_test.cpp"),
      TESTED_IN(randn_like, "autograd/random_test.cpp"),
      TESTED_IN(randint, "autograd/random_test.cpp"),
      TESTED_IN(randperm, "autograd/random_test.cpp"),
      TESTED_IN(multinomial, "autograd/random_test.cpp"),
      TESTED_IN(bernoulli, "autograd/random_test.cpp"),
      TESTED_IN(manual_seed, "autograd/random_test.cpp"),
  };
  static const std::vector<OpRow> table = [] {
    std::vector<OpRow> all = with_shape_rows(own);
    for (const OpRow& row : loss_rows()) all.push_back(row);
    for (const OpRow& row : sequence_rows()) all.push_back(row);
    for (const OpRow& row : composed_rows()) all.push_back(row);
    for (const OpRow& row : alias_rows()) all.push_back(row);
    return all;
  }();
  return table;
}

}  // namespace reel::test
