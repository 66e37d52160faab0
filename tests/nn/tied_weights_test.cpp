// Tensors with several names in files: written once, the same tensor again when they are read.
#include "nn/interchange.hpp"
#include "nn/nn.hpp"
#include "serialization_support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

constexpr FileFormat kFormats[] = {FileFormat::Json, FileFormat::JsonGz, FileFormat::Cbor,
                                   FileFormat::MessagePack, FileFormat::Safetensors};

/// One weight under two names, with a bias between them; `tied` or not.
struct PairImpl : nn::Module {
  explicit PairImpl(double value, bool tied = true) {
    first = register_parameter("first", reel::full({40, 5}, value));
    register_parameter("bias", reel::full({5}, value));
    second = register_parameter("second", tied ? first : reel::full({40, 5}, value + 1));
  }
  Tensor forward(const Tensor& x) { return x.mm(first).mm(second.t()); }
  Tensor first, second;
};
REEL_MODULE(Pair);

std::string bytes_of(const StateFile& file, FileFormat format) {
  std::ostringstream out;
  file.write(out, SaveOptions().format(format));
  return out.str();
}
std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}
std::string error_in(const std::string& tensors, int version = 2) {
  return error_of<FileError>([&] {
    parsed("{\"format\":\"reel\",\"format_version\":" + std::to_string(version) +
           ",\"kind\":\"x\",\"tensors\":{" + tensors + "}}");
  });
}

}  // namespace

TEST_CASE("tied weights: written once in every format, loaded into tied and untied modules") {
  const Folder folder;
  const Pair first(0.25);
  const std::size_t bytes = first->first.nbytes();
  for (const FileFormat format : kFormats) {
    const std::string name = format_name(format);
    CAPTURE(name);
    const std::string path = folder / ("pair." + name);
    reel::save(first, path);
    const std::size_t once = written(path).size();
    reel::save(Pair(0.25, false), folder / "untied", SaveOptions().format(format));
    // 200 values take at least 800 bytes in all but the compressed form.
    if (format != FileFormat::JsonGz) CHECK(written(folder / "untied").size() - once > bytes - 200);

    Pair tied(1), untied(2, false);
    reel::load(tied, path);
    CHECK(same_bits(tied->first, first->first));
    CHECK(tied->second.is_same(tied->first));
    reel::load(untied, path);
    CHECK(same_bits(untied->first, first->first));
    CHECK(same_bits(untied->second, first->first));
    untied->first.detach().fill_(9);
    CHECK(same_bits(untied->second, first->first));

    // The same bytes the second time: the tie survives reading and writing.
    const StateFile file = StateFile::read(path);
    CHECK(file.tensors.size() == 3);
    CHECK(file.tensors["first"].is_same(file.tensors["second"]));
    CHECK(bytes_of(file, format) == written(path));
  }
  CHECK(text_of(to_file(*first)).find("\"second\":{\"same_as\":\"first\"}") != std::string::npos);
  CHECK(count(text_of(to_file(*first)), "\"format_version\":2") == 1);
  CHECK(count(text_of(to_file(*Pair(0.25, false))), "\"format_version\":1") == 1);
}

TEST_CASE("tied weights: a file that holds both must hold the same twice for a tied module") {
  const Pair untied(0.25, false);
  Pair tied(1);
  StateFile file = parsed(text_of(to_file(*untied)));
  CHECK(mentions(error_of<FileError>([&] { from_file(file, *tied); }),
                 {"first and second are one tensor in the module but differ in the file"}));
  CHECK(same_bits(tied->first, reel::full({40, 5}, 1.0)));
  file.tensors["second"] = file.tensors["first"].clone();
  from_file(parsed(text_of(file)), *tied);
  CHECK(same_bits(tied->first, untied->first));
}

TEST_CASE("tied weights: renaming, lenient loading, probes, short floats, checkpoints") {
  const Pair first(0.1);
  std::stringstream stream;
  reel::save(first, stream);
  const StateFile renamed = [&] {
    std::istringstream in(stream.str());
    return StateFile::read(in, LoadOptions().rename({{"first", "a"}}).rename_prefix({{"s", "z."}}));
  }();
  CHECK(renamed.tensors.keys() == std::vector<std::string>{"a", "bias", "z.econd"});
  CHECK(renamed.tensors["a"].is_same(renamed.tensors["z.econd"]));
  CHECK(count(text_of(renamed), "\"z.econd\":{\"same_as\":\"a\"}") == 1);

  // Lenient: one of the two names is enough.
  StateFile one = to_file(*first);
  one.tensors.erase("first");
  Pair tied(3);
  const auto left_out = from_file(one, *tied, false);
  CHECK(left_out.missing_keys == std::vector<std::string>{"first"});
  CHECK(same_bits(tied->first, first->first));

  StateFile probed = to_file(*first);
  const Tensor x = reel::full({2, 40}, 0.5);
  probed.probe = make_probe(*Pair(0.1), x);
  std::stringstream again;
  probed.write(again, SaveOptions().format(FileFormat::Safetensors));
  Pair loaded(7);
  reel::load(loaded, again);
  CHECK(same_bits(loaded->first, first->first));
  // A module of an identity: its probe has one tensor twice.
  StateFile identity;
  identity.tensors.insert("w", reel::ones({2}));
  identity.probe = Probe{{x}, {x}};
  for (const FileFormat format : kFormats) {
    const std::string bytes = bytes_of(identity, format);
    const StateFile back = parsed(bytes);
    REQUIRE(back.probe.has_value());
    CHECK(same_bits(back.probe->inputs[0], x));
    CHECK(back.probe->outputs[0].is_same(back.probe->inputs[0]));
  }

  for (const FileFormat format : kFormats) {
    std::stringstream half;
    reel::save(first, half, SaveOptions().format(format).floats(StoredFloats::Float16));
    Pair short_one(5);
    reel::load(short_one, half);
    CHECK(short_one->first.flatten()[0].item<float>() == 0.0999755859375F);
  }

  StateFile run;
  run.put("model", first);
  run.put("average", Pair(0.5));
  Pair a(1), b(1);
  const StateFile back = parsed(bytes_of(run, FileFormat::Cbor));
  back.restore({{"model", a}, {"average", b}});
  CHECK(same_bits(a->second, first->first));
  CHECK(same_bits(b->second, reel::full({40, 5}, 0.5)));
}

TEST_CASE("tied weights: only the very same tensor is a second name") {
  const Tensor x = reel::arange(6, kFloat32);
  StateFile file;
  file.tensors.insert("x", x);
  file.tensors.insert("part", x.slice(0, 0, 3));
  file.tensors.insert("matrix", x.view({2, 3}));
  file.tensors.insert("turned", x.view({2, 3}).t());
  file.tensors.insert("copy", x.clone());
  file.tensors.insert("none", reel::empty({0}));
  file.tensors.insert("nothing", file.tensors["none"]);
  CHECK(count(text_of(file), "same_as") == 0);
  file.tensors.insert("turned again", x.view({2, 3}).t());
  CHECK(count(text_of(file), "\"turned again\":{\"same_as\":\"turned\"}") == 1);
  CHECK(same_bits(parsed(text_of(file)).tensors["turned again"], x.view({2, 3}).t()));
}

TEST_CASE("tied weights: PyTorch's layout has both names") {
  const Folder folder;
  StateFile file;
  file.kind = "module";
  file.tensors.insert("first", tensor_of<float>({1, 2}));
  file.tensors.insert("second", file.tensors["first"]);
  write_model(file, folder / "both.json", ModelLayout::PyTorch);
  CHECK(count(written(folder / "both.json"), "[1,2]") == 2);
  const ModelFile back = read_model(folder / "both.json");
  CHECK(same_bits(back.state.tensors["second"], file.tensors["first"]));
}

TEST_CASE("tied weights: safetensors of other writers have notes, no second names") {
  const auto file_of = [](const std::string& strings) {
    const std::string header = "{\"__metadata__\":{" + strings + "}," +
                               R"("first":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)" +
                               R"("bias":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 2; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i));
    return parsed(bytes + header + std::string("\0\0\x80\x3f\0\0\0\x40", 8));
  };
  struct Small : nn::Module {
    explicit Small(bool tied)
        : first(register_parameter("first", reel::zeros({1}))),
          bias(register_parameter("bias", reel::zeros({1}))),
          second(register_parameter("second", tied ? first : reel::zeros({1}))) {}
    Tensor first, bias, second;
  };
  // What save_model says of the name that it left out, and a note that reads just like it.
  const StateFile file = file_of(R"("second":"first","author":"bias","format":"pt")");
  CHECK(file.tensors.keys() == std::vector<std::string>{"first", "bias"});
  for (const auto& [key, text] : {std::pair{"second", "first"}, {"author", "bias"}})
    CHECK(file.metadata.get<std::string>(key) == text);
  const StateFile again = parsed(bytes_of(file, FileFormat::Safetensors));
  CHECK(again.tensors.keys() == file.tensors.keys());
  CHECK(again.metadata.values() == file.metadata.values());

  // One name is enough where the module has one tensor.
  Small tied(true), untied(false);
  const auto left_out = from_file(file, tied);
  CHECK(left_out.missing_keys.empty());
  CHECK(values(tied.second) == std::vector<double>{1});
  CHECK(values(tied.bias) == std::vector<double>{2});
  CHECK(mentions(error_of<FileError>([&] { from_file(file, untied); }), {"missing second"}));
  CHECK(values(untied.first) == std::vector<double>{0});
  StateFile none = file;
  none.tensors.erase("first");
  CHECK(mentions(error_of<FileError>([&] { from_file(none, tied); }),
                 {"missing first", "missing second"}));
  none.format = FileFormat::Json;
  none.tensors.insert("first", reel::ones({1}));
  CHECK(mentions(error_of<FileError>([&] { from_file(none, tied); }), {"missing second"}));
}

TEST_CASE("tied weights: names that reel's own strings in safetensors take") {
  // They are written with values of their own.
  StateFile taken;
  taken.tensors.insert("w", tensor_of<float>({1, 2}));
  taken.tensors.insert("kind", taken.tensors["w"]);
  const StateFile back = parsed(bytes_of(taken, FileFormat::Safetensors));
  CHECK(same_bits(back.tensors["kind"], taken.tensors["w"]));
  CHECK(back.kind == taken.kind);
}

TEST_CASE("tied weights: hostile second names") {
  const std::string a = R"("a":{"dtype":"uint8","shape":[1],"data":[7]})";
  CHECK(error_in(a + R"(,"b":{"same_as":"a"},"c":{"same_as":"a"})").empty());
  CHECK(error_in(R"("b":{"same_as":"a"},)" + a).empty());
  CHECK(mentions(error_in(a + R"(,"b":{"same_as":"x"})"),
                 {"byte", "tensor 'b' is the same as 'x'", "found no tensor of that name"}));
  const std::string none = "found another that has none of its own";
  CHECK(mentions(error_in(R"("b":{"same_as":"b"})"), {"byte", "'b' is the same as 'b'", none}));
  CHECK(mentions(error_in(R"("b":{"same_as":"c"},"c":{"same_as":"b"})"), {"'b'", "'c'", none}));
  for (const char* chain : {R"(,"b":{"same_as":"a"},"c":{"same_as":"b"})",
                            R"(,"c":{"same_as":"b"},"b":{"same_as":"a"})"})
    CHECK(mentions(error_in(a + chain), {"tensor 'c' is the same as 'b'", none}));
  CHECK(mentions(error_in(a + R"(,"b":{"same_as":"a","dtype":"uint8"})"),
                 {"tensor 'b' is the same as 'a' and has a dtype", "expected one or the other"}));
  CHECK(mentions(error_in(a + R"(,"b":{"data":[7],"same_as":"a"})"), {"one or the other"}));
  CHECK(mentions(error_in(a + R"(,"b":{"same_as":1})"), {"byte", "expected a string"}));
  CHECK(mentions(error_in(a + R"(,"b":{"same_as":"a","same_as":"a"})"), {"duplicate key"}));
  CHECK(mentions(error_in(a + R"(,"b":{"same_as":"a"},"b":{"same_as":"a"})"), {"duplicate key"}));
  CHECK(mentions(error_in(a + R"(,"b":{"same_as":"a"})", 1),
                 {"byte", "same_as came with format_version 2", "the file has version 1"}));
  // Between probe and tensors there are no second names.
  const std::string probe = R"("probe":{"output.0":{"same_as":"a"}},"tensors":{)" + a + "}}";
  CHECK(mentions(error_of<FileError>(
                     [&] { parsed(R"({"format":"reel","format_version":2,"kind":"x",)" + probe); }),
                 {"'output.0' is the same as 'a'", "no tensor of that name"}));

  // The binary forms go the same way; their text may be anything.
  StateFile file = to_file(*Pair(0.5));
  for (const FileFormat format : {FileFormat::Cbor, FileFormat::MessagePack}) {
    std::string bytes = bytes_of(file, format);
    const std::size_t at = bytes.rfind("first");
    REQUIRE(at != std::string::npos);
    bytes.replace(at, 5, "FIRST");
    CHECK(mentions(error_of<FileError>([&] { parsed(bytes); }),
                   {"byte", "tensor 'second' is the same as 'FIRST'", "no tensor of that name"}));
  }

  const auto safetensors = [](const std::string& strings, const std::string& version) {
    const std::string header = R"({"__metadata__":{"format":"reel","kind":"x","format_version":")" +
                               version + "\"," + strings +
                               R"(},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
    std::string length(8, '\0');
    length[0] = static_cast<char>(header.size());
    return error_of<FileError>([&] { parsed(length + header + "\x07"); });
  };
  CHECK(safetensors(R"("b":"a","c":"a")", "2").empty());
  CHECK(mentions(safetensors(R"("b":"x")", "2"),
                 {"byte", "tensor 'b' is the same as 'x'", "found no tensor of that name"}));
  CHECK(mentions(safetensors(R"("b":"b")", "2"), {"'b' is the same as 'b'", none}));
  CHECK(mentions(safetensors(R"("b":"c","c":"b")", "2"), {none}));
  CHECK(mentions(safetensors(R"("a":"a")", "2"), {"tensor 'a'", "has values beside that"}));
  CHECK(mentions(safetensors(R"("b":"a")", "1"), {"unknown key 'b'", "format_version 1"}));
}
