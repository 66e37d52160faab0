// Losses that are one formula of input and target, and the distances that some are made of.
#include <cmath>

#include "autograd/kernels.hpp"
#include "autograd/pointwise.hpp"
#include "autograd/tape.hpp"
#include "loss.hpp"
#include "ops.hpp"
#include "reduced.hpp"

namespace reel {

using detail::reduced;

namespace {

template <class M, class A, class P>
auto constant(const formula::Val<M, A, P>& like, double value) {
  return M::constant(like, Scalar(value));
}
// max(x, 0) with the gradient of PyTorch's clamp_min: 1 at 0, where relu's is 0.
template <class M, class A, class P>
auto clamp_min_0(const formula::Val<M, A, P>& x) {
  return choose(x < 0.0, constant(x, 0.0), x);
}
// log(1 + exp(-x)) without overflow, and with the gradient -1/2 at 0.
template <class M, class A, class P>
auto softplus_of_minus(const formula::Val<M, A, P>& x) {
  return log(exp(choose(x < 0.0, x, -x)) + 1.0) + relu(-x);
}
// log x, but not below -100.
template <class M, class A, class P>
auto bounded_log(const formula::Val<M, A, P>& x) {
  const auto l = log(x);
  return choose(l < -100.0, constant(x, -100.0), l);
}

void check_same_shape(const char* op, const Tensor& input, const Tensor& target) {
  check<ShapeError>(target.sizes() == input.sizes(), "[", op, "] target has shape ", target.sizes(),
                    ", expected that of the input, ", input.sizes());
}

}  // namespace

Tensor l1_loss(const Tensor& input, const Tensor& target, std::int64_t reduction) {
  return reduced(pointwise(
                     "L1LossBackward0", [](auto x, auto t) { return abs(x - t); }, input, target),
                 reduction);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, std::int64_t reduction,
                      double beta) {
  check(beta >= 0, "[smooth_l1_loss] beta must not be negative, found ", beta);
  if (beta == 0) return l1_loss(input, target, reduction);
  return reduced(pointwise(
                     "SmoothL1LossBackward0",
                     [beta](auto x, auto t) {
                       const auto d = abs(x - t);
                       return choose(d < beta, square(x - t) * (0.5 / beta), d - 0.5 * beta);
                     },
                     input, target),
                 reduction);
}

Tensor huber_loss(const Tensor& input, const Tensor& target, std::int64_t reduction, double delta) {
  check(delta > 0, "[huber_loss] delta must be positive, found ", delta);
  return reduced(pointwise(
                     "HuberLossBackward0",
                     [delta](auto x, auto t) {
                       const auto d = abs(x - t);
                       return choose(d <= delta, square(x - t) * 0.5, (d - 0.5 * delta) * delta);
                     },
                     input, target),
                 reduction);
}

namespace {
// The gradient by p is (p - t) / (p (1 - p)) with a bounded denominator, so that a p of exactly 0
// or 1 still learns; the derivative of the bounded logarithm would be 0 there.
Tensor bce_elements(const Tensor& p, const Tensor& t) {
  Tensor out;
  {
    NoGradGuard no_grad;
    out = pointwise(
        "BinaryCrossEntropyBackward0",
        [](auto x, auto y) { return (y - 1.0) * bounded_log(1.0 - x) - y * bounded_log(x); }, p, t);
  }
  if (needs_record(p, t))
    record("BinaryCrossEntropyBackward0", {&p, &t}, {&out},
           [p = Saved(p), t = Saved(t)](Backward& pass) {
             const Tensor x = p.get(pass), y = t.get(pass), g = pass.grad();
             if (pass.needs(0))
               pass.add(0, pointwise(
                               "BinaryCrossEntropyBackwardBackward0",
                               [](auto gradient, auto a, auto b) {
                                 const auto d = a * (1.0 - a);
                                 return gradient * (a - b) /
                                        choose(d < 1e-12F, constant(d, 1e-12F), d);
                               },
                               g, x, y));
             if (pass.needs(1))
               pass.add(1, pointwise(
                               "BinaryCrossEntropyBackwardBackward0",
                               [](auto gradient, auto a) {
                                 return gradient * (bounded_log(1.0 - a) - bounded_log(a));
                               },
                               g, x));
           });
  return out;
}
}  // namespace

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                            std::int64_t reduction) {
  check_same_shape("binary_cross_entropy", input, target);
  check<DtypeError>(input.is_floating_point() && target.scalar_type() == input.scalar_type(),
                    "[binary_cross_entropy] input and target must have one floating dtype, found ",
                    dtype_name(input.scalar_type()), " and ", dtype_name(target.scalar_type()));
  const Tensor dense = input.detach().contiguous();
  dispatch_float("binary_cross_entropy", input.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* p = dense.data_ptr<T>();
    for (std::int64_t i = 0; i < dense.numel(); ++i)
      check(p[i] >= T(0) && p[i] <= T(1),
            "[binary_cross_entropy] all elements of input should be between 0 and 1, found ", p[i],
            " at element ", i, "; for logits use binary_cross_entropy_with_logits");
  });
  const Tensor losses = bce_elements(input, target);
  return reduced(weight.defined() ? losses * weight : losses, reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const Tensor& weight, const Tensor& pos_weight,
                                        std::int64_t reduction) {
  check_same_shape("binary_cross_entropy_with_logits", input, target);
  const char* name = "BinaryCrossEntropyWithLogitsBackward0";
  const Tensor losses =
      pos_weight.defined()
          ? pointwise(
                name,
                [](auto x, auto t, auto p) {
                  return (1.0 - t) * x + ((p - 1.0) * t + 1.0) * softplus_of_minus(x);
                },
                input, target, pos_weight)
          : pointwise(
                name, [](auto x, auto t) { return (1.0 - t) * x + softplus_of_minus(x); }, input,
                target);
  return reduced(weight.defined() ? losses * weight : losses, reduction);
}

Tensor kl_div(const Tensor& input, const Tensor& target, std::int64_t reduction, bool log_target) {
  const char* name = "KlDivBackward0";
  return reduced(log_target
                     ? pointwise(
                           name, [](auto x, auto t) { return exp(t) * (t - x); }, input, target)
                     : pointwise(
                           name,
                           [](auto x, auto t) {
                             const auto is_zero = t == 0.0;
                             const auto l = log(choose(is_zero, constant(t, 1.0), t));
                             return choose(is_zero, constant(t, 0.0), t * l) - t * x;
                           },
                           input, target),
                 reduction);
}

Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           double margin, std::int64_t reduction) {
  check<ShapeError>(
      input1.dim() == input2.dim() && input1.dim() == target.dim(),
      "[margin_ranking_loss] all inputs should have the same number of dims, found shapes ",
      input1.sizes(), ", ", input2.sizes(), ", ", target.sizes());
  return reduced(pointwise(
                     "MarginRankingLossBackward0",
                     [margin](auto a, auto b, auto t) { return clamp_min_0(margin - t * (a - b)); },
                     input1, input2, target),
                 reduction);
}

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, double margin,
                            std::int64_t reduction) {
  return reduced(pointwise(
                     "HingeEmbeddingLossBackward0",
                     [margin](auto x, auto t) {
                       const auto zero = constant(x, 0.0);
                       return choose(t == 1.0, zero, clamp_min_0(margin - x)) +
                              choose(t == -1.0, zero, x);
                     },
                     input, target),
                 reduction);
}

Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, bool log_input, bool full,
                        double eps, std::int64_t reduction) {
  const char* name = "PoissonNllLossBackward0";
  Tensor losses =
      log_input ? pointwise(
                      name, [](auto x, auto t) { return exp(x) - t * x; }, input, target)
                : pointwise(
                      name, [eps](auto x, auto t) { return x - t * log(x + eps); }, input, target);
  if (full)
    losses = losses + pointwise(
                          "StirlingBackward0",
                          [](auto t) {
                            const auto counts = t > 1.0;
                            const auto n = choose(counts, t, constant(t, 1.0));
                            const auto l = log(n);
                            return choose(counts,
                                          n * l - n + 0.5 * (l + 1.8378770664093454836),  // log 2pi
                                          constant(t, 0.0));
                          },
                          target);
  return reduced(losses, reduction);
}

Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             double margin, std::int64_t reduction) {
  check<ShapeError>(
      target.dim() <= 1 && input1.dim() == target.dim() + 1 && input2.dim() == target.dim() + 1,
      "[cosine_embedding_loss] expected inputs [N, D] with target [N], or [D] with "
      "[], found shapes ",
      input1.sizes(), ", ", input2.sizes(), ", ", target.sizes());
  const std::int64_t dim = target.dim();
  return reduced(pointwise(
                     "CosineEmbeddingLossBackward0",
                     [margin](auto product, auto square1, auto square2, auto t) {
                       const auto cosine = product / sqrt((square1 + 1e-12) * (square2 + 1e-12));
                       const auto zero = constant(product, 0.0);
                       return choose(t == 1.0, 1.0 - cosine, zero) +
                              choose(t == -1.0, clamp_min_0(cosine - margin), zero);
                     },
                     (input1 * input2).sum({dim}), square(input1).sum({dim}),
                     square(input2).sum({dim}), target),
                 reduction);
}

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, std::int64_t dim, double eps) {
  const Dims shape = broadcast_shapes("cosine_similarity", x1.sizes(), x2.sizes());
  const Tensor a = x1.expand(shape), b = x2.expand(shape);
  return pointwise(
      "CosineSimilarityBackward0",
      [eps](auto product, auto square1, auto square2) {
        const auto least = constant(product, eps * eps);
        return product / sqrt(choose(square1 < least, least, square1)) /
               sqrt(choose(square2 < least, least, square2));
      },
      (a * b).sum({dim}), square(a).sum({dim}), square(b).sum({dim}));
}

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p, double eps, bool keepdim) {
  return norm(x1 - x2 + eps, Scalar(p), {-1}, keepdim);
}

}  // namespace reel
