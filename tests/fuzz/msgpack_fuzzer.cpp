#include "document_fuzzing.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return reel::fuzz::run_document(data, size, reel::FileFormat::MessagePack);
}
