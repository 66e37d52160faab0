// What the tests of saving and loading share: a folder, a small network, files as text.
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
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

}  // namespace reel::test
