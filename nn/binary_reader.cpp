#include "binary_reader.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "half.hpp"
#include "json_text.hpp"

namespace reel {
namespace files {

const char* BinaryReader::type_name(Type type) {
  switch (type) {
    case Type::Unsigned:
    case Type::Negative:
      return "an integer";
    case Type::Real:
      return "a real number";
    case Type::Bool:
      return "true or false";
    case Type::Null:
      return "null";
    case Type::Text:
      return "a string";
    case Type::Bytes:
      return "bytes";
    case Type::Array:
      return "an array";
    case Type::Map:
      return "a map";
  }
  return "nothing";
}

std::uint64_t BinaryReader::big_endian(int size) {
  unsigned char bytes[8];
  in_.read(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | bytes[i];
  return value;
}

double BinaryReader::real(int size) {
  const std::uint64_t bits = big_endian(size);
  if (size == 2) return double{float_of_half(static_cast<std::uint16_t>(bits))};
  if (size == 4) {
    const auto narrow = static_cast<std::uint32_t>(bits);
    float value = 0;
    std::memcpy(&value, &narrow, sizeof(value));
    return double{value};
  }
  double value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

BinaryReader::Head BinaryReader::head() {
  start_ = place();
  const auto first = static_cast<std::uint8_t>(big_endian(1));
  return format_ == FileFormat::Cbor ? cbor_head(first) : message_pack_head(first);
}

BinaryReader::Head BinaryReader::cbor_head(std::uint8_t first) {
  const int major = first >> 5, info = first & 31;
  if (major == 7) {
    switch (info) {
      case 20:
        return {Type::Bool, 0};
      case 21:
        return {Type::Bool, 1};
      case 22:
        return {Type::Null};
      case 25:
        return {Type::Real, 0, real(2)};
      case 26:
        return {Type::Real, 0, real(4)};
      case 27:
        return {Type::Real, 0, real(8)};
      default:
        fail(start_, "a byte of value ", int{first}, ", which means nothing here");
    }
  }
  if (major == 6) fail(start_, "a tag, which means nothing here");
  if (info == 31) fail(start_, "an indefinite length; only definite ones are read");
  if (info > 27) fail(start_, "a byte of value ", int{first}, ", which CBOR reserves");
  const std::uint64_t count =
      info < 24 ? static_cast<std::uint64_t>(info) : big_endian(1 << (info - 24));
  constexpr Type kTypes[] = {Type::Unsigned, Type::Negative, Type::Bytes,
                             Type::Text,     Type::Array,    Type::Map};
  return {kTypes[major], count};
}

BinaryReader::Head BinaryReader::message_pack_head(std::uint8_t first) {
  if (first < 0x80) return {Type::Unsigned, first};
  if (first < 0x90) return {Type::Map, first & 0x0fU};
  if (first < 0xa0) return {Type::Array, first & 0x0fU};
  if (first < 0xc0) return {Type::Text, first & 0x1fU};
  if (first >= 0xe0) return {Type::Negative, 0xffU - first};
  switch (first) {
    case 0xc0:
      return {Type::Null};
    case 0xc2:
      return {Type::Bool, 0};
    case 0xc3:
      return {Type::Bool, 1};
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return {Type::Bytes, big_endian(1 << (first - 0xc4))};
    case 0xca:
      return {Type::Real, 0, real(4)};
    case 0xcb:
      return {Type::Real, 0, real(8)};
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return {Type::Unsigned, big_endian(1 << (first - 0xcc))};
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: {
      const int size = 1 << (first - 0xd0);
      std::uint64_t bits = big_endian(size);
      const bool negative = (bits >> (8 * size - 1) & 1) != 0;
      if (!negative) return {Type::Unsigned, bits};
      if (size < 8) bits |= ~std::uint64_t{0} << (8 * size);
      return {Type::Negative, ~bits};
    }
    case 0xd9:
    case 0xda:
    case 0xdb:
      return {Type::Text, big_endian(1 << (first - 0xd9))};
    case 0xdc:
    case 0xdd:
      return {Type::Array, big_endian(2 << (first - 0xdc))};
    case 0xde:
    case 0xdf:
      return {Type::Map, big_endian(2 << (first - 0xde))};
    default:
      fail(start_, "a byte of value ", int{first}, ", which means nothing here");
  }
}

std::uint64_t BinaryReader::expect(Type type) {
  const Head found = head();
  if (found.type != type)
    fail(start_, "expected ", type_name(type), ", found ", type_name(found.type));
  return found.count;
}

std::string BinaryReader::text(Place start, std::uint64_t size) {
  if (size > in_.left())
    fail(start, "a string claims ", size, " bytes, but only ", in_.left(), " follow");
  std::string result = in_.take(size);
  try {
    json::quote(result);
  } catch (const json::Fault& fault) {
    fail(start, "a string is ", fault.reason);
  }
  return result;
}

std::string BinaryReader::string() {
  const std::uint64_t size = expect(Type::Text);
  return text(start_, size);
}

std::int64_t BinaryReader::integer() {
  const Head found = head();
  if (found.type != Type::Unsigned && found.type != Type::Negative)
    fail(start_, "expected an integer, found ", type_name(found.type));
  if (found.count > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
    fail(start_, "an integer that takes more than 64 bits with its sign");
  const auto value = static_cast<std::int64_t>(found.count);
  return found.type == Type::Negative ? -1 - value : value;
}

std::uint64_t BinaryReader::bytes() {
  const std::uint64_t size = expect(Type::Bytes);
  if (size > in_.left())
    fail(start_, "bytes claim a length of ", size, ", but only ", in_.left(), " follow");
  return size;
}

std::string BinaryReader::skip_bytes() {
  constexpr std::size_t kLongestHead = 9;
  in_.ensure(kLongestHead);
  std::string result(in_.at, std::min(in_.visible(), kLongestHead));
  const Place start = place();
  const std::uint64_t size = bytes();
  result.resize(static_cast<std::size_t>(place() - start));
  return result + in_.take(size);
}

void BinaryReader::append_json(std::string& out, const std::string& what, int depth) {
  const Head found = head();
  const Place start = start_;
  const bool nests = found.type == Type::Array || found.type == Type::Map;
  if (nests && depth == json::kMaxDepth)
    fail(start, what, ": nested more than ", json::kMaxDepth, " deep");
  switch (found.type) {
    case Type::Unsigned:
      out += std::to_string(found.count);
      break;
    case Type::Negative:
      if (found.count > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
        fail(start, what, ": an integer below -2^63");
      out += std::to_string(-1 - static_cast<std::int64_t>(found.count));
      break;
    case Type::Real:
      if (!std::isfinite(found.real)) fail(start, what, ": not a finite number");
      out += json::encode(found.real);
      break;
    case Type::Bool:
      out += found.count != 0 ? "true" : "false";
      break;
    case Type::Null:
      out += "null";
      break;
    case Type::Text:
      out += json::quote(text(start, found.count));
      break;
    case Type::Bytes:
      fail(start, what, ": bytes, which JSON does not have");
    case Type::Array:
      out += '[';
      for (std::uint64_t i = 0; i < found.count; ++i) {
        if (i != 0) out += ',';
        append_json(out, what, depth + 1);
      }
      out += ']';
      break;
    case Type::Map: {
      std::set<std::string> keys;
      out += '{';
      for (std::uint64_t i = 0; i < found.count; ++i) {
        if (i != 0) out += ',';
        const Place key_start = place();
        const std::string key = string();
        if (!keys.insert(key).second) fail(key_start, what, ": duplicate key '", key, "'");
        out += json::quote(key) + ':';
        append_json(out, what, depth + 1);
      }
      out += '}';
      break;
    }
  }
}

std::string BinaryReader::value(const std::string& what) {
  std::string result;
  append_json(result, what, 0);
  return result;
}

void BinaryReader::finish() {
  if (!in_.at_end()) fail(place(), "expected the end of the file, found more");
}

}  // namespace files
}  // namespace reel
