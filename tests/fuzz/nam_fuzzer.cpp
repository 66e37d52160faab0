#include "model_fuzzing.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return reel::fuzz::run_model(data, size, reel::interchange::read_nam,
                               reel::interchange::write_nam);
}
