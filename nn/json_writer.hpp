// Writes JSON text in large pieces. Private to the library.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace reel {
namespace json {

class Writer {
 public:
  /// Takes the text, piece by piece.
  using Sink = std::function<void(const char* text, std::size_t size)>;

  explicit Writer(Sink sink) : sink_(std::move(sink)) { buffer_.reserve(kBufferSize); }

  void text(std::string_view text);
  /// "[1,2.5,"nan"]": the shortest decimals that read back to the same bits; bool as 0 and 1. For
  /// the types of tensors.
  template <class T>
  void numbers(const T* values, std::int64_t count);
  /// The same without brackets.
  template <class T>
  void bare_numbers(const T* values, std::int64_t count);
  /// Hands over what is left.
  void finish();

 private:
  static constexpr std::size_t kBufferSize = std::size_t{1} << 16;

  Sink sink_;
  std::string buffer_;
};

}  // namespace json
}  // namespace reel
