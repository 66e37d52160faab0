// The table that Embedding and EmbeddingBag register and fill. For the library's own files.
#pragma once

#include "../autograd/autograd.hpp"
#include "init.hpp"

namespace reel {
namespace nn {
namespace detail {

/// Checks the options of `module`, which errors call `name`, and registers its weight
/// [num_embeddings, embedding_dim]: the given one, or a new one filled by reset_parameters().
/// Throws ShapeError, IndexError for padding_idx, and Error for what is not supported.
template <class Module>
void reset_table(const char* name, Module& module) {
  const auto rows = module.options.num_embeddings();
  check<ShapeError>(rows >= 0 && module.options.embedding_dim() >= 0, "[", name,
                    "] num_embeddings and embedding_dim must not be negative, found ", rows,
                    " and ", module.options.embedding_dim());
  check(!module.options.scale_grad_by_freq(), "[", name,
        "] scale_grad_by_freq is not supported; leave it false");
  check(!module.options.sparse(), "[", name,
        "] sparse gradients are not supported; leave sparse false");
  if (module.options.padding_idx()) {
    const auto row = *module.options.padding_idx();
    check<IndexError>(row >= -rows && row < rows, "[", name, "] padding_idx must be within [",
                      -rows, ", ", rows, "), the range of num_embeddings; found ", row);
    if (row < 0) module.options.padding_idx(row + rows);
  }
  if (!module.options._weight().defined()) {
    module.weight =
        module.register_parameter("weight", empty({rows, module.options.embedding_dim()}));
    module.reset_parameters();
    return;
  }
  const Dims expected{rows, module.options.embedding_dim()};
  check<ShapeError>(Dims(module.options._weight().sizes()) == expected, "[", name,
                    "] _weight must have shape ", expected,
                    " (num_embeddings, embedding_dim), found ", module.options._weight().sizes());
  module.weight = module.register_parameter("weight", module.options._weight().detach());
}

/// N(0, 1), and zeros in the row of padding_idx.
template <class Module>
void fill_table(Module& module) {
  init::normal_(module.weight);
  if (!module.options.padding_idx()) return;
  const NoGradGuard no_grad;
  module.weight.select(0, *module.options.padding_idx()).zero_();
}

}  // namespace detail
}  // namespace nn
}  // namespace reel
