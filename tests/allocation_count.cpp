#include "allocation_count.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::size_t> allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* block = nullptr;
  if (posix_memalign(&block, alignment, bytes == 0 ? 1 : bytes) != 0) throw std::bad_alloc();
  return block;
}
}  // namespace

// The array forms call these. The forms that do not throw are replaced as well: a sanitizer brings
// its own, whose memory our delete must not get.
void* operator new(std::size_t bytes) { return counted(bytes, sizeof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return counted(bytes, sizeof(std::max_align_t));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }

namespace reel::test {
std::size_t allocation_count() { return allocations.load(std::memory_order_relaxed); }
}  // namespace reel::test
