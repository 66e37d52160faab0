#include "distance.hpp"

#include <ostream>

#include "autograd/autograd.hpp"

namespace reel {
namespace nn {

namespace functional {
Tensor cosine_similarity(const Tensor& x1, const Tensor& x2,
                         const CosineSimilarityFuncOptions& options) {
  return reel::cosine_similarity(x1, x2, options.dim(), options.eps());
}
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2,
                         const PairwiseDistanceFuncOptions& options) {
  return reel::pairwise_distance(x1, x2, options.p(), options.eps(), options.keepdim());
}
Tensor normalize(const Tensor& input, NormalizeFuncOptions options) {
  return input /
         input.norm(Scalar(options.p()), options.dim(), /*keepdim=*/true).clamp_min(options.eps());
}
}  // namespace functional

void CosineSimilarityImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::CosineSimilarity(dim=" << options.dim() << ", eps=" << options.eps() << ")";
}
Tensor CosineSimilarityImpl::forward(const Tensor& x1, const Tensor& x2) {
  return functional::cosine_similarity(x1, x2, options);
}

void PairwiseDistanceImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::PairwiseDistance(p=" << options.p() << ", eps=" << options.eps()
         << ", keepdim=" << (options.keepdim() ? "true" : "false") << ")";
}
Tensor PairwiseDistanceImpl::forward(const Tensor& x1, const Tensor& x2) {
  return functional::pairwise_distance(x1, x2, options);
}

}  // namespace nn
}  // namespace reel
