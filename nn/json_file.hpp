// Whole files in, whole files out. Private to the library.
#pragma once

#include <iosfwd>
#include <string>

namespace reel {
namespace json {

/// All bytes of a file, or of what is left in a stream. Both throw FileError with the system's
/// reason.
std::string read_file(const std::string& path);
std::string read_stream(std::istream& stream);

/// A file that appears at `path` complete or not at all: the bytes go to a temporary file in the
/// same folder, which commit() syncs and renames. Without commit() the temporary is removed and
/// what was at `path` stays. Every member throws FileError with the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(const char* data, std::size_t size);
  void commit();

 private:
  [[noreturn]] void fail(const char* doing, int error) const;

  std::string path_;    // as given, for messages
  std::string target_;  // symbolic links resolved
  std::string temporary_;
  int file_ = -1;
};

}  // namespace json
}  // namespace reel
