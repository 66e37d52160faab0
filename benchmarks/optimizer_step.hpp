// The rivals of optimizer_step.
#pragma once

#include "contender.hpp"

namespace bench {
std::unique_ptr<Contender> make_torch_optimizer(const std::string& name, std::int64_t parameters,
                                                std::int64_t tensors);
}
