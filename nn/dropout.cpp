#include "dropout.hpp"

#include <ostream>

#include "functional.hpp"

namespace reel {
namespace nn {

DropoutImpl::DropoutImpl(const DropoutOptions& options_) : options(options_) {
  DropoutImpl::reset();
}

void DropoutImpl::reset() {
  check(options.p() >= 0.0 && options.p() <= 1.0,
        "[Dropout] the probability p must be between 0 and 1, found ", options.p());
}

void DropoutImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::Dropout(p=" << options.p()
         << ", inplace=" << (options.inplace() ? "true" : "false") << ")";
}

Tensor DropoutImpl::forward(Tensor input) {
  return functional::dropout(std::move(input), functional::DropoutFuncOptions()
                                                   .p(options.p())
                                                   .training(is_training())
                                                   .inplace(options.inplace()));
}

}  // namespace nn
}  // namespace reel
