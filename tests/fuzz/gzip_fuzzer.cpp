#include "document_fuzzing.hpp"

using namespace reel;

namespace {

std::string unfolded(const std::string& bytes, std::string& reason) {
  std::string text;
  try {
    const auto source = files::gunzip(std::make_unique<fuzz::Bytes>(bytes), "file", 1 << 20);
    char piece[100];
    for (std::size_t got = 1; got != 0;) {
      const std::uint64_t bound = source->left();
      got = source->read(piece, sizeof(piece));
      if (got > bound) fuzz::report("more came than left() allowed");
      text.append(piece, got);
    }
  } catch (const FileError& error) {
    reason = error.what();
  }
  return text;
}

}  // namespace

/// Unfolds the bytes, and unfolds what they are folded to.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  std::string reason;
  unfolded(bytes, reason);
  std::string folded;
  files::Gzip gzip([&folded](const char* piece, std::size_t n) { folded.append(piece, n); });
  gzip.write(bytes.data(), bytes.size());
  gzip.finish();
  std::string none;
  if (unfolded(folded, none) != bytes || !none.empty()) fuzz::report("not the bytes: " + none);
  return 0;
}
