// One optimizer step in reel and in libtorch, from one source.
// A file that includes this says first which library it means: `namespace lib = reel;`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "contender.hpp"

namespace bench {
namespace {

class OptimizerStep : public Contender {
 public:
  /// sgd, momentum, adam, adamw; norm and clip are clip_grad_norm_ with nothing and with much to
  /// clip.
  OptimizerStep(const std::string& name, std::int64_t parameters, std::int64_t tensors)
      : name_(name) {
    namespace optim = lib::optim;
    for (std::int64_t i = 0; i < tensors; ++i) {
      lib::Tensor p = lib::randn({parameters / tensors});
      p.set_requires_grad(true);
      p.mutable_grad() = lib::randn({parameters / tensors});
      parameters_.push_back(p);
    }
    if (name == "sgd")
      optimizer_ = std::make_unique<optim::SGD>(parameters_, optim::SGDOptions(1e-6));
    else if (name == "momentum")
      optimizer_ = std::make_unique<optim::SGD>(parameters_, optim::SGDOptions(1e-6).momentum(0.9));
    else if (name == "adam")
      optimizer_ = std::make_unique<optim::Adam>(parameters_, optim::AdamOptions(1e-6));
    else if (name == "adamw")
      optimizer_ = std::make_unique<optim::AdamW>(parameters_, optim::AdamWOptions(1e-6));
  }
  double run() override {
    if (optimizer_)
      optimizer_->step();
    else
      // The bound falls every time, so that there is always something to clip.
      lib::nn::utils::clip_grad_norm_(parameters_, name_ == "norm" ? 1e30 : norm_ *= 0.99);
    return 0;
  }

 private:
  std::string name_;
  std::vector<lib::Tensor> parameters_;
  std::unique_ptr<lib::optim::Optimizer> optimizer_;
  double norm_ = 3000;
};

}  // namespace
}  // namespace bench
