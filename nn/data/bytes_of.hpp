// The bytes of a stream. Private to the library.
#pragma once

#include <istream>
#include <string>

namespace reel {
namespace data {

/// What is left in the stream, whose state tells whether that is all. (A buffer's iterators throw
/// the standard library's own exceptions, for a folder for instance.)
inline std::string bytes_of(std::istream& stream) {
  std::string bytes;
  char piece[1 << 14];
  while (stream.read(piece, sizeof(piece)), stream.gcount() > 0)
    bytes.append(piece, static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

}  // namespace data
}  // namespace reel
