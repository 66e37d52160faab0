#include "model_fuzzing.hpp"

namespace {
// The description lies in the names and shapes.
void write(reel::json::Writer& out, const reel::interchange::Source& source) {
  reel::interchange::write_pytorch(out, source.file);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return reel::fuzz::run_model(data, size, reel::interchange::read_pytorch, write);
}
