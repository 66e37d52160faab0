// Losses. Reduction: mean (default), sum, or none.
#pragma once

#include "../tensor.hpp"

namespace reel {

namespace Reduction {
enum Reduction { None, Mean, Sum };
}

/// -log softmax(input)[target], for input [N, C, d...] (or [C]) and class indices [N, d...], or
/// class probabilities of the input's shape. `weight` [C] scales classes; targets equal to
/// `ignore_index` do not count; `label_smoothing` mixes the target with the uniform distribution.
/// Throws ShapeError, and IndexError for a class out of range.
/// https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
Tensor cross_entropy_loss(const Tensor& input, const Tensor& target,
                          const Tensor& weight = Tensor(), std::int64_t reduction = Reduction::Mean,
                          std::int64_t ignore_index = -100, double label_smoothing = 0.0);
/// -input[target] for log-probabilities [N, C, d...] (or [C]) and class indices.
/// https://pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html
Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight = Tensor(),
                std::int64_t reduction = Reduction::Mean, std::int64_t ignore_index = -100);
/// (input - target)^2
Tensor mse_loss(const Tensor& input, const Tensor& target,
                std::int64_t reduction = Reduction::Mean);

/// |input - target|
Tensor l1_loss(const Tensor& input, const Tensor& target, std::int64_t reduction = Reduction::Mean);
/// 0.5 d^2 / beta where d = |input - target| < beta, else d - 0.5 beta. Throws Error for beta < 0.
/// https://pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                      std::int64_t reduction = Reduction::Mean, double beta = 1.0);
/// 0.5 d^2 where d = |input - target| <= delta, else delta (d - 0.5 delta). Throws Error unless
/// delta > 0. https://pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html
Tensor huber_loss(const Tensor& input, const Tensor& target,
                  std::int64_t reduction = Reduction::Mean, double delta = 1.0);
/// -weight (t log p + (1 - t) log(1 - p)) for probabilities p of the shape of t; the logarithms
/// stop at -100. Throws ShapeError, and Error for p outside [0, 1].
/// https://pytorch.org/docs/stable/generated/torch.nn.BCELoss.html
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target,
                            const Tensor& weight = Tensor(),
                            std::int64_t reduction = Reduction::Mean);
/// The same of sigmoid(input), finite for any finite input; `pos_weight` scales the first term.
/// https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const Tensor& weight = Tensor(),
                                        const Tensor& pos_weight = Tensor(),
                                        std::int64_t reduction = Reduction::Mean);
/// target (log target - input), 0 where target is 0; with `log_target` the target is given as its
/// logarithm. https://pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html
Tensor kl_div(const Tensor& input, const Tensor& target, std::int64_t reduction = Reduction::Mean,
              bool log_target = false);
/// max(0, margin - target (input1 - input2))
/// https://pytorch.org/docs/stable/generated/torch.nn.MarginRankingLoss.html
Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           double margin = 0.0, std::int64_t reduction = Reduction::Mean);
/// input where target is 1, max(0, margin - input) where it is -1.
/// https://pytorch.org/docs/stable/generated/torch.nn.HingeEmbeddingLoss.html
Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, double margin = 1.0,
                            std::int64_t reduction = Reduction::Mean);
/// exp(input) - target input, or, without log_input, input - target log(input + eps); `full` adds
/// Stirling's t log t - t + 0.5 log(2 pi t) where t > 1.
/// https://pytorch.org/docs/stable/generated/torch.nn.PoissonNLLLoss.html
Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, bool log_input, bool full,
                        double eps, std::int64_t reduction);
/// 1 - cos(input1, input2) where target is 1, max(0, cos - margin) where it is -1; inputs [N, D]
/// with target [N], or [D] with []. Throws ShapeError for others.
/// https://pytorch.org/docs/stable/generated/torch.nn.CosineEmbeddingLoss.html
Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             double margin = 0.0, std::int64_t reduction = Reduction::Mean);

/// -log of the probability that log_probs [T, N, C] (or [T, C]) give to each target: the sum over
/// all ways to spread its labels over the first input_length steps, with `blank` between and among
/// them. targets [N, S] padded, or those of all samples in a row; an unbatched target is [S]. Mean
/// divides each loss by its target's length first. An impossible target has the loss infinity, or 0
/// with zero_infinity, and no gradient. Throws ShapeError, and IndexError for lengths and labels
/// out of range.
/// https://pytorch.org/docs/stable/generated/torch.nn.CTCLoss.html, Graves et al. 2006
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, IntArrayRef input_lengths,
                IntArrayRef target_lengths, std::int64_t blank = 0,
                std::int64_t reduction = Reduction::Mean, bool zero_infinity = false);
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, std::int64_t blank = 0,
                std::int64_t reduction = Reduction::Mean, bool zero_infinity = false);

/// x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along `dim`.
/// https://pytorch.org/docs/stable/generated/torch.nn.functional.cosine_similarity.html
Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, std::int64_t dim = 1,
                         double eps = 1e-8);
/// |x1 - x2 + eps|_p along the last dimension; for p = 0 the number of nonzero differences, for
/// p = inf (-inf) the largest (smallest) of them.
/// https://pytorch.org/docs/stable/generated/torch.nn.functional.pairwise_distance.html
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p = 2.0, double eps = 1e-6,
                         bool keepdim = false);

}  // namespace reel
