// Compressed files, by zlib: both directions.
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "file_input.hpp"
#include "file_output.hpp"

namespace reel {
namespace files {

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 16;

class Gunzip : public Source {
 public:
  Gunzip(std::unique_ptr<Source> source, std::string name, std::uint64_t most)
      : source_(std::move(source)), name_(std::move(name)), most_(most), piece_(kPiece) {
    // 15: the largest window; 16: a gzip header, nothing else.
    check<FileError>(inflateInit2(&state_, 15 + 16) == Z_OK, "[load] ", name_,
                     ": cannot unfold: out of memory");
  }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;
  ~Gunzip() override { inflateEnd(&state_); }

  std::size_t read(char* into, std::size_t most) override {
    std::size_t size = 0;
    while (size < most && !done_) {
      if (state_.avail_in == 0) refill();
      const auto room = static_cast<unsigned>(std::min<std::size_t>(most - size, kMostAtOnce));
      state_.next_out = reinterpret_cast<Bytef*>(into + size);
      state_.avail_out = room;
      const int result = inflate(&state_, Z_NO_FLUSH);
      const unsigned got = room - state_.avail_out;
      size += got;
      if (got > most_ - made_)
        fail("unfolds to more than ", most_,
             " bytes; where that is meant, raise "
             "LoadOptions::max_expansion");
      made_ += got;
      if (result == Z_STREAM_END)
        finish();
      else if (result != Z_OK)
        fail("damaged: ", state_.msg == nullptr ? "no progress" : state_.msg);
    }
    return size;
  }
  /// Deflate makes at most 1032 bytes of one.
  std::uint64_t left() const override {
    if (done_) return 0;
    const std::uint64_t folded = source_->left() + state_.avail_in;
    const std::uint64_t bound = folded > most_ / 1032 ? most_ : (folded + 64) * 1032;
    return std::min(bound, most_ - made_);
  }

 private:
  static constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;

  void refill() {
    const std::size_t got = source_->read(piece_.data(), piece_.size());
    if (got == 0) fail("found the end of the file inside compressed data: it was cut off");
    passed_ += got;
    state_.next_in = reinterpret_cast<Bytef*>(piece_.data());
    state_.avail_in = static_cast<unsigned>(got);
  }
  void finish() {
    done_ = true;
    if (state_.avail_in != 0 || source_->read(piece_.data(), 1) != 0)
      fail("expected the end of the file behind the compressed data, found more");
  }
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw FileError(detail::message("[load] ", name_, ": byte ", passed_ - state_.avail_in,
                                    " of the compressed file: ", parts...));
  }

  std::unique_ptr<Source> source_;
  std::string name_;
  std::uint64_t most_;
  std::vector<char> piece_;
  z_stream state_{};
  std::uint64_t passed_ = 0;
  std::uint64_t made_ = 0;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<Source> gunzip(std::unique_ptr<Source> source, const std::string& name,
                               std::uint64_t most) {
  return std::make_unique<Gunzip>(std::move(source), name, most);
}

struct Gzip::State {
  z_stream stream{};
  std::vector<char> piece = std::vector<char>(kPiece);
};

Gzip::Gzip(Sink sink) : sink_(std::move(sink)), state_(std::make_unique<State>()) {
  constexpr int kMemoryLevel = 8;
  check<FileError>(deflateInit2(&state_->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16,
                                kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK,
                   "[save] cannot compress: out of memory");
}

Gzip::~Gzip() { deflateEnd(&state_->stream); }

void Gzip::write(const char* data, std::size_t size) { run(data, size, Z_NO_FLUSH); }

void Gzip::finish() { run(nullptr, 0, Z_FINISH); }

void Gzip::run(const char* data, std::size_t size, int flush) {
  z_stream& stream = state_->stream;
  do {
    const auto now =
        static_cast<unsigned>(std::min<std::size_t>(size, std::numeric_limits<unsigned>::max()));
    // zlib does not write there; its interface lacks the const.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data));
    stream.avail_in = now;
    do {
      stream.next_out = reinterpret_cast<Bytef*>(state_->piece.data());
      stream.avail_out = static_cast<unsigned>(state_->piece.size());
      deflate(&stream, flush);
      sink_(state_->piece.data(), state_->piece.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    data += now;
    size -= now;
  } while (size != 0);
}

}  // namespace files
}  // namespace reel
