// The values of a tensor as bytes in a file. Private to the library.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "../autograd/tensor.hpp"
#include "file_options.hpp"
#include "file_output.hpp"

namespace reel {
namespace files {

/// How values lie in a file: as in memory, or float32 in one of the short forms.
struct Stored {
  ScalarType dtype;
  StoredFloats floats = StoredFloats::Full;

  bool is_short() const { return floats != StoredFloats::Full; }
  /// Bytes of one value.
  std::size_t size() const { return is_short() ? 2 : element_size(dtype); }
  /// "float32", "float16", ...
  const char* name() const;
};
/// What a name in a file stands for.
std::optional<Stored> stored_from_name(const std::string& name);
/// How values of a dtype are saved.
inline Stored stored_as(ScalarType dtype, StoredFloats floats) {
  return {dtype, dtype == kFloat32 ? floats : StoredFloats::Full};
}

/// A float32 in one of the short forms, and back.
std::uint16_t short_of_float(float value, StoredFloats floats);
float float_of_short(std::uint16_t bits, StoredFloats floats);

/// The first, for a value of the tensor `name`. Throws FileError where it is finite and too large.
std::uint16_t checked_short(const std::string& name, float value, Stored stored);

/// Hands over the bytes of `values`, contiguous, in row-major order; `name` is for messages. Throws
/// FileError where a finite value is too large for the short form.
void write_bytes(const std::string& name, const Tensor& values, Stored stored, const Sink& sink);

/// Lets `read` put the bytes of all values at a place of its choice in `tensor`, then makes values
/// of them. Returns what is wrong with them, or null.
const char* read_bytes(const Tensor& tensor, Stored stored,
                       const std::function<void(char* into, std::size_t size)>& read);

}  // namespace files
}  // namespace reel
