// libtorch's part of optimizer_step.
#include <torch/torch.h>

#include "optimizer_step.hpp"

namespace lib = torch;
#include "optimizers.hpp"

namespace bench {
std::unique_ptr<Contender> make_torch_optimizer(const std::string& name, std::int64_t parameters,
                                                std::int64_t tensors) {
  at::set_num_threads(1);
  return std::make_unique<OptimizerStep>(name, parameters, tensors);
}
}  // namespace bench
