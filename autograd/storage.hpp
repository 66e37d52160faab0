// Memory: a thread-local size-class cache, and Storage, the counted block behind tensors.
//
// A tape allocates and frees the same sizes at every step. Without a cache each large block goes
// back to the system and faults its pages in again at the next step, which costs more than the
// arithmetic on small recurrent nets.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace reel {

namespace memory {
/// `bytes` of 64-byte aligned memory, recycled from this thread's cache where possible.
/// Throws std::bad_alloc.
void* allocate(std::size_t bytes);
/// Gives back what allocate(bytes) returned, on any thread.
void release(void* block, std::size_t bytes) noexcept;
/// Bytes that this thread's cache holds for reuse.
std::size_t cached_bytes();
/// Returns this thread's cached blocks to the system.
void empty_cache();
/// The most that one thread's cache may hold (default 1 GiB); blocks freed beyond it go back to
/// the system at once.
void set_cache_limit(std::size_t bytes);
/// Bytes in live blocks of all threads, and the highest value since the last reset_peak().
std::size_t live_bytes();
std::size_t peak_bytes();
void reset_peak();
}  // namespace memory

/// Gives up one of `refs`; whether it was the last. A sole owner needs no atomic step, which costs
/// more than the rest of a tiny tensor: nobody else can reach the count.
inline bool last_of(std::atomic<std::int32_t>& refs) {
  return refs.load(std::memory_order_acquire) == 1 ||
         refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

/// Intrusive reference-counted pointer: one word, no separate control block.
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  /// Takes over one count that the caller holds.
  static Ref adopt(T* object) {
    Ref r;
    r.object_ = object;
    return r;
  }
  static Ref share(T* object) {
    if (object) object->retain();
    return adopt(object);
  }
  Ref(const Ref& other) : object_(other.object_) {
    if (object_) object_->retain();
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(const Ref& other) {
    Ref(other).swap(*this);
    return *this;
  }
  Ref& operator=(Ref&& other) noexcept {
    Ref(std::move(other)).swap(*this);
    return *this;
  }
  ~Ref() {
    if (object_) object_->drop();
  }
  void swap(Ref& other) noexcept { std::swap(object_, other.object_); }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }
  friend bool operator!=(const Ref& a, const Ref& b) { return a.object_ != b.object_; }

 private:
  T* object_ = nullptr;
};

/// One block of memory with its count and its version. Views share it; `version` rises with each
/// write in place, so that backward can tell a saved value that was overwritten.
class Storage {
 public:
  /// Uninitialised, 64-byte aligned.
  static Ref<Storage> make(std::size_t bytes);
  /// Memory of somebody else; `deleter` runs when the last tensor on it is gone.
  static Ref<Storage> borrow(void* data, std::size_t bytes, std::function<void(void*)> deleter);

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  std::uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }
  /// While pinned, a backward pass must not add to this memory in place: a product put off reads
  /// it.
  void pin() { pins_.fetch_add(1, std::memory_order_relaxed); }
  void unpin() { pins_.fetch_sub(1, std::memory_order_relaxed); }
  bool pinned() const { return pins_.load(std::memory_order_relaxed) != 0; }
  /// Made by make(), so that the block reaches to a multiple of 64 bytes.
  bool owned() const { return deleter_ == nullptr; }
  /// Somebody was given a pointer, and may write without a new version.
  void expose() {
    if (!exposed()) exposed_.store(true, std::memory_order_relaxed);
  }
  bool exposed() const { return exposed_.load(std::memory_order_relaxed); }
  bool unique() const { return refs_.load(std::memory_order_acquire) == 1; }

  void retain() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void drop() {
    if (last_of(refs_)) destroy();
  }

 private:
  Storage(void* data, std::size_t bytes) : bytes_(bytes), data_(data) {}
  ~Storage() = default;
  void destroy();

  std::atomic<std::int32_t> refs_{1};
  std::atomic<std::uint32_t> version_{0};
  std::atomic<std::int32_t> pins_{0};  // passes on several threads may share an input
  std::atomic<bool> exposed_{false};
  std::size_t bytes_;
  void* data_;
  std::function<void(void*)>* deleter_ = nullptr;  // set for borrowed memory only
};

}  // namespace reel
