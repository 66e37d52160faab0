#include "metadata.hpp"

#include "autograd/error.hpp"
#include "json_text.hpp"

namespace reel {

namespace {
[[noreturn]] void fail(const std::string& key, const std::string& reason) {
  throw FileError(detail::message("[Metadata] '", key, "': ", reason));
}
}  // namespace

template <class T>
void Metadata::set_value(const std::string& key, const T& value) {
  try {
    values_[key] = json::encode<T>(value);
  } catch (const json::Fault& fault) {
    fail(key, fault.reason);
  }
}

template <class T>
T Metadata::get(const std::string& key) const {
  try {
    return json::decode<T>(json(key));
  } catch (const json::Fault& fault) {
    fail(key, fault.reason + ", found " + json(key).substr(0, 40));
  }
}

void Metadata::set_json(const std::string& key, const std::string& text) {
  try {
    json::check_value(text);
  } catch (const json::Fault& fault) {
    fail(key, "not JSON: " + fault.reason);
  }
  values_[key] = text;
}

const std::string& Metadata::json(const std::string& key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) fail(key, "there is no such key");
  return found->second;
}

#define REEL_METADATA_TYPE(...)                                                           \
  template void Metadata::set_value<__VA_ARGS__>(const std::string&, const __VA_ARGS__&); \
  template __VA_ARGS__ Metadata::get<__VA_ARGS__>(const std::string&) const
REEL_METADATA_TYPE(bool);
REEL_METADATA_TYPE(std::int64_t);
REEL_METADATA_TYPE(double);
REEL_METADATA_TYPE(std::string);
REEL_METADATA_TYPE(std::vector<std::int64_t>);
REEL_METADATA_TYPE(std::vector<double>);
REEL_METADATA_TYPE(std::vector<std::string>);
#undef REEL_METADATA_TYPE

}  // namespace reel
