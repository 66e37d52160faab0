// Reads JSON text from front to back, numbers straight into memory. Private to the library.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "../autograd/error.hpp"

namespace reel {
namespace json {

/// A strict reader (RFC 8259) that pulls one value after the other. It never recurses. Every error
/// is a FileError with the source's name, the byte and the reason.
class Reader {
 public:
  /// `text` must outlive the reader.
  Reader(const std::string& text, std::string source)
      : begin_(text.data()),
        end_(text.data() + text.size()),
        at_(begin_),
        source_(std::move(source)) {}

  /// Calls `member(key)` at the value of each member. A key that appears twice is refused.
  template <class F>
  void object(F&& member) {
    expect('{');
    std::set<std::string> keys;
    if (take('}')) return;
    do {
      space();
      const char* start = at_;
      const std::string key = string();
      if (!keys.insert(key).second) fail(start, "duplicate key '", key, "'");
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
  /// One number, or what the strings "nan", "inf" and "-inf" stand for.
  float real();
  /// An array of exactly `count` numbers, into `out`.
  template <class T>
  void numbers(T* out, std::int64_t count);
  /// Passes over one value without looking into it; returns its text, which only another read (or
  /// check_value) validates.
  std::string_view skip();
  /// Passes over any one value, checked; returns its text. `what` is what messages call it.
  std::string value(const std::string& what);
  /// The first byte of the next value; 0 at the end.
  char next() { return *place(); }
  /// Only white space may follow.
  void finish();

  /// Bytes not read yet.
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  /// The place where the next value starts, for fail() and for coming back.
  const char* place() {
    space();
    return at_;
  }
  void return_to(const char* place) { at_ = place; }

  template <class... Parts>
  [[noreturn]] void fail(const char* place, const Parts&... parts) const {
    throw FileError(detail::message("[load] ", source_, ": byte ", place - begin_, ": ", parts...));
  }

 private:
  void space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  bool take(char c) {
    space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  void expect(char c);
  /// "expected {what}, found {the byte here}".
  [[noreturn]] void fail_found(const std::string& what) const;
  std::string_view string_token();
  template <class T>
  T number();

  const char* begin_;
  const char* end_;  // the text's terminating zero: may be looked at, never passed
  const char* at_;
  std::string source_;
};

}  // namespace json
}  // namespace reel
