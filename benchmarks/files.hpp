// What the parts of the benchmark of files share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace bench {

/// One way to keep a list of floats in a file. Both allocate what they need anew at each call.
struct Way {
  std::string name;
  std::function<void()> save;
  std::function<void()> load;
};

/// torch::save and torch::load of one tensor with these values.
Way torch_way(const float* values, std::int64_t count, const std::string& path);

}  // namespace bench
