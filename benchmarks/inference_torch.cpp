// libtorch's part of inference.
#include <torch/torch.h>

namespace lib = torch;
#include "models.hpp"

namespace bench {
std::unique_ptr<Contender> make_torch(const Case& c) {
  at::set_num_threads(1);
  return std::make_unique<Inference>(c);
}
}  // namespace bench
