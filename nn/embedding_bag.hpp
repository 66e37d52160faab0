// EmbeddingBag: sums, means or maxima of the rows of a table, as module and as function.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <variant>

#include "cloneable.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

/// How the rows of a bag become one.
using EmbeddingBagMode = std::variant<enumtype::kSum, enumtype::kMean, enumtype::kMax>;

/// scale_grad_by_freq and sparse exist for libtorch's sake: true throws Error.
struct EmbeddingBagOptions {
  EmbeddingBagOptions(std::int64_t num_embeddings, std::int64_t embedding_dim)
      : num_embeddings_(num_embeddings), embedding_dim_(embedding_dim) {}
  REEL_ARG(std::int64_t, num_embeddings);
  REEL_ARG(std::int64_t, embedding_dim);
  /// Rows that are looked up are first scaled, in place, to at most this norm of order norm_type.
  REEL_ARG(std::optional<double>, max_norm) = nullopt;
  REEL_ARG(double, norm_type) = 2.0;
  REEL_ARG(bool, scale_grad_by_freq) = false;
  REEL_ARG(EmbeddingBagMode, mode) = kMean;
  REEL_ARG(bool, sparse) = false;
  /// First values, instead of random ones; the memory is shared.
  REEL_ARG(Tensor, _weight) = {};
  /// The offsets end with the number of indices.
  REEL_ARG(bool, include_last_offset) = false;
  /// Entries that do not count; the row starts as zeros and receives no gradient.
  REEL_ARG(std::optional<std::int64_t>, padding_idx) = nullopt;
};

struct EmbeddingBagFromPretrainedOptions {
  REEL_ARG(bool, freeze) = true;
  REEL_ARG(std::optional<double>, max_norm) = nullopt;
  REEL_ARG(double, norm_type) = 2.0;
  REEL_ARG(bool, scale_grad_by_freq) = false;
  REEL_ARG(EmbeddingBagMode, mode) = kMean;
  REEL_ARG(bool, sparse) = false;
  REEL_ARG(bool, include_last_offset) = false;
  REEL_ARG(std::optional<std::int64_t>, padding_idx) = nullopt;
};

namespace functional {
struct EmbeddingBagFuncOptions {
  /// Where each bag begins in a vector of indices.
  REEL_ARG(Tensor, offsets) = {};
  REEL_ARG(std::optional<double>, max_norm) = nullopt;
  REEL_ARG(double, norm_type) = 2.0;
  REEL_ARG(bool, scale_grad_by_freq) = false;
  REEL_ARG(EmbeddingBagMode, mode) = kMean;
  REEL_ARG(bool, sparse) = false;
  /// Factors of the rows, of the shape of the indices; for kSum only.
  REEL_ARG(Tensor, per_sample_weights) = {};
  REEL_ARG(bool, include_last_offset) = false;
  REEL_ARG(std::optional<std::int64_t>, padding_idx) = nullopt;
};
/// weight[indices] reduced over each bag: [B, dim] for indices [B, length], or for a vector of
/// indices with the B offsets at which the bags begin. An empty bag gives zeros. Throws ShapeError,
/// DtypeError, IndexError for an index, offset or padding_idx out of range, and Error for factors
/// with another mode than kSum, scale_grad_by_freq and sparse.
Tensor embedding_bag(const Tensor& input, const Tensor& weight,
                     const EmbeddingBagFuncOptions& options = {});
}  // namespace functional

/// See functional::embedding_bag; weight [num_embeddings, embedding_dim] starts as N(0, 1).
/// https://pytorch.org/docs/stable/generated/torch.nn.EmbeddingBag.html
class EmbeddingBagImpl : public Cloneable<EmbeddingBagImpl> {
 public:
  EmbeddingBagImpl(std::int64_t num_embeddings, std::int64_t embedding_dim)
      : EmbeddingBagImpl(EmbeddingBagOptions(num_embeddings, embedding_dim)) {}
  explicit EmbeddingBagImpl(const EmbeddingBagOptions& options);
  void reset() override;
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input, const Tensor& offsets = {},
                 const Tensor& per_sample_weights = {});

  EmbeddingBagOptions options;
  Tensor weight;

 protected:
  REEL_FORWARD_HAS_DEFAULT_ARGS({1, AnyValue(Tensor())}, {2, AnyValue(Tensor())})
};

class EmbeddingBag : public ModuleHolder<EmbeddingBagImpl> {
 public:
  using ModuleHolder<EmbeddingBagImpl>::ModuleHolder;
  using Impl [[maybe_unused]] = EmbeddingBagImpl;
  /// A table with the given rows, frozen unless options say otherwise. Throws ShapeError where
  /// `embeddings` is not 2-D.
  static EmbeddingBag from_pretrained(const Tensor& embeddings,
                                      const EmbeddingBagFromPretrainedOptions& options = {});
};

}  // namespace nn
}  // namespace reel
