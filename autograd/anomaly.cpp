#include "anomaly.hpp"

#include <cmath>

#include "kernels.hpp"
#include "ops/ops.hpp"

namespace reel {

namespace anomaly {

std::atomic<bool> switched_on{false};

namespace {
// "nan at element 3 of shape [2, 2]"
std::string first_nonfinite(const Tensor& t) {
  const Tensor dense = t.detach().contiguous();
  return dispatch_float("anomaly", dense.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* p = dense.data_ptr<T>();
    std::int64_t i = 0;
    while (i + 1 < dense.numel() && std::isfinite(p[i])) ++i;
    return detail::message(p[i], " at element ", i, " of shape ", dense.sizes());
  });
}

std::string shapes_of(const Node& node) {
  std::string text;
  for (std::size_t i = 0; i < node.num_outputs(); ++i)
    text += detail::message(i == 0 ? "" : ", ", node.outputs[i].sizes);
  return text;
}
}  // namespace

void check_seed(const Tensor& gradient, std::size_t root) {
  if (!kernels::has_nonfinite(gradient)) return;
  throw AutogradError(detail::message("[anomaly] the gradient given for tensor ", root, " has ",
                                      first_nonfinite(gradient)));
}

void check_forward(const Node& node, ArrayRef<const Tensor*> outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!kernels::has_nonfinite(*outputs[i])) continue;
    std::string inputs;
    for (std::size_t k = 0; k < node.num_inputs(); ++k) {
      const Edge& edge = node.edges[k];
      inputs += detail::message(k == 0 ? "" : ", ", k, ": ");
      if (edge.node)
        inputs += detail::message(edge.node->op_name(), " #", edge.node->number, " ",
                                  edge.node->outputs[edge.nr].sizes);
      else if (edge.leaf.defined())
        inputs += detail::message("leaf ", edge.leaf.sizes());
      else
        inputs += "constant";
    }
    throw AutogradError(detail::message("[anomaly] the forward of ", node.op_name(), " (node #",
                                        node.number, ") gave ", first_nonfinite(*outputs[i]),
                                        " in result ", i, "; its inputs are ", inputs));
  }
}

void check_gradient(const Node& node, std::size_t input, const Tensor& gradient) {
  if (!kernels::has_nonfinite(gradient)) return;
  throw AutogradError(detail::message(
      "[anomaly] ", node.op_name(), " (node #", node.number, ", results of shape ", shapes_of(node),
      ") returned ", first_nonfinite(gradient), " as the gradient of its input ", input));
}

}  // namespace anomaly

namespace autograd {
void AnomalyMode::set_enabled(bool on) {
  anomaly::switched_on.store(on, std::memory_order_relaxed);
}
}  // namespace autograd

}  // namespace reel
