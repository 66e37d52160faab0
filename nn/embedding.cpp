#include "embedding.hpp"

#include <ostream>

#include "autograd/autograd.hpp"
#include "functional.hpp"
#include "init.hpp"

namespace reel {
namespace nn {

EmbeddingImpl::EmbeddingImpl(const EmbeddingOptions& options_) : options(options_) {
  EmbeddingImpl::reset();
}

void EmbeddingImpl::reset() {
  const auto rows = options.num_embeddings();
  check<ShapeError>(rows >= 0 && options.embedding_dim() >= 0,
                    "[Embedding] num_embeddings and embedding_dim must not be negative, found ",
                    rows, " and ", options.embedding_dim());
  check(!options.scale_grad_by_freq(),
        "[Embedding] scale_grad_by_freq is not supported; leave it false");
  check(!options.sparse(), "[Embedding] sparse gradients are not supported; leave sparse false");
  if (options.padding_idx()) {
    const auto row = *options.padding_idx();
    check<IndexError>(row >= -rows && row < rows, "[Embedding] padding_idx must be within [", -rows,
                      ", ", rows, "), the range of num_embeddings; found ", row);
    if (row < 0) options.padding_idx(row + rows);
  }
  if (!options._weight().defined()) {
    weight = register_parameter("weight", empty({rows, options.embedding_dim()}));
    reset_parameters();
    return;
  }
  const Dims expected{rows, options.embedding_dim()};
  check<ShapeError>(Dims(options._weight().sizes()) == expected,
                    "[Embedding] _weight must have shape ", expected,
                    " (num_embeddings, embedding_dim), found ", options._weight().sizes());
  weight = register_parameter("weight", options._weight().detach());
}

void EmbeddingImpl::reset_parameters() {
  init::normal_(weight);
  if (!options.padding_idx()) return;
  const NoGradGuard no_grad;
  weight.select(0, *options.padding_idx()).zero_();
}

void EmbeddingImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::Embedding(num_embeddings=" << options.num_embeddings()
         << ", embedding_dim=" << options.embedding_dim();
  if (options.padding_idx()) stream << ", padding_idx=" << *options.padding_idx();
  if (options.max_norm()) stream << ", max_norm=" << *options.max_norm();
  if (options.norm_type() != 2.0) stream << ", norm_type=" << options.norm_type();
  stream << ")";
}

Tensor EmbeddingImpl::forward(const Tensor& indices) {
  return functional::embedding(indices, weight,
                               functional::EmbeddingFuncOptions()
                                   .padding_idx(options.padding_idx())
                                   .max_norm(options.max_norm())
                                   .norm_type(options.norm_type()));
}

Embedding Embedding::from_pretrained(const Tensor& embeddings,
                                     const EmbeddingFromPretrainedOptions& options) {
  check<ShapeError>(embeddings.dim() == 2,
                    "[Embedding::from_pretrained] expected a 2-D tensor (rows, dim), found shape ",
                    embeddings.sizes());
  Embedding result(EmbeddingOptions(embeddings.size(0), embeddings.size(1))
                       ._weight(embeddings)
                       .padding_idx(options.padding_idx())
                       .max_norm(options.max_norm())
                       .norm_type(options.norm_type())
                       .scale_grad_by_freq(options.scale_grad_by_freq())
                       .sparse(options.sparse()));
  result->weight.set_requires_grad(!options.freeze());
  return result;
}

}  // namespace nn
}  // namespace reel
