// Rows of the ops whose cases stand in fixtures/ops_composed.json: those of
// autograd/ops/composed.hpp, and scatter() with a reduction.
#include "op_table.hpp"

namespace reel::test {

namespace {

Tensors outputs(const Tensor& t) { return {t}; }
Tensors outputs(std::vector<Tensor> list) { return list; }
Tensors outputs(const std::tuple<Tensor, Tensor>& t) { return {std::get<0>(t), std::get<1>(t)}; }

std::vector<std::int64_t> dims(const Args& a, const char* name = "dim") {
  return a.has(name) ? a.integers(name) : std::vector<std::int64_t>();
}
std::string reduction(const Args& a) { return a.list("reduce").get<std::string>(); }
std::optional<double> eps(const Args& a) {
  return a.has("eps") ? a.real("eps", 0) : std::optional<double>();
}
std::vector<std::int64_t> plane(const Args& a) {
  return a.has("dims") ? a.integers("dims") : std::vector<std::int64_t>{0, 1};
}

// clang-format off
#define RUN(...) \
  [](const Tensors& x, const Args& a) -> Tensors { return (void)x, (void)a, outputs(__VA_ARGS__); }
// The free function and the method, applied to the first tensor and the arguments given.
#define OP(op, ...) {#op, RUN(reel::op(x[0], __VA_ARGS__)), RUN(x[0].op(__VA_ARGS__)), ""}
#define UNARY(op) {#op, RUN(reel::op(x[0])), RUN(x[0].op()), ""}
#define FUNCTION(op, ...) {#op, RUN(reel::op(__VA_ARGS__)), nullptr, ""}
// In place on a copy of the first tensor, against the cases of the op that makes a new one.
#define IN_PLACE(op, ...) {#op "_", nullptr, RUN(x[0].clone().op##_(__VA_ARGS__)), #op}
// clang-format on

}  // namespace

std::vector<OpRow> composed_rows() {
  return {
      OP(logaddexp, x[1]),
      FUNCTION(logaddexp2, x[0], x[1]),
      {"xlogy", RUN(x.size() > 1 ? reel::xlogy(x[0], x[1]) : reel::xlogy(x[0], a.scalar("other"))),
       RUN(x.size() > 1 ? x[0].xlogy(x[1]) : x[0].xlogy(a.scalar("other"))), ""},
      OP(logit, eps(a)),
      UNARY(sinc),
      UNARY(asinh),
      UNARY(acosh),
      UNARY(atanh),
      OP(fmax, x[1]),
      OP(fmin, x[1]),
      OP(nansum, dims(a), a.flag("keepdim")),
      OP(nanmean, dims(a), a.flag("keepdim")),
      OP(aminmax, a.maybe("dim"), a.flag("keepdim")),
      FUNCTION(std_mean, x[0], dims(a), a.integer("correction", 1), a.flag("keepdim")),
      OP(addmv, x[1], x[2], a.scalar("beta", 1), a.scalar("alpha", 1)),
      OP(addr, x[1], x[2], a.scalar("beta", 1), a.scalar("alpha", 1)),
      OP(inner, x[1]),
      FUNCTION(tensordot, x[0], x[1], dims(a, "dims_self"), dims(a, "dims_other")),
      OP(kron, x[1]),
      FUNCTION(cdist, x[0], x[1], a.real("p", 2)),
      {"tensor_split",
       RUN(a.has("indices") ? reel::tensor_split(x[0], a.integers("indices"), a.integer("dim", 0))
                            : reel::tensor_split(x[0], a.integer("sections"), a.integer("dim", 0))),
       RUN(a.has("indices") ? x[0].tensor_split(a.integers("indices"), a.integer("dim", 0))
                            : x[0].tensor_split(a.integer("sections"), a.integer("dim", 0))),
       ""},
      FUNCTION(dstack, x),
      OP(diag_embed, a.integer("offset", 0), a.integer("dim1", -2), a.integer("dim2", -1)),
      OP(rot90, a.integer("k", 1), plane(a)),
      OP(select_scatter, x[1], a.integer("dim"), a.integer("index")),
      OP(slice_scatter, x[1], a.integer("dim", 0), a.maybe("start"), a.maybe("end"),
         a.integer("step", 1)),
      OP(diagonal_scatter, x[1], a.integer("offset", 0), a.integer("dim1", 0),
         a.integer("dim2", 1)),
      FUNCTION(tril_indices, a.integer("row"), a.integer("col"), a.integer("offset", 0)),
      FUNCTION(triu_indices, a.integer("row"), a.integer("col"), a.integer("offset", 0)),
      OP(index_fill, a.integer("dim", 0), x[1], a.scalar("value")),
      {"index_fill_tensor", RUN(reel::index_fill(x[0], a.integer("dim"), x[1], x[2])),
       RUN(x[0].index_fill(a.integer("dim"), x[1], x[2])), ""},
      IN_PLACE(index_fill, a.integer("dim", 0), x[1], a.scalar("value")),
      {"index_fill_tensor_", nullptr, RUN(x[0].clone().index_fill_(a.integer("dim"), x[1], x[2])),
       "index_fill_tensor"},
      OP(index_copy, a.integer("dim", 0), x[1], x[2]),
      IN_PLACE(index_copy, a.integer("dim", 0), x[1], x[2]),
      OP(masked_scatter, x[1], x[2]),
      IN_PLACE(masked_scatter, x[1], x[2]),
      OP(scatter_reduce, a.integer("dim"), x[1], x[2], reduction(a), a.flag("include_self")),
      IN_PLACE(scatter_reduce, a.integer("dim"), x[1], x[2], reduction(a), a.flag("include_self")),
      {"scatter with reduce",
       RUN(x.size() > 2
               ? reel::scatter(x[0], a.integer("dim", 0), x[1], x[2], reduction(a))
               : reel::scatter(x[0], a.integer("dim", 0), x[1], a.scalar("value"), reduction(a))),
       RUN(x.size() > 2 ? x[0].scatter(a.integer("dim", 0), x[1], x[2], reduction(a))
                        : x[0].scatter(a.integer("dim", 0), x[1], a.scalar("value"), reduction(a))),
       ""},
      {"scatter with reduce_", nullptr,
       RUN(x.size() > 2
               ? x[0].clone().scatter_(a.integer("dim", 0), x[1], x[2], reduction(a))
               : x[0].clone().scatter_(a.integer("dim", 0), x[1], a.scalar("value"), reduction(a))),
       "scatter with reduce"},
      FUNCTION(searchsorted, x[0], x[1], false, a.flag("right")),
      FUNCTION(bucketize, x[0], x[1], false, a.flag("right")),
      FUNCTION(isin, x[0], x[1]),
  };
}

}  // namespace reel::test
