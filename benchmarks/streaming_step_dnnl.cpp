// oneDNN's part of streaming_step.
#include "streaming_step.hpp"

#include "dnnl_net.hpp"

namespace bench {
std::unique_ptr<Contender> make_dnnl_stream(std::int64_t hidden) {
  Case c;
  c.hidden = hidden;
  c.batch = c.steps = 1;
  return std::make_unique<DnnlNet>(c, false, 1, true);
}
}  // namespace bench
