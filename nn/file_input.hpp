// Bytes of a file from front to back, through a window of bounded size. Private to the library.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../autograd/error.hpp"
#include "file_options.hpp"

namespace reel {
namespace files {

/// Where bytes come from.
class Source {
 public:
  virtual ~Source() = default;
  /// Up to `most` bytes, fewer only at the end. Throws FileError.
  virtual std::size_t read(char* into, std::size_t most) = 0;
  /// No more than so many bytes are still to come.
  virtual std::uint64_t left() const = 0;
};

/// A window on a source. What lies between `at` and `end` can be looked at, and `*end` is 0; `at`
/// is advanced by the reader. Every call below may move the window and with it both pointers.
class Input {
 public:
  /// `name` is what messages call it; `place` the number of bytes before the source's first;
  /// `window` how many bytes are visible at least, unless one value needs more.
  Input(std::unique_ptr<Source> source, std::string name, std::uint64_t place = 0,
        std::size_t window = std::size_t{1} << 18);
  /// Text in memory, which is copied.
  Input(std::string_view text, std::string name, std::uint64_t place = 0);

  const char* at;
  const char* end;

  std::size_t visible() const { return static_cast<std::size_t>(end - at); }
  /// Makes more bytes visible behind those that are; false at the end of the file.
  bool more();
  /// Makes `size` bytes visible; false where the file has fewer.
  bool ensure(std::size_t size) {
    while (visible() < size)
      if (!more()) return false;
    return true;
  }
  bool at_end() { return at == end && !more(); }
  /// Takes `size` bytes. Throws FileError where the file has fewer.
  void read(char* into, std::size_t size);
  /// The next `size` bytes as a text, which grows only as they come. Throws as above.
  std::string take(std::uint64_t size);

  /// Bytes before `at`.
  std::uint64_t place() const { return before_ + static_cast<std::uint64_t>(at - window_.data()); }
  /// No more than so many bytes follow.
  std::uint64_t left() const { return visible() + source_->left(); }
  const std::string& name() const { return name_; }
  /// Whether the file is a compressed one.
  bool folded() const { return folded_; }
  void set_folded(bool folded) { folded_ = folded; }

  template <class... Parts>
  [[noreturn]] void fail(std::uint64_t place, const Parts&... parts) const {
    throw FileError(detail::message("[load] ", name_, ": byte ", place, ": ", parts...));
  }

 private:
  [[noreturn]] void fail_cut(std::uint64_t missing) const;

  std::unique_ptr<Source> source_;
  std::string name_;
  std::vector<char> window_;
  std::uint64_t before_;  // bytes before the window
  bool folded_ = false;
};

class File;
/// A file that is opened once and can be read several times: a pipe gives its bytes only once, so
/// they are kept. Throws FileError with the system's reason.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path);
  /// From the first byte on, unfolded where it is compressed.
  Input read(const LoadOptions& options) const;

 private:
  std::string path_;
  std::shared_ptr<const File> file_;
  std::shared_ptr<const std::string> bytes_;  // of what is no regular file
};

/// The file at `path`, unfolded where it is compressed. Throws FileError with the system's reason.
Input open_input(const std::string& path, const LoadOptions& options);
/// What is left in a stream, taken into memory. Throws FileError.
Input open_input(std::istream& stream, const LoadOptions& options);

/// Unfolds gzip. `most` bounds what may come out. Throws FileError with the byte in `source`.
std::unique_ptr<Source> gunzip(std::unique_ptr<Source> source, const std::string& name,
                               std::uint64_t most);

}  // namespace files
}  // namespace reel
