#include "attention.hpp"

#include <cmath>
#include <limits>

#include "autograd/autograd.hpp"
#include "init.hpp"

namespace reel {
namespace nn {

namespace functional {

MultiheadAttentionForwardFuncOptions::MultiheadAttentionForwardFuncOptions(
    std::int64_t embed_dim_to_check, std::int64_t num_heads, Tensor in_proj_weight,
    Tensor in_proj_bias, Tensor bias_k, Tensor bias_v, bool add_zero_attn, double dropout_p,
    Tensor out_proj_weight, Tensor out_proj_bias)
    : embed_dim_to_check_(embed_dim_to_check),
      num_heads_(num_heads),
      in_proj_weight_(std::move(in_proj_weight)),
      in_proj_bias_(std::move(in_proj_bias)),
      bias_k_(std::move(bias_k)),
      bias_v_(std::move(bias_v)),
      add_zero_attn_(add_zero_attn),
      dropout_p_(dropout_p),
      out_proj_weight_(std::move(out_proj_weight)),
      out_proj_bias_(std::move(out_proj_bias)) {}

namespace {

constexpr const char* kOp = "[multi_head_attention_forward] ";

struct Projected {
  Tensor q, k, v;
};

// Query, key and value times their weights; one product for those that are the same tensor.
Projected project(const Tensor& query, const Tensor& key, const Tensor& value,
                  const MultiheadAttentionForwardFuncOptions& o) {
  const std::int64_t e = o.embed_dim_to_check();
  const auto bias = [&](std::int64_t from, std::int64_t count) {
    return o.in_proj_bias().defined() ? o.in_proj_bias().narrow(0, from * e, count * e) : Tensor();
  };
  if (o.use_separate_proj_weight())
    return {reel::linear(query, o.q_proj_weight(), bias(0, 1)),
            reel::linear(key, o.k_proj_weight(), bias(1, 1)),
            reel::linear(value, o.v_proj_weight(), bias(2, 1))};
  const auto part = [&](const Tensor& x, std::int64_t from, std::int64_t count) {
    return reel::linear(x, o.in_proj_weight().narrow(0, from * e, count * e), bias(from, count));
  };
  if (query.is_same(key) && key.is_same(value)) {
    const auto all = part(query, 0, 3).chunk(3, -1);
    return {all[0], all[1], all[2]};
  }
  const Tensor q = part(query, 0, 1);
  if (key.is_same(value)) {
    const auto both = part(key, 1, 2).chunk(2, -1);
    return {q, both[0], both[1]};
  }
  return {q, part(key, 1, 1), part(value, 2, 1)};
}

void check_mask(const char* name, const Tensor& mask, const Tensor& query) {
  check<DtypeError>(mask.scalar_type() == kBool || mask.scalar_type() == query.scalar_type(), kOp,
                    "expected ", name, " of bool or of the query's dtype ",
                    dtype_name(query.scalar_type()), ", found ", dtype_name(mask.scalar_type()));
}
Tensor masked(const Tensor& scores, const Tensor& mask) {
  return mask.scalar_type() == kBool
             ? scores.masked_fill(mask, -std::numeric_limits<double>::infinity())
             : scores + mask;
}
// One more key that every query sees.
Tensor widened(const Tensor& mask) {
  return mask.defined() ? reel::constant_pad_nd(mask, {0, 1}) : mask;
}

}  // namespace

std::tuple<Tensor, Tensor> multi_head_attention_forward(
    const Tensor& query, const Tensor& key, const Tensor& value,
    const MultiheadAttentionForwardFuncOptions& options) {
  const std::int64_t e = options.embed_dim_to_check(), heads = options.num_heads();
  check<ShapeError>(query.dim() == 3 && key.dim() == 3 && value.dim() == 3 && query.size(2) == e &&
                        key.size(1) == query.size(1) && key.size(0) == value.size(0) &&
                        key.size(1) == value.size(1),
                    kOp, "expected query [L, N, ", e, "], key [S, N, Ek] and value [S, N, Ev], ",
                    "found ", query.sizes(), ", ", key.sizes(), " and ", value.sizes());
  check<ShapeError>(heads > 0 && e % heads == 0, kOp, "embed_dim ", e,
                    " must be divisible by num_heads ", heads);
  const std::int64_t length = query.size(0), samples = query.size(1), dim = e / heads;
  auto [q, k, v] = project(query, key, value, options);
  Tensor padding = options.key_padding_mask(), mask = options.attn_mask();
  check(options.bias_k().defined() == options.bias_v().defined(), kOp,
        "give both bias_k and bias_v, or none");
  if (options.bias_k().defined()) {
    check(!options.static_k().defined() && !options.static_v().defined(), kOp,
          "a bias cannot be added to static_k or static_v");
    k = cat({k, options.bias_k().expand({1, samples, e})}, 0);
    v = cat({v, options.bias_v().expand({1, samples, e})}, 0);
    padding = widened(padding);
    mask = widened(mask);
  }
  // [steps, N, E] as [N heads, steps, E / heads]
  const auto by_head = [&](const Tensor& x, const Tensor& instead) {
    if (instead.defined()) {
      check<ShapeError>(
          instead.dim() == 3 && instead.size(0) == samples * heads && instead.size(2) == dim, kOp,
          "expected static_k and static_v [", samples * heads, ", S, ", dim, "], found ",
          instead.sizes());
      return instead;
    }
    return x.reshape({x.size(0), samples * heads, dim}).transpose(0, 1);
  };
  q = by_head(q * (1.0 / std::sqrt(static_cast<double>(dim))), Tensor());
  k = by_head(k, options.static_k());
  v = by_head(v, options.static_v());
  if (options.add_zero_attn()) {
    const Tensor nothing = zeros({samples * heads, 1, dim}, k.scalar_type());
    k = cat({k, nothing}, 1);
    v = cat({v, nothing}, 1);
    padding = widened(padding);
    mask = widened(mask);
  }
  const std::int64_t seen = k.size(1);
  Tensor scores = bmm(q, k.transpose(1, 2));
  if (mask.defined()) {
    check_mask("attn_mask", mask, query);
    check<ShapeError>(mask.sizes() == IntArrayRef({length, seen}) || mask.sizes() == scores.sizes(),
                      kOp, "expected attn_mask [", length, ", ", seen, "] or ", scores.sizes(),
                      " (with the keys that were added), found ", mask.sizes());
    scores = masked(scores, mask);
  }
  if (padding.defined()) {
    check_mask("key_padding_mask", padding, query);
    check<ShapeError>(padding.sizes() == IntArrayRef({samples, seen}), kOp,
                      "expected key_padding_mask [", samples, ", ", seen,
                      "] (with the keys that were added), found ", padding.sizes());
    scores =
        masked(scores.view({samples, heads, length, seen}), padding.reshape({samples, 1, 1, seen}))
            .view({samples * heads, length, seen});
  }
  const Tensor weights =
      reel::dropout(reel::softmax(scores, -1), options.dropout_p(), options.training());
  const Tensor joined = bmm(weights, v).transpose(0, 1).reshape({length, samples, e});
  const Tensor result = reel::linear(joined, options.out_proj_weight(), options.out_proj_bias());
  if (!options.need_weights()) return {result, Tensor()};
  const Tensor each = weights.view({samples, heads, length, seen});
  return {result, options.average_attn_weights() ? each.mean(1) : each};
}

}  // namespace functional

MultiheadAttentionImpl::MultiheadAttentionImpl(const MultiheadAttentionOptions& options_)
    : options(options_) {
  MultiheadAttentionImpl::reset();
}

void MultiheadAttentionImpl::reset() {
  const std::int64_t e = options.embed_dim(), heads = options.num_heads();
  check<ShapeError>(e > 0 && heads > 0 && e % heads == 0, "[MultiheadAttention] embed_dim ", e,
                    " must be a positive multiple of num_heads ", heads);
  check<ShapeError>(options.kdim() > 0 && options.vdim() > 0,
                    "[MultiheadAttention] kdim and vdim must be positive, found ", options.kdim(),
                    " and ", options.vdim());
  check(options.dropout() >= 0.0 && options.dropout() <= 1.0,
        "[MultiheadAttention] dropout must be between 0 and 1, found ", options.dropout());
  head_dim = e / heads;
  _qkv_same_embed_dim = options.kdim() == e && options.vdim() == e;
  const auto made = [](bool wanted, IntArrayRef sizes) { return wanted ? empty(sizes) : Tensor(); };
  const bool same = _qkv_same_embed_dim;
  in_proj_weight = register_parameter("in_proj_weight", made(same, {3 * e, e}));
  q_proj_weight = register_parameter("q_proj_weight", made(!same, {e, e}));
  k_proj_weight = register_parameter("k_proj_weight", made(!same, {e, options.kdim()}));
  v_proj_weight = register_parameter("v_proj_weight", made(!same, {e, options.vdim()}));
  in_proj_bias = register_parameter("in_proj_bias", made(options.bias(), {3 * e}));
  out_proj = register_module("out_proj", Linear(LinearOptions(e, e).bias(options.bias())));
  bias_k = register_parameter("bias_k", made(options.add_bias_kv(), {1, 1, e}));
  bias_v = register_parameter("bias_v", made(options.add_bias_kv(), {1, 1, e}));
  _reset_parameters();
}

void MultiheadAttentionImpl::_reset_parameters() {
  for (const Tensor& weight : {in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight})
    if (weight.defined()) init::xavier_uniform_(weight);
  if (in_proj_bias.defined()) {
    init::zeros_(in_proj_bias);
    init::zeros_(out_proj->bias);
  }
  for (const Tensor& bias : {bias_k, bias_v})
    if (bias.defined()) init::xavier_normal_(bias);
}

std::tuple<Tensor, Tensor> MultiheadAttentionImpl::forward(
    const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& key_padding_mask,
    bool need_weights, const Tensor& attn_mask, bool average_attn_weights) {
  const bool batched = query.dim() == 3;
  check<ShapeError>(
      (batched || query.dim() == 2) && key.dim() == query.dim() && value.dim() == query.dim(),
      "[MultiheadAttention] expected query, key and value of 3 dimensions, or of 2 ",
      "without a batch, found ", query.sizes(), ", ", key.sizes(), " and ", value.sizes());
  const auto steps_first = [&](const Tensor& x) {
    if (!batched) return x.unsqueeze(1);
    return options.batch_first() ? x.transpose(0, 1) : x;
  };
  const Tensor q = steps_first(query);
  // Tensors that are the same stay so: they are projected together.
  const Tensor k = key.is_same(query) ? q : steps_first(key);
  const Tensor v = value.is_same(key) ? k : steps_first(value);
  const Tensor padding =
      batched || !key_padding_mask.defined() ? key_padding_mask : key_padding_mask.unsqueeze(0);
  auto [result, weights] = functional::multi_head_attention_forward(
      q, k, v,
      functional::MultiheadAttentionForwardFuncOptions(
          options.embed_dim(), options.num_heads(), in_proj_weight, in_proj_bias, bias_k, bias_v,
          options.add_zero_attn(), options.dropout(), out_proj->weight, out_proj->bias)
          .training(is_training())
          .key_padding_mask(padding)
          .need_weights(need_weights)
          .attn_mask(attn_mask)
          .use_separate_proj_weight(!_qkv_same_embed_dim)
          .q_proj_weight(q_proj_weight)
          .k_proj_weight(k_proj_weight)
          .v_proj_weight(v_proj_weight)
          .average_attn_weights(average_attn_weights));
  if (!batched) return {result.squeeze(1), need_weights ? weights.squeeze(0) : weights};
  return {options.batch_first() ? result.transpose(0, 1) : result, weights};
}

}  // namespace nn
}  // namespace reel
