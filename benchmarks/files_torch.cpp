// libtorch's part of files.
#include <torch/torch.h>

#include "files.hpp"

namespace bench {

Way torch_way(const float* values, std::int64_t count, const std::string& path) {
  const torch::Tensor tensor = torch::from_blob(const_cast<float*>(values), {count}).clone();
  return {"torch::save", [tensor, path] { torch::save(tensor, path); },
          [path] {
            torch::Tensor loaded;
            torch::load(loaded, path);
          }};
}

}  // namespace bench
