// Small pieces of JSON text, through nlohmann_json. Private to the library; json_text.cpp is the
// only file that sees nlohmann_json.
#pragma once

#include <string>
#include <string_view>

namespace reel {
namespace json {

/// What is wrong with a text: the reason, and the byte in the text where it shows.
struct Fault {
  std::string reason;
  std::size_t byte = 0;
};

/// `text` as a JSON string with its quotes. Throws Fault where it is not UTF-8.
std::string quote(const std::string& text);
/// The value of a JSON string with its quotes. Throws Fault.
std::string unquote(std::string_view token);
/// Throws Fault unless `text` is one JSON value without duplicate keys, nested at most kMaxDepth
/// deep.
void check_value(std::string_view text);
constexpr int kMaxDepth = 64;

/// A value as JSON text, and back; for bool, int64, double, string and vectors of the last three.
/// Both throw Fault, the second where the text holds something else.
template <class T>
std::string encode(const T& value);
template <class T>
T decode(const std::string& text);

/// JSON text, valid, in the binary forms.
std::string to_cbor(const std::string& text);
std::string to_message_pack(const std::string& text);

}  // namespace json
}  // namespace reel
