#include "first_names.hpp"

namespace reel {
namespace files {

FirstNames::Key FirstNames::key_of(const Tensor& tensor) {
  return {tensor.data_ptr(), tensor.dtype(), tensor.sizes().vec(), tensor.strides().vec()};
}

const std::string* FirstNames::find_or_add(const std::string& name, const Tensor& tensor) {
  if (!tensor.defined() || tensor.numel() == 0) return nullptr;
  const auto [at, is_new] = names_.emplace(key_of(tensor), name);
  return is_new ? nullptr : &at->second;
}

bool FirstNames::contains(const Tensor& tensor) const {
  return tensor.defined() && tensor.numel() != 0 && names_.count(key_of(tensor)) != 0;
}

}  // namespace files
}  // namespace reel
