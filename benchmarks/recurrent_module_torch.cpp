// libtorch's part of recurrent_module.
#include <torch/torch.h>

namespace lib = torch;
#include "models.hpp"

namespace bench {
std::unique_ptr<Contender> make_torch(const Case& c) {
  at::set_num_threads(1);
  return std::make_unique<ModuleStep>(c);
}
}  // namespace bench
