// Numbers too small for full precision ("denormal", below 1.2e-38 in float32): most processors
// compute with them many times slower than with others, and states and gradients that decay
// towards zero pass through them.
#pragma once

#include <cstdint>

namespace reel {

/// Has the calling thread read and write denormal numbers as zeros, or not (the default). Returns
/// false, and changes nothing, where the processor cannot; x86-64 and 64-bit ARM can. Every thread
/// has a setting of its own, which on Linux it takes over from the thread that starts it.
/// https://pytorch.org/docs/stable/generated/torch.set_flush_denormal.html
bool set_flush_denormal(bool on);
/// Whether the calling thread treats them so.
bool get_flush_denormal();

/// While it lives, the thread that made it reads and writes denormal numbers as zeros; then the
/// setting is again what it was. Guards nest.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  std::uint64_t before_;
};

}  // namespace reel
