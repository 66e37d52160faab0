// One document in every format: exactness, options, what stands in the bytes.
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "nn/base64.hpp"
#include "nn/half.hpp"
#include "serialization_support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

constexpr FileFormat kFormats[] = {FileFormat::Json, FileFormat::JsonGz, FileFormat::Cbor,
                                   FileFormat::MessagePack, FileFormat::Safetensors};

std::string bytes_of(const StateFile& file, const SaveOptions& options) {
  std::ostringstream out;
  file.write(out, options);
  return out.str();
}
StateFile through(const StateFile& file, const SaveOptions& options) {
  return parsed(bytes_of(file, options));
}

/// The same bits; a NaN may come back as another where the format has only one.
bool same_values(const Tensor& a, const Tensor& b, bool any_nan) {
  if (a.sizes() != b.sizes() || a.dtype() != b.dtype()) return false;
  if (!any_nan || !a.is_floating_point()) return same_bits(a, b);
  return dispatch(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T *x = a.template data_ptr<T>(), *y = b.template data_ptr<T>();
    for (std::int64_t i = 0; i < a.numel(); ++i) {
      if (x[i] != x[i] && y[i] != y[i]) continue;
      if (std::memcmp(&x[i], &y[i], sizeof(T)) != 0) return false;
    }
    return true;
  });
}

/// Everything a document can hold.
StateFile rich_file() {
  StateFile file;
  file.kind = "caf\xc3\xa9";
  file.metadata.set("step", std::int64_t{1} << 60);
  file.metadata.set("negative", std::numeric_limits<std::int64_t>::min());
  file.metadata.set("small", -7);
  file.metadata.set("loss", 0.1);
  file.metadata.set("tiny", 5e-324);
  file.metadata.set("text", "a \"quoted\" \xe2\x82\xac\n");
  file.metadata.set("flag", true);
  file.metadata.set("list", std::vector<double>{1, 0.5, -3e100});
  file.metadata.set_json("deep", R"({"a":[null,{"b":[]}],"c":{},"d":18446744073709551615})");
  std::string many = "[0";
  for (int i = 1; i < 70000; ++i) many += "," + std::to_string(i * 37);
  file.metadata.set_json("many", many + "]");
  file.metadata.set("long", std::string(70000, 'x'));
  const Tensor flags = reel::empty({3}, kBool);
  for (int i = 0; i < 3; ++i) flags.data_ptr<bool>()[i] = i == 1;
  file.tensors.insert("flags", flags);  // odd in length: what follows must still be aligned
  file.tensors.insert("f32", tensor_of(edges<float>()));
  file.tensors.insert("f64", tensor_of(edges<double>()).view({1, -1, 1}));
  file.tensors.insert("i64", tensor_of(edges<std::int64_t>()));
  file.tensors.insert("i32", tensor_of(edges<std::int32_t>()));
  file.tensors.insert("u8", tensor_of(edges<std::uint8_t>()));
  file.tensors.insert("number", reel::full({}, 2.5, kFloat64));
  file.tensors.insert("none", reel::empty({3, 0, 70000}));
  file.tensors.insert("strided", reel::arange(12, kFloat32).view({3, 4}).transpose(0, 1));
  file.tensors.insert("", reel::ones({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2}));
  file.probe = Probe{{reel::ones({2}), reel::zeros({})}, {reel::full({3}, 0.3, kFloat64)}};
  return file;
}

void check_same(const StateFile& back, const StateFile& file, bool any_nan) {
  CHECK(back.kind == file.kind);
  CHECK(back.metadata.values() == file.metadata.values());
  CHECK(back.tensors.keys() == file.tensors.keys());
  for (const auto& item : file.tensors) {
    CAPTURE(item.key());
    CHECK(same_values(back.tensors[item.key()], item.value().contiguous(), any_nan));
  }
  REQUIRE(back.probe.has_value() == file.probe.has_value());
  if (!file.probe) return;
  REQUIRE(back.probe->inputs.size() == file.probe->inputs.size());
  REQUIRE(back.probe->outputs.size() == file.probe->outputs.size());
  for (std::size_t i = 0; i < file.probe->inputs.size(); ++i)
    CHECK(same_bits(back.probe->inputs[i], file.probe->inputs[i]));
  for (std::size_t i = 0; i < file.probe->outputs.size(); ++i)
    CHECK(same_bits(back.probe->outputs[i], file.probe->outputs[i]));
}

}  // namespace

TEST_CASE("files: every format carries the same document, by stream and by extension") {
  const Folder folder;
  const StateFile file = rich_file();
  for (const FileFormat format : kFormats) {
    const std::string name = format_name(format);
    CAPTURE(name);
    const bool text = format == FileFormat::Json || format == FileFormat::JsonGz;
    const StateFile streamed = through(file, SaveOptions().format(format));
    CHECK(streamed.format == format);
    check_same(streamed, file, text);
    const std::string path = folder / ("Model." + name);
    file.write(path);
    CHECK(format_of_path(path) == format);
    CHECK(written(path) == bytes_of(file, SaveOptions().format(format)));
    const StateFile read = StateFile::read(path);
    CHECK(read.source == path);
    check_same(read, file, text);
    // The name does not matter on the way in, nor do the bytes change on the second way out.
    std::filesystem::rename(path, folder / "other");
    CHECK(bytes_of(StateFile::read(folder / "other"), SaveOptions().format(format)) ==
          bytes_of(file, SaveOptions().format(format)));
  }
  for (const auto& [path, format] : {std::pair{"a.JSON", FileFormat::Json},
                                     {"a.Json.GZ", FileFormat::JsonGz},
                                     {"b.json/x", FileFormat::Automatic},
                                     {"json", FileFormat::Automatic},
                                     {".cbor", FileFormat::Cbor},
                                     {"a.gz", FileFormat::Automatic}})
    CHECK(format_of_path(path) == format);
  file.write(folder / "no_extension");
  CHECK(StateFile::read(folder / "no_extension").format == FileFormat::Json);
  file.write(folder / "x.json", SaveOptions().format(FileFormat::Cbor));
  CHECK(StateFile::read(folder / "x.json").format == FileFormat::Cbor);
}

TEST_CASE("files: another reader finds the same in CBOR and MessagePack as in JSON") {
  using Json = nlohmann::json;
  const StateFile file = rich_file();
  const auto bytes = [&](FileFormat format) {
    return bytes_of(file, SaveOptions().format(format));
  };
  const Json text = Json::parse(bytes(FileFormat::Json));
  for (const Json& binary : {Json::from_cbor(bytes(FileFormat::Cbor)),
                             Json::from_msgpack(bytes(FileFormat::MessagePack))}) {
    CHECK(binary.size() == text.size());
    for (const char* key : {"format", "format_version", "kind", "metadata"})
      CHECK(binary.at(key) == text.at(key));
    CHECK(binary.at("tensors").size() == text.at("tensors").size());
    for (const auto& [key, tensor] : text.at("tensors").items()) {
      const std::string& name = key;
      CAPTURE(name);
      const Json& other = binary.at("tensors").at(name);
      CHECK(other.at("dtype") == tensor.at("dtype"));
      CHECK(other.at("shape") == tensor.at("shape"));
      const auto& data = other.at("data").get_binary();
      const Tensor& values = file.tensors[name];
      REQUIRE(data.size() == values.nbytes());
      CHECK((data.empty() ||
             std::memcmp(data.data(), values.contiguous().data_ptr(), data.size()) == 0));
    }
  }
  // And what it writes is read.
  Json made = {
      {"format", "reel"}, {"format_version", 1}, {"kind", "x"}, {"metadata", {{"a", -1.5}}}};
  made["tensors"]["t"] = {{"dtype", "uint8"}, {"shape", {2}}, {"data", Json::binary({7, 8})}};
  for (const auto& written_by : {Json::to_cbor(made), Json::to_msgpack(made)}) {
    const StateFile back = parsed(std::string(written_by.begin(), written_by.end()));
    CHECK(back.metadata.get<double>("a") == -1.5);
    CHECK(values(back.tensors["t"]) == std::vector<double>{7, 8});
  }
}

TEST_CASE("files: safetensors of other writers may have values at any place") {
  // As of Python's struct.pack("<Bd3fHq", ...): nothing lies at a multiple of its size.
  const std::string header = R"({"h":{"dtype":"F16","shape":[1],"data_offsets":[21,23]},)"
                             R"("flag":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]},)"
                             R"("f":{"dtype":"F32","shape":[3],"data_offsets":[9,21]},)"
                             R"("d":{"dtype":"F64","shape":[1],"data_offsets":[1,9]},)"
                             R"("n":{"dtype":"I64","shape":[],"data_offsets":[23,31]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size() & 0xff);
  bytes[1] = static_cast<char>(header.size() >> 8);
  bytes += header;
  const auto append = [&bytes](const auto value) {
    char raw[sizeof(value)];
    std::memcpy(raw, &value, sizeof(value));
    bytes.append(raw, sizeof(value));
  };
  append(true);
  append(-5e-324);
  for (const float value : {0.1F, -0.0F, 3e38F}) append(value);
  append(half_of_float(0.5F));
  append(std::numeric_limits<std::int64_t>::min());
  const StateFile file = parsed(bytes);
  CHECK(file.tensors["flag"].item<bool>());
  CHECK(same_bits(file.tensors["d"], tensor_of<double>({-5e-324})));
  CHECK(same_bits(file.tensors["f"], tensor_of<float>({0.1F, -0.0F, 3e38F})));
  CHECK(same_bits(file.tensors["h"], tensor_of<float>({0.5F})));
  CHECK(file.tensors["n"].item<std::int64_t>() == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("files: a million random bit patterns survive in every format") {
  StateFile file;
  file.tensors.insert("f32", tensor_of(random_patterns<float, std::uint32_t>(1000000, 1)));
  file.tensors.insert("f64", tensor_of(random_patterns<double, std::uint64_t>(1000000, 2)));
  file.tensors.insert("i64", tensor_of(random_patterns<std::int64_t, std::uint64_t>(100000, 3)));
  for (const FileFormat format : kFormats) {
    const std::string name = format_name(format);
    CAPTURE(name);
    const bool text = format == FileFormat::Json || format == FileFormat::JsonGz;
    check_same(through(file, SaveOptions().format(format)), file, text);
  }
  // Base64 and the binary formats keep even a NaN's bits.
  check_same(through(file, SaveOptions().base64(true)), file, false);
}

TEST_CASE("files: base64 is RFC 4648's, strictly") {
  // The RFC's own examples.
  const std::pair<std::string, std::string> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : examples) {
    std::string encoded = "+";
    encode_base64(bytes.data(), bytes.size(), encoded);
    CHECK(encoded == "+" + text);
    std::string decoded(bytes.size(), '?');
    CHECK(decode_base64(text.data(), bytes.size(), decoded.data()) == text.size());
    CHECK(decoded == bytes);
    for (std::size_t i = 0; i < text.size(); ++i) {
      std::string bad = text;
      for (const char c : {'-', '_', ' ', '\0', '\xff', text[i] == '=' ? 'A' : '='}) {
        bad[i] = c;
        CHECK(decode_base64(bad.data(), bytes.size(), decoded.data()) == i);
      }
    }
  }
  char two[2];
  CHECK(decode_base64("Zh==", 1, two) == 1);  // bits that stand for nothing
  CHECK(decode_base64("Zm9=", 2, two) == 2);
}

TEST_CASE("files: base64 payloads in JSON") {
  const StateFile file = rich_file();
  const std::string text = bytes_of(file, SaveOptions().base64(true));
  CHECK(mentions(text, {R"("f32":{"dtype":"float32","shape":[23],"data":"AAAAAAAAgD8)"}));
  check_same(parsed(text), file, false);
  check_same(through(file, SaveOptions().base64(true).format(FileFormat::JsonGz)), file, false);
  for (const std::int64_t size :
       {1, 2, 3, 12287, 12288, 12289, 16384, 49151, 49152, 49153, 200001}) {
    StateFile one;
    one.tensors.insert("x", reel::arange(size, kFloat32).to(kUInt8));
    check_same(through(one, SaveOptions().base64(true)), one, false);
  }
  const Folder folder;
  for (const FileFormat format :
       {FileFormat::Cbor, FileFormat::MessagePack, FileFormat::Safetensors}) {
    const std::string error = error_of<FileError>(
        [&] { file.write(folder / "x", SaveOptions().base64(true).format(format)); });
    CHECK(mentions(error, {"base64 is for JSON", format_name(format)}));
  }
  CHECK(folder.files() == 0);
}

TEST_CASE("files: float16 rounds to nearest even, over all its patterns") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = float_of_half(half);
    // By the definition: sign, 5 bits of exponent, 10 of fraction.
    const int exponent = static_cast<int>(bits >> 10 & 31),
              fraction = static_cast<int>(bits & 1023);
    const double sign = (bits & 0x8000) != 0 ? -1 : 1;
    if (exponent == 31 && fraction != 0) {
      CHECK(std::isnan(value));
      CHECK(std::isnan(float_of_half(half_of_float(value))));
      continue;
    }
    const double want = exponent == 31  ? INFINITY
                        : exponent == 0 ? std::ldexp(fraction, -24)
                                        : std::ldexp(1024 + fraction, exponent - 25);
    if (double{value} != sign * want || std::signbit(value) != (sign < 0)) FAIL_CHECK(bits);
    if (half_of_float(value) != half) FAIL_CHECK(bits);
    if (exponent == 31 || (bits & 0x7fff) == 0x7bff) continue;
    // Midway to the next: to the even one; a hair to either side: to the nearer.
    const float next = float_of_half(static_cast<std::uint16_t>(half + 1));
    const auto middle = static_cast<float>((double{value} + double{next}) / 2);
    const auto even = static_cast<std::uint16_t>(half + (half & 1));
    if (half_of_float(middle) != even) FAIL_CHECK(bits);
    if (half_of_float(std::nextafter(middle, value)) != half) FAIL_CHECK(bits);
    if (half_of_float(std::nextafter(middle, next)) != half + 1) FAIL_CHECK(bits);
  }
  CHECK(half_of_float(65519.996F) == 0x7bff);
  CHECK(half_of_float(65520.0F) == 0x7c00);
  CHECK(half_of_float(-1e30F) == 0xfc00);
  CHECK(half_of_float(0x1p-25F) == 0);
  CHECK(half_of_float(std::nextafter(0x1p-25F, 1.0F)) == 1);
  CHECK(half_of_float(std::numeric_limits<float>::denorm_min()) == 0);
}

TEST_CASE("files: bfloat16 rounds to nearest even, over all its patterns") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto narrow = static_cast<std::uint16_t>(bits);
    const float value = float_of_bfloat(narrow);
    if (std::isnan(value)) {
      CHECK(std::isnan(float_of_bfloat(bfloat_of_float(value))));
      continue;
    }
    if (bfloat_of_float(value) != narrow) FAIL_CHECK(bits);
    if ((bits & 0x7f80) == 0x7f80 || (bits & 0x7fff) == 0x7f7f) continue;
    const float next = float_of_bfloat(static_cast<std::uint16_t>(narrow + 1));
    const auto middle = static_cast<float>((double{value} + double{next}) / 2);
    if (bfloat_of_float(middle) != narrow + (narrow & 1)) FAIL_CHECK(bits);
    if (bfloat_of_float(std::nextafter(middle, value)) != narrow) FAIL_CHECK(bits);
    if (bfloat_of_float(std::nextafter(middle, next)) != narrow + 1) FAIL_CHECK(bits);
  }
  CHECK(bfloat_of_float(std::numeric_limits<float>::max()) == 0x7f80);
}

TEST_CASE("files: short floats are stored short and read back as float32") {
  for (const StoredFloats floats : {StoredFloats::Float16, StoredFloats::BFloat16}) {
    // Every value that the form has, and others.
    const Tensor all = reel::empty({0x10000});
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits)
      all.data_ptr<float>()[bits] = floats == StoredFloats::Float16
                                        ? float_of_half(static_cast<std::uint16_t>(bits))
                                        : float_of_bfloat(static_cast<std::uint16_t>(bits));
    const Tensor others = tensor_of<float>({0.1F, -3.14159F, 1e-9F, 60000, 1e-40F});
    StateFile file;
    file.tensors.insert("all", all);
    file.tensors.insert("others", others);
    file.tensors.insert("wide", tensor_of<double>({0.1}));
    file.tensors.insert("count", reel::full({2}, 70000, kInt64));
    file.probe = Probe{{tensor_of<float>({0.1F})}, {tensor_of<float>({1e30F})}};
    for (const FileFormat format : kFormats)
      for (const bool base64 : {false, true}) {
        const bool json = format == FileFormat::Json || format == FileFormat::JsonGz;
        if (base64 && !json) continue;
        const std::string name = format_name(format);
        CAPTURE(name);
        CAPTURE(base64);
        const auto options = SaveOptions().format(format).floats(floats).base64(base64);
        const StateFile back = through(file, options);
        CHECK(same_values(back.tensors["all"], all, true));
        CHECK(back.tensors["others"].dtype() == kFloat32);
        for (std::int64_t i = 0; i < others.numel(); ++i) {
          const float value = others.data_ptr<float>()[i];
          CHECK(back.tensors["others"].data_ptr<float>()[i] ==
                (floats == StoredFloats::Float16 ? float_of_half(half_of_float(value))
                                                 : float_of_bfloat(bfloat_of_float(value))));
        }
        CHECK(same_bits(back.tensors["wide"], file.tensors["wide"]));
        CHECK(same_bits(back.tensors["count"], file.tensors["count"]));
        CHECK(same_bits(back.probe->outputs[0], file.probe->outputs[0]));
      }
    const std::string full = bytes_of(file, SaveOptions().format(FileFormat::Cbor));
    const std::string small = bytes_of(file, SaveOptions().format(FileFormat::Cbor).floats(floats));
    CHECK(full.size() - small.size() > 130000);
  }
  StateFile file;
  file.tensors.insert("w", tensor_of<float>({1, 0.1F, INFINITY}));
  CHECK(mentions(bytes_of(file, SaveOptions().floats(StoredFloats::Float16)),
                 {R"("dtype":"float16","shape":[3],"data":[1,0.1,"inf"])"}));
  file.tensors["w"] = tensor_of<float>({70000});
  for (const FileFormat format : kFormats)
    CHECK(mentions(error_of<FileError>([&] {
                     bytes_of(file, SaveOptions().format(format).floats(StoredFloats::Float16));
                   }),
                   {"tensor 'w' has the value 70000, too large for float16", "BFloat16"}));
}
