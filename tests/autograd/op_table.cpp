#include "op_table.hpp"

namespace reel::test {

namespace {

Tensors outputs(const Tensor& t) { return {t}; }
Tensors outputs(std::vector<Tensor> list) { return list; }

Tensor third(const Tensors& x) { return x.size() > 2 ? x[2] : Tensor(); }

// The entries of an index list, as make_ops.py writes them; "tensor" is the next input.
std::vector<indexing::TensorIndex> index_list(const Tensors& x, const Args& args) {
  std::vector<indexing::TensorIndex> list;
  std::size_t next = 1;
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
      FUNCTION(sign, x[0]),
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
      // linalg
      OP(matmul, x[1]),
      OP(mm, x[1]),
      FUNCTION(bmm, x[0], x[1]),
      FUNCTION(addmm, x[0], x[1], x[2], a.scalar("beta", 1), a.scalar("alpha", 1)),
      UNARY(t),
      FUNCTION(linear, x[0], x[1], third(x)),
      // reduce
      REDUCE(sum),
      REDUCE(mean),
      UNARY(max),
      UNARY(min),
      OP(argmax, a.maybe("dim"), a.flag("keepdim")),
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
      OP(index, index_list(x, a)),
      OP(index_select, a.integer("dim"), x[1]),
      FUNCTION(nonzero, x[0]),
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
    std::vector<OpRow> all = own;
    for (const OpRow& row : loss_rows()) all.push_back(row);
    return all;
  }();
  return table;
}

}  // namespace reel::test
