// Writes JSON text in large pieces. Private to the library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stored_tensor.hpp"

namespace reel {
namespace json {

class Writer {
 public:
  explicit Writer(files::Sink sink) : sink_(std::move(sink)) { buffer_.reserve(kBufferSize); }

  void text(std::string_view text);
  /// "[1,2.5,"nan"]": the shortest decimals that read back to the same bits; bool as 0 and 1. For
  /// the types of tensors.
  template <class T>
  void numbers(const T* values, std::int64_t count);
  /// The same for float32 values in a short form: the shortest decimals that read back to it.
  /// Throws FileError, with the tensor's name, where a finite value is too large for it.
  void short_floats(const std::string& name, const Tensor& values, files::Stored stored);
  /// Hands over what is left.
  void finish();

 private:
  template <class Put>
  void list(std::int64_t count, Put put);

  static constexpr std::size_t kBufferSize = std::size_t{1} << 16;

  files::Sink sink_;
  std::string buffer_;
};

}  // namespace json
}  // namespace reel
