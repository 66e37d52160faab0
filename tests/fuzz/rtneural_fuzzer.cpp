#include "model_fuzzing.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return reel::fuzz::run_model(data, size, reel::interchange::read_rtneural,
                               reel::interchange::write_rtneural);
}
