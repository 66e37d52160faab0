// Reads JSON text from front to back, numbers straight into memory. Private to the library.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "file_input.hpp"

namespace reel {
namespace json {

/// A strict reader (RFC 8259) that pulls one value after the other. It never recurses. Every error
/// is a FileError with the source's name, the byte and the reason.
class Reader {
 public:
  using Place = std::uint64_t;

  /// `input` must outlive the reader.
  explicit Reader(files::Input& input) : in_(input) {}

  /// Calls `member(key)` at the value of each member. A key that appears twice is refused.
  template <class F>
  void object(F&& member) {
    std::set<std::string> keys;
    object([&keys](const std::string& key) { return keys.insert(key).second; }, member);
  }
  /// The same where the caller knows which keys there were, as a million of them take their room.
  template <class IsNew, class F>
  void object(IsNew&& is_new, F&& member) {
    expect('{');
    if (take('}')) return;
    do {
      space();
      const Place start = in_.place();
      const std::string key = string();
      if (!is_new(key)) fail(start, "duplicate key '", key, "'");
      expect(':');
      member(key);
    } while (take(','));
    if (!take('}')) fail_found("',' or '}'");
  }
  /// Calls `item()` at each value of an array.
  template <class F>
  void array(F&& item) {
    expect('[');
    if (take(']')) return;
    do item();
    while (take(','));
    if (!take(']')) fail_found("',' or ']'");
  }
  std::string string();
  std::int64_t integer();
  /// A finite number, or one of the words for others.
  double real();
  /// The same, rounded once to float32.
  float real32();
  /// An array of exactly `count` numbers, into `out`.
  template <class T>
  void numbers(T* out, std::int64_t count);
  /// A string of base64 (RFC 4648, padded) that stands for exactly `size` bytes, into `out`.
  void base64(char* out, std::size_t size);
  /// Passes over one value without looking into it; returns its text, which only another read (or
  /// check_value) validates, and which the next call invalidates.
  std::string_view skip();
  /// Passes over any one value, checked; returns its text. `what` is what messages call it.
  std::string value(const std::string& what);
  /// Only white space may follow.
  void finish();

  /// The first byte of the next value; 0 at the end.
  char next() {
    space();
    return in_.at_end() ? '\0' : *in_.at;
  }
  /// Where the next value starts, for fail().
  Place place() {
    space();
    return in_.place();
  }
  /// No more than so many bytes follow.
  std::uint64_t left() const { return in_.left(); }
  const std::string& name() const { return in_.name(); }
  bool folded() const { return in_.folded(); }
  template <class... Parts>
  [[noreturn]] void fail(Place place, const Parts&... parts) const {
    in_.fail(place, parts...);
  }
  /// "expected {what}, found {the byte here}".
  [[noreturn]] void fail_found(const std::string& what) const { fail_found(0, what); }

 private:
  void space() {
    do
      while (in_.at != in_.end &&
             (*in_.at == ' ' || *in_.at == '\n' || *in_.at == '\t' || *in_.at == '\r'))
        ++in_.at;
    while (in_.at == in_.end && in_.more());
  }
  bool take(char c) {
    space();
    if (in_.at == in_.end || *in_.at != c) return false;
    ++in_.at;
    return true;
  }
  void expect(char c);
  /// The same for the byte at `offset` from here.
  [[noreturn]] void fail_found(std::size_t offset, const std::string& what) const;
  /// The length of the string at `offset` from here, with its quotes; all of it is visible then.
  std::size_t string_length(std::size_t offset);
  std::string_view string_token();
  template <class T>
  T number();

  files::Input& in_;
};

}  // namespace json
}  // namespace reel
