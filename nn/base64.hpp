// Base64 (RFC 4648, padded). Private to the library.
#pragma once

#include <cstddef>
#include <string>

namespace reel {

/// Appends the text of `size` bytes.
void encode_base64(const char* bytes, std::size_t size, std::string& text);
/// Reads the text of exactly `size` bytes, 4 * ceil(size / 3) characters. Returns the place of the
/// first character that does not fit, or their number.
std::size_t decode_base64(const char* text, std::size_t size, char* bytes);

}  // namespace reel
