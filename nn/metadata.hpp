// Metadata: the free part of a model file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

namespace reel {

/// The free part of a file: values by key, kept as JSON text.
class Metadata {
 public:
  /// T is bool, std::int64_t, double, std::string, or a vector of one of the last three. Throws
  /// FileError where a number is not finite or a text is not UTF-8 (keep bytes as a vector of
  /// integers).
  template <class T>
  void set(const std::string& key, const T& value) {
    if constexpr (std::is_convertible_v<const T&, std::string>)
      set_value<std::string>(key, value);
    else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      set_value<std::int64_t>(key, static_cast<std::int64_t>(value));
    else if constexpr (std::is_floating_point_v<T>)
      set_value<double>(key, static_cast<double>(value));
    else
      set_value<T>(key, value);
  }
  /// For the same types. Throws FileError where there is no such key or it holds something else.
  template <class T>
  T get(const std::string& key) const;
  bool contains(const std::string& key) const { return values_.count(key) != 0; }
  void erase(const std::string& key) { values_.erase(key); }

  /// Any JSON value as its text. Throws FileError unless `text` is one.
  void set_json(const std::string& key, const std::string& text);
  /// Throws FileError where there is no such key.
  const std::string& json(const std::string& key) const;
  const std::map<std::string, std::string>& values() const { return values_; }

 private:
  template <class T>
  void set_value(const std::string& key, const T& value);

  std::map<std::string, std::string> values_;
};

}  // namespace reel
