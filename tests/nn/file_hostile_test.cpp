// Files that are broken or hostile, in every format: refused with place and reason, in little
// memory, and what was to be loaded stays as it was.
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "serialization_support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

constexpr FileFormat kFormats[] = {FileFormat::Json, FileFormat::JsonGz, FileFormat::Cbor,
                                   FileFormat::MessagePack, FileFormat::Safetensors};
constexpr FileFormat kBinary[] = {FileFormat::Cbor, FileFormat::MessagePack};

std::string bytes_of(const StateFile& file, FileFormat format) {
  std::ostringstream out;
  file.write(out, SaveOptions().format(format));
  return out.str();
}
std::string error_in(const std::string& bytes) {
  return error_of<FileError>([&] { parsed(bytes); });
}
std::vector<Tensor> copies_of(const Net& net) {
  std::vector<Tensor> copies;
  for (const auto& item : net->state_dict()) copies.push_back(item.value().clone());
  return copies;
}
bool unchanged(const Net& net, const std::vector<Tensor>& before) {
  std::size_t i = 0;
  for (const auto& item : net->state_dict())
    if (!same_bits(item.value(), before[i++])) return false;
  return true;
}

/// Builds CBOR and MessagePack by hand. Lengths are always eight and four bytes long.
struct Builder {
  FileFormat format;
  std::string bytes;

  Builder& head(int major, int code, std::uint64_t count) {
    const bool cbor = format == FileFormat::Cbor;
    bytes += static_cast<char>(cbor ? major << 5 | 27 : code);
    for (int shift = cbor ? 56 : 24; shift >= 0; shift -= 8)
      bytes += static_cast<char>(count >> shift & 0xff);
    return *this;
  }
  Builder& map(std::uint64_t n) { return head(5, 0xdf, n); }
  Builder& array(std::uint64_t n) { return head(4, 0xdd, n); }
  Builder& text(const std::string& s) { return head(3, 0xdb, s.size()).raw(s); }
  Builder& data(std::uint64_t n) { return head(2, 0xc6, n); }
  Builder& integer(std::uint64_t n) { return head(0, 0xce, n); }
  Builder& negative(std::uint64_t n) {
    if (format == FileFormat::Cbor) return head(1, 0, n - 1);
    return head(0, 0xd2, ~n + 1);
  }
  Builder& raw(const std::string& s) {
    bytes += s;
    return *this;
  }
};
Builder start(FileFormat format, std::uint64_t members = 5) {
  Builder b{format, {}};
  // The first byte must say "map" in the short form, by which the format is known.
  b.bytes += static_cast<char>((format == FileFormat::Cbor ? 0xa0U : 0x80U) + members);
  return b.text("format").text("reel").text("format_version").integer(1).text("kind").text("x");
}
/// Up to the values of the only tensor.
Builder tensor(FileFormat format, const std::string& dtype,
               const std::vector<std::uint64_t>& shape) {
  Builder b = start(format, 4);
  b.text("tensors").map(1).text("t").map(3).text("dtype").text(dtype).text("shape");
  b.array(shape.size());
  for (const std::uint64_t size : shape) b.integer(size);
  return b.text("data");
}

std::string safetensors(const std::string& header, std::size_t bytes) {
  std::string text(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) text[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  return text + header + std::string(bytes, '\0');
}

}  // namespace

TEST_CASE("hostile files: cut at any byte, in every format") {
  const Net net(0.5);
  StateFile file = to_file(*net);
  file.metadata.set("a", std::vector<double>{0.5, 1e300});
  file.probe = Probe{{reel::ones({2})}, {reel::ones({1}, kBool)}};
  const Folder folder;
  for (const FileFormat format : kFormats) {
    const std::string name = format_name(format);
    CAPTURE(name);
    const std::string bytes = bytes_of(file, format);
    Net target(3);
    const std::vector<Tensor> before = copies_of(target);
    // Behind the last brace of JSON stands a line's end.
    const std::size_t needed = bytes.size() - (format == FileFormat::Json ? 1 : 0);
    for (std::size_t cut = 0; cut < needed; ++cut) {
      CAPTURE(cut);
      std::istringstream in(bytes.substr(0, cut));
      const std::string error = error_of<FileError>([&] { reel::load(target, in); });
      CHECK(mentions(error, {"[load] <stream>", ": byte "}));
    }
    CHECK(unchanged(target, before));
    CHECK(mentions(error_in(bytes + "x"), {"byte", "end of the file"}));
    std::ofstream(folder / "cut", std::ios::binary) << bytes.substr(0, needed / 2);
    CHECK(mentions(error_of<FileError>([&] { reel::load(target, folder / "cut"); }),
                   {"[load] " + (folder / "cut"), "byte"}));
  }
}

TEST_CASE("hostile files: every byte changed, in every format") {
  const Net net(0.5);
  const Folder folder;
  for (const FileFormat format : kFormats) {
    const std::string name = format_name(format);
    CAPTURE(name);
    const std::string bytes = bytes_of(to_file(*net), format);
    std::size_t refused = 0, loaded = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at)
      for (int mask = 1; mask < 256; mask = 2 * mask + (mask == 8 ? 1 : 0)) {
        std::string changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ mask);
        CAPTURE(at);
        CAPTURE(mask);
        Net target(3);
        const std::vector<Tensor> before = copies_of(target);
        std::istringstream in(changed);
        const std::string error = error_of<FileError>([&] { reel::load(target, in); });
        if (error.empty()) {
          ++loaded;  // a number, a letter of the kind
          const StateFile file = parsed(changed);
          for (const auto& item : target->state_dict())
            CHECK(same_bits(item.value(), file.tensors[item.key()].to(item.value().dtype())));
          continue;
        }
        ++refused;
        CHECK(mentions(error, {"[load] <stream>"}));
        CHECK(unchanged(target, before));
      }
    CHECK(refused > 500);
    // gzip has a checksum: what is left are the header's bytes without meaning.
    CHECK(loaded > (format == FileFormat::JsonGz ? 0 : 40));
  }
}

TEST_CASE("hostile files: random changes never do more than throw FileError") {
  const Net net(0.5);
  StateFile file = to_file(*net);
  file.metadata.set_json("a", R"({"b":[1,2.5,null,"x"]})");
  std::mt19937 source(11);
  for (const FileFormat format : kBinary) {
    const std::string bytes = bytes_of(file, format);
    for (int i = 0; i < 20000; ++i) {
      std::string changed = bytes;
      for (int k = 0; k < 3; ++k) {
        const std::size_t at = source() % changed.size();
        const std::size_t length = std::min<std::size_t>(source() % 6, changed.size() - at);
        std::string piece;
        for (std::size_t n = source() % 6; n > 0; --n) piece += static_cast<char>(source());
        changed.replace(at, length, piece);
      }
      error_in(changed);
    }
  }
}

TEST_CASE("hostile files: faults of CBOR and MessagePack") {
  for (const FileFormat format : kBinary) {
    const std::string name = format_name(format);
    CAPTURE(name);
    const bool cbor = format == FileFormat::Cbor;
    const std::uint64_t huge = cbor ? std::uint64_t{1} << 62 : 0xffff'ffffU;
    const auto one = [&](const std::string& dtype, const std::vector<std::uint64_t>& shape) {
      return tensor(format, dtype, shape);
    };
    CHECK(error_in(one("float32", {1}).data(4).raw("abcd").bytes).empty());
    // Shapes and lengths.
    CHECK(mentions(error_in(one("float32", {2}).data(4).raw("abcd").bytes),
                   {"byte", "shape [2] of float32 takes 8 bytes, found 4"}));
    CHECK(mentions(error_in(one("float32", {1}).data(8).raw("abcdefgh").bytes),
                   {"takes 4 bytes, found 8"}));
    CHECK(mentions(error_in(one("float32", {huge / 4}).data(huge).raw("abcd").bytes),
                   {"bytes claim a length of", "but only 4 follow"}));
    CHECK(mentions(error_in(one("float32", {huge, huge, huge}).data(4).raw("abcd").bytes),
                   {"the product of the sizes is out of range"}));
    CHECK(mentions(error_in(one("float32", {0, huge, huge, huge}).data(0).bytes),
                   {"the product of the sizes is out of range"}));
    CHECK(mentions(
        error_in(one("float32", std::vector<std::uint64_t>(65, 1)).data(4).raw("abcd").bytes),
        {"more than 64 dimensions"}));
    CHECK(mentions(error_in(one("bool", {3}).data(3).raw(std::string("\x01\x02\x00", 3)).bytes),
                   {"tensor 't'", "a bool is neither 0 nor 1"}));
    CHECK(
        mentions(error_in(one("float8", {1}).data(1).raw("a").bytes), {"unknown dtype 'float8'"}));
    CHECK(mentions(error_in(one("float32", {1}).text("abcd").bytes),
                   {"expected bytes, found a string"}));
    Builder b = start(format, 4);
    b.text("tensors").map(1).text("t").map(3).text("dtype").text("uint8").text("shape");
    CHECK(mentions(error_in(Builder(b).array(1).negative(1).text("data").data(0).bytes),
                   {"expected a size of at least 0, found -1"}));
    CHECK(mentions(error_in(Builder(b).array(huge).bytes), {"byte", "end of the file"}));
    CHECK(mentions(error_in(Builder(b).text("x").bytes), {"expected an array, found a string"}));
    // Values before what they mean; claims again.
    b = start(format, 4);
    b.text("tensors").map(1).text("t").map(3).text("data");
    CHECK(error_in(Builder(b)
                       .data(3)
                       .raw("abc")
                       .text("shape")
                       .array(1)
                       .integer(3)
                       .text("dtype")
                       .text("uint8")
                       .bytes)
              .empty());
    CHECK(mentions(error_in(Builder(b)
                                .data(3)
                                .raw("abc")
                                .text("shape")
                                .array(1)
                                .integer(4)
                                .text("dtype")
                                .text("uint8")
                                .bytes),
                   {"takes 4 bytes, found 3"}));
    CHECK(mentions(error_in(Builder(b).data(huge).raw("abc").bytes), {"but only 3 follow"}));
    // Keys.
    b = start(format, 5);
    CHECK(mentions(error_in(Builder(b).text("tensors").map(0).text("tensors").map(0).bytes),
                   {"duplicate key 'tensors'"}));
    CHECK(mentions(error_in(Builder(b).text("tensors").map(huge).bytes), {"end of the file"}));
    CHECK(mentions(error_in(Builder(b).text("more").bytes), {"unknown key 'more'"}));
    CHECK(mentions(error_in(Builder(b).integer(3).bytes), {"expected a string, found an integer"}));
    CHECK(mentions(error_in(Builder(b).text("\xff\xfe").bytes), {"a string is not UTF-8"}));
    CHECK(mentions(error_in(Builder(b).head(3, 0xdb, huge).raw("abc").bytes),
                   {"a string claims", "but only 3 follow"}));
    CHECK(mentions(error_in(start(format, 3).bytes), {"no key 'tensors'"}));
    CHECK(mentions(error_in(start(format, 4).text("tensors").map(0).raw("x").bytes),
                   {"expected the end of the file, found more"}));
    // Versions.
    Builder v{format, std::string(1, static_cast<char>(cbor ? 0xa1 : 0x81))};
    CHECK(mentions(error_in(Builder(v).text("format_version").integer(3).bytes),
                   {"format_version is 3, this reel reads 1 to 2", "newer reel"}));
    CHECK(mentions(error_in(Builder(v).text("format_version").negative(1).bytes),
                   {"format_version is -1"}));
    CHECK(mentions(error_in(Builder(v).text("format").text("other").bytes),
                   {"unknown format 'other'"}));
    CHECK(mentions(error_in(Builder(v).text("kind").text("x").bytes), {"no key 'format'"}));
    // Metadata.
    b = start(format, 5);
    b.text("tensors").map(0).text("metadata");
    const auto metadata = [&](const std::function<void(Builder&)>& build) {
      Builder copy = b;
      copy.map(1).text("a");
      build(copy);
      return error_in(copy.bytes);
    };
    const auto nested = [&](int depth, bool map) {
      return metadata([&](Builder& m) {
        for (int i = 0; i < depth; ++i) map ? m.map(1).text("k") : m.array(1);
        m.integer(1);
      });
    };
    for (const bool map : {false, true}) {
      CHECK(nested(64, map).empty());
      CHECK(mentions(nested(65, map), {"metadata 'a'", "nested more than 64 deep"}));
      CHECK(mentions(nested(200000, map), {"metadata 'a'", "nested more than 64 deep"}));
    }
    CHECK(mentions(metadata([](Builder& m) { m.map(2).text("k").integer(1).text("k").integer(1); }),
                   {"metadata 'a'", "duplicate key 'k'"}));
    CHECK(mentions(metadata([](Builder& m) { m.data(1).raw("x"); }), {"metadata 'a'", "bytes"}));
    CHECK(mentions(metadata([](Builder& m) { m.text("\xc3\x28"); }), {"not UTF-8"}));
    CHECK(mentions(metadata([&](Builder& m) { m.array(huge); }), {"end of the file"}));
    for (const std::string& number :
         {std::string("\xfb\x7f\xf0\0\0\0\0\0\0", 9), std::string("\xcb\x7f\xf8\0\0\0\0\0\0", 9)})
      if ((number[0] == '\xfb') == cbor)
        CHECK(mentions(metadata([&](Builder& m) { m.raw(number); }),
                       {"metadata 'a'", "not a finite number"}));
    CHECK(mentions(error_in(b.map(2).text("a").integer(1).text("a").integer(1).bytes),
                   {"duplicate key 'a'"}));
  }
  // Bytes that mean nothing here.
  const auto kind = [](FileFormat format, const std::string& bytes) {
    Builder b{format, std::string(1, format == FileFormat::Cbor ? '\xa1' : '\x81')};
    return error_in(b.text("kind").raw(bytes).bytes);
  };
  CHECK(mentions(kind(FileFormat::Cbor, "\x7f"), {"an indefinite length"}));
  CHECK(mentions(kind(FileFormat::Cbor, "\x7c"), {"which CBOR reserves"}));
  CHECK(mentions(kind(FileFormat::Cbor, "\xc0"), {"a tag"}));
  CHECK(
      mentions(kind(FileFormat::Cbor, "\xf7"), {"a byte of value 247, which means nothing here"}));
  CHECK(mentions(kind(FileFormat::Cbor, "\xff"), {"means nothing here"}));
  for (const char* bytes : {"\xc1", "\xc7", "\xd4"})
    CHECK(mentions(kind(FileFormat::MessagePack, bytes), {"means nothing here"}));
  // All of CBOR's and MessagePack's numbers.
  const auto number = [](FileFormat format, const std::string& bytes) {
    Builder b = start(format, 5);
    b.text("tensors").map(0).text("metadata").map(1).text("a").raw(bytes);
    return parsed(b.bytes).metadata.json("a");
  };
  const std::pair<std::string, std::string> cbor_numbers[] = {
      {"\x17", "23"},
      {"\x18\xff", "255"},
      {std::string("\x19\x01\x00", 3), "256"},
      {"\x20", "-1"},
      {"\x38\xff", "-256"},
      {"\xf9\x3e\x01", "1.5009765625"},
      {std::string("\xfa\xbf\x80\0\0", 5), "-1.0"},
      {"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"},
      {"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff", "-9223372036854775808"},
      {"\xf4", "false"},
      {"\xf6", "null"}};
  for (const auto& [bytes, text] : cbor_numbers) CHECK(number(FileFormat::Cbor, bytes) == text);
  const std::pair<std::string, std::string> pack_numbers[] = {
      {"\x7f", "127"},
      {"\xe0", "-32"},
      {"\xcc\xff", "255"},
      {std::string("\xcd\x01\x00", 3), "256"},
      {"\xd0\x80", "-128"},
      {"\xd0\x7f", "127"},
      {std::string("\xd1\x80\x00", 3), "-32768"},
      {"\xd3\xff\xff\xff\xff\xff\xff\xff\xfe", "-2"},
      {std::string("\xd3\x80\0\0\0\0\0\0\0", 9), "-9223372036854775808"},
      {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"},
      {std::string("\xca\x3f\xc0\0\0", 5), "1.5"},
      {"\xc3", "true"},
      {"\xc0", "null"}};
  for (const auto& [bytes, text] : pack_numbers)
    CHECK(number(FileFormat::MessagePack, bytes) == text);
}

TEST_CASE("hostile files: faults of safetensors") {
  const auto error = [](const std::string& header, std::size_t bytes) {
    return error_in(safetensors(header, bytes));
  };
  const auto entry = [](const std::string& name, const std::string& dtype, const std::string& shape,
                        const std::string& offsets) {
    return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape +
           "],\"data_offsets\":[" + offsets + "]}";
  };
  CHECK(error("{" + entry("a", "F32", "2", "0,8") + "," + entry("b", "U8", "", "8,9") + "}  ", 9)
            .empty());
  CHECK(error("{}", 0).empty());
  CHECK(error("{" + entry("b", "U8", "1", "8,9") + "," + entry("a", "F32", "2", "0,8") + "}", 9)
            .empty());
  CHECK(mentions(
      error("{" + entry("a", "F32", "2", "0,8") + "," + entry("b", "F32", "1", "4,8") + "}", 8),
      {"byte", "tensor 'b', 4 to 8, overlap those before, which end at 8"}));
  CHECK(mentions(
      error("{" + entry("a", "F32", "2", "0,8") + "," + entry("b", "F32", "2", "0,8") + "}", 8),
      {"tensor 'b'", "overlap"}));
  CHECK(mentions(error("{" + entry("a", "F32", "1", "4,8") + "}", 8), {"leave a gap"}));
  CHECK(mentions(error("{" + entry("a", "F32", "2", "0,8") + "}", 7),
                 {"out of range: only 7 bytes"}));
  CHECK(mentions(error("{" + entry("a", "F32", "2", "0,8") + "}", 9), {"found more"}));
  CHECK(mentions(error("{" + entry("a", "F32", "3", "0,8") + "}", 8),
                 {"do not fit shape [3] of float32, which takes 12 bytes"}));
  CHECK(mentions(error("{" + entry("a", "F32", "2500000000", "0,10000000000") + "}", 8),
                 {"out of range"}));
  CHECK(mentions(error("{" + entry("a", "F32", "4294967296,4294967296", "0,8") + "}", 8),
                 {"the product of the sizes is out of range"}));
  CHECK(mentions(error("{" + entry("a", "F64", "1152921504606846976", "0,8") + "}", 8),
                 {"do not fit"}));
  CHECK(mentions(error("{" + entry("a", "F32", "-1", "0,8") + "}", 8), {"at least 0, found -1"}));
  CHECK(mentions(error("{" + entry("a", "F32", "2", "8,0") + "}", 8), {"0 <= begin <= end"}));
  CHECK(mentions(error("{" + entry("a", "F32", "2", "-8,0") + "}", 8), {"0 <= begin <= end"}));
  CHECK(mentions(error("{" + entry("a", "F32", "2", "8") + "}", 8), {"must be two numbers"}));
  CHECK(mentions(error("{" + entry("a", "F32", "2", "0,8,8") + "}", 8), {"more than two"}));
  CHECK(mentions(error("{" + entry("a", "F32", "2", "0,99999999999999999999") + "}", 8),
                 {"out of range"}));
  CHECK(mentions(error("{" + entry("a", "C64", "1", "0,8") + "}", 8),
                 {"dtype 'C64' of tensor 'a'", "it reads F64"}));
  CHECK(mentions(
      error("{" + entry("a", "BOOL", "1", "0,1") + "," + entry("a", "U8", "0", "1,1") + "}", 1),
      {"duplicate key 'a'"}));
  CHECK(mentions(error(R"({"a":{"dtype":"F32","shape":[]}})", 4),
                 {"tensor 'a' has no data_offsets"}));
  CHECK(mentions(error(R"({"a":{"dtype":"F32","x":1}})", 4), {"unknown key 'x'"}));
  CHECK(mentions(error(R"({"__metadata__":{"a":1}})", 0), {"expected a string"}));
  CHECK(mentions(error("{\"\xff\":{}}", 0), {"UTF-8"}));
  std::string bad_bool = safetensors("{" + entry("a", "BOOL", "1", "0,1") + "}", 1);
  bad_bool.back() = '\x02';
  CHECK(mentions(error_in(bad_bool), {"tensor 'a'", "neither 0 nor 1"}));
  // Its header's length.
  std::string bytes = safetensors("{}", 0);
  bytes[1] = 1;
  CHECK(mentions(error_in(bytes), {"a header of 258 bytes, but only 2 follow"}));
  bytes[3] = '\x7f';
  CHECK(mentions(error_in(bytes), {"at most 100000000 are allowed"}));
  // The metadata of reel's own files.
  const auto ours = [&](const std::string& rest) {
    return error(R"({"__metadata__":{"format":"reel",)" + rest + "}}", 0);
  };
  CHECK(ours(R"("format_version":"1","kind":"x","metadata":"{\"a\":1}")").empty());
  CHECK(mentions(ours(R"("format_version":"3","kind":"x")"),
                 {"format_version is '3', this reel reads 1 to 2"}));
  CHECK(mentions(ours(R"("kind":"x")"), {"format_version is missing"}));
  CHECK(mentions(ours(R"("format_version":"1","more":"x")"), {"unknown key 'more'"}));
  CHECK(mentions(ours(R"("format_version":"1","metadata":"{\"a\":1,\"a\":2}")"),
                 {"text of its metadata", "byte 7", "duplicate key 'a'"}));
  CHECK(mentions(ours(R"("format_version":"1","metadata":"[]")"), {"expected '{'"}));
  // Those of others are text.
  const StateFile other = parsed(safetensors(R"({"__metadata__":{"format":"pt","n":"1"}})", 0));
  CHECK(other.kind == "module");
  CHECK(other.metadata.get<std::string>("format") == "pt");
  CHECK(other.metadata.get<std::string>("n") == "1");
  StateFile taken;
  taken.tensors.insert("__metadata__", reel::ones({1}));
  CHECK(mentions(error_of<FileError>([&] { bytes_of(taken, FileFormat::Safetensors); }),
                 {"'__metadata__'", "rename the tensor"}));
}

TEST_CASE("hostile files: base64, probes and short floats in JSON") {
  const auto error = [](const std::string& tensor) {
    return error_in(R"({"format":"reel","format_version":1,"kind":"x","tensors":{"t":)" + tensor +
                    "}}");
  };
  const auto data = [&](const std::string& dtype, const std::string& text) {
    return error("{\"dtype\":\"" + dtype + "\",\"shape\":[3],\"data\":\"" + text + "\"}");
  };
  CHECK(data("uint8", "AAAA").empty());
  CHECK(mentions(data("uint8", "AAA*"), {"byte", "expected base64 of 3 bytes, found '*'"}));
  CHECK(mentions(data("uint8", "AAA"), {"expected base64 of 3 bytes, found '\"'"}));
  CHECK(mentions(data("uint8", "AAAAA"), {"expected '\"' behind base64 of 3 bytes, found 'A'"}));
  CHECK(mentions(data("uint8", ""), {"found '\"'"}));
  CHECK(mentions(data("bool", "AAAC"), {"a bool is neither 0 nor 1"}));
  CHECK(data("bool", "AAEB").empty());
  CHECK(mentions(data("float16", "AAAAAAA"), {"expected base64"}));
  CHECK(mentions(error(R"({"dtype":"float32","shape":[100000],"data":"AAAA"})"),
                 {"shape [100000] has 100000 values, but only"}));
  CHECK(mentions(error(R"({"dtype":"float16","shape":[2],"data":[1,65520]})"),
                 {"value 1, 65520, is out of range for float16"}));
  CHECK(error(R"({"dtype":"float16","shape":[2],"data":["inf",65519]})").empty());
  CHECK(mentions(error(R"({"dtype":"bfloat16","shape":[1],"data":[3.4e38]})"),
                 {"out of range for bfloat16"}));
  const auto probe = [](const std::string& tensors) {
    return error_in(R"({"format":"reel","format_version":1,"kind":"x","tensors":{},"probe":{)" +
                    tensors + "}}");
  };
  const std::string one = R"(:{"dtype":"bool","shape":[],"data":[1]})";
  CHECK(probe("\"output.0\"" + one).empty());
  for (const std::string& bad :
       {std::string(), "\"input.0\"" + one, "\"output.1\"" + one,
        "\"output.0\"" + one + ",\"input.1\"" + one, "\"output.0\"" + one + ",\"x\"" + one})
    CHECK(mentions(probe(bad), {"byte", "a probe holds tensors"}));
  // A number without end.
  CHECK(mentions(
      error("{\"dtype\":\"float64\",\"shape\":[1],\"data\":[0." + std::string(5000, '1') + "]}"),
      {"a number of 4096 characters or more"}));
  CHECK(error("{\"dtype\":\"float64\",\"shape\":[1],\"data\":[0." + std::string(4000, '1') + "]}")
            .empty());
}

TEST_CASE("hostile files: nothing stands behind a value of the metadata, be it after a zero byte") {
  using namespace std::string_literals;
  const auto error = [](const std::string& value) {
    return error_in(R"({"format":"reel","format_version":1,"kind":"x","metadata":{"a":)" + value +
                    R"(},"tensors":{}})");
  };
  CHECK(error("0.1").empty());
  for (const std::string& value : {"0.1\0\xff"s, "0.1\0"s, "[1,2\0]"s, "\0"s, "true\0 false"s}) {
    CAPTURE(value);
    CHECK(mentions(error(value), {"byte "}));
  }
  CHECK_THROWS_AS(Metadata().set_json("a", "1\0 2"s), FileError);
}

TEST_CASE("hostile files: a compressed file may not unfold without bound") {
  const Folder folder;
  StateFile file;
  file.tensors.insert("zeros", reel::zeros({34000000}, kUInt8));
  file.write(folder / "bomb.json.gz");
  CHECK(std::filesystem::file_size(folder / "bomb.json.gz") < 100000);
  memory::reset_peak();
  const std::size_t before = memory::live_bytes();
  const std::string error = error_of<FileError>(
      [&] { StateFile::read(folder / "bomb.json.gz", LoadOptions().max_expansion(1)); });
  CHECK(mentions(error, {"bomb.json.gz: byte", "follow at most", "LoadOptions::max_expansion"}));
  CHECK(memory::peak_bytes() - before < 1000000);
  // Small tensors, but many.
  StateFile many;
  for (int i = 0; i < 70; ++i)
    many.tensors.insert(std::to_string(i), reel::zeros({500000}, kUInt8));
  many.write(folder / "many.json.gz");
  CHECK(mentions(error_of<FileError>([&] {
                   StateFile::read(folder / "many.json.gz", LoadOptions().max_expansion(1));
                 }),
                 {"many.json.gz: byte"}));
  CHECK(
      same_bits(StateFile::read(folder / "bomb.json.gz").tensors["zeros"], file.tensors["zeros"]));
  CHECK(mentions(error_of<Error>([&] {
                   StateFile::read(folder / "bomb.json.gz", LoadOptions().max_expansion(0));
                 }),
                 {"max_expansion must be at least 1, found 0"}));
}

TEST_CASE("hostile files: claims of 10 GB in 1 KB take no memory") {
  if (kSanitized) return;  // allocates beyond what a limit would show
  std::vector<std::string> claims;
  for (const FileFormat format : kBinary) {
    const std::uint64_t ten = format == FileFormat::Cbor ? 10'000'000'000 : 4'000'000'000;
    claims.push_back(tensor(format, "uint8", {ten}).data(ten).bytes);
    claims.push_back(start(format, 5).text("metadata").map(ten & 0xffff'ffff).bytes);
    claims.push_back(start(format, 5).head(3, 0xdb, ten).bytes);
    Builder b = start(format, 4);
    claims.push_back(b.text("tensors").map(1).text("t").map(3).text("data").data(ten).bytes);
  }
  const std::string json =
      R"({"format":"reel","format_version":1,"kind":"x","tensors":{"t":{"dtype":"uint8",)";
  claims.push_back(json + R"("shape":[10000000000],"data":[1,)");
  claims.push_back(json + R"("shape":[10000000000],"data":"AAAA)");
  claims.push_back(safetensors(
      R"({"a":{"dtype":"U8","shape":[10000000000],"data_offsets":[0,10000000000]}})", 0));
  std::string header = safetensors("{}", 0);
  header[3] = 5;
  claims.push_back(header);
  const Folder folder;
  for (std::string& claim : claims) {
    claim.resize(1000, ' ');
    const std::string path = folder / "claim";
    std::ofstream(path, std::ios::binary) << claim;
    memory::reset_peak();
    const std::size_t before = memory::live_bytes();
    const std::int64_t resident = resident_bytes();
    CHECK(mentions(error_of<FileError>([&] { StateFile::read(path); }), {"byte"}));
    CHECK(memory::peak_bytes() - before < 10000);
    CHECK(resident_bytes() - resident < 4000000);
  }
}

TEST_CASE("hostile files: a kill during any of 200 saves leaves a file that loads") {
  const Folder folder;
  StateFile file;
  file.tensors.insert("x", reel::zeros({5000}));
  const std::string path = folder / "t.cbor";
  file.write(path);
  std::mt19937 source(7);
  for (int round = 0; round < 200; ++round) {
    const std::string before = written(path);
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0)
      for (int i = 1;; ++i) {
        file.tensors["x"].fill_(1000 * round + i);
        file.write(path, SaveOptions().sync(round % 10 == 0));  // a disk may be slow
        if (i == 1 && ::write(ready[1], "x", 1) != 1) ::_exit(1);
      }
    ::close(ready[1]);
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    ::usleep(static_cast<::useconds_t>(source() % 3000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const Tensor x = StateFile::read(path).tensors["x"];
    CHECK(x.eq(x[0]).all().item<bool>());
    CHECK(written(path) != before);
  }
}

TEST_CASE("hostile files: a full disk is a clear error and the old file stays") {
  const Folder folder;
  const std::string disk = folder / "disk";
  REQUIRE(::mkdir(disk.c_str(), 0700) == 0);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=256k") != 0) {
    MESSAGE("skipped: this user may not mount a tmpfs");
    return;
  }
  struct Unmount {
    std::string path;
    ~Unmount() { ::umount(path.c_str()); }
  } const unmount{disk};
  for (const FileFormat format : kFormats) {
    const std::string path = disk + "/model." + format_name(format);
    StateFile file;
    file.tensors.insert("x", reel::ones({100}));
    file.write(path);
    const std::string old = written(path);
    file.tensors["x"] = tensor_of(random_patterns<float, std::uint32_t>(200000, 4));
    CHECK(mentions(error_of<FileError>([&] { file.write(path); }),
                   {path, "cannot write", "No space left on device"}));
    CHECK(written(path) == old);
    CHECK(std::distance(std::filesystem::directory_iterator(disk),
                        std::filesystem::directory_iterator()) == 1);
    std::filesystem::remove(path);
  }
}
