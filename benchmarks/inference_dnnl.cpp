// oneDNN's part of inference.
#include "dnnl_net.hpp"

namespace bench {
std::unique_ptr<Contender> make_dnnl(const Case& c) { return std::make_unique<DnnlNet>(c, false); }
}  // namespace bench
