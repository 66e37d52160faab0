// The rows of the losses that are one formula, of distances and of layer_norm; their cases are in
// fixtures/losses.json.
#include "op_table.hpp"

namespace reel::test {

namespace {
Tensor input(const Tensors& x, std::size_t i) { return i < x.size() ? x[i] : Tensor(); }
}  // namespace

std::vector<OpRow> loss_rows() {
// clang-format off
#define LOSS(op, ...) \
  {#op, [](const Tensors& x, const Args& a) -> Tensors { return {reel::op(x[0], __VA_ARGS__)}; }, \
   nullptr, ""}
  // clang-format on
  return {
      LOSS(l1_loss, x[1], a.integer("reduction", 1)),
      LOSS(smooth_l1_loss, x[1], a.integer("reduction", 1), a.real("beta", 1.0)),
      LOSS(huber_loss, x[1], a.integer("reduction", 1), a.real("delta", 1.0)),
      LOSS(binary_cross_entropy, x[1], input(x, 2), a.integer("reduction", 1)),
      LOSS(binary_cross_entropy_with_logits, x[1], input(x, 2), input(x, 3),
           a.integer("reduction", 1)),
      LOSS(kl_div, x[1], a.integer("reduction", 1), a.flag("log_target")),
      LOSS(margin_ranking_loss, x[1], x[2], a.real("margin", 0.0), a.integer("reduction", 1)),
      LOSS(hinge_embedding_loss, x[1], a.real("margin", 1.0), a.integer("reduction", 1)),
      LOSS(poisson_nll_loss, x[1], a.flag("log_input"), a.flag("full"), a.real("eps", 1e-8),
           a.integer("reduction")),
      LOSS(cosine_embedding_loss, x[1], x[2], a.real("margin", 0.0), a.integer("reduction", 1)),
      LOSS(cosine_similarity, x[1], a.integer("dim", 1), a.real("eps", 1e-8)),
      LOSS(pairwise_distance, x[1], a.real("p", 2.0), a.real("eps", 1e-6), a.flag("keepdim")),
      LOSS(layer_norm, a.integers("normalized_shape"), input(x, 1), input(x, 2),
           a.real("eps", 1e-5)),
      LOSS(softmin, a.integer("dim")),
  };
#undef LOSS
}

}  // namespace reel::test
