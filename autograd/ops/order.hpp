// Numbers as keys: unsigned integers in the order that sorting wants, and loops that sort or select
// them. For the library's own source files.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

namespace reel::order {
namespace {

/// An unsigned integer as wide as T, at least 32 bits.
template <class T>
using Key = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

/// Smaller for what comes first: ascending, NaN last; equal for -0.0 and 0.0 and for all NaNs.
template <class T>
Key<T> key_of(T v, bool descending) {
  using K = Key<T>;
  constexpr K sign = K(1) << (8 * sizeof(K) - 1);
  K key;
  if constexpr (std::is_floating_point_v<T>) {
    v += T(0);  // -0.0 becomes 0.0
    std::memcpy(&key, &v, sizeof key);
    key = key & sign ? static_cast<K>(~key) : static_cast<K>(key | sign);
    key = v != v ? static_cast<K>(-1) : key;
  } else if constexpr (std::is_signed_v<T>) {
    key = static_cast<K>(v) ^ sign;
  } else {
    key = static_cast<K>(v);
  }
  return descending ? static_cast<K>(~key) : key;
}

/// A key and the position that it came from.
template <class K>
struct Item {
  K key;
  std::conditional_t<sizeof(K) == 8, std::uint64_t, std::uint32_t> position;
  bool operator<(const Item& other) const {
    return key != other.key ? key < other.key : position < other.position;
  }
};

/// Buffers that are used again from row to row.
template <class K>
struct Sorter {
  std::vector<Item<K>> items, other;

  template <class T>
  void load(const T* row, std::int64_t n, bool descending) {
    items.resize(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < items.size(); ++i)
      items[i] = {key_of(row[i], descending), static_cast<decltype(Item<K>::position)>(i)};
  }

  /// Sorts the items; equal keys stay in the order of their positions.
  void sort() {
    if (items.size() < 128)
      std::sort(items.begin(), items.end());
    else
      sort_by_digits();
  }

  /// Brings the first `count` items in order to the front.
  void sort_first(std::size_t count) {
    if (count * 8 > items.size()) return sort();
    if (count == 1)
      std::iter_swap(items.begin(), std::min_element(items.begin(), items.end()));
    else
      std::partial_sort(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(count),
                        items.end());
  }

  /// The item that would be number `rank` in order. The items are lost.
  Item<K> select(std::size_t rank) {
    for (unsigned shift = 8 * sizeof(K) - kBits; items.size() > 64; shift -= kBits) {
      std::size_t counts[kDigits] = {};
      for (const auto& item : items) ++counts[digit(item.key, shift)];
      std::size_t wanted = 0;
      while (rank >= counts[wanted]) rank -= counts[wanted++];
      // Written where the next one goes, which moves on behind one that stays.
      std::size_t kept = 0;
      for (std::size_t i = 0; i < items.size(); ++i) {
        const Item<K> item = items[i];
        items[kept] = item;
        kept += digit(item.key, shift) == wanted;
      }
      items.resize(kept);
      if (shift == 0) return items[rank];  // all keys are equal
    }
    std::nth_element(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(rank), items.end());
    return items[rank];
  }

 private:
  static constexpr unsigned kBits = 8;
  static constexpr std::size_t kDigits = std::size_t{1} << kBits;
  static std::size_t digit(K key, unsigned shift) {
    return static_cast<std::size_t>(key >> shift) & (kDigits - 1);
  }

  // Radix sort from the lowest digit; digits that are the same everywhere cost no pass.
  void sort_by_digits() {
    constexpr unsigned kPasses = sizeof(K);
    std::size_t counts[kPasses][kDigits] = {};
    for (const auto& item : items)
      for (unsigned pass = 0; pass < kPasses; ++pass) ++counts[pass][digit(item.key, pass * kBits)];
    other.resize(items.size());
    for (unsigned pass = 0; pass < kPasses; ++pass) {
      std::size_t* count = counts[pass];
      if (count[digit(items[0].key, pass * kBits)] == items.size()) continue;
      std::size_t before = 0;
      for (std::size_t d = 0; d < kDigits; ++d) before += std::exchange(count[d], before);
      for (const auto& item : items) other[count[digit(item.key, pass * kBits)]++] = item;
      items.swap(other);
    }
  }
};

}  // namespace
}  // namespace reel::order
