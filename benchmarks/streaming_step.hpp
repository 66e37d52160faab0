// The rivals of streaming_step.
#pragma once

#include "contender.hpp"

namespace bench {
/// One step of an LSTM with one input, batch 1.
std::unique_ptr<Contender> make_torch_stream(std::int64_t hidden);
std::unique_ptr<Contender> make_dnnl_stream(std::int64_t hidden);
}  // namespace bench
