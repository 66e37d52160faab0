// libtorch's part of op_cost.
#include <torch/torch.h>

namespace lib = torch;
#include "op_cost_list.hpp"

namespace bench {
std::unique_ptr<OpLibrary> make_torch_ops() {
  at::set_num_threads(1);
  return std::make_unique<Ops>();
}
}  // namespace bench
