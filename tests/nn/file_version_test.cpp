// Files that earlier versions wrote: they load for ever. Those of one tensor list were written
// before schedules kept their settings; `document` has what came with the other formats.
#include "nn/nn.hpp"
#include "optim/optim.hpp"
#include "serialization_support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

std::string kept(const std::string& name) {
  return source_path("tests/fixtures/format_v1/" + name).string();
}

/// What fixtures/format_v1/document.* hold.
StateFile document() {
  StateFile file;
  file.kind = "caf\xc3\xa9";
  file.metadata.set("step", 7);
  file.metadata.set("rate", 0.25);
  file.metadata.set("names", std::vector<std::string>{"a", "\"b\""});
  file.metadata.set_json("free", R"({"a":[null,true,-5000000000,1e-07],"b":{}})");
  const Tensor flags = reel::zeros({3}, kBool);
  flags.data_ptr<bool>()[1] = true;
  file.tensors.insert("flags", flags);
  const Tensor edges = tensor_of<float>({0.1F, NAN, INFINITY, -INFINITY, -0.0F, 1e-45F});
  file.tensors.insert("a.float32", edges.view({2, 3}));
  file.tensors.insert("a.float64", tensor_of<double>({0.1, 5e-324, -1.7976931348623157e308}));
  file.tensors.insert("b.int64", tensor_of<std::int64_t>({INT64_MIN, INT64_MAX}));
  file.tensors.insert("b.int32", tensor_of<std::int32_t>({INT32_MIN, INT32_MAX}));
  file.tensors.insert("b.uint8", tensor_of<std::uint8_t>({0, 255}));
  file.tensors.insert("number", reel::full({}, -3, kInt64));
  file.tensors.insert("none", reel::empty({0, 4}));
  file.probe = Probe{{reel::ones({2})}, {reel::full({1}, 0.5), reel::zeros({1}, kInt64)}};
  return file;
}

bool same(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes() || a.dtype() != b.dtype()) return false;
  for (std::size_t i = 0; i < values(a).size(); ++i)
    if (std::isnan(values(a)[i]) != std::isnan(values(b)[i])) return false;
  const auto clean = [](const Tensor& t) { return t.is_floating_point() ? t.nan_to_num() : t; };
  return same_bits(clean(a), clean(b));
}

}  // namespace

TEST_CASE("old files: things by themselves") {
  nn::Linear model(2, 1);
  reel::load(model, kept("module.json"));
  CHECK(values(model->weight) == std::vector<double>{double{-0.39283535F}, double{-2.02243F}});
  CHECK(values(model->bias) == std::vector<double>{double{-0.159684F}});
  optim::Adam adam(model->parameters(), optim::AdamOptions(9));
  reel::load(adam, kept("optimizer.json"));
  CHECK(adam.param_groups()[0].options().get_lr() == 0.22708203932499366);
  CHECK(adam.state().size() == 2);
  optim::CosineAnnealingLR schedule(adam, 10, 0.01);
  reel::load(schedule, kept("scheduler.json"));
  Generator generator(1);
  reel::load(generator, kept("generator.json"));
  CHECK(generator.seed() == 7);
  CHECK(generator.state().counter == 1);
  Tensor t;
  reel::load(t, kept("tensor.json"));
  CHECK(
      same(t, tensor_of<float>({0.1F, NAN, -INFINITY, -0.0F, 1e-45F, 3.4028235e38F}).view({2, 3})));
  std::vector<Tensor> list;
  reel::load(list, kept("tensors.json"));
  REQUIRE(list.size() == 6);
  CHECK(list[0].item<std::int64_t>() == INT64_MIN);
  CHECK(list[1].dtype() == kInt32);
  CHECK(values(list[2]) == std::vector<double>{255, 255});
  CHECK(list[3].item<bool>());
  CHECK(list[4].item<double>() == 5e-324);
  CHECK(list[5].sizes() == std::vector<std::int64_t>{0, 4});
}

TEST_CASE("old files: a checkpoint goes on") {
  const StateFile file = StateFile::read(kept("checkpoint.json"));
  CHECK(file.metadata.get<std::int64_t>("step") == 2);
  CHECK(file.metadata.get<std::string>("name") == "caf\xc3\xa9");
  CHECK(file.metadata.json("free") == R"({"a":[1,null,true,0.5]})");
  nn::Linear model(2, 1);
  optim::Adam adam(model->parameters(), optim::AdamOptions(9));
  optim::CosineAnnealingLR schedule(adam, 10, 0.01);
  Generator random(1);
  file.restore({{"model", model}, {"optimizer", adam}, {"schedule", schedule}, {"random", random}});
  for (const Tensor& p : model->parameters()) p.mutable_grad() = reel::ones(p.sizes());
  adam.step();
  schedule.step();
  // 0.01 + (0.25 - 0.01) (1 + cos(3 pi / 10)) / 2
  CHECK(schedule.get_last_lr()[0] == doctest::Approx(0.20053423027509677).epsilon(1e-12));
}

TEST_CASE("old files: one document in every format") {
  const StateFile want = document();
  const std::pair<const char*, FileFormat> files[] = {
      {"document.json", FileFormat::Json},
      {"document.json.gz", FileFormat::JsonGz},
      {"document.cbor", FileFormat::Cbor},
      {"document.msgpack", FileFormat::MessagePack},
      {"document.safetensors", FileFormat::Safetensors},
      {"document_base64.json", FileFormat::Json},
      {"document_float16.json", FileFormat::Json},
      {"document_bfloat16.cbor", FileFormat::Cbor}};
  for (const auto& [path, format] : files) {
    const auto& name = path;
    CAPTURE(name);
    const StateFile file = StateFile::read(kept(name));
    CHECK(file.format == format);
    CHECK(file.kind == want.kind);
    CHECK(file.metadata.values() == want.metadata.values());
    CHECK(file.tensors.keys() == want.tensors.keys());
    const std::string text = name;
    for (const auto& item : want.tensors) {
      CAPTURE(item.key());
      Tensor value = item.value();
      if (item.key() == "a.float32" && text.find("float16") != std::string::npos)
        value = tensor_of<float>(
                    {text.find("bfloat16") != std::string::npos ? 0.10009765625F : 0.0999755859375F,
                     NAN, INFINITY, -INFINITY, -0.0F, 0})
                    .view({2, 3});
      CHECK(same(file.tensors[item.key()], value));
    }
    REQUIRE(file.probe.has_value());
    REQUIRE(file.probe->outputs.size() == 2);
    CHECK(same_bits(file.probe->inputs[0], want.probe->inputs[0]));
    CHECK(same_bits(file.probe->outputs[0], want.probe->outputs[0]));
    CHECK(same_bits(file.probe->outputs[1], want.probe->outputs[1]));
    // What is written today is what was written then (deflate may choose otherwise), but for
    // negative zero.
    const auto options =
        SaveOptions().format(format).base64(text.find("base64") != std::string::npos);
    if (text.find("float16") != std::string::npos || format == FileFormat::JsonGz) continue;
    std::ostringstream out;
    want.write(out, options);
    std::string then = written(kept(name));
    const std::string old_zero = ",-0,";
    if (const auto at = then.find(old_zero); format == FileFormat::Json && at < then.size())
      then.replace(at, old_zero.size(), ",-0.0,");
    CHECK(out.str() == then);
  }
}

TEST_CASE("old files: version 2, with second names") {
  const auto folder = source_path("tests/fixtures/format_v2");
  for (const char* name :
       {"tied.json", "tied.json.gz", "tied.cbor", "tied.msgpack", "tied.safetensors"}) {
    CAPTURE(name);
    const StateFile file = StateFile::read((folder / name).string());
    CHECK(file.kind == "module");
    CHECK(file.tensors.size() == 3);
    CHECK(values(file.tensors["encoder.weight"]) == std::vector<double>{0.5, -0.25});
    CHECK(same_bits(file.tensors["decoder.weight"], file.tensors["encoder.weight"]));
    CHECK(values(file.tensors["decoder.bias"]) == std::vector<double>{1});
    REQUIRE(file.probe.has_value());
    CHECK(same_bits(file.probe->outputs[0], reel::full({2}, 0.125)));
    CHECK(same_bits(file.probe->inputs[0], reel::full({2}, 0.125)));
    std::ostringstream out;
    file.write(out, SaveOptions().format(file.format));
    if (file.format != FileFormat::JsonGz) CHECK(out.str() == written((folder / name).string()));
  }
}
