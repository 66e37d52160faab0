// OrderedDict: a dictionary that remembers the order of insertion.
#pragma once

#include <initializer_list>
#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../autograd/error.hpp"

namespace reel {

/// Keys with values in the order of insertion; lookup by key and by position, both in constant
/// time. Interface of torch::OrderedDict. An insertion may move the values in memory.
template <class Key, class Value>
class OrderedDict {
 public:
  class Item {
   public:
    Item(Key key, Value value) : pair_(std::move(key), std::move(value)) {}
    Value& operator*() { return pair_.second; }
    const Value& operator*() const { return pair_.second; }
    Value* operator->() { return &pair_.second; }
    const Value* operator->() const { return &pair_.second; }
    const Key& key() const noexcept { return pair_.first; }
    Value& value() noexcept { return pair_.second; }
    const Value& value() const noexcept { return pair_.second; }
    const std::pair<Key, Value>& pair() const noexcept { return pair_; }

   private:
    std::pair<Key, Value> pair_;
  };
  using Iterator = typename std::vector<Item>::iterator;
  using ConstIterator = typename std::vector<Item>::const_iterator;

  /// `key_description` is what error messages call a key.
  explicit OrderedDict(std::string key_description = "Key")
      : key_description_(std::move(key_description)) {}
  /// Throws Error where a key appears twice.
  OrderedDict(std::initializer_list<Item> items) : OrderedDict() {
    reserve(items.size());
    for (const auto& item : items) insert(item.key(), item.value());
  }

  const std::string& key_description() const noexcept { return key_description_; }

  // ---- access; each throws Error where there is no such item
  Item& front() { return items_[checked_index(0)]; }
  const Item& front() const { return items_[checked_index(0)]; }
  Item& back() { return items_[checked_index(items_.empty() ? 0 : size() - 1)]; }
  const Item& back() const { return items_[checked_index(items_.empty() ? 0 : size() - 1)]; }
  Item& operator[](std::size_t index) { return items_[checked_index(index)]; }
  const Item& operator[](std::size_t index) const { return items_[checked_index(index)]; }
  Value& operator[](const Key& key) { return items_[checked_find(key)].value(); }
  const Value& operator[](const Key& key) const { return items_[checked_find(key)].value(); }

  /// The value of `key`, or null.
  Value* find(const Key& key) noexcept {
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &items_[found->second].value();
  }
  const Value* find(const Key& key) const noexcept {
    return const_cast<OrderedDict*>(this)->find(key);
  }
  bool contains(const Key& key) const noexcept { return index_.count(key) != 0; }

  Iterator begin() { return items_.begin(); }
  ConstIterator begin() const { return items_.begin(); }
  Iterator end() { return items_.end(); }
  ConstIterator end() const { return items_.end(); }

  std::size_t size() const noexcept { return items_.size(); }
  bool is_empty() const noexcept { return items_.empty(); }
  void reserve(std::size_t capacity) {
    index_.reserve(capacity);
    items_.reserve(capacity);
  }

  // ---- changes
  /// Appends; throws Error where `key` is already there. Returns the value in its place.
  Value& insert(Key key, Value value) {
    check(!contains(key), "[OrderedDict] ", key_description_, " '", key,
          "' is already defined; erase it first, or assign to dict['", key, "']");
    items_.emplace_back(key, std::move(value));
    index_.emplace(std::move(key), items_.size() - 1);
    return items_.back().value();
  }
  /// Appends every item of `other`; throws Error, and changes nothing, where a key is already here.
  void update(const OrderedDict& other) {
    for (const auto& item : other)
      check(!contains(item.key()), "[OrderedDict] update: ", key_description_, " '", item.key(),
            "' is already defined");
    reserve(size() + other.size());
    for (const auto& item : other) insert(item.key(), item.value());
  }
  /// Throws Error where `key` is not there.
  void erase(const Key& key) {
    const std::size_t at = checked_find(key);
    index_.erase(key);
    items_.erase(items_.begin() + static_cast<typename Iterator::difference_type>(at));
    for (auto& entry : index_)
      if (entry.second > at) --entry.second;
  }
  void clear() {
    index_.clear();
    items_.clear();
  }

  // ---- copies of the contents, in order
  const std::vector<Item>& items() const noexcept { return items_; }
  std::vector<Key> keys() const {
    std::vector<Key> result;
    result.reserve(size());
    for (const auto& item : items_) result.push_back(item.key());
    return result;
  }
  std::vector<Value> values() const {
    std::vector<Value> result;
    result.reserve(size());
    for (const auto& item : items_) result.push_back(item.value());
    return result;
  }
  std::vector<std::pair<Key, Value>> pairs() const {
    std::vector<std::pair<Key, Value>> result;
    result.reserve(size());
    for (const auto& item : items_) result.push_back(item.pair());
    return result;
  }

  /// Same keys with equal values in the same order.
  friend bool operator==(const OrderedDict& a, const OrderedDict& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!(a.items_[i].pair() == b.items_[i].pair())) return false;
    return true;
  }
  friend bool operator!=(const OrderedDict& a, const OrderedDict& b) { return !(a == b); }

 private:
  std::size_t checked_index(std::size_t index) const {
    check<IndexError>(index < size(), "[OrderedDict] index ", index, " is out of range: there are ",
                      size(), " items");
    return index;
  }
  std::size_t checked_find(const Key& key) const {
    const auto found = index_.find(key);
    if (found == index_.end()) not_defined(key);
    return found->second;
  }
  [[noreturn]] void not_defined(const Key& key) const {
    std::ostringstream out;
    out << "[OrderedDict] " << key_description_ << " '" << key << "' is not defined; ";
    if (items_.empty()) out << "the dictionary is empty";
    constexpr std::size_t kShown = 10;
    for (std::size_t i = 0; i < size() && i < kShown; ++i)
      out << (i == 0 ? "defined are: " : ", ") << items_[i].key();
    if (size() > kShown) out << " and " << size() - kShown << " more";
    throw Error(out.str());
  }

  std::unordered_map<Key, std::size_t> index_;
  std::vector<Item> items_;
  std::string key_description_;
};

}  // namespace reel
