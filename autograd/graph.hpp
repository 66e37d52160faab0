// The recorded graph as text.
#pragma once

#include <string>

#include "tensor.hpp"

namespace reel::autograd {

/// The history of `tensor`, newest op first, one op a line: creation number (as in the messages
/// of anomaly mode), name, shapes of its results, and what its gradients go to:
/// "#7 MulBackward0 [2, 3] <- #6, leaf0 [3], constant".
std::string graph_text(const Tensor& tensor);
/// The same for Graphviz: `dot -Tsvg`.
std::string graph_dot(const Tensor& tensor);

}  // namespace reel::autograd
