#include "storage.hpp"

#include <cstdlib>
#include <memory>
#include <new>

#include "error.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace reel {
namespace memory {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHeader = 64;  // Storage sits in front of its data, in the same block
// Up to here one class per 64 bytes. Above, four per doubling of what follows a header, so that the
// powers of two that tensors often have as sizes fill theirs.
constexpr std::size_t kSmall = 1024 + kHeader;
constexpr std::size_t kSmallClasses = kSmall / kAlignment;
constexpr std::size_t kClasses = kSmallClasses + 4 * 40;

struct SizeClass {
  std::size_t index;
  std::size_t bytes;
};
SizeClass class_of(std::size_t bytes) {
  if (bytes <= kSmall) {
    const std::size_t index = (bytes - (bytes != 0)) / kAlignment;
    return {index, (index + 1) * kAlignment};
  }
  const std::size_t data = bytes - kHeader;
  const auto doubling = static_cast<std::size_t>(63 - __builtin_clzll(data - 1));  // 2^d < data
  const std::size_t base = std::size_t{1} << doubling;
  const std::size_t quarter = base / 4;
  const std::size_t part = (data - base + quarter - 1) >> (doubling - 2);  // 1..4
  return {kSmallClasses + 4 * (doubling - 10) + part - 1, kHeader + base + part * quarter};
}

std::atomic<std::size_t> cache_limit{std::size_t{1} << 30};
std::atomic<std::size_t> live{0};
std::atomic<std::size_t> peak{0};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REEL_BYPASS_CACHE 1  // recycled blocks would hide uses after free
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define REEL_BYPASS_CACHE 1
#endif
#endif

struct FreeBlock {
  FreeBlock* next;
};

// Large blocks alone are counted: two atomics per tiny tensor would cost as much as the tensor.
constexpr std::size_t kCounted = 4096;

// A plain pointer: an object with a destructor is looked up by way of a guard at every use. It is
// null before the thread's first block and after its last; `cache_dead` tells which.
struct Cache;
thread_local Cache* cache = nullptr;
thread_local bool cache_dead = false;

struct Cache {
  struct List {
    FreeBlock* head = nullptr;
    std::int64_t taken = 0;  // blocks handed out here and not yet given back here
  };
  List lists[kClasses];
  std::size_t held = 0;

  void clear() {
    for (List& list : lists)
      while (FreeBlock* block = list.head) {
        list.head = block->next;
        std::free(block);
      }
    held = 0;
  }
  ~Cache() {
    clear();
    cache = nullptr;
    cache_dead = true;
  }
};

Cache* open_cache() {
#ifndef REEL_BYPASS_CACHE
  if (!cache_dead) {
    thread_local Cache object;
    cache = &object;
  }
#endif
  return cache;
}

// Large blocks lie in huge pages where the system grants them (measured on passes over 40 MB: 1.2
// to 1.6 times as fast). Only whole ones are asked for: a part of one would take up all of it.
constexpr std::size_t kHugePage = std::size_t{1} << 21;

void* from_system(std::size_t bytes) {
  const bool large = bytes >= 2 * kHugePage;
  void* block = nullptr;
  if (posix_memalign(&block, large ? kHugePage : kAlignment, bytes) != 0) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  if (large) madvise(block, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return block;
}
}  // namespace

void* allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 47)) throw std::bad_alloc();
  const SizeClass c = class_of(bytes);
  Cache* const own = cache ? cache : open_cache();
  Cache::List* const list = own ? &own->lists[c.index] : nullptr;
  void* block = list ? list->head : nullptr;
  if (block) {
    list->head = list->head->next;
    own->held -= c.bytes;
  } else {
    try {
      block = from_system(c.bytes);
    } catch (const std::bad_alloc&) {
      empty_cache();  // another class may hold what this one needs
      block = from_system(c.bytes);
    }
  }
  if (list) ++list->taken;
  if (c.bytes >= kCounted) {
    const std::size_t now = live.fetch_add(c.bytes, std::memory_order_relaxed) + c.bytes;
    std::size_t seen = peak.load(std::memory_order_relaxed);
    while (now > seen && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
    }
  }
  return block;
}

void release(void* block, std::size_t bytes) noexcept {
  const SizeClass c = class_of(bytes);
  if (c.bytes >= kCounted) live.fetch_sub(c.bytes, std::memory_order_relaxed);
  if (Cache* const own = cache) {
    // What other threads allocated would pile up here without ever being asked for.
    Cache::List& list = own->lists[c.index];
    const bool ours = list.taken > 0;
    if (ours) --list.taken;
    if (ours && own->held + c.bytes <= cache_limit.load(std::memory_order_relaxed)) {
      auto* freed = static_cast<FreeBlock*>(block);
      freed->next = list.head;
      list.head = freed;
      own->held += c.bytes;
      return;
    }
  }
  std::free(block);
}

std::size_t cached_bytes() { return cache ? cache->held : 0; }
void empty_cache() {
  if (cache) cache->clear();
}
void set_cache_limit(std::size_t bytes) { cache_limit.store(bytes, std::memory_order_relaxed); }
std::size_t live_bytes() { return live.load(std::memory_order_relaxed); }
std::size_t peak_bytes() { return peak.load(std::memory_order_relaxed); }
void reset_peak() { peak.store(live_bytes(), std::memory_order_relaxed); }

}  // namespace memory

namespace {
constexpr std::size_t kHeader = 64;  // Storage sits in front of its data, in the same block
}

Ref<Storage> Storage::make(std::size_t bytes) {
  static_assert(sizeof(Storage) <= kHeader);
  void* block = memory::allocate(bytes + kHeader);
  auto* data = static_cast<std::byte*>(block) + kHeader;
  return Ref<Storage>::adopt(new (block) Storage(data, bytes));
}

Ref<Storage> Storage::borrow(void* data, std::size_t bytes, std::function<void(void*)> deleter) {
  auto owned = std::make_unique<std::function<void(void*)>>(std::move(deleter));
  void* block = memory::allocate(memory::kHeader);
  auto* storage = new (block) Storage(data, bytes);
  storage->deleter_ = owned.release();
  return Ref<Storage>::adopt(storage);
}

void Storage::destroy() {
  std::size_t size = memory::kHeader;
  if (deleter_) {
    if (*deleter_) (*deleter_)(data_);
    delete deleter_;
  } else {
    size += bytes_;
  }
  this->~Storage();
  memory::release(this, size);
}

}  // namespace reel
