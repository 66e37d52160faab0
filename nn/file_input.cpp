#include "file_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <istream>
#include <limits>
#include <system_error>
#include <utility>

namespace reel {
namespace files {

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 18;

std::uint64_t saturating_product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::uint64_t>::max()
                                                : product;
}

}  // namespace

/// A descriptor, closed at the end.
class File {
 public:
  explicit File(const std::string& path)
      : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0) fail("open the file", errno);
    struct stat status {};
    if (::fstat(file_, &status) != 0) {
      const int error = errno;
      ::close(file_);
      fail("open the file", error);
    }
    regular_ = S_ISREG(status.st_mode);
    size_ = regular_ ? static_cast<std::uint64_t>(status.st_size) : 0;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(file_); }

  /// Up to `most` bytes from `place` on, or the next ones where the file is not regular.
  std::size_t read(char* into, std::size_t most, std::uint64_t place) const {
    std::size_t size = 0;
    while (size < most) {
      const ::ssize_t got =
          regular_ ? ::pread(file_, into + size, most - size, static_cast<::off_t>(place + size))
                   : ::read(file_, into + size, most - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail("read the file", errno);
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    return size;
  }
  /// Pipes and the like have no size.
  bool regular() const { return regular_; }
  std::uint64_t size() const { return size_; }

 private:
  [[noreturn]] void fail(const char* doing, int error) const {
    throw FileError(detail::message("[load] ", path_, ": cannot ", doing, ": ",
                                    std::generic_category().message(error)));
  }

  std::string path_;
  int file_;
  bool regular_ = false;
  std::uint64_t size_ = 0;
};

namespace {

class FileSource : public Source {
 public:
  explicit FileSource(std::shared_ptr<const File> file) : file_(std::move(file)) {}
  std::size_t read(char* into, std::size_t most) override {
    const std::size_t size = file_->read(into, most, done_);
    done_ += size;
    return size;
  }
  std::uint64_t left() const override { return file_->size() - std::min(file_->size(), done_); }

 private:
  std::shared_ptr<const File> file_;
  std::uint64_t done_ = 0;
};

class TextSource : public Source {
 public:
  explicit TextSource(std::shared_ptr<const std::string> text) : text_(std::move(text)) {}
  explicit TextSource(std::string text)
      : TextSource(std::make_shared<const std::string>(std::move(text))) {}
  std::size_t read(char* into, std::size_t most) override {
    const std::size_t size = std::min(most, text_->size() - done_);
    if (size != 0) std::memcpy(into, text_->data() + done_, size);
    done_ += size;
    return size;
  }
  std::uint64_t left() const override { return text_->size() - done_; }

 private:
  std::shared_ptr<const std::string> text_;
  std::size_t done_ = 0;
};

/// A source whose first bytes were looked at.
class Resumed : public Source {
 public:
  Resumed(std::string start, std::unique_ptr<Source> rest)
      : start_(std::move(start)), rest_(std::move(rest)) {}
  std::size_t read(char* into, std::size_t most) override {
    const std::size_t size = start_.read(into, most);
    return size == most ? size : size + rest_->read(into + size, most - size);
  }
  std::uint64_t left() const override { return start_.left() + rest_->left(); }

 private:
  TextSource start_;
  std::unique_ptr<Source> rest_;
};

std::string rest_of(const File& file) {
  std::string bytes;
  std::size_t got = 1;
  while (got != 0) {
    const std::size_t size = bytes.size();
    bytes.resize(size + kPiece);
    got = file.read(bytes.data() + size, kPiece, size);
    bytes.resize(size + got);
  }
  return bytes;
}

Input opened(std::unique_ptr<Source> source, const std::string& name, const LoadOptions& options) {
  std::string start(2, '\0');
  start.resize(source->read(start.data(), start.size()));
  const bool folded = start == "\x1f\x8b";
  source = std::make_unique<Resumed>(std::move(start), std::move(source));
  if (folded) {
    check(options.max_expansion() >= 1, "[load] max_expansion must be at least 1, found ",
          options.max_expansion());
    const std::uint64_t most =
        saturating_product(source->left(), static_cast<std::uint64_t>(options.max_expansion()));
    constexpr std::uint64_t kAlways = std::uint64_t{64} << 20;
    source = gunzip(std::move(source), name, std::max(most, most + kAlways));
  }
  Input in(std::move(source), name);
  in.set_folded(folded);
  return in;
}

}  // namespace

Input::Input(std::unique_ptr<Source> source, std::string name, std::uint64_t place,
             std::size_t window)
    : source_(std::move(source)), name_(std::move(name)), before_(place) {
  // Small files need no large window.
  const std::uint64_t size = std::min<std::uint64_t>(source_->left() + 1, window);
  window_.resize(static_cast<std::size_t>(size) + 1);
  at = end = window_.data();
}

Input::Input(std::string_view text, std::string name, std::uint64_t place)
    : Input(std::make_unique<TextSource>(std::string(text)), std::move(name), place) {}

bool Input::more() {
  const std::size_t kept = visible();
  const auto passed = static_cast<std::size_t>(at - window_.data());
  if (passed != 0) {
    std::memmove(window_.data(), at, kept);
    before_ += passed;
  } else if (kept + 1 == window_.size()) {
    window_.resize(2 * window_.size());
  }
  const std::size_t got = source_->read(window_.data() + kept, window_.size() - 1 - kept);
  at = window_.data();
  end = at + kept + got;
  window_[kept + got] = '\0';
  return got != 0;
}

void Input::fail_cut(std::uint64_t missing) const {
  fail(place() + visible(), "found the end of the file where ", missing,
       " more bytes were expected: it was cut off");
}

void Input::read(char* into, std::size_t size) {
  const std::size_t here = std::min(size, visible());
  if (here != 0) std::memcpy(into, at, here);
  at += here;
  if (here == size) return;
  // Large pieces go straight to their place.
  const std::size_t rest = size - here;
  const std::size_t got = source_->read(into + here, rest);
  before_ += static_cast<std::uint64_t>(at - window_.data()) + got;
  at = end = window_.data();
  window_[0] = '\0';
  if (got != rest) fail_cut(rest - got);
}

std::string Input::take(std::uint64_t size) {
  if (size > left()) fail_cut(size - left());
  std::string bytes;
  while (bytes.size() < size) {
    const std::size_t had = bytes.size();
    bytes.resize(had + static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, size - had)));
    read(bytes.data() + had, bytes.size() - had);
  }
  return bytes;
}

OpenFile::OpenFile(const std::string& path)
    : path_(path), file_(std::make_shared<const File>(path)) {
  if (!file_->regular()) bytes_ = std::make_shared<const std::string>(rest_of(*file_));
}

Input OpenFile::read(const LoadOptions& options) const {
  if (bytes_) return opened(std::make_unique<TextSource>(bytes_), path_, options);
  return opened(std::make_unique<FileSource>(file_), path_, options);
}

Input open_input(const std::string& path, const LoadOptions& options) {
  return OpenFile(path).read(options);
}

Input open_input(std::istream& stream, const LoadOptions& options) {
  std::string bytes;
  std::vector<char> piece(kPiece);
  while (stream.read(piece.data(), static_cast<std::streamsize>(piece.size())), stream.gcount() > 0)
    bytes.append(piece.data(), static_cast<std::size_t>(stream.gcount()));
  check<FileError>(!stream.bad() && stream.eof(),
                   "[load] <stream>: cannot read: the stream is in a failed state");
  return opened(std::make_unique<TextSource>(std::move(bytes)), "<stream>", options);
}

}  // namespace files
}  // namespace reel
