// Files that appear whole or not at all. Private to the library.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>

#include "file_options.hpp"

namespace reel {
namespace files {

/// Takes bytes, piece by piece.
using Sink = std::function<void(const char* data, std::size_t size)>;

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
  /// `sync`: waits for the disk.
  void commit(bool sync);

 private:
  [[noreturn]] void fail(const char* doing, int error) const;

  std::string path_;    // as given, for messages
  std::string target_;  // symbolic links resolved
  std::string temporary_;
  int file_ = -1;
};

/// Makes `path` the same file as `existing`, or a copy where the file system has no links;
/// replaces what was there whole. Throws FileError.
void link_file(const std::string& existing, const std::string& path);

/// Compresses what goes to a sink.
class Gzip {
 public:
  explicit Gzip(Sink sink);
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip();

  void write(const char* data, std::size_t size);
  void finish();

 private:
  struct State;
  void run(const char* data, std::size_t size, int flush);

  Sink sink_;
  std::unique_ptr<State> state_;
};

/// Hands `write` a sink for a new file at `path`, or for a stream; compresses where `gzip`.
using WriteTo = std::function<void(const Sink& sink)>;
void write_whole(const std::string& path, bool gzip, bool sync, const WriteTo& write);
void write_whole(std::ostream& stream, bool gzip, const WriteTo& write);

}  // namespace files
}  // namespace reel
