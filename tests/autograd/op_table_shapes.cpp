// Rows of the ops whose cases stand in fixtures/ops_shapes.json: reductions, scans, order,
// indexing, rearrangement and products.
#include "op_table.hpp"

namespace reel::test {

namespace {

Tensors outputs(const Tensor& t) { return {t}; }
Tensors outputs(const std::tuple<Tensor, Tensor>& t) { return {std::get<0>(t), std::get<1>(t)}; }
Tensors outputs(const std::tuple<Tensor, Tensor, Tensor>& t) {
  return {std::get<0>(t), std::get<1>(t), std::get<2>(t)};
}

Tensor optional_input(const Tensors& x, std::size_t i) { return i < x.size() ? x[i] : Tensor(); }

std::vector<std::int64_t> dims(const Args& a) {
  return a.has("dim") ? a.integers("dim") : std::vector<std::int64_t>();
}
std::string text(const Args& a, const char* name, const char* otherwise) {
  return a.has(name) ? a.list(name).get<std::string>() : otherwise;
}

// var and std: each way to say what is divided by.
template <class All, class AllBool, class ByDim, class ByBool>
Tensor spread(const Args& a, All all, AllBool all_bool, ByDim by_dim, ByBool by_bool) {
  if (!a.has("dim")) return a.has("unbiased") ? all_bool(a.flag("unbiased")) : all();
  if (a.has("unbiased")) return by_bool(dims(a), a.flag("unbiased"), a.flag("keepdim"));
  return by_dim(dims(a), a.maybe("correction"), a.flag("keepdim"));
}

// clang-format off
#define RUN(...) \
  [](const Tensors& x, const Args& a) -> Tensors { return (void)x, (void)a, outputs(__VA_ARGS__); }
// The free function and the method, applied to the first tensor and the arguments given.
#define OP(op, ...) {#op, RUN(reel::op(x[0], __VA_ARGS__)), RUN(x[0].op(__VA_ARGS__)), ""}
#define UNARY(op)   {#op, RUN(reel::op(x[0])), RUN(x[0].op()), ""}
#define FUNCTION(op, ...) {#op, RUN(reel::op(__VA_ARGS__)), nullptr, ""}
// Over all elements or, where the case says so, over dimensions.
#define REDUCE(op)                                                                         \
  {#op, RUN(a.has("dim") ? reel::op(x[0], dims(a), a.flag("keepdim")) : reel::op(x[0])),   \
        RUN(a.has("dim") ? x[0].op(dims(a), a.flag("keepdim")) : x[0].op()), ""}
// One value or, along a dimension, values and indices.
#define CHOOSE(op)                                                                         \
  {#op,                                                                                    \
   [](const Tensors& x, const Args& a) -> Tensors {                                        \
     return a.has("dim") ? outputs(reel::op(x[0], a.integer("dim"), a.flag("keepdim")))    \
                         : outputs(reel::op(x[0]));                                        \
   },                                                                                      \
   [](const Tensors& x, const Args& a) -> Tensors {                                        \
     return a.has("dim") ? outputs(x[0].op(a.integer("dim"), a.flag("keepdim")))           \
                         : outputs(x[0].op());                                             \
   },                                                                                      \
   ""}
#define SPREAD(op)                                                                         \
  {#op,                                                                                    \
   RUN(spread(                                                                             \
       a, [&] { return reel::op(x[0]); }, [&](bool u) { return reel::op(x[0], u); },       \
       [&](IntArrayRef d, std::optional<std::int64_t> c, bool k) {                         \
         return reel::op(x[0], d, c, k);                                                   \
       },                                                                                  \
       [&](IntArrayRef d, bool u, bool k) { return reel::op(x[0], d, u, k); })),           \
   RUN(spread(                                                                             \
       a, [&] { return x[0].op(); }, [&](bool u) { return x[0].op(u); },                   \
       [&](IntArrayRef d, std::optional<std::int64_t> c, bool k) { return x[0].op(d, c, k); }, \
       [&](IntArrayRef d, bool u, bool k) { return x[0].op(d, u, k); })),                  \
   ""}
// In place on a copy of the first tensor, against the cases of the op that makes a new one.
#define IN_PLACE(op, cases, ...) {#op, nullptr, RUN(x[0].clone().op(__VA_ARGS__)), cases}
// clang-format on

}  // namespace

std::vector<OpRow> with_shape_rows(std::vector<OpRow> rows) {
  const std::vector<OpRow> own = {
      // reduce
      REDUCE(prod),
      SPREAD(var),
      SPREAD(std),
      REDUCE(amax),
      REDUCE(amin),
      CHOOSE(max),
      CHOOSE(min),
      CHOOSE(median),
      OP(argmax, a.maybe("dim"), a.flag("keepdim")),
      OP(argmin, a.maybe("dim"), a.flag("keepdim")),
      OP(logsumexp, dims(a), a.flag("keepdim")),
      {"norm",
       RUN(a.has("dim") ? reel::norm(x[0], a.scalar("p"), dims(a), a.flag("keepdim"))
                        : reel::norm(x[0], a.scalar("p", 2))),
       RUN(a.has("dim") ? x[0].norm(a.scalar("p"), dims(a), a.flag("keepdim"))
                        : x[0].norm(a.scalar("p", 2))),
       ""},
      REDUCE(any),
      REDUCE(all),
      OP(count_nonzero, dims(a)),
      // scan, sort
      OP(cumsum, a.integer("dim")),
      OP(cumprod, a.integer("dim")),
      IN_PLACE(cumsum_, "cumsum", a.integer("dim")),
      IN_PLACE(cumprod_, "cumprod", a.integer("dim")),
      OP(cummax, a.integer("dim")),
      OP(cummin, a.integer("dim")),
      OP(sort, a.integer("dim", -1), a.flag("descending")),
      OP(argsort, a.integer("dim", -1), a.flag("descending")),
      OP(topk, a.integer("k"), a.integer("dim", -1), !a.has("largest") || a.flag("largest")),
      OP(kthvalue, a.integer("k"), a.integer("dim", -1), a.flag("keepdim")),
      FUNCTION(unique, x[0], true, a.flag("return_inverse"), a.flag("return_counts")),
      FUNCTION(_unique2, x[0], true, a.flag("return_inverse"), a.flag("return_counts")),
      OP(bincount, optional_input(x, 1), a.integer("minlength", 0)),
      // index
      OP(gather, a.integer("dim"), x[1]),
      OP(take_along_dim, x[1], a.maybe("dim")),
      {"scatter",
       RUN(x.size() > 2 ? reel::scatter(x[0], a.integer("dim"), x[1], x[2])
                        : reel::scatter(x[0], a.integer("dim"), x[1], a.scalar("value"))),
       RUN(x.size() > 2 ? x[0].scatter(a.integer("dim"), x[1], x[2])
                        : x[0].scatter(a.integer("dim"), x[1], a.scalar("value"))),
       ""},
      OP(scatter_add, a.integer("dim"), x[1], x[2]),
      OP(index_add, a.integer("dim"), x[1], x[2], a.scalar("alpha", 1)),
      {"scatter_", nullptr,
       RUN(x.size() > 2 ? x[0].clone().scatter_(a.integer("dim"), x[1], x[2])
                        : x[0].clone().scatter_(a.integer("dim"), x[1], a.scalar("value"))),
       "scatter"},
      IN_PLACE(scatter_add_, "scatter_add", a.integer("dim"), x[1], x[2]),
      IN_PLACE(index_add_, "index_add", a.integer("dim"), x[1], x[2], a.scalar("alpha", 1)),
      OP(masked_select, x[1]),
      FUNCTION(one_hot, x[0], a.integer("num_classes", -1)),
      // arrange
      OP(unflatten, a.integer("dim"), a.integers("sizes")),
      OP(movedim, a.integers("source"), a.integers("destination")),
      {"moveaxis", RUN(reel::moveaxis(x[0], a.integers("source"), a.integers("destination"))),
       RUN(x[0].moveaxis(a.integers("source"), a.integers("destination"))), "movedim"},
      {"swapaxes", RUN(reel::swapaxes(x[0], a.integer("dim0"), a.integer("dim1"))),
       RUN(x[0].swapaxes(a.integer("dim0"), a.integer("dim1"))), "transpose"},
      {"swapdims", RUN(reel::swapdims(x[0], a.integer("dim0"), a.integer("dim1"))),
       RUN(x[0].swapdims(a.integer("dim0"), a.integer("dim1"))), "transpose"},
      OP(repeat, a.integers("repeats")),
      OP(tile, a.integers("repeats")),
      {"repeat_interleave",
       RUN(x.size() > 1 ? reel::repeat_interleave(x[0], x[1], a.maybe("dim"))
                        : reel::repeat_interleave(x[0], a.integer("repeats"), a.maybe("dim"))),
       RUN(x.size() > 1 ? x[0].repeat_interleave(x[1], a.maybe("dim"))
                        : x[0].repeat_interleave(a.integer("repeats"), a.maybe("dim"))),
       ""},
      FUNCTION(hstack, x),
      FUNCTION(vstack, x),
      OP(flip, a.integers("dims")),
      OP(roll, a.integers("shifts"),
         a.has("dims") ? a.integers("dims") : std::vector<std::int64_t>()),
      FUNCTION(constant_pad_nd, x[0], a.integers("pad"), a.scalar("value", 0)),
      FUNCTION(pad, x[0], a.integers("pad"), text(a, "mode", "constant"),
               a.has("value") ? std::optional<double>(a.real("value", 0)) : nullopt),
      OP(unfold, a.integer("dimension"), a.integer("size"), a.integer("step")),
      OP(tril, a.integer("diagonal", 0)),
      OP(triu, a.integer("diagonal", 0)),
      IN_PLACE(tril_, "tril", a.integer("diagonal", 0)),
      IN_PLACE(triu_, "triu", a.integer("diagonal", 0)),
      OP(diag, a.integer("diagonal", 0)),
      UNARY(trace),
      {"view_as", nullptr, RUN(x[0].view_as(x[1])), "", true},
      {"reshape_as", nullptr, RUN(x[0].reshape_as(x[1])), ""},
      // linalg
      OP(mv, x[1]),
      OP(dot, x[1]),
      OP(outer, x[1]),
      OP(baddbmm, x[1], x[2], a.scalar("beta", 1), a.scalar("alpha", 1)),
      IN_PLACE(addmm_, "addmm", x[1], x[2], a.scalar("beta", 1), a.scalar("alpha", 1)),
      IN_PLACE(baddbmm_, "baddbmm", x[1], x[2], a.scalar("beta", 1), a.scalar("alpha", 1)),
      FUNCTION(bilinear, x[0], x[1], x[2], optional_input(x, 3)),
      FUNCTION(einsum, text(a, "equation", ""), x),
  };
  rows.insert(rows.end(), own.begin(), own.end());
  return rows;
}

}  // namespace reel::test
