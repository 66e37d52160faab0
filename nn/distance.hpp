// CosineSimilarity and PairwiseDistance, as modules and as functions.
#pragma once

#include <cstdint>
#include <iosfwd>

#include "cloneable.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

struct CosineSimilarityOptions {
  REEL_ARG(std::int64_t, dim) = 1;
  REEL_ARG(double, eps) = 1e-8;
};
struct PairwiseDistanceOptions {
  REEL_ARG(double, p) = 2.0;
  REEL_ARG(double, eps) = 1e-6;
  REEL_ARG(bool, keepdim) = false;
};

namespace functional {
using CosineSimilarityFuncOptions = CosineSimilarityOptions;
using PairwiseDistanceFuncOptions = PairwiseDistanceOptions;
struct NormalizeFuncOptions {
  REEL_ARG(double, p) = 2.0;
  REEL_ARG(std::int64_t, dim) = 1;
  REEL_ARG(double, eps) = 1e-12;
};

/// See reel::cosine_similarity and reel::pairwise_distance.
Tensor cosine_similarity(const Tensor& x1, const Tensor& x2,
                         const CosineSimilarityFuncOptions& options = {});
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2,
                         const PairwiseDistanceFuncOptions& options = {});
/// input / max(|input|_p, eps) along `dim`.
/// https://pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html
Tensor normalize(const Tensor& input, NormalizeFuncOptions options = {});
}  // namespace functional

/// https://pytorch.org/docs/stable/generated/torch.nn.CosineSimilarity.html
class CosineSimilarityImpl : public Cloneable<CosineSimilarityImpl> {
 public:
  explicit CosineSimilarityImpl(const CosineSimilarityOptions& options_ = {}) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& x1, const Tensor& x2);

  CosineSimilarityOptions options;
};
REEL_MODULE(CosineSimilarity);

/// https://pytorch.org/docs/stable/generated/torch.nn.PairwiseDistance.html
class PairwiseDistanceImpl : public Cloneable<PairwiseDistanceImpl> {
 public:
  explicit PairwiseDistanceImpl(const PairwiseDistanceOptions& options_ = {}) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& x1, const Tensor& x2);

  PairwiseDistanceOptions options;
};
REEL_MODULE(PairwiseDistance);

}  // namespace nn
}  // namespace reel
