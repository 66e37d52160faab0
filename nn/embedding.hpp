// Embedding: a table of vectors looked up by index.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>

#include "cloneable.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

/// scale_grad_by_freq and sparse exist for libtorch's sake: true throws Error.
struct EmbeddingOptions {
  EmbeddingOptions(std::int64_t num_embeddings, std::int64_t embedding_dim)
      : num_embeddings_(num_embeddings), embedding_dim_(embedding_dim) {}
  REEL_ARG(std::int64_t, num_embeddings);
  REEL_ARG(std::int64_t, embedding_dim);
  /// This row starts as zeros and receives no gradient; negative counts from the end.
  REEL_ARG(std::optional<std::int64_t>, padding_idx) = nullopt;
  /// Rows that are looked up are first scaled, in place, to at most this norm of order norm_type.
  REEL_ARG(std::optional<double>, max_norm) = nullopt;
  REEL_ARG(double, norm_type) = 2.0;
  REEL_ARG(bool, scale_grad_by_freq) = false;
  REEL_ARG(bool, sparse) = false;
  /// First values, instead of random ones; the memory is shared.
  REEL_ARG(Tensor, _weight) = Tensor();
};

struct EmbeddingFromPretrainedOptions {
  REEL_ARG(bool, freeze) = true;
  REEL_ARG(std::optional<std::int64_t>, padding_idx) = nullopt;
  REEL_ARG(std::optional<double>, max_norm) = nullopt;
  REEL_ARG(double, norm_type) = 2.0;
  REEL_ARG(bool, scale_grad_by_freq) = false;
  REEL_ARG(bool, sparse) = false;
};

namespace functional {
struct EmbeddingFuncOptions {
  REEL_ARG(std::optional<std::int64_t>, padding_idx) = nullopt;
  REEL_ARG(std::optional<double>, max_norm) = nullopt;
  REEL_ARG(double, norm_type) = 2.0;
  REEL_ARG(bool, scale_grad_by_freq) = false;
  REEL_ARG(bool, sparse) = false;
};
}  // namespace functional

/// y[...] = weight[indices[...]]; indices [...] of int64, y [..., dim],
/// weight [num_embeddings, dim], which starts as N(0, 1). Throws IndexError for an index out of
/// range.
/// https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html
class EmbeddingImpl : public Cloneable<EmbeddingImpl> {
 public:
  EmbeddingImpl(std::int64_t num_embeddings, std::int64_t embedding_dim)
      : EmbeddingImpl(EmbeddingOptions(num_embeddings, embedding_dim)) {}
  explicit EmbeddingImpl(const EmbeddingOptions& options);
  void reset() override;
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& indices);

  EmbeddingOptions options;
  Tensor weight;
};

class Embedding : public ModuleHolder<EmbeddingImpl> {
 public:
  using ModuleHolder<EmbeddingImpl>::ModuleHolder;
  using Impl [[maybe_unused]] = EmbeddingImpl;
  /// A table with the given rows, frozen unless options say otherwise. Throws ShapeError where
  /// `embeddings` is not 2-D.
  static Embedding from_pretrained(const Tensor& embeddings,
                                   const EmbeddingFromPretrainedOptions& options = {});
};

}  // namespace nn
}  // namespace reel
