#include "file_output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <ostream>
#include <system_error>

#include "autograd/error.hpp"

namespace reel {
namespace files {

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

AtomicFile::AtomicFile(const std::string& path) : path_(path), target_(path) {
  // A link stays a link: what it points to is replaced.
  std::error_code error;
  constexpr int kMostLinks = 40;
  for (int links = 0; fs::is_symlink(target_, error); ++links) {
    if (links == kMostLinks) fail("follow its links", ELOOP);
    const fs::path next = fs::read_symlink(target_, error);
    if (error) fail("follow its links", error.value());
    target_ = (fs::path(target_).parent_path() / next).string();
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

void AtomicFile::commit(bool sync) {
  if (sync && ::fsync(file_) != 0) fail("write to the disk", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("put the new file in place", errno);
  ::close(file_);
  file_ = -1;
  if (!sync) return;
  // The rename itself survives a power cut only when the folder is on the disk too. Some file
  // systems do not offer that and say EINVAL.
  const Descriptor folder{::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.number >= 0 && ::fsync(folder.number) != 0 && errno != EINVAL)
    fail("write its folder to the disk (the new file is in place)", errno);
}

void link_file(const std::string& existing, const std::string& path) {
  const auto fail = [&path](const char* doing, const std::error_code& error) {
    throw FileError(detail::message("[save] ", path, ": cannot ", doing, ": ", error.message()));
  };
  const std::string temporary = detail::message(path, ".", ::getpid(), ".link.tmp");
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_hard_link(existing, temporary, error);
  if (error) fs::copy_file(existing, temporary, error);
  if (error) fail("copy the file", error);
  fs::rename(temporary, path, error);
  if (!error) return;
  std::error_code ignored;
  fs::remove(temporary, ignored);
  fail("put the new file in place", error);
}

namespace {
void write_through(const Sink& sink, bool gzip, const WriteTo& write) {
  if (!gzip) return write(sink);
  Gzip folded(sink);
  write([&folded](const char* data, std::size_t size) { folded.write(data, size); });
  folded.finish();
}
}  // namespace

void write_whole(const std::string& path, bool gzip, bool sync, const WriteTo& write) {
  AtomicFile target(path);
  write_through([&target](const char* data, std::size_t size) { target.write(data, size); }, gzip,
                write);
  target.commit(sync);
}

void write_whole(std::ostream& stream, bool gzip, const WriteTo& write) {
  const auto check_stream = [&stream] {
    check<FileError>(static_cast<bool>(stream), "[save] <stream>: the stream refused the bytes");
  };
  write_through(
      [&](const char* data, std::size_t size) {
        stream.write(data, static_cast<std::streamsize>(size));
        check_stream();
      },
      gzip, write);
  stream.flush();
  check_stream();
}

}  // namespace files
}  // namespace reel
