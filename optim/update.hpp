// For the optimizers' own sources: a parameter and its gradient as raw memory for one pass.
#pragma once

#include "../autograd/tensor.hpp"

namespace reel {
namespace optim {

/// Contiguous memory of a parameter and of its gradient. Where the parameter is a strided view,
/// the memory is a copy that finish() writes back.
class ParamUpdate {
 public:
  explicit ParamUpdate(const Tensor& param)
      : param_(param),
        memory_(param.is_contiguous() ? param : param.detach().contiguous()),
        grad_(param.grad().contiguous()) {}

  template <class T>
  T* param() const {
    return memory_.data_ptr<T>();
  }
  template <class T>
  const T* grad() const {
    return grad_.data_ptr<T>();
  }
  std::int64_t size() const { return memory_.numel(); }
  /// Makes the new values known. Call it under NoGradGuard.
  void finish() const {
    if (param_.is_contiguous())
      param_.impl()->storage->bump_version();
    else
      param_.copy_(memory_);
  }

 private:
  Tensor param_;
  Tensor memory_;
  Tensor grad_;
};

}  // namespace optim
}  // namespace reel
