// libtorch's part of char_lm_step.
#include <torch/torch.h>

namespace lib = torch;
#include "models.hpp"

namespace bench {
std::unique_ptr<Contender> make_torch(const Case& c) {
  at::set_num_threads(1);
  return std::make_unique<TrainingStep>(c);
}
}  // namespace bench
