// Model files of other programs: what they compute, what survives the way through every layout,
// and what is refused. The fixtures hold PyTorch's answers.
#include "nn/interchange.hpp"

#include <unistd.h>

#include <cmath>
#include <limits>
#include <thread>

#include "nn/interchange_parts.hpp"
#include "tests/nn/interchange_support.hpp"

using namespace reel;
using namespace reel::test;
using nn::SequenceLayer;
using nn::SequenceLayerType;
using nn::SequenceModel;
using nn::SequenceModelOptions;

namespace {

const std::vector<std::pair<std::string, ModelLayout>> kFiles = {
    {"guitarml_lstm.json", ModelLayout::GuitarML},    {"guitarml_gru.json", ModelLayout::GuitarML},
    {"guitarml_rnn.json", ModelLayout::GuitarML},     {"pytorch_lstm.json", ModelLayout::PyTorch},
    {"pytorch_gru_alone.json", ModelLayout::PyTorch}, {"rtneural_lstm.json", ModelLayout::RTNeural},
    {"rtneural_gru.json", ModelLayout::RTNeural},     {"lstm.nam", ModelLayout::Nam}};
constexpr ModelLayout kAll[] = {ModelLayout::Reel, ModelLayout::PyTorch, ModelLayout::GuitarML,
                                ModelLayout::RTNeural, ModelLayout::Nam};

std::pair<Tensor, Tensor> sample(const std::string& name) {
  const test::json& both = fixture("interchange/outputs.json").at(name);
  return {rows(both.at("x")), rows(both.at("y"))};
}

std::string text_of_file(const std::string& name) { return written(interchange_path(name)); }

/// What reading the text as a file says.
std::string refusal(const std::string& text) {
  const Folder folder;
  write_text(folder / "m.json", text);
  return error_of<FileError>([&] { sequence_model(read_model(folder / "m.json").state); });
}
std::string replaced(std::string text, const std::string& old, const std::string& by) {
  const std::size_t at = text.find(old);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), by);
}
std::string write_refusal(const StateFile& file, ModelLayout layout) {
  const Folder folder;
  write_text(folder / "m.json", "before");
  const std::string text =
      error_of<FileError>([&] { write_model(file, folder / "m.json", layout); });
  CHECK(written(folder / "m.json") == "before");
  CHECK(folder.files() == 1);
  return text;
}

SequenceLayer layer(const std::string& name, SequenceLayerType type, std::int64_t in,
                    std::int64_t out) {
  SequenceLayer made;
  made.name = name;
  made.type = type;
  made.input_size = in;
  made.output_size = out;
  return made;
}
StateFile file_of(std::vector<SequenceLayer> layers, std::int64_t skip = 0) {
  return to_file(*SequenceModel(SequenceModelOptions{std::move(layers), skip}));
}

}  // namespace

TEST_CASE("interchange: models compute what PyTorch does with them") {
  for (const auto& [path, layout] : kFiles) {
    const auto& name = path;
    INFO(name);
    const ModelFile file = read_model(interchange_path(name));
    CHECK(file.layout == layout);
    CHECK(file.state.kind == "module");
    const auto [x, y] = sample(name);
    CHECK(model_difference(sequence_model(file.state), x, y) < 1e-6);
  }
}

TEST_CASE("interchange: a layout gives back its own files, to the bit") {
  const Folder folder;
  for (const auto& [path, layout] : kFiles) {
    const auto& name = path;
    INFO(name);
    const StateFile first = read_model(interchange_path(name)).state;
    write_model(first, folder / "again.json", layout);
    const ModelFile second = read_model(folder / "again.json");
    CHECK(second.layout == layout);
    CHECK(same_tensors(first, second.state));
    CHECK(first.metadata.values() == second.state.metadata.values());
    // Writing what was read gives the same text: nothing drifts.
    write_model(second.state, folder / "third.json", layout);
    CHECK(written(folder / "again.json") == written(folder / "third.json"));
  }
}

TEST_CASE("interchange: models survive the way through every layout that can hold them") {
  const Folder folder;
  int conversions = 0;
  for (const auto& [path, own] : kFiles) {
    const auto& name = path;
    const StateFile file = read_model(interchange_path(name)).state;
    const auto [x, y] = sample(name);
    for (const ModelLayout layout : kAll) {
      INFO(name, " as ", std::string(layout_name(layout)));
      // What cannot be: see the messages below.
      const bool rnn = name == "guitarml_rnn.json", alone = name == "pytorch_gru_alone.json";
      const bool lstm_head = name == "lstm.nam", chain = own == ModelLayout::RTNeural;
      const bool skips = name == "guitarml_lstm.json" || name == "guitarml_gru.json";
      if (layout == ModelLayout::PyTorch && (chain || skips)) {
        CHECK(mentions(write_refusal(file, layout), {"m.json", "names and values alone"}));
        write_model(file, folder / "m.json", layout, WriteModelOptions().weights_only(true));
        CHECK(same_tensors(read_model(folder / "m.json").state, file));
        continue;
      }
      if (layout == ModelLayout::GuitarML && (chain || alone || lstm_head)) continue;
      if (layout == ModelLayout::RTNeural && (rnn || lstm_head || name == "guitarml_gru.json"))
        continue;
      if (layout == ModelLayout::Nam && !lstm_head) continue;
      if (name == "pytorch_lstm.json" && layout == ModelLayout::GuitarML) continue;
      write_model(file, folder / "m.json", layout);
      const ModelFile back = read_model(folder / "m.json");
      CHECK(back.layout == layout);
      CHECK(model_difference(sequence_model(back.state), x, y) < 1e-6);
      ++conversions;
    }
  }
  CHECK(conversions >= 20);

  // Every layout holds an LSTM of two stacks with a linear layer.
  const StateFile file =
      file_of({layer("a", SequenceLayerType::LSTM, 1, 4), layer("b", SequenceLayerType::LSTM, 4, 4),
               layer("c", SequenceLayerType::Linear, 4, 1)});
  const Tensor x = randn({30, 1});
  const Tensor y = sequence_model(file)->forward(x).detach();
  for (const ModelLayout from : kAll)
    for (const ModelLayout to : kAll) {
      INFO(std::string(layout_name(from)), " to ", std::string(layout_name(to)));
      write_model(file, folder / "one.json", from);
      write_model(read_model(folder / "one.json").state, folder / "two.json", to);
      CHECK(model_difference(load_sequence_model(folder / "two.json"), x, y) < 1e-6);
    }
}

TEST_CASE("interchange: a start state is kept, or dropped when asked") {
  const Folder folder;
  const StateFile nam = read_model(interchange_path("lstm.nam")).state;
  for (const ModelLayout layout : {ModelLayout::GuitarML, ModelLayout::RTNeural}) {
    CHECK(mentions(write_refusal(nam, layout),
                   {"m.json", "layer 0 'rec' (LSTM)", "state that is not zero", "drop"}));
    write_model(nam, folder / "cold.json", layout, WriteModelOptions().drop_start_state(true));
    SequenceModel zero = sequence_model(nam);
    NoGradGuard no_grad;
    for (const auto& buffer : zero->buffers()) buffer.zero_();
    const Tensor x = sample("lstm.nam").first;
    CHECK(model_difference(load_sequence_model(folder / "cold.json"), x, zero->forward(x)) < 1e-6);
  }
  // A state of zeros is no loss.
  StateFile zeros = nam;
  zeros.tensors["rec.h_0"] = zeros_like(nam.tensors["rec.h_0"]);
  zeros.tensors["rec.c_0"] = zeros_like(nam.tensors["rec.c_0"]);
  write_model(zeros, folder / "zeros.json", ModelLayout::RTNeural);
}

TEST_CASE("interchange: every float32 comes back from every layout") {
  const Folder folder;
  StateFile file = file_of(
      {layer("rec", SequenceLayerType::LSTM, 1, 3), layer("lin", SequenceLayerType::Linear, 3, 1)});
  const float edges[] = {-0.0f,
                         std::numeric_limits<float>::denorm_min(),
                         std::numeric_limits<float>::max(),
                         std::numeric_limits<float>::lowest(),
                         std::numeric_limits<float>::min(),
                         1e-40f,
                         0.1f,
                         16777217.0f,
                         -1.1754942e-38f};
  float* to = file.tensors["rec.weight_hh_l0"].data_ptr<float>();
  std::copy(std::begin(edges), std::end(edges), to);
  // One bias, which some layouts have.
  file.tensors["rec.bias_hh_l0"].zero_();
  for (const ModelLayout layout : kAll) {
    INFO(std::string(layout_name(layout)));
    write_model(file, folder / "m.json", layout);
    const StateFile back = read_model(folder / "m.json").state;
    const auto name = [&](const char* part) {
      return (layout == ModelLayout::RTNeural ? "layer0." : "rec.") + std::string(part);
    };
    for (const char* part : {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0"})
      CHECK(same_bits(back.tensors[name(part)], file.tensors[std::string("rec.") + part]));
  }
  to[0] = std::numeric_limits<float>::infinity();
  for (const ModelLayout layout :
       {ModelLayout::PyTorch, ModelLayout::GuitarML, ModelLayout::RTNeural, ModelLayout::Nam})
    CHECK(mentions(write_refusal(file, layout), {"m.json", "not finite"}));
}

TEST_CASE("interchange: reel::save keeps a model's description, in float64 too") {
  const Folder folder;
  SequenceModelOptions options =
      describe_sequence_model(read_model(interchange_path("rtneural_gru.json")).state);
  SequenceModel model(options);
  model->to(kFloat64);
  reel::save(model, folder / "m.json");
  SequenceModel again = load_sequence_model(folder / "m.json");
  const Tensor x = randn({9, 1}, kFloat64);
  CHECK(difference(again->forward(x), model->forward(x)) == 0);
  CHECK_FALSE(again->is_training());
  // Values alone go into a model that is there.
  SequenceModel third(options);
  third->to(kFloat64);
  reel::load(third, folder / "m.json");
  CHECK(difference(third->forward(x), model->forward(x)) == 0);
  // float64 values in a layout without dtypes are float32 when they come back.
  write_model(to_file(*model), folder / "k.json", ModelLayout::RTNeural);
  CHECK(difference(load_sequence_model(folder / "k.json")->forward(x.to(kFloat32)),
                   model->forward(x).to(kFloat32)) < 1e-6);
}

TEST_CASE("interchange: a state_dict of any tensors passes as PyTorch JSON") {
  const Folder folder;
  StateFile file;
  file.kind = "module";
  file.tensors.insert("conv.weight", randn({2, 3, 4}));
  file.tensors.insert("scale", full({}, 0.25));
  file.tensors.insert("empty", empty({0}));
  file.tensors.insert("steps", tensor_of<std::int64_t>({1, -2, 3}));
  write_model(file, folder / "m.json", ModelLayout::PyTorch);
  const StateFile back = read_model(folder / "m.json").state;
  REQUIRE(back.tensors.size() == 4);
  for (const char* name : {"conv.weight", "scale", "empty"})
    CHECK(same_bits(back.tensors[name], file.tensors[name]));
  CHECK(values(back.tensors["steps"]) == std::vector<double>{1, -2, 3});
  CHECK(mentions(error_of<FileError>([&] { sequence_model(back); }),
                 {"m.json", "does not describe its layers", "conv.weight"}));
}

TEST_CASE("interchange: notes of a file are metadata and go back") {
  const StateFile nam = read_model(interchange_path("lstm.nam")).state;
  CHECK(nam.metadata.get<std::int64_t>("sample_rate") == 48000);
  CHECK(nam.metadata.json("metadata") == "{\"name\": \"small\", \"tags\": [1, null]}");
  CHECK(read_model(interchange_path("rtneural_lstm.json"))
            .state.metadata.get<std::string>("samplerate") == "48000");
}

TEST_CASE("interchange: notes of any name do not change what layout a file has") {
  const Folder folder;
  using T = SequenceLayerType;
  StateFile file = file_of({layer("rec", T::LSTM, 1, 4), layer("lin", T::Linear, 4, 1)});
  const char* const texts[] = {"2", "\"x\"", "[1,2]", "[\"a\"]", "{\"a\":[1]}"};
  for (const char* key : {"format", "state_dict", "model_data", "in_shape", "layers",
                          "architecture", "weights", "version", "config", "names"})
    for (const char* text : texts) {
      CAPTURE(key);
      CAPTURE(text);
      file.metadata.set_json(key, text);
      for (const auto layout : {ModelLayout::GuitarML, ModelLayout::RTNeural, ModelLayout::Nam}) {
        write_model(file, folder / "noted", layout);
        const ModelFile back = read_model(folder / "noted");
        CHECK(back.layout == layout);
        CHECK(back.state.tensors.size() >= file.tensors.size());
        // Only what the layout needs for itself is left out.
        const bool taken =
            layout == ModelLayout::GuitarML
                ? std::string(key) == "state_dict" || std::string(key) == "model_data"
            : layout == ModelLayout::RTNeural
                ? std::string(key) == "in_shape" || std::string(key) == "layers"
                : std::string(key) == "architecture" || std::string(key) == "weights" ||
                      std::string(key) == "config" || std::string(key) == "version";
        if (!taken) CHECK(back.state.metadata.json(key) == text);
      }
      file.metadata.erase(key);
    }
}

TEST_CASE("interchange: what contradicts itself is refused with layer, expected and found") {
  const std::string keras = text_of_file("rtneural_lstm.json"),
                    gru = text_of_file("rtneural_gru.json");
  const std::string guitar = text_of_file("guitarml_lstm.json"), nam = text_of_file("lstm.nam");
  const std::string shape4 = "\"shape\": [null, null, 4]";
  for (const auto& [written, words] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           // An LSTM that says 3 units and holds 4.
           {replaced(keras, shape4, "\"shape\": [null, null, 3]"),
            {"m.json: byte", "layer 1 (lstm): kernel", "[3, 12]", "3 units", "found [3, 16]"}},
           {replaced(keras, "\"in_shape\": [null, null, 2]", "\"in_shape\": [null, null, 1]"),
            {"layer 0 (dense): kernel", "[1, 3]", "found [2, 3]"}},
           {replaced(keras, "\"in_shape\": [null, null, 2]", "\"in_shape\": [null, 2, null]"),
            {"byte 13", "in_shape", "a size as the last entry"}},
           {replaced(keras, "\"in_shape\": [null, null, 2],", ""), {"no key 'in_shape'"}},
           {replaced(keras, shape4, "\"shape\": [null, null, 4.5]"), {"expected an integer"}},
           {replaced(keras, shape4, "\"shape\": [null, null, 0]"),
            {"layer 1 (lstm): shape", "1 to 1048576", "found 0"}},
           {replaced(keras, "\"softmax\"", "\"swish\""), {"layer 2 (dense)", "activation 'swish'"}},
           {replaced(keras, "\"lstm\"", "\"conv1d\""),
            {"layer 1 (conv1d)", "not supported", "dense", "lstm"}},
           {replaced(keras, "\"lstm\"", "\"gru\""), {"layer 1 (gru): kernel", "found [3, 16]"}},
           {replaced(keras, "\"lstm\", \"activation\": \"tanh\"",
                     "\"lstm\", \"activation\": \"relu\""),
            {"layer 1 (lstm)", "activation tanh", "found 'relu'"}},
           {"{\"in_shape\":[1],\"layers\":[]}", {"at least one layer"}},
           {"{\"in_shape\":[1],\"layers\":[{\"type\":\"dense\",\"weights\":[]}]}",
            {"layer 0 (dense)", "expected a shape"}},
           {"{\"in_shape\":[1],\"layers\":[{\"type\":\"dense\",\"shape\":[1],\"weights\":[]}]}",
            {"layer 0 (dense)", "kernel and bias", "found 0 lists"}},
           {"{\"in_shape\":[1],\"layers\":[{\"type\":\"dense\",\"shape\":[1],\"weights\":[[[1],2]]}"
            "]}",
            {"byte", "layer 0 (dense): weights 0", "expected a list"}},
           {"{\"in_shape\":[1],\"layers\":[{\"type\":\"activation\",\"activation\":\"tanh\","
            "\"shape\":[1]}]}",
            {"layer 0 (activation)", "must follow"}},
           {replaced(gru, "\"in_skip\": 1", "\"in_skip\": 2"), {"in_skip", "0 to 1", "found 2"}},
           {replaced(gru, "\"in_skip\": 1", "\"in_gain\": -3.5"), {"'in_gain' is not 0"}},
           {replaced(guitar, "\"hidden_size\": 5", "\"hidden_size\": 4"),
            {"layer 0 'rec' (LSTM): rec.weight_ih_l0", "[16, 1]", "found [20, 1]",
             "layer 1 'lin' (Linear): lin.weight", "[1, 4]", "found [1, 5]"}},
           {replaced(guitar, "\"num_layers\": 1", "\"num_layers\": 2"),
            {"missing rec.weight_ih_l1"}},
           {replaced(guitar, "\"num_layers\": 1", "\"num_layers\": 60000"),
            {"tensors of 60001 layers"}},
           {replaced(guitar, "rec.bias_hh_l0", "rec.bias_xx_l0"),
            {"missing rec.bias_hh_l0", "unexpected rec.bias_xx_l0"}},
           {replaced(guitar, "\"LSTM\"", "\"GRU\""), {"'rec' (GRU)", "[15, 1]", "found [20, 1]"}},
           {replaced(guitar, "\"LSTM\"", "\"QRNN\""), {"unit_type 'QRNN'"}},
           {replaced(guitar, "SimpleRNN", "WaveNet"), {"model 'WaveNet'", "SimpleRNN"}},
           {replaced(guitar, "\"skip\": 1", "\"skip\": 7"), {"skip must be", "found 7"}},
           {replaced(guitar, "\"skip\": 1, ", ""), {"model_data has no skip"}},
           {replaced(guitar, "\"unit_type\": \"LSTM\", ", ""), {"model_data has no unit_type"}},
           {replaced(guitar, "model_data", "model"), {"no key 'model_data'"}},
           {replaced(nam, "\"hidden_size\": 4", "\"hidden_size\": 5"),
            {"weights: expected", "hidden_size 5", "found 277"}},
           {replaced(nam, "\"LSTM\"", "\"WaveNet\""), {"architecture 'WaveNet'", "expected LSTM"}},
           {replaced(nam, "\"num_layers\": 2", "\"extra\": 2"), {"unknown key 'extra'"}},
           {replaced(nam, ", \"num_layers\": 2", ""), {"found 2 of them"}},
           {replaced(nam, "\"hidden_size\": 4", "\"hidden_size\": 99999999999"),
            {"hidden_size", "1 to 1048576"}},
           {replaced(nam, "\"input_size\": 2", "\"input_size\": -1"), {"input_size", "found -1"}},
           {"{}", {"empty object"}},
           {"{\"w\":[[1,2],[3]]}", {"tensor 'w'", "expected 2 entries", "found 1"}},
           {"{\"w\":[[1,2],3]}", {"tensor 'w'", "expected a list"}},
           {"{\"w\":[1,[2]]}", {"tensor 'w'", "expected a number", "found a list"}},
           {"{\"w\":[[],[1]]}", {"tensor 'w'", "expected 0 entries", "found 1"}},
           {"{\"w\":[[[[[[[[[1]]]]]]]]]}", {"tensor 'w'", "more than 8 deep"}},
           {"{\"w\":[NaN]}", {"byte 6", "expected a number", "'N'"}},
           {"{\"w\":[1e39]}", {"byte 6", "out of range"}},
           {"{\"w\":true}", {"byte 5", "expected a number"}},
           {"{\"w\":[1],\"w\":[1]}", {"duplicate key 'w'"}},
           {"{\"w\":[1]} x", {"expected the end of the file"}},
       }) {
    const std::string& text = written;
    const std::string message = refusal(text);
    INFO(message);
    INFO(text.substr(0, 200));
    CHECK(mentions(message, words));
  }
}

TEST_CASE("interchange: names and shapes alone make a model only where nothing is left open") {
  const auto fails = [](const std::vector<std::pair<std::string, Dims>>& tensors) {
    StateFile file;
    file.kind = "module";
    for (const auto& [name, shape] : tensors) file.tensors.insert(name, zeros(shape));
    return error_of<FileError>([&] { describe_sequence_model(file); });
  };
  const std::pair<std::string, Dims> ih{"r.weight_ih_l0", {8, 3}}, hh{"r.weight_hh_l0", {8, 2}};
  CHECK(fails({ih, hh}).empty());
  CHECK(fails({ih, hh, {"h.weight", {1, 2}}}).empty());
  CHECK(mentions(fails({{"e.weight", {9, 3}}, ih, hh}), {"'e', is not recurrent"}));
  CHECK(mentions(fails({ih, hh, {"h.weight", {4, 2}}, {"i.weight", {1, 4}}}),
                 {"'i' stands behind the linear layer 'h'"}));
  CHECK(mentions(fails({ih, {"r.weight_hh_l0", {10, 2}}}), {"r.weight_hh_l0", "no such layer"}));
  CHECK(mentions(fails({ih, hh, {"r.weight_ih_l0_reverse", {8, 3}}}), {"unexpected", "_reverse"}));
  CHECK(mentions(fails({ih, hh, {"h.weight", {1, 3}}}),
                 {"layer 1 (Linear) takes 3 features, but layer 0 (LSTM) gives 2"}));
  CHECK(mentions(fails({}), {"it has none"}));
  StateFile optimizer;
  optimizer.kind = "optimizer";
  CHECK(mentions(error_of<FileError>([&] { describe_sequence_model(optimizer); }),
                 {"kind 'module'", "'optimizer'"}));
}

TEST_CASE("interchange: a damaged description is refused") {
  StateFile file = file_of(
      {layer("rec", SequenceLayerType::GRU, 1, 2), layer("lin", SequenceLayerType::Linear, 2, 1)});
  const std::string good = file.metadata.json("sequence_model");
  const auto fails = [&](const std::string& old, const std::string& by) {
    file.metadata.set_json("sequence_model", replaced(good, old, by));
    return error_of<FileError>([&] { sequence_model(file); });
  };
  CHECK(mentions(fails("\"gru\"", "\"lstm\""), {"'rec' (LSTM)", "[8, 1]", "found [6, 1]"}));
  CHECK(mentions(fails("\"gru\"", "\"tcn\""), {"sequence_model", "type 'tcn'"}));
  CHECK(mentions(fails("\"skip\":0", "\"skip\":3"), {"skip must be"}));
  CHECK(mentions(fails("\"skip\":0", "\"jump\":0"), {"unknown key 'jump'"}));
  CHECK(mentions(fails("\"name\":\"rec\",", ""), {"the layer has no name"}));
  CHECK(mentions(fails("\"name\":\"rec\"", "\"name\":\"rec\",\"bias\":1"), {"true or false"}));
  CHECK(mentions(fails("\"name\":\"rec\"", "\"name\":\"rec\",\"colour\":1"), {"key 'colour'"}));
  CHECK(mentions(fails("\"name\":\"rec\"", "\"name\":\"rec\",\"activation\":\"x\""),
                 {"activation 'x'"}));
  CHECK(mentions(fails("\"name\":\"lin\"", "\"name\":\"rec\""), {"missing rec.weight"}));
  CHECK(mentions(fails("\"output_size\":2", "\"output_size\":9999999999"), {"1 to 1048576"}));
}

TEST_CASE("interchange: a model that a layout cannot hold is refused, and nothing is written") {
  using T = SequenceLayerType;
  const auto lstm = layer("rec", T::LSTM, 1, 4), head = layer("lin", T::Linear, 4, 1);
  const auto gru = layer("gru", T::GRU, 4, 4), rnn = layer("rnn", T::RNN, 4, 4);
  auto loud = lstm;
  loud.activation = nn::SequenceActivation::Tanh;
  for (const auto layout : {ModelLayout::GuitarML, ModelLayout::Nam}) {
    CHECK(mentions(write_refusal(file_of({lstm}), layout), {"layer 0 'rec' (LSTM)", "last one"}));
    CHECK(mentions(write_refusal(file_of({head}), layout), {"layer 0 'lin' (Linear)", "alone"}));
    CHECK(mentions(write_refusal(file_of({lstm, gru, head}), layout),
                   {"layer 1 'gru' (GRU)", "differs from the first"}));
    CHECK(mentions(write_refusal(file_of({loud, head}), layout),
                   {"'rec' (LSTM)", "activation tanh"}));
    CHECK(mentions(write_refusal(file_of({lstm, layer("mid", T::Linear, 4, 4), head}), layout),
                   {"layer 1 'mid' (Linear)", "not the last one"}));
  }
  CHECK(mentions(write_refusal(file_of({gru, head}), ModelLayout::Nam),
                 {"'gru' (GRU)", "LSTM only"}));
  CHECK(mentions(write_refusal(file_of({lstm, head}, 1), ModelLayout::Nam), {"no skip"}));
  CHECK(mentions(write_refusal(file_of({lstm, layer("lin", T::Linear, 4, 2)}), ModelLayout::Nam),
                 {"one output, the model 2"}));
  CHECK(mentions(write_refusal(file_of({rnn, head}), ModelLayout::RTNeural), {"'rnn' (RNN)"}));
  CHECK(mentions(write_refusal(file_of({layer("a", T::LSTM, 2, 2)}, 2), ModelLayout::RTNeural),
                 {"one input", "not 2"}));
  auto relu = rnn;
  relu.relu = true;
  CHECK(mentions(write_refusal(file_of({relu, head}), ModelLayout::GuitarML), {"relu"}));
}

TEST_CASE("interchange: a description that is no chain of layers is refused by every writer") {
  using T = SequenceLayerType;
  const auto described = [](const std::string& layers) {
    StateFile file;
    file.kind = "module";
    file.metadata.set_json("sequence_model", "{\"layers\":[" + layers + "],\"skip\":0}");
    return file;
  };
  StateFile none = described("");
  StateFile twice =
      described(R"({"name":"a","type":"linear","input_size":2,"output_size":2,"num_layers":2})");
  twice.tensors.insert("a.weight", reel::ones({2, 2}));
  twice.tensors.insert("a.bias", reel::ones({2}));
  StateFile gap = file_of({layer("a", T::LSTM, 2, 4), layer("b", T::GRU, 4, 3)});
  gap.metadata.erase("sequence_model");
  gap.tensors["b.weight_ih_l0"] = reel::ones({9, 5});
  for (const auto layout : {ModelLayout::GuitarML, ModelLayout::RTNeural, ModelLayout::Nam}) {
    CHECK(mentions(write_refusal(none, layout), {"at least one layer, found none"}));
    CHECK(mentions(write_refusal(twice, layout), {"only a recurrent layer has num_layers"}));
    CHECK(mentions(write_refusal(gap, layout), {"layer 1 (GRU) takes 5 features", "gives 4"}));
  }
}

TEST_CASE("interchange: names of layouts") {
  for (const ModelLayout layout : kAll) CHECK(layout_from_name(layout_name(layout)) == layout);
  CHECK(mentions(error_of<FileError>([] { layout_from_name("onnx"); }),
                 {"'onnx'", "reel", "pytorch", "guitarml", "rtneural", "nam"}));
  CHECK(
      mentions(error_of<FileError>([] { read_model("no/such.nam"); }), {"no/such.nam", "cannot"}));
}

TEST_CASE("interchange: files cut anywhere or with a byte changed give an answer or a FileError") {
  int refused = 0, accepted = 0;
  const auto read = [&](const std::string& text, ModelLayout layout) {
    try {
      files::Input input(text, "model");
      reel::json::Reader in(input);
      sequence_model(layout == ModelLayout::GuitarML   ? interchange::read_guitarml(in, "model")
                     : layout == ModelLayout::RTNeural ? interchange::read_rtneural(in, "model")
                     : layout == ModelLayout::Nam      ? interchange::read_nam(in, "model")
                                                       : interchange::read_pytorch(in, "model"));
      ++accepted;
    } catch (const FileError& error) {
      if (!mentions(error.what(), {"[load] model: "})) FAIL_CHECK(error.what());
      ++refused;
    }
  };
  for (const auto& [name, layout] : kFiles) {
    const std::string text = text_of_file(name);
    // Every byte of the small ones.
    const std::size_t step = kSanitized ? 31 : text.size() < 3500 ? 1 : 7;
    for (std::size_t size = 0; size + 2 < text.size(); size += step) {
      const int before = refused;
      read(text.substr(0, size), layout);
      CHECK(refused == before + 1);
    }
    for (std::size_t i = 0; i < text.size(); i += step) {
      constexpr char kFlips[] = {'\x01', '\x20', '\x80'};
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ kFlips[i / step % 3]);
      read(changed, layout);
    }
  }
  CHECK(accepted > 100);  // digits became other digits
  CHECK(refused > 100);
}

TEST_CASE("interchange: a model can come through a pipe, which gives its bytes only once") {
  for (const auto& file_and_layout : kFiles) {
    const auto& name = file_and_layout.first;  // clang captures no structured binding
    CAPTURE(name);
    const std::string text = text_of_file(name);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::thread writer([&] {
      for (std::size_t done = 0; done < text.size();)
        done += static_cast<std::size_t>(::write(ends[1], text.data() + done, text.size() - done));
      ::close(ends[1]);
    });
    ModelFile file;
    CHECK(error_of<FileError>([&] { file = read_model("/dev/fd/" + std::to_string(ends[0])); }) ==
          "");
    writer.join();
    ::close(ends[0]);
    CHECK(file.layout == file_and_layout.second);
    CHECK(same_tensors(file.state, read_model(interchange_path(name)).state));
  }
}

TEST_CASE("interchange: the layout is found before damage is, and damage is still found") {
  const Folder folder;
  const std::string path = folder / "m";
  for (const auto& entry : kFiles) {
    const std::string text = text_of_file(entry.first);
    for (std::size_t size = 0; size + 2 < text.size(); size += text.size() / 25) {
      write_text(path, text.substr(0, size));
      const std::string message = error_of<FileError>([&] { load_sequence_model(path); });
      CHECK(mentions(message, {"[load] " + path + ": "}));
    }
  }
}
