#include "first_names.hpp"

namespace reel {
namespace files {

const std::string* FirstNames::find_or_add(const std::string& name, const Tensor& tensor) {
  if (!tensor.defined() || tensor.numel() == 0) return nullptr;
  const auto [at, is_new] =
      names_.emplace(std::tuple{static_cast<const void*>(tensor.data_ptr()), tensor.dtype(),
                                tensor.sizes().vec(), tensor.strides().vec()},
                     name);
  return is_new ? nullptr : &at->second;
}

}  // namespace files
}  // namespace reel
