// MultiheadAttention, as module and as function.
#pragma once

#include <cstdint>
#include <tuple>

#include "cloneable.hpp"
#include "linear.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

struct MultiheadAttentionOptions {
  MultiheadAttentionOptions(std::int64_t embed_dim, std::int64_t num_heads)
      : embed_dim_(embed_dim), num_heads_(num_heads), kdim_(embed_dim), vdim_(embed_dim) {}
  REEL_ARG(std::int64_t, embed_dim);
  /// Must divide embed_dim.
  REEL_ARG(std::int64_t, num_heads);
  /// Probability of an attention weight to become zero in training.
  REEL_ARG(double, dropout) = 0.0;
  /// Of all projections.
  REEL_ARG(bool, bias) = true;
  /// A learned key and value behind those given.
  REEL_ARG(bool, add_bias_kv) = false;
  /// A key and a value of zeros behind those.
  REEL_ARG(bool, add_zero_attn) = false;
  /// Features of key and value.
  REEL_ARG(std::int64_t, kdim);
  REEL_ARG(std::int64_t, vdim);
  /// Batched tensors are [N, L, E] instead of [L, N, E].
  REEL_ARG(bool, batch_first) = false;
};

namespace functional {
struct MultiheadAttentionForwardFuncOptions {
  MultiheadAttentionForwardFuncOptions(std::int64_t embed_dim_to_check, std::int64_t num_heads,
                                       Tensor in_proj_weight, Tensor in_proj_bias, Tensor bias_k,
                                       Tensor bias_v, bool add_zero_attn, double dropout_p,
                                       Tensor out_proj_weight, Tensor out_proj_bias);
  REEL_ARG(std::int64_t, embed_dim_to_check);
  REEL_ARG(std::int64_t, num_heads);
  /// [3 E, E]: those of query, key and value.
  REEL_ARG(Tensor, in_proj_weight);
  REEL_ARG(Tensor, in_proj_bias);
  /// [1, 1, E] or undefined.
  REEL_ARG(Tensor, bias_k);
  REEL_ARG(Tensor, bias_v);
  REEL_ARG(bool, add_zero_attn);
  REEL_ARG(double, dropout_p);
  REEL_ARG(Tensor, out_proj_weight);
  REEL_ARG(Tensor, out_proj_bias);
  REEL_ARG(bool, training) = true;
  /// [N, S], true or -inf where a key is not to be seen.
  REEL_ARG(Tensor, key_padding_mask) = {};
  REEL_ARG(bool, need_weights) = true;
  /// [L, S] or [N heads, L, S], true where a key is not to be seen, or numbers to be added.
  REEL_ARG(Tensor, attn_mask) = {};
  /// The three weights that follow instead of in_proj_weight.
  REEL_ARG(bool, use_separate_proj_weight) = false;
  REEL_ARG(Tensor, q_proj_weight) = {};
  REEL_ARG(Tensor, k_proj_weight) = {};
  REEL_ARG(Tensor, v_proj_weight) = {};
  /// [N heads, S, E / heads] instead of the projected key and value.
  REEL_ARG(Tensor, static_k) = {};
  REEL_ARG(Tensor, static_v) = {};
  REEL_ARG(bool, average_attn_weights) = true;
};
/// See MultiheadAttention; query [L, N, E], key [S, N, Ek], value [S, N, Ev].
std::tuple<Tensor, Tensor> multi_head_attention_forward(
    const Tensor& query, const Tensor& key, const Tensor& value,
    const MultiheadAttentionForwardFuncOptions& options);
}  // namespace functional

/// For each head: softmax(q k^T / sqrt(E / heads) + masks) v of the projected query, key and value;
/// the heads, joined, are projected once more. query [L, N, E], key [S, N, kdim], value [S, N,
/// vdim] (or without N) give [L, N, E] and the weights [N, L, S], the mean over the heads, or [N,
/// heads, L, S] with average_attn_weights false; without need_weights they are undefined.
/// key_padding_mask [N, S] and attn_mask [L, S] or [N heads, L, S] are of bool, true for what is
/// not to be seen, or of floats to be added. Throws ShapeError and DtypeError.
/// https://pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html, Vaswani et al. 2017
class MultiheadAttentionImpl : public Cloneable<MultiheadAttentionImpl> {
 public:
  MultiheadAttentionImpl(std::int64_t embed_dim, std::int64_t num_heads)
      : MultiheadAttentionImpl(MultiheadAttentionOptions(embed_dim, num_heads)) {}
  explicit MultiheadAttentionImpl(const MultiheadAttentionOptions& options);
  void reset() override;
  void _reset_parameters();
  std::tuple<Tensor, Tensor> forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                     const Tensor& key_padding_mask = {}, bool need_weights = true,
                                     const Tensor& attn_mask = {},
                                     bool average_attn_weights = true);

  MultiheadAttentionOptions options;
  /// kdim and vdim are embed_dim: one weight for all three projections, else one for each.
  bool _qkv_same_embed_dim = true;
  Tensor in_proj_weight, in_proj_bias;
  Tensor q_proj_weight, k_proj_weight, v_proj_weight;
  Linear out_proj = nullptr;
  Tensor bias_k, bias_v;
  std::int64_t head_dim = 0;

 protected:
  REEL_FORWARD_HAS_DEFAULT_ARGS({3, AnyValue(Tensor())}, {4, AnyValue(true)},
                                {5, AnyValue(Tensor())}, {6, AnyValue(true)})
};
REEL_MODULE(MultiheadAttention);

}  // namespace nn
}  // namespace reel
