#include "mnist.hpp"

#include <algorithm>
#include <fstream>

#include "../../autograd/ops/creation.hpp"
#include "../../autograd/ops/ops.hpp"
#include "bytes_of.hpp"

namespace reel {
namespace data {
namespace datasets {
namespace {

constexpr std::int64_t kSide = 28;

/// The bytes of a file in IDX format: a magic number that ends in the number of dimensions, the
/// sizes (big endian), the elements. Every dimension but the first must have the size kSide.
Tensor read_idx(const std::string& path, std::size_t dims) {
  std::ifstream stream(path, std::ios::binary);
  check<FileError>(stream.is_open(), "[MNIST] cannot open ", path,
                   "; the files must be unpacked, and keep their original names");
  const std::string bytes = bytes_of(stream);
  check<FileError>(!stream.bad(), "[MNIST] ", path, ": reading failed");
  const std::size_t data_at = 4 + 4 * dims;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  check<FileError>(
      bytes.size() >= data_at && byte(0) == 0 && byte(1) == 0 && byte(2) == 8 && byte(3) == dims,
      "[MNIST] ", path, " is not an IDX file of bytes with ", dims, " dimensions");
  Dims sizes;
  for (std::size_t d = 0; d < dims; ++d) {
    std::int64_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) size = size * 256 + byte(4 + 4 * d + i);
    check<FileError>(d == 0 || size == kSide, "[MNIST] ", path, " has images of side ", size,
                     ", expected ", kSide);
    sizes.push_back(size);
  }
  const std::int64_t count = count_elements(sizes);
  check<FileError>(bytes.size() - data_at == static_cast<std::size_t>(count), "[MNIST] ", path,
                   " should hold ", count, " bytes of data, found ", bytes.size() - data_at);
  Tensor t = empty(sizes, kUInt8);
  std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(data_at), bytes.end(),
            reinterpret_cast<char*>(t.data_ptr<std::uint8_t>()));
  return t;
}

}  // namespace

MNIST::MNIST(const std::string& root, Mode mode) : mode_(mode) {
  const std::string prefix = root + (is_train() ? "/train" : "/t10k");
  images_ = read_idx(prefix + "-images-idx3-ubyte", 3).to(kFloat32).div_(255).unsqueeze(1);
  targets_ = read_idx(prefix + "-labels-idx1-ubyte", 1).to(kInt64);
  check<FileError>(images_.size(0) == targets_.size(0), "[MNIST] ", root, " has ", images_.size(0),
                   " images but ", targets_.size(0), " labels");
}

Example<> MNIST::get(std::size_t index) {
  const auto i = static_cast<std::int64_t>(index);
  return {images_[i], targets_[i]};
}

std::optional<std::size_t> MNIST::size() const { return static_cast<std::size_t>(images_.size(0)); }

}  // namespace datasets
}  // namespace data
}  // namespace reel
