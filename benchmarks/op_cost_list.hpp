// The ops that op_cost times, in the C++ API that reel and libtorch share. The file that includes
// this one says which of the two `lib` is.
#pragma once

#include <cmath>
#include <utility>

#include "op_cost.hpp"
#include "timing.hpp"

namespace bench {
namespace {

using lib::Tensor;

struct Operands {
  Tensor x;                         // [rows, cols], within (-2, 2)
  Tensor y;                         // the same shape, within (0.5, 1.5)
  Tensor unit;                      // the same shape, within (-0.9, 0.9)
  Tensor mask;                      // the same shape, bool
  Tensor integers;                  // the same shape, int64, within [0, 100)
  Tensor row, col;                  // [cols], [rows, 1]
  Tensor positions;                 // [rows], int64, positions of rows
  Tensor columns;                   // [cols], int64, positions of columns
  Tensor places;                    // the shape of x, int64, positions of rows
  Tensor across;                    // the shape of x, int64, positions of columns
  std::int64_t rows, cols, middle;  // x is also [middle, rows / middle, cols]
};

Operands operands(std::int64_t elements, bool float64) {
  Operands a;
  a.rows = 1;
  while (a.rows * a.rows < elements) a.rows *= 2;
  a.cols = elements / a.rows;
  a.middle = a.rows >= 16 ? 16 : 1;
  const auto type = float64 ? lib::kFloat64 : lib::kFloat32;
  a.x = (lib::rand({a.rows, a.cols}, type) - 0.5) * 3.999;
  a.y = lib::rand({a.rows, a.cols}, type) + 0.5;
  a.unit = (lib::rand({a.rows, a.cols}, type) - 0.5) * 1.8;
  a.mask = lib::rand({a.rows, a.cols}) < 0.5;
  a.integers = lib::randint(100, {a.rows, a.cols}, lib::kInt64);
  a.row = lib::rand({a.cols}, type) + 0.5;
  a.col = lib::rand({a.rows, 1}, type) + 0.5;
  a.positions = lib::randint(a.rows, {a.rows}, lib::kInt64);
  a.columns = lib::randint(a.cols, {a.cols}, lib::kInt64);
  a.places = lib::randint(a.rows, {a.rows, a.cols}, lib::kInt64);
  a.across = lib::randint(a.cols, {a.rows, a.cols}, lib::kInt64);
  return a;
}

enum Kind : unsigned {
  kPlain = 0,
  kChain = 1,  // its result can be its next input: values neither explode nor turn denormal
  kNoGradient = 2,
  kOnlySmall = 4,
  kOnlyLarge = 8,
  kPositive = 16,  // its first operand is y
  kUnit = 32,      // its first operand is unit
};
struct Op {
  const char* family;
  const char* name;
  unsigned kind;
  Tensor (*run)(const Tensor& x, const Operands& a);
};

#define OP(family, name, kind, expression)                                                   \
  {                                                                                          \
    family, name, kind,                                                                      \
        []([[maybe_unused]] const Tensor& x, [[maybe_unused]] const Operands& a) -> Tensor { \
          return expression;                                                                 \
        }                                                                                    \
  }
const Op kOps[] = {
    OP("pointwise", "x + y", kChain, x + a.y),
    OP("pointwise", "x + 1", kChain, x + 1),
    OP("pointwise", "x - y", kChain, x - a.y),
    OP("pointwise", "x * y", kChain, x* a.y),
    OP("pointwise", "x * x", kPlain, x* x),
    OP("pointwise", "x / y", kChain, x / a.y),
    OP("pointwise", "x + row", kChain, x + a.row),
    OP("pointwise", "x * col", kChain, x* a.col),
    OP("pointwise", "-x", kChain, -x),
    OP("pointwise", "abs", kChain, lib::abs(x)),
    OP("pointwise", "square", kPlain, lib::square(x)),
    OP("pointwise", "sqrt", kPositive | kChain, lib::sqrt(x)),
    OP("pointwise", "rsqrt", kPositive | kChain, lib::rsqrt(x)),
    OP("pointwise", "reciprocal", kPositive | kChain, lib::reciprocal(x)),
    OP("pointwise", "pow 3", kPlain, lib::pow(x, 3)),
    OP("pointwise", "pow x^y", kPositive, lib::pow(x, a.y)),
    OP("pointwise", "exp", kPlain, lib::exp(x)),
    OP("pointwise", "expm1", kPlain, lib::expm1(x)),
    OP("pointwise", "log", kPositive, lib::log(x)),
    OP("pointwise", "log1p", kPositive | kChain, lib::log1p(x)),
    OP("pointwise", "log2", kPositive, lib::log2(x)),
    OP("pointwise", "log10", kPositive, lib::log10(x)),
    OP("pointwise", "sin", kChain, lib::sin(x)),
    OP("pointwise", "cos", kChain, lib::cos(x)),
    OP("pointwise", "tan", kUnit, lib::tan(x)),
    OP("pointwise", "asin", kUnit, lib::asin(x)),
    OP("pointwise", "acos", kUnit, lib::acos(x)),
    OP("pointwise", "atan", kChain, lib::atan(x)),
    OP("pointwise", "sinh", kPlain, lib::sinh(x)),
    OP("pointwise", "cosh", kPlain, lib::cosh(x)),
    OP("pointwise", "tanh", kChain, lib::tanh(x)),
    OP("pointwise", "sigmoid", kChain, lib::sigmoid(x)),
    OP("pointwise", "erf", kChain, lib::erf(x)),
    OP("pointwise", "erfc", kPlain, lib::erfc(x)),
    OP("pointwise", "floor", kChain, lib::floor(x)),
    OP("pointwise", "round", kChain, lib::round(x)),
    OP("pointwise", "clamp", kChain, lib::clamp(x, -1, 1)),
    OP("pointwise", "maximum", kChain, lib::maximum(x, a.y)),
    OP("pointwise", "atan2", kChain, lib::atan2(x, a.y)),
    OP("pointwise", "hypot", kChain, lib::hypot(x, a.y)),
    OP("pointwise", "remainder", kChain, lib::remainder(x, a.y)),
    OP("pointwise", "fmod", kChain, lib::fmod(x, a.y)),
    OP("pointwise", "floor_divide", kNoGradient, lib::floor_divide(x, a.y)),
    OP("pointwise", "lerp", kChain, lib::lerp(x, a.y, 0.3)),
    OP("pointwise", "addcmul", kChain, lib::addcmul(x, a.y, a.unit)),
    OP("pointwise", "addcdiv", kChain, lib::addcdiv(x, a.unit, a.y)),
    OP("pointwise", "lerp tensor", kChain, lib::lerp(x, a.y, a.unit)),
    OP("pointwise", "sign", kChain, lib::sign(x)),
    OP("pointwise", "frac", kChain, lib::frac(x)),
    OP("pointwise", "nan_to_num", kChain, lib::nan_to_num(x)),
    OP("pointwise", "clamp_min tensor", kChain, lib::clamp_min(x, a.y)),
    OP("pointwise", "where", kChain, lib::where(a.mask, x, a.y)),
    OP("pointwise", "masked_fill", kChain, x.masked_fill(a.mask, 0.5)),
    OP("pointwise", "x < y", kNoGradient, x < a.y),
    OP("pointwise", "x == 1", kNoGradient, x == 1),
    OP("pointwise", "logical_and", kNoGradient, lib::logical_and(x, a.y)),
    OP("pointwise", "isnan", kNoGradient, lib::isnan(x)),
    OP("pointwise", "int64 x + 1", kNoGradient, a.integers + 1),
    OP("pointwise", "int64 x == 1", kNoGradient, a.integers == 1),
    OP("pointwise", "int64 x * y", kNoGradient, a.integers* a.places),
    OP("pointwise", "logical_not", kNoGradient, lib::logical_not(a.mask)),
    OP("activation", "relu", kChain, lib::relu(x)),
    OP("activation", "relu6", kChain, lib::relu6(x)),
    OP("activation", "celu", kChain, lib::celu(x)),
    OP("activation", "hardswish", kPlain, lib::hardswish(x)),
    OP("activation", "hardshrink", kPlain, lib::hardshrink(x)),
    OP("activation", "leaky_relu", kPlain, lib::leaky_relu(x, 0.01)),
    OP("activation", "elu", kChain, lib::elu(x)),
    OP("activation", "selu", kChain, lib::selu(x)),
    OP("activation", "gelu", kChain, lib::gelu(x)),
    OP("activation", "gelu tanh", kChain, lib::gelu(x, "tanh")),
    OP("activation", "silu", kChain, lib::silu(x)),
    OP("activation", "mish", kChain, lib::mish(x)),
    OP("activation", "softplus", kChain, lib::softplus(x)),
    OP("activation", "hardtanh", kChain, lib::hardtanh(x)),
    OP("activation", "hardsigmoid", kChain, lib::hardsigmoid(x)),
    OP("activation", "log_sigmoid", kChain, lib::log_sigmoid(x)),
    OP("reduction", "sum", kPlain, x.sum()),
    OP("reduction", "sum last", kPlain, x.sum(-1)),
    OP("reduction", "sum first", kPlain, x.sum(0)),
    OP("reduction", "sum middle", kOnlyLarge, x.view({a.middle, a.rows / a.middle, a.cols}).sum(1)),
    OP("reduction", "mean", kPlain, x.mean()),
    OP("reduction", "mean last", kPlain, x.mean(-1)),
    OP("reduction", "prod last", kPositive, x.prod(-1)),
    OP("reduction", "prod first", kPositive | kOnlyLarge, x.prod(0)),
    OP("reduction", "var", kPlain, x.var(false)),
    OP("reduction", "var last", kPlain, lib::var(x, lib::IntArrayRef{-1}, false)),
    OP("reduction", "var first", kPlain, lib::var(x, lib::IntArrayRef{0}, false)),
    OP("reduction", "std last", kPlain, lib::std(x, lib::IntArrayRef{-1}, false)),
    OP("reduction", "std first", kPlain, lib::std(x, lib::IntArrayRef{0}, false)),
    OP("reduction", "amin last", kPlain, x.amin(-1)),
    OP("reduction", "norm inf last", kPlain, x.norm(INFINITY, -1)),
    OP("reduction", "prod of all", kPositive, x.prod()),
    OP("reduction", "max", kPlain, x.max()),
    OP("reduction", "amax last", kPlain, x.amax(-1)),
    OP("reduction", "amax first", kPlain, x.amax(0)),
    OP("reduction", "amin middle", kOnlyLarge,
       x.view({a.middle, a.rows / a.middle, a.cols}).amin(1)),
    OP("reduction", "max with index last", kPlain, std::get<0>(x.max(-1))),
    OP("reduction", "max with index first", kPlain, std::get<0>(x.max(0))),
    OP("reduction", "argmax", kNoGradient, x.argmax()),
    OP("reduction", "argmax last", kNoGradient, x.argmax(-1)),
    OP("reduction", "argmax first", kNoGradient, x.argmax(0)),
    OP("reduction", "norm", kPlain, x.norm()),
    OP("reduction", "norm last", kPlain, x.norm(2, -1)),
    OP("reduction", "norm first", kPlain, x.norm(2, 0)),
    OP("reduction", "norm 1 last", kPlain, x.norm(1, -1)),
    OP("reduction", "logsumexp last", kPlain, lib::logsumexp(x, -1)),
    OP("reduction", "logsumexp first", kPlain, lib::logsumexp(x, 0)),
    OP("reduction", "any last", kNoGradient, lib::any(a.mask, -1)),
    OP("reduction", "all first", kNoGradient, lib::all(a.mask, 0)),
    OP("reduction", "count_nonzero", kNoGradient, lib::count_nonzero(x)),
    OP("reduction", "count_nonzero last", kNoGradient, lib::count_nonzero(x, lib::IntArrayRef{-1})),
    OP("reduction", "sum of bool", kNoGradient, a.mask.sum()),
    OP("reduction", "sum of int64 last", kNoGradient, a.integers.sum(-1)),
    OP("reduction", "sum of int64 first", kNoGradient, a.integers.sum(0)),
    OP("reduction", "amax of int64 last", kNoGradient, a.integers.amax(-1)),
    OP("scan", "cumsum last", kUnit, lib::cumsum(x, -1)),
    OP("scan", "cumsum first", kUnit, lib::cumsum(x, 0)),
    OP("scan", "cumprod last", kPositive, lib::cumprod(x, -1)),
    OP("scan", "cumprod first", kPositive, lib::cumprod(x, 0)),
    OP("scan", "cumsum of int64 last", kNoGradient, lib::cumsum(a.integers, -1)),
    OP("scan", "cummax last", kPlain, std::get<0>(lib::cummax(x, -1))),
    OP("scan", "cummax first", kPlain, std::get<0>(lib::cummax(x, 0))),
    OP("softmax", "softmax last", kChain, lib::softmax(x, -1)),
    OP("softmax", "softmax first", kChain, lib::softmax(x, 0)),
    OP("softmax", "log_softmax last", kChain, lib::log_softmax(x, -1)),
    OP("softmax", "log_softmax first", kChain, lib::log_softmax(x, 0)),
    OP("normalise", "layer_norm", kChain, lib::layer_norm(x, {a.cols}, a.row, a.row)),
    OP("sort", "sort last", kPlain, std::get<0>(lib::sort(x))),
    OP("sort", "sort first", kPlain, std::get<0>(lib::sort(x, 0))),
    OP("sort", "sort descending", kPlain, std::get<0>(lib::sort(x, -1, true))),
    OP("sort", "sort one long row", kOnlyLarge, std::get<0>(lib::sort(x.view({-1})))),
    OP("sort", "sort one long row, int64", kOnlyLarge | kNoGradient,
       std::get<0>(lib::sort(a.integers.view({-1})))),
    OP("sort", "argsort last", kNoGradient, lib::argsort(x)),
    OP("sort", "topk 1 last", kPlain, std::get<0>(lib::topk(x, 1))),
    OP("sort", "topk 10 last", kOnlyLarge, std::get<0>(lib::topk(x, 10))),
    OP("sort", "topk half last", kOnlyLarge, std::get<0>(lib::topk(x, a.cols / 2))),
    OP("sort", "topk 10 of one long row", kOnlyLarge, std::get<0>(lib::topk(x.view({-1}), 10))),
    OP("sort", "kthvalue last", kPlain, std::get<0>(lib::kthvalue(x, a.cols / 2 + 1))),
    OP("sort", "median", kPlain, x.median()),
    OP("sort", "median last", kPlain, std::get<0>(x.median(-1))),
    OP("sort", "median first", kPlain, std::get<0>(x.median(0))),
    OP("sort", "unique", kNoGradient, std::get<0>(lib::_unique2(a.integers))),
    OP("linalg", "matmul", kOnlySmall, lib::matmul(x, a.y)),
    OP("linalg", "matmul transposed", kOnlySmall, lib::matmul(x, a.y.t())),
    OP("linalg", "mv", kPlain, lib::mv(x, a.row)),
    OP("linalg", "mv transposed", kPlain, lib::mv(x.t(), a.col.view({-1}))),
    OP("linalg", "dot", kPlain, lib::dot(x.view({-1}), a.y.view({-1}))),
    OP("linalg", "outer", kPlain, lib::outer(x.select(0, 0), a.row)),
    OP("linalg", "vector times matrix", kPlain, lib::matmul(a.col.view({-1}), x)),
    OP("linalg", "addmm", kOnlySmall, lib::addmm(a.row, x, a.y.t())),
    OP("linalg", "linear", kOnlySmall, lib::linear(x, a.y, a.row)),
    OP("movement", "clone", kChain, x.clone()),
    OP("movement", "contiguous of transposed", kChain, x.t().contiguous()),
    OP("movement", "contiguous of permuted", kOnlyLarge,
       x.view({a.middle, a.rows / a.middle, a.cols}).permute({2, 0, 1}).contiguous()),
    OP("movement", "add of transposed", kPlain, x + a.y.t()),
    OP("movement", "to float64", kNoGradient, x.to(lib::kFloat64)),
    OP("movement", "to int64", kNoGradient, x.to(lib::kInt64)),
    OP("movement", "to bool", kNoGradient, x.to(lib::kBool)),
    OP("movement", "int64 to float32", kNoGradient, a.integers.to(lib::kFloat32)),
    OP("movement", "bool to float32", kNoGradient, a.mask.to(lib::kFloat32)),
    OP("movement", "cat first", kPlain, lib::cat({x, a.y}, 0)),
    OP("movement", "cat last", kPlain, lib::cat({x, a.y}, 1)),
    OP("movement", "stack last", kPlain, lib::stack({x, a.y}, 2)),
    OP("movement", "view", kChain | kOnlySmall, x.view({a.cols, a.rows})),
    OP("movement", "narrow", kOnlySmall, x.narrow(0, 0, 1)),
    OP("movement", "select", kOnlySmall, x.select(0, 0)),
    OP("movement", "expand", kOnlySmall, x.unsqueeze(0).expand({2, a.rows, a.cols})),
    OP("movement", "repeat", kPlain, x.repeat({2, 2})),
    OP("movement", "flip last", kPlain, lib::flip(x, -1)),
    OP("movement", "roll", kPlain, lib::roll(x, 1, 0)),
    OP("movement", "tril", kPlain, lib::tril(x)),
    OP("movement", "diff", kPlain, lib::diff(x)),
    OP("movement", "repeat_interleave", kPlain, lib::repeat_interleave(x, 2, 1)),
    OP("movement", "split and cat", kPlain, lib::cat(x.chunk(2, 1), 0)),
    OP("movement", "pad", kPlain, lib::constant_pad_nd(x, {1, 1}, 0)),
    OP("indexing", "index_select first", kPlain, lib::index_select(x, 0, a.positions)),
    OP("indexing", "index_select last", kPlain, lib::index_select(x, 1, a.columns)),
    OP("indexing", "gather first", kPlain, lib::gather(x, 0, a.places)),
    OP("indexing", "gather last", kPlain, lib::gather(x, 1, a.across)),
    OP("indexing", "scatter_add last", kPlain, lib::scatter_add(x, 1, a.across, a.y)),
    OP("indexing", "index_add first", kPlain, lib::index_add(x, 0, a.positions, a.y)),
    OP("indexing", "index_add last", kPlain, lib::index_add(x, 1, a.columns, a.y)),
    OP("indexing", "index_fill last", kPlain, lib::index_fill(x, 1, a.columns, 0.5)),
    OP("indexing", "scatter last", kPlain, lib::scatter(x, 1, a.across, a.y)),
    OP("indexing", "index by tensor", kPlain, x.index({a.positions})),
    OP("indexing", "index by mask", kPlain, x.index({a.mask})),
    OP("indexing", "masked_select", kPlain, lib::masked_select(x, a.mask)),
    OP("indexing", "embedding", kPlain, lib::embedding(x, a.positions)),
    OP("indexing", "nonzero", kNoGradient, lib::nonzero(a.mask)),
};
#undef OP

class Timer : public OpTimer {
 public:
  Timer(const Op& op, std::int64_t elements, bool float64)
      : op_(op), a_(operands(elements, float64)) {
    first_ = op.kind & kPositive ? a_.y : op.kind & kUnit ? a_.unit : a_.x;
    first_ = first_.detach().clone();
  }
  double forward(int count) override {
    lib::NoGradGuard no_grad;
    const double start = seconds_on(Clock::kProcess);
    for (int i = 0; i < count; ++i) op_.run(first_, a_);
    return (seconds_on(Clock::kProcess) - start) / count;
  }
  OpCost record_and_backward(int count) override {
    const auto n = static_cast<std::size_t>(count);
    const bool chain = (op_.kind & kChain) != 0;
    // Inputs that stay the same from one call to the next.
    while (inputs_.size() < (chain ? 1 : n))
      inputs_.push_back(first_.clone().set_requires_grad(!(op_.kind & kNoGradient)));
    std::vector<Tensor> outputs;
    outputs.reserve(n);
    // By the wall's clock: reading the other one takes as long as some of these ops.
    double start = seconds_on(Clock::kWall);
    if (chain) {
      outputs.push_back(op_.run(inputs_[0], a_));
      for (std::size_t i = 1; i < n; ++i) outputs[0] = op_.run(outputs[0], a_);
    } else {
      for (std::size_t i = 0; i < n; ++i) outputs.push_back(op_.run(inputs_[i], a_));
    }
    OpCost cost{(seconds_on(Clock::kWall) - start) / count, 0};
    if (op_.kind & kNoGradient) return cost;
    if (cotangents_.size() != outputs.size()) {
      cotangents_.clear();
      for (const Tensor& y : outputs) cotangents_.push_back(lib::ones_like(y.detach()));
    }
    start = seconds_on(Clock::kWall);
    lib::autograd::grad(outputs, inputs_, cotangents_);
    outputs.clear();
    cost.backward = (seconds_on(Clock::kWall) - start) / count;
    return cost;
  }

 private:
  const Op& op_;
  Operands a_;
  Tensor first_;
  std::vector<Tensor> inputs_, cotangents_;
};

class Ops : public OpLibrary {
 public:
  std::vector<OpInfo> ops() const override {
    std::vector<OpInfo> list;
    for (const Op& op : kOps)
      list.push_back({op.family, op.name, !(op.kind & kOnlyLarge), !(op.kind & kOnlySmall),
                      !(op.kind & kNoGradient)});
    return list;
  }
  std::unique_ptr<OpTimer> timer(std::size_t op, std::int64_t elements,
                                 bool float64) const override {
    return std::make_unique<Timer>(kOps[op], elements, float64);
  }
};

}  // namespace
}  // namespace bench
