// Tensors with several names: tied weights. Private to the library.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "../autograd/tensor.hpp"

namespace reel {
namespace files {

/// Finds names that mean a tensor which was named before: one of the same memory, sizes and
/// strides.
class FirstNames {
 public:
  /// The name that this tensor has already, or null; then it has this one from now on. A tensor
  /// without values is always new.
  const std::string* find_or_add(const std::string& name, const Tensor& tensor);
  /// Whether this tensor has a name already.
  bool contains(const Tensor& tensor) const;

 private:
  using Sizes = std::vector<std::int64_t>;
  using Key = std::tuple<const void*, ScalarType, Sizes, Sizes>;
  static Key key_of(const Tensor& tensor);

  std::map<Key, std::string> names_;
};

}  // namespace files
}  // namespace reel
