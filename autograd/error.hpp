// Exceptions. Every message reads "[op] what was found, what was expected, what to do".
#pragma once

#include <cstddef>
#include <initializer_list>
#include <ostream>
#include <stdexcept>
#include <string>

namespace reel {

/// Base of everything that reel throws.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  /// PyTorch's spelling of what(), without its backtrace.
  const char* what_without_backtrace() const noexcept { return what(); }
  std::string msg() const { return what(); }
};

/// Sizes that do not fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};
/// A dtype that an operation does not take.
class DtypeError : public Error {
 public:
  using Error::Error;
};
/// An index or a dimension out of range.
class IndexError : public Error {
 public:
  using Error::Error;
};
/// Misuse of the tape: freed graph, modified saved value, in-place on a leaf.
class AutogradError : public Error {
 public:
  using Error::Error;
};
/// A file that cannot be read, written or understood.
class FileError : public Error {
 public:
  using Error::Error;
};

namespace detail {

/// One piece of a message: a value and how to print it, so that a check() compiles to no more than
/// a list of addresses.
class Piece {
 public:
  template <class T>
  Piece(const T& value) : value_(&value), print_(&print_value<T>) {}
  Piece(const char* const& text) : value_(text), print_(&print_text) {}
  template <std::size_t N>
  Piece(const char (&text)[N]) : value_(text), print_(&print_text) {}
  void print(std::ostream& out) const { print_(out, value_); }

 private:
  template <class T>
  static void print_value(std::ostream& out, const void* value) {
    out << *static_cast<const T*>(value);
  }
  static void print_text(std::ostream& out, const void* text);
  const void* value_;
  void (*print_)(std::ostream&, const void*);
};

std::string joined(std::initializer_list<Piece> pieces);

template <class... Pieces>
std::string message(const Pieces&... pieces) {
  return joined({Piece(pieces)...});
}
template <class E>
[[noreturn]] void fail(std::initializer_list<Piece> pieces) {
  throw E(joined(pieces));
}

}  // namespace detail

/// Throws `E` with the concatenation of `pieces` unless `condition` holds.
template <class E = Error, class... Pieces>
inline void check(bool condition, const Pieces&... pieces) {
  if (!condition) detail::fail<E>({detail::Piece(pieces)...});
}

}  // namespace reel
