// What the tests of saving and loading share: a folder, a small network, files as text.
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "nn/serialization.hpp"
#include "tests/support.hpp"

namespace reel::test {

/// An empty folder that goes away with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "reel_test_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    ::chmod(path_.c_str(), 0700);
    std::filesystem::remove_all(path_);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_),
                                                  std::filesystem::directory_iterator()));
  }

 private:
  std::filesystem::path path_;
};

struct InnerImpl : nn::Module {
  explicit InnerImpl(double value) {
    weight = register_parameter("weight", reel::full({2, 3}, value));
    register_parameter("bias", Tensor());
    count = register_buffer("count", reel::full({}, 7, kInt64));
  }
  Tensor weight, count;
};
REEL_MODULE(Inner);

struct NetImpl : nn::Module {
  explicit NetImpl(double value) {
    inner = register_module("inner", Inner(value));
    scale = register_parameter("scale", reel::full({2}, value, kFloat64));
  }
  Inner inner{nullptr};
  Tensor scale;
};
REEL_MODULE(Net);

inline std::string text_of(const StateFile& file) {
  std::ostringstream out;
  file.write(out);
  return out.str();
}
inline StateFile parsed(const std::string& text) {
  std::istringstream in(text);
  return StateFile::read(in);
}
inline std::string written(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}
template <class T>
Tensor tensor_of(const std::vector<T>& numbers) {
  const Tensor t = reel::empty({static_cast<std::int64_t>(numbers.size())}, dtype_of<T>::value);
  std::copy(numbers.begin(), numbers.end(), t.template data_ptr<T>());
  return t;
}
inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && a.dtype() == b.dtype() &&
         std::memcmp(a.contiguous().data_ptr(), b.contiguous().data_ptr(), a.nbytes()) == 0;
}

/// Every bit pattern is as likely as any other.
template <class T, class Bits>
std::vector<T> random_patterns(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 source(seed);
  std::vector<T> numbers(n);
  for (T& x : numbers) {
    const auto bits = static_cast<Bits>(source());
    std::memcpy(&x, &bits, sizeof(x));
  }
  return numbers;
}
/// The values of a type where formats and conversions go wrong.
template <class T>
std::vector<T> edges() {
  using L = std::numeric_limits<T>;
  std::vector<T> numbers{T(0), T(1), L::min(), L::max(), L::lowest()};
  if constexpr (std::is_floating_point_v<T>) {
    const T one = 1;
    numbers.insert(numbers.end(),
                   {T(-0.0), L::denorm_min(), -L::denorm_min(), std::nextafter(L::min(), T(0)),
                    L::infinity(), -L::infinity(), L::quiet_NaN(), -L::quiet_NaN(), L::epsilon(),
                    std::nextafter(one, T(2)), std::nextafter(one, T(0)), one / 3, T(1e10), T(1e22),
                    T(1e23), T(16777216), T(16777217), T(9007199254740993.0)});
  }
  return numbers;
}

}  // namespace reel::test
