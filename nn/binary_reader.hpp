// Reads CBOR (RFC 8949) and MessagePack from front to back. Private to the library.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "file_input.hpp"

namespace reel {
namespace files {

/// A strict reader that pulls one value after the other, with the interface of json::Reader. It
/// takes what JSON has, and bytes; lengths must be definite. A claimed length makes no memory.
class BinaryReader {
 public:
  using Place = std::uint64_t;

  /// Cbor or MessagePack. `input` must outlive the reader.
  BinaryReader(Input& input, FileFormat format) : in_(input), format_(format) {}

  /// Calls `member(key)` at the value of each member. A key that appears twice is refused.
  template <class F>
  void object(F&& member) {
    std::set<std::string> keys;
    object([&keys](const std::string& key) { return keys.insert(key).second; }, member);
  }
  template <class IsNew, class F>
  void object(IsNew&& is_new, F&& member) {
    for (std::uint64_t left = expect(Type::Map); left > 0; --left) {
      const Place start = place();
      const std::string key = string();
      if (!is_new(key)) fail(start, "duplicate key '", key, "'");
      member(key);
    }
  }
  /// Calls `item()` at each value of an array.
  template <class F>
  void array(F&& item) {
    for (std::uint64_t left = expect(Type::Array); left > 0; --left) item();
  }
  std::string string();
  std::int64_t integer();
  /// The length of bytes that follow and are to be taken from the input.
  std::uint64_t bytes();
  /// Passes over bytes; returns them with what announces them.
  std::string skip_bytes();
  /// Passes over any one value; returns it as JSON text. `what` is what messages call it.
  std::string value(const std::string& what);
  /// Nothing may follow.
  void finish();

  Place place() const { return in_.place(); }
  std::uint64_t left() const { return in_.left(); }
  const std::string& name() const { return in_.name(); }
  bool folded() const { return in_.folded(); }
  FileFormat format() const { return format_; }
  Input& input() { return in_; }
  template <class... Parts>
  [[noreturn]] void fail(Place place, const Parts&... parts) const {
    in_.fail(place, parts...);
  }

 private:
  enum class Type { Unsigned, Negative, Real, Bool, Null, Text, Bytes, Array, Map };
  /// What stands before a value, or the whole of a number.
  struct Head {
    Type type;
    std::uint64_t count = 0;  // length, number of items, Unsigned, Bool, or -1 - Negative
    double real = 0;
  };

  static const char* type_name(Type type);
  Head head();
  Head cbor_head(std::uint8_t first);
  Head message_pack_head(std::uint8_t first);
  std::uint64_t big_endian(int size);
  double real(int size);
  /// The count of a head that must be of this type.
  std::uint64_t expect(Type type);
  std::string text(Place start, std::uint64_t size);
  void append_json(std::string& out, const std::string& what, int depth);

  Input& in_;
  FileFormat format_;
  Place start_ = 0;  // of the last head
};

}  // namespace files
}  // namespace reel
