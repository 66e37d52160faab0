#include "denormals.hpp"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace reel {
namespace {

#if defined(__SSE__)
constexpr bool kSupported = true;
// Flush-to-zero for results, denormals-are-zeros for operands.
constexpr std::uint64_t kFlush = 0x8040;
std::uint64_t control() { return _mm_getcsr(); }
void set_control(std::uint64_t value) { _mm_setcsr(static_cast<unsigned>(value)); }
#elif defined(__aarch64__)
constexpr bool kSupported = true;
constexpr std::uint64_t kFlush = std::uint64_t{1} << 24;  // FPCR.FZ, for operands and results
std::uint64_t control() {
  std::uint64_t value;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void set_control(std::uint64_t value) { asm volatile("msr fpcr, %0" : : "r"(value)); }
#else
constexpr bool kSupported = false;
constexpr std::uint64_t kFlush = 0;
std::uint64_t control() { return 0; }
void set_control(std::uint64_t) {}
#endif

}  // namespace

bool set_flush_denormal(bool on) {
  set_control(on ? control() | kFlush : control() & ~kFlush);
  return kSupported;
}

bool get_flush_denormal() { return kSupported && (control() & kFlush) == kFlush; }

FlushDenormals::FlushDenormals() : before_(control()) { set_control(before_ | kFlush); }
// Only its own bits: a rounding mode set meanwhile stays.
FlushDenormals::~FlushDenormals() { set_control((control() & ~kFlush) | (before_ & kFlush)); }

}  // namespace reel
