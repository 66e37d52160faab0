#include "json_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <istream>
#include <system_error>

#include "autograd/error.hpp"

namespace reel {
namespace json {

namespace fs = std::filesystem;

namespace {

/// Closes a descriptor at the end of a scope.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

std::string reason(int error) { return std::generic_category().message(error); }

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

std::string read_file(const std::string& path) {
  const auto fail = [&path](const char* doing, int error) {
    throw FileError(detail::message("[load] ", path, ": cannot ", doing, ": ", reason(error)));
  };
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.number < 0) fail("open the file", errno);
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  std::string bytes;
  struct stat status {};
  if (::fstat(file.number, &status) == 0 && S_ISREG(status.st_mode))
    bytes.reserve(static_cast<std::size_t>(status.st_size) + kPiece);
  // Read to the end rather than to the size: pipes have none, and a file may grow.
  std::size_t size = 0;
  for (;;) {
    if (bytes.size() < size + kPiece) bytes.resize(size + kPiece);
    const ::ssize_t got = ::read(file.number, bytes.data() + size, kPiece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read the file", errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  bytes.resize(size);
  return bytes;
}

std::string read_stream(std::istream& stream) {
  std::string bytes;
  char piece[1 << 14];
  while (stream.read(piece, sizeof(piece)), stream.gcount() > 0)
    bytes.append(piece, static_cast<std::size_t>(stream.gcount()));
  check<FileError>(!stream.bad() && stream.eof(),
                   "[load] <stream>: cannot read: the stream is in a failed state");
  return bytes;
}

AtomicFile::AtomicFile(const std::string& path) : path_(path), target_(path) {
  // A link stays a link: what it points to is replaced.
  std::error_code ignored;
  if (fs::is_symlink(path, ignored)) {
    const fs::path resolved = fs::weakly_canonical(path, ignored);
    if (!ignored) target_ = resolved.string();
  }
  struct stat status {};
  const bool exists = ::stat(target_.c_str(), &status) == 0;
  check<FileError>(!exists || S_ISREG(status.st_mode), "[save] ", path_,
                   ": cannot replace it: it is not a regular file; give the path of a file");
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; file_ < 0; ++attempt) {
    temporary_ = detail::message(target_, ".", ::getpid(), ".", counter++, ".tmp");
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0 && (errno != EEXIST || attempt == 100))
      fail("create a file in its folder", errno);
  }
  // Keeps a private file private; where the system does not let us, the file is ours anyway.
  if (exists && ::fchmod(file_, status.st_mode & 07777) != 0) errno = 0;
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* doing, int error) const {
  throw FileError(detail::message("[save] ", path_, ": cannot ", doing, ": ", reason(error)));
}

void AtomicFile::write(const char* data, std::size_t size) {
  while (size > 0) {
    const ::ssize_t put = ::write(file_, data, size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail("write", errno);
    data += put;
    size -= static_cast<std::size_t>(put);
  }
}

void AtomicFile::commit() {
  if (::fsync(file_) != 0) fail("write to the disk", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("put the new file in place", errno);
  ::close(file_);
  file_ = -1;
  // The rename itself survives a power cut only when the folder is on the disk too. Some file
  // systems do not offer that and say EINVAL.
  const Descriptor folder{::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.number >= 0 && ::fsync(folder.number) != 0 && errno != EINVAL)
    fail("write its folder to the disk (the new file is in place)", errno);
}

}  // namespace json
}  // namespace reel
