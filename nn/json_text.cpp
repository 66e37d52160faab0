#include "json_text.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>
#include <vector>

namespace reel {
namespace json {

namespace {

using Json = nlohmann::json;

/// Nesting of brackets outside strings; a bound on what the parser below must handle.
void check_depth(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth)
        throw Fault{"nested more than " + std::to_string(kMaxDepth) + " deep", i};
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

Json parse(std::string_view text) {
  check_depth(text);
  // The parser would take it for the end, whatever follows.
  if (const auto at = text.find('\0'); at != std::string_view::npos)
    throw Fault{"a zero byte, which JSON does not have", at};
  std::vector<std::set<std::string>> keys;
  const auto watch = [&keys](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      throw Fault{"duplicate key " + parsed.dump(), 0};
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), watch);
  } catch (const Json::parse_error& error) {
    throw Fault{error.what(), error.byte == 0 ? 0 : error.byte - 1};
  } catch (const Json::exception& error) {
    throw Fault{error.what(), 0};
  }
}

template <class T>
bool holds(const Json& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value.is_boolean();
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return value.is_number_integer() &&
           (!value.is_number_unsigned() ||
            value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  } else if constexpr (std::is_same_v<T, double>) {
    return value.is_number();
  } else if constexpr (std::is_same_v<T, std::string>) {
    return value.is_string();
  } else {
    if (!value.is_array()) return false;
    for (const auto& item : value)
      if (!holds<typename T::value_type>(item)) return false;
    return true;
  }
}

template <class T>
constexpr const char* type_name() {
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, std::int64_t>) return "an integer";
  if constexpr (std::is_same_v<T, double>) return "a number";
  if constexpr (std::is_same_v<T, std::string>) return "a string";
  if constexpr (std::is_same_v<T, std::vector<std::int64_t>>) return "a list of integers";
  if constexpr (std::is_same_v<T, std::vector<double>>) return "a list of numbers";
  if constexpr (std::is_same_v<T, std::vector<std::string>>) return "a list of strings";
}

}  // namespace

std::string quote(const std::string& text) { return encode(text); }

std::string unquote(std::string_view token) { return parse(token).get<std::string>(); }

void check_value(std::string_view text) { parse(text); }

template <class T>
std::string encode(const T& value) {
  if constexpr (std::is_same_v<T, double>) {
    if (!std::isfinite(value)) throw Fault{"not a finite number", 0};
  }
  if constexpr (std::is_same_v<T, std::vector<double>>) {
    for (const double x : value)
      if (!std::isfinite(x)) throw Fault{"not a finite number", 0};
  }
  try {
    return Json(value).dump();
  } catch (const Json::exception&) {
    throw Fault{"not UTF-8; keep bytes as a list of integers", 0};
  }
}

template <class T>
T decode(const std::string& text) {
  const Json value = parse(text);
  if (!holds<T>(value)) throw Fault{std::string("expected ") + type_name<T>(), 0};
  return value.get<T>();
}

std::string to_cbor(const std::string& text) {
  const auto bytes = Json::to_cbor(parse(text));
  return std::string(bytes.begin(), bytes.end());
}

std::string to_message_pack(const std::string& text) {
  const auto bytes = Json::to_msgpack(parse(text));
  return std::string(bytes.begin(), bytes.end());
}

#define REEL_JSON_TYPE(...)                                     \
  template std::string encode<__VA_ARGS__>(const __VA_ARGS__&); \
  template __VA_ARGS__ decode<__VA_ARGS__>(const std::string&)
REEL_JSON_TYPE(bool);
REEL_JSON_TYPE(std::int64_t);
REEL_JSON_TYPE(double);
REEL_JSON_TYPE(std::string);
REEL_JSON_TYPE(std::vector<std::int64_t>);
REEL_JSON_TYPE(std::vector<double>);
REEL_JSON_TYPE(std::vector<std::string>);
#undef REEL_JSON_TYPE

}  // namespace json
}  // namespace reel
