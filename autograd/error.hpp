// Exceptions. Every message reads "[op] what was found, what was expected, what to do".
#pragma once

#include <sstream>
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
template <class... Parts>
std::string message(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}
}  // namespace detail

/// Throws `E` with the concatenation of `parts` unless `condition` holds.
template <class E = Error, class... Parts>
inline void check(bool condition, const Parts&... parts) {
  if (!condition) throw E(detail::message(parts...));
}

}  // namespace reel
