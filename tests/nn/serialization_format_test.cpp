// The file format: exactness, its text, and files that are broken or hostile.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "serialization_support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

std::string error_in(const std::string& text) {
  return error_of<FileError>([&] { parsed(text); });
}
/// A file with the given members behind format and version.
std::string file_with(const std::string& members) {
  return R"({"format":"reel","format_version":1,)" + members + "}";
}
std::string file_with_tensor(const std::string& tensor) {
  return file_with(R"("kind":"tensor","tensors":{"tensor":)" + tensor + "}");
}

Tensor through_file(const Tensor& t) {
  std::stringstream stream;
  reel::save(t, stream);
  Tensor back;
  reel::load(back, stream);
  return back;
}
/// Same bits, any NaN for any NaN.
template <class T>
bool survives(const std::vector<T>& numbers) {
  const Tensor t = tensor_of(numbers), back = through_file(t);
  if (back.sizes() != t.sizes() || back.dtype() != t.dtype()) return false;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const T got = back.template data_ptr<T>()[i];
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(got) && std::isnan(numbers[i])) continue;
    }
    if (std::memcmp(&got, &numbers[i], sizeof(T)) != 0) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("serialization: every dtype survives to the bit") {
  CHECK(survives(edges<float>()));
  CHECK(survives(edges<double>()));
  CHECK(survives(edges<std::int64_t>()));
  CHECK(survives(edges<std::int32_t>()));
  CHECK(survives(edges<std::uint8_t>()));
  CHECK(survives(random_patterns<float, std::uint32_t>(100000, 1)));
  CHECK(survives(random_patterns<double, std::uint64_t>(100000, 2)));
  CHECK(survives(random_patterns<std::int64_t, std::uint64_t>(1000, 3)));
  const Tensor flags = reel::empty({3}, kBool);
  flags.data_ptr<bool>()[0] = true;
  flags.data_ptr<bool>()[1] = false;
  flags.data_ptr<bool>()[2] = true;
  CHECK(same_bits(flags, through_file(flags)));
}

TEST_CASE("serialization: the sign of zero and the class of a value survive") {
  const Tensor back = through_file(tensor_of<float>({-0.0F, std::nanf(""), -INFINITY}));
  CHECK(std::signbit(back.data_ptr<float>()[0]));
  CHECK(std::isnan(back.data_ptr<float>()[1]));
  CHECK(back.data_ptr<float>()[2] == -INFINITY);
}

TEST_CASE("serialization: shapes survive, strided tensors are written in row-major order") {
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{}, {0}, {3, 0, 2}, {1}, {2, 3, 4}, {1, 1, 1, 1, 1, 1, 1, 2}}) {
    const Tensor t = reel::zeros(shape, kFloat64);
    for (std::int64_t i = 0; i < t.numel(); ++i)
      t.data_ptr<double>()[i] = 0.5 + static_cast<double>(i);
    CHECK(same_bits(t, through_file(t)));
  }
  const Tensor t = reel::arange(12, kFloat64).view({3, 4});
  for (const auto layout : kLayouts) CHECK(same_bits(t, through_file(laid_out(t, layout))));
  CHECK(same_bits(t.transpose(0, 1).contiguous(), through_file(t.transpose(0, 1))));
}

TEST_CASE("serialization: the text is what docs/format.md says") {
  StateFile file;
  file.kind = "checkpoint";
  file.metadata.set("b", "caf\xc3\xa9 \"x\"\n");
  file.metadata.set("a", std::vector<std::int64_t>{1, -2});
  file.tensors.insert("layer.w\\1", tensor_of<float>({0.1F, 1e20F, NAN, -0.0F}).view({2, 2}));
  file.tensors.insert("n", reel::full({}, 3, kInt64));
  CHECK(text_of(file) ==
        "{\"format\":\"reel\",\"format_version\":1,\"kind\":\"checkpoint\",\"metadata\":"
        "{\"a\":[1,-2],\"b\":\"caf\xc3\xa9 \\\"x\\\"\\n\"},\"tensors\":{\n"
        "\"layer.w\\\\1\":{\"dtype\":\"float32\",\"shape\":[2,2],\"data\":[0.1,1e+20,\"nan\",-0.0]}"
        ",\n"
        "\"n\":{\"dtype\":\"int64\",\"shape\":[],\"data\":[3]}\n"
        "}}\n");
  CHECK(text_of(parsed(text_of(file))) == text_of(file));
  CHECK(text_of(StateFile()) ==
        "{\"format\":\"reel\",\"format_version\":1,\"kind\":\"checkpoint\",\"metadata\":{},"
        "\"tensors\":{\n}}\n");
  CHECK(parsed(text_of(StateFile())).tensors.is_empty());
}

TEST_CASE("serialization: keys may come in any order, with any white space") {
  const StateFile file = parsed(
      " {\t\"tensors\" : { \"t\\u0065\" : {\"data\":[ 1 ,\"nan\", -2.50e0\n],\"shape\":[3]\r,"
      "\"dtype\":\"float64\"} } , \"kind\":\"x\",\"format_version\":1 ,\"format\":\"reel\" }\n \n");
  CHECK(file.kind == "x");
  REQUIRE(file.tensors.contains("te"));
  CHECK(values(file.tensors["te"])[2] == -2.5);
  CHECK(std::isnan(values(file.tensors["te"])[1]));
}

TEST_CASE("serialization: metadata keeps its types") {
  Metadata m;
  m.set("flag", true);
  m.set("int", 42);
  m.set("min", std::numeric_limits<std::int64_t>::min());
  m.set("real", 0.1);
  m.set("text", std::string("a\0b", 3));
  m.set("list", std::vector<double>{1, 0.5});
  m.set("names", std::vector<std::string>{"x", ""});
  m.set_json("free", R"({"k":[null,{"z":1e5}]})");
  StateFile file;
  file.metadata = m;
  const Metadata back = parsed(text_of(file)).metadata;
  CHECK(back.values() == m.values());
  CHECK(back.get<bool>("flag"));
  CHECK(back.get<std::int64_t>("int") == 42);
  CHECK(back.get<std::int64_t>("min") == std::numeric_limits<std::int64_t>::min());
  CHECK(back.get<double>("real") == 0.1);
  CHECK(back.get<double>("int") == 42);
  CHECK(back.get<std::string>("text") == std::string("a\0b", 3));
  CHECK(back.get<std::vector<double>>("list") == std::vector<double>{1, 0.5});
  CHECK(back.get<std::vector<std::string>>("names") == std::vector<std::string>{"x", ""});
  CHECK(back.json("free") == R"({"k":[null,{"z":1e5}]})");
  CHECK(mentions(error_of<FileError>([&] { back.get<bool>("int"); }),
                 {"'int'", "expected true or false", "found 42"}));
  CHECK(mentions(error_of<FileError>([&] { back.get<std::int64_t>("real"); }), {"an integer"}));
  CHECK(mentions(error_of<FileError>([&] { back.get<std::int64_t>("none"); }), {"no such key"}));
  CHECK(mentions(error_of<FileError>([&] { m.set("x", std::nan("")); }), {"'x'", "not a finite"}));
  CHECK(mentions(error_of<FileError>([&] { m.set("x", "\xff"); }), {"'x'", "not UTF-8"}));
  CHECK(mentions(error_of<FileError>([&] { m.set_json("x", "[1,]"); }), {"'x'", "not JSON"}));
  CHECK_FALSE(m.contains("x"));
  m.set_json("big", "18446744073709551615");
  CHECK(mentions(error_of<FileError>([&] { m.get<std::int64_t>("big"); }), {"an integer"}));
}

TEST_CASE("serialization: every fault has its own message, with the byte") {
  const auto tensor = [](const std::string& text) { return error_in(file_with_tensor(text)); };
  // Structure.
  CHECK(mentions(error_in(""), {"<stream>", "byte 0", "expected '{'", "end of the file"}));
  CHECK(mentions(error_in("[]"), {"byte 0", "expected '{', found '['"}));
  CHECK(mentions(error_in("PK\x03\x04"), {"byte 0", "expected '{', found 'P'"}));
  CHECK(mentions(error_in("{}"), {"no key 'format'", "not a file that reel wrote"}));
  CHECK(mentions(error_in(file_with(R"("kind":"x")")), {"no key 'tensors'"}));
  CHECK(mentions(error_in(file_with(R"("tensors":{})")), {"no key 'kind'"}));
  CHECK(mentions(error_in(file_with(R"("kind":"x","tensors":{},"more":1)")),
                 {"byte 67", "unknown key 'more'"}));
  CHECK(mentions(error_in(file_with(R"("kind":"x","tensors":{}})")),
                 {"expected the end of the file, found '}'"}));
  CHECK(mentions(error_in(file_with(R"("kind":"x","tensors":{},)")),
                 {"expected a string, found '}'"}));
  CHECK(mentions(error_in(file_with(R"("kind":"x" "tensors":{})")),
                 {"expected ',' or '}', found '\"'"}));
  CHECK(mentions(error_in(R"({"format":"other"})"),
                 {"byte 10", "unknown format 'other', expected 'reel'"}));
  CHECK(mentions(error_in(R"({"format":"reel","format_version":3})"),
                 {"byte 34", "format_version is 3, this reel reads 1 to 2", "newer reel"}));
  CHECK(mentions(error_in(R"({"format":"reel","format_version":0})"), {"format_version is 0"}));
  CHECK(mentions(error_in(R"({"format":"reel","format":"reel"})"),
                 {"byte 17", "duplicate key 'format'"}));
  CHECK(mentions(
      error_in(file_with(R"("kind":"x","tensors":{"a":{"dtype":"bool","shape":[0],"data":[]},
                                       "a":{"dtype":"bool","shape":[0],"data":[]}})")),
      {"duplicate key 'a'"}));
  CHECK(mentions(error_in(file_with("\"kind\":\"a\nb\"")), {"control characters"}));
  CHECK(mentions(error_in(file_with("\"kind\":\"\xc3\x28\"")), {"byte", "UTF-8"}));
  CHECK(mentions(error_in(file_with("\"kind\":\"\\ud800\"")), {"surrogate"}));
  CHECK(mentions(error_in(file_with("\"kind\":\"\\x\"")), {"byte"}));
  CHECK(mentions(error_in(file_with("\"kind\":null")), {"expected a string, found 'n'"}));
  // Metadata.
  const auto metadata = [](const std::string& text) {
    return error_in(file_with(R"("kind":"x","tensors":{},"metadata":)" + text));
  };
  CHECK(metadata(R"({"a":{"a":1},"b":[{"a":2}]})").empty());
  CHECK(mentions(metadata(R"({"a":1,"a":2})"), {"duplicate key 'a'"}));
  CHECK(mentions(metadata(R"({"a":{"k":1,"k":2}})"), {"metadata 'a'", "duplicate key", "k"}));
  CHECK(mentions(metadata(R"({"a":[1,,2]})"), {"metadata 'a'"}));
  CHECK(mentions(metadata(R"({"a":[1}})"), {"metadata 'a'"}));
  CHECK(mentions(metadata(R"({"a":truth})"), {"metadata 'a'"}));
  CHECK(mentions(metadata(R"({"a":1e999})"), {"metadata 'a'"}));
  CHECK(mentions(metadata(R"({"a":})"), {"expected a value, found '}'"}));
  CHECK(metadata("{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}").empty());
  CHECK(mentions(metadata("{\"a\":" + std::string(65, '[') + std::string(65, ']') + "}"),
                 {"nested more than 64 deep"}));
  CHECK(mentions(metadata("{\"a\":" + std::string(1000000, '[')), {"nested more than 64 deep"}));
  // Tensors.
  CHECK(mentions(tensor("[]"), {"expected '{', found '['"}));
  CHECK(mentions(tensor(R"({"dtype":"float32","shape":[1]})"), {"tensor 'tensor' has no data"}));
  CHECK(mentions(tensor(R"({"dtype":"float32","data":[1]})"), {"has no shape"}));
  CHECK(mentions(tensor(R"({"shape":[1],"data":[1]})"), {"has no dtype"}));
  CHECK(mentions(tensor(R"({"dtype":"float8","shape":[1],"data":[1]})"),
                 {"unknown dtype 'float8' of tensor 'tensor'"}));
  CHECK(mentions(tensor(R"({"dtype":"bool","shape":[0],"data":[],"x":1})"), {"unknown key 'x'"}));
  CHECK(
      mentions(tensor(R"({"dtype":"float32","shape":[-1],"data":[]})"), {"at least 0, found -1"}));
  CHECK(mentions(tensor(R"({"dtype":"float32","shape":[1.0],"data":[1]})"),
                 {"expected an integer, found 1.0"}));
  CHECK(mentions(tensor(R"({"dtype":"float32","shape":[4294967296,4294967296],"data":[]})"),
                 {"product of the sizes is out of range"}));
  CHECK(mentions(tensor(R"({"dtype":"float32","shape":[0,4294967296,4294967296],"data":[]})"),
                 {"product of the sizes is out of range"}));
  CHECK(mentions(tensor("{\"dtype\":\"float32\",\"shape\":[1" +
                        [] {
                          std::string s;
                          for (int i = 0; i < 64; ++i) s += ",1";
                          return s;
                        }() +
                        "],\"data\":[1]}"),
                 {"more than 64 dimensions"}));
  CHECK(mentions(tensor(R"({"dtype":"float32","shape":[1000000000000],"data":[1]})"),
                 {"has 1000000000000 values, but only"}));
  CHECK(mentions(tensor(R"({"dtype":"float32","shape":[2],"data":[1]})"),
                 {"expected 2 values by the shape, found 1"}));
  CHECK(mentions(tensor(R"({"dtype":"float32","shape":[2],"data":[1,2,3]})"),
                 {"expected 2 values by the shape, found more"}));
  CHECK(mentions(tensor(R"({"data":[1,2,3],"dtype":"float32","shape":[2]})"), {"found more"}));
  CHECK(mentions(tensor(R"({"data":[1,2}],"dtype":"float32","shape":[2]})"), {"found ']'"}));
  CHECK(mentions(tensor(R"({"data":[1,2]x,"dtype":"float32","shape":[2]})"), {"found 'x'"}));
  CHECK(mentions(tensor(R"({"data":[1 2],"dtype":"float32","shape":[2]})"), {"found '2'"}));
  CHECK(
      mentions(tensor(R"({"data":3,"dtype":"float32","shape":[2]})"), {"expected '[', found '3'"}));
  const auto number = [&](const std::string& dtype, const std::string& text) {
    return tensor("{\"dtype\":\"" + dtype + "\",\"shape\":[1],\"data\":[" + text + "]}");
  };
  CHECK(number("float32", "1e-5").empty());
  for (const char* bad : {"01", "+1", ".5", "1.", "1e", "1e+", "-", "--1", "nan", "inf", "Infinity",
                          "0x10", "true", "null", "[1]", "{}", "1 1", "'1'", "1_0"})
    for (const char* dtype : {"float32", "float64", "int64"}) {
      CAPTURE(bad);
      CHECK(mentions(number(dtype, bad), {"byte"}));
    }
  CHECK(mentions(number("float32", "1."), {"not a JSON number: 1."}));
  CHECK(mentions(number("float32", "1e999"), {"1e999 is out of range for float32"}));
  CHECK(mentions(number("float64", "-1e999"), {"-1e999 is out of range for float64"}));
  CHECK(mentions(number("float32", "1e39"), {"1e39 is out of range for float32"}));
  CHECK(number("float64", "1e39").empty());
  CHECK(mentions(number("float32", "\"NaN\""), {"expected a number, \"nan\""}));
  CHECK(mentions(number("int64", "\"nan\""), {"expected a number, found '\"'"}));
  CHECK(mentions(number("int64", "1.0"), {"expected an integer, found 1.0"}));
  CHECK(mentions(number("int64", "1e2"), {"expected an integer, found 1e2"}));
  CHECK(number("int64", "9223372036854775807").empty());
  CHECK(mentions(number("int64", "9223372036854775808"), {"9223372036854775808 is out of range"}));
  CHECK(mentions(number("int32", "2147483648"),
                 {"out of range: expected -2147483648 to 2147483647"}));
  CHECK(mentions(number("uint8", "256"), {"out of range: expected 0 to 255"}));
  CHECK(mentions(number("uint8", "-1"), {"out of range"}));
  CHECK(mentions(number("bool", "2"), {"out of range: expected 0 to 1"}));
}

TEST_CASE("serialization: a shape does not make memory that the file does not back") {
  const std::size_t before = memory::live_bytes();
  memory::reset_peak();
  CHECK_FALSE(error_in(file_with_tensor(R"({"dtype":"float64","shape":[100000000],"data":[)" +
                                        std::string(100000, '1') + "]}"))
                  .empty());
  CHECK(memory::peak_bytes() - before < 1000000);
}

TEST_CASE("serialization: a file cut at any byte is refused") {
  Net net(0.5);
  const std::string text = text_of(to_file(*net));
  for (std::size_t cut = 0; cut + 1 < text.size(); ++cut) {
    CAPTURE(cut);
    CHECK(mentions(error_in(text.substr(0, cut)), {"[load]", "byte"}));
  }
  CHECK(error_in(text.substr(0, text.size() - 1)).empty());  // only the last newline is missing
}

TEST_CASE("serialization: a flipped byte is refused or gives a valid load") {
  const Folder folder;
  Net net(0.5);
  reel::save(net, folder / "net.json");
  const std::string text = written(folder / "net.json");
  std::mt19937 source(5);
  std::size_t refused = 0, loaded = 0;
  for (std::size_t at = 0; at < text.size(); ++at)
    for (int round = 0; round < 4; ++round) {
      std::string changed = text;
      const int mask = round < 3 ? 1 << (2 * round) : static_cast<int>(1 + source() % 255);
      changed[at] = static_cast<char>(changed[at] ^ mask);
      CAPTURE(at);
      CAPTURE(mask);
      Net target(3);
      const auto before = target->state_dict();
      std::vector<Tensor> kept;
      for (const auto& item : before) kept.push_back(item.value().clone());
      std::istringstream in(changed);
      const std::string error = error_of<FileError>([&] { reel::load(target, in); });
      CHECK(error.rfind("(another type)", 0) != 0);
      if (error.empty()) {
        ++loaded;
        // It must be the file's own numbers, whatever they are now.
        std::istringstream again(changed);
        const StateFile file = StateFile::read(again);
        for (const auto& item : target->state_dict())
          CHECK(same_bits(item.value(), file.tensors[item.key()].to(item.value().dtype())));
        continue;
      }
      ++refused;
      std::size_t i = 0;
      for (const auto& item : target->state_dict()) CHECK(same_bits(item.value(), kept[i++]));
    }
  CHECK(refused > 1000);
  CHECK(loaded > 10);
}

TEST_CASE("serialization: random bytes never do more than throw FileError") {
  std::mt19937 source(9);
  const std::string alphabet = "{}[]\",:0123456789.eE+-\\untrfalse \n\xc3\xff";
  const std::string text = text_of(to_file(*Net(0.5)));
  for (int i = 0; i < 20000; ++i) {
    std::string changed = text;
    for (int k = 0; k < 3; ++k) {
      const std::size_t at = source() % changed.size();
      const std::size_t length = std::min<std::size_t>(source() % 8, changed.size() - at);
      std::string piece;
      for (std::size_t n = source() % 4; n > 0; --n) piece += alphabet[source() % alphabet.size()];
      changed.replace(at, length, piece);
    }
    CAPTURE(changed);
    const std::string error = error_in(changed);
    CHECK(error.rfind("(another type)", 0) != 0);
  }
}
