// oneDNN's part of recurrent_module.
#include "dnnl_net.hpp"

namespace bench {
std::unique_ptr<Contender> make_dnnl(const Case& c) { return std::make_unique<DnnlNet>(c, true); }
}  // namespace bench
