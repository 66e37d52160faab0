// Models that other programs' users have, with outputs known from elsewhere. They are not part of
// the project: REEL_SHARED_DATA names a folder that has them as nam/, neuralseed/ and rtneural/.
#include <cstdlib>

#include "tests/nn/interchange_support.hpp"

using namespace reel;
using namespace reel::test;
using nn::SequenceModel;

namespace {

#ifndef REEL_SHARED_DATA
#define REEL_SHARED_DATA ""
#endif

/// Empty where there is no such folder.
std::string shared_folder() {
  const char* set = std::getenv("REEL_SHARED_DATA");
  const std::string folder = set != nullptr ? set : REEL_SHARED_DATA;
  return !folder.empty() && std::filesystem::is_directory(folder) ? folder + "/" : "";
}

#define NEED_SHARED_DATA()                                                                  \
  const std::string shared = shared_folder();                                               \
  if (shared.empty()) {                                                                     \
    MESSAGE("skipped: set REEL_SHARED_DATA to the folder with the other programs' models"); \
    return;                                                                                 \
  }                                                                                         \
  static_cast<void>(0)

Tensor column(const std::string& path) {
  std::ifstream in(path);
  std::vector<float> numbers;
  for (double x; in >> x;) numbers.push_back(static_cast<float>(x));
  REQUIRE_MESSAGE(numbers.size() >= 100, path);
  return tensor_of(numbers).unsqueeze(1);
}

struct Known {
  std::string file, input, output;
  std::int64_t zeros_before = 0;
};
const std::vector<Known> kKnown = {
    {"rtneural/lstm_torch.json", "rtneural/lstm_torch_x_python.csv",
     "rtneural/lstm_torch_y_python.csv"},
    {"rtneural/gru_torch.json", "rtneural/gru_torch_x_python.csv",
     "rtneural/gru_torch_y_python.csv"},
    {"rtneural/lstm.json", "rtneural/lstm_x_python.csv", "rtneural/lstm_y_python.csv"},
    {"rtneural/gru.json", "rtneural/gru_x_python.csv", "rtneural/gru_y_python.csv"},
    {"neuralseed/lstm8_ts9_pytorch.json", "nam/input_2000.csv", "neuralseed/lstm8_ts9_pytorch.csv"},
    {"neuralseed/gru8_ts9_pytorch.json", "nam/input_2000.csv", "neuralseed/gru8_ts9_pytorch.csv"},
    {"nam/lstm.nam", "nam/input_2000.csv", "nam/lstm.nam.cold.csv"},
    {"nam/lstm.nam", "nam/input_2000.csv", "nam/lstm.nam.prewarm24000.csv", 24000}};

/// max |difference| from the known output.
double known_difference(SequenceModel model, const std::string& shared, const Known& known) {
  NoGradGuard no_grad;
  const Tensor x = reel::cat({zeros({known.zeros_before, 1}), column(shared + known.input)});
  const Tensor y = column(shared + known.output);
  const auto last = [&](const Tensor& all) {
    return all.narrow(0, known.zeros_before, y.size(0)).contiguous();
  };
  const Tensor streamed = empty(x.sizes());
  nn::SequenceRunner(model).run(x.data_ptr<float>(), streamed.data_ptr<float>(), x.size(0));
  return std::max(difference(last(model->forward(x)), y), difference(last(streamed), y));
}

}  // namespace

TEST_CASE("interchange: models of other programs give their known outputs") {
  NEED_SHARED_DATA();
  for (const Known& known : kKnown) {
    INFO(known.file, " ", known.output);
    CHECK(known_difference(load_sequence_model(shared + known.file), shared, known) < 1e-6);
  }
}

TEST_CASE("interchange: models of other programs survive the way through every layout") {
  NEED_SHARED_DATA();
  const Folder folder;
  int converted = 0;
  for (const Known& known : kKnown) {
    const ModelFile file = read_model(shared + known.file);
    const bool nam = file.layout == ModelLayout::Nam, skips = known.file[0] == 'n' && !nam;
    // A chain with linear layers in front has no place in three of the layouts, a GRU and a sum
    // with the input none in .nam; a start state is forgotten after many zeros.
    const bool chain = file.layout == ModelLayout::RTNeural;
    const bool gru = known.file.find("gru") != std::string::npos;
    for (const ModelLayout layout : {ModelLayout::Reel, ModelLayout::PyTorch, ModelLayout::GuitarML,
                                     ModelLayout::RTNeural, ModelLayout::Nam}) {
      INFO(known.file, " as ", std::string(layout_name(layout)));
      if (chain && layout != ModelLayout::Reel && layout != ModelLayout::RTNeural) continue;
      if (layout == ModelLayout::Nam && (gru || skips)) continue;
      if (layout == ModelLayout::PyTorch && skips) continue;
      const bool drop = nam && known.zeros_before > 0;
      if (nam && !drop && (layout == ModelLayout::GuitarML || layout == ModelLayout::RTNeural))
        continue;
      const std::string path = folder / "converted.json";
      write_model(file.state, path, layout, WriteModelOptions().drop_start_state(drop));
      CHECK(read_model(path).layout == layout);
      CHECK(known_difference(load_sequence_model(path), shared, known) < 1e-6);
      ++converted;
    }
    for (const char* extension : {".json", ".json.gz", ".cbor", ".msgpack", ".safetensors"}) {
      INFO(known.file, " as ", std::string(extension));
      const std::string path = folder / ("converted" + std::string(extension));
      file.state.write(path);
      CHECK(same_tensors(read_model(path).state, file.state));
      CHECK(known_difference(load_sequence_model(path), shared, known) < 1e-6);
    }
  }
  CHECK(converted >= 26);
}

TEST_CASE("interchange: a model that says 16 units and holds 20 is refused") {
  NEED_SHARED_DATA();
  const std::string message =
      error_of<FileError>([&] { read_model(shared + "rtneural/bad_lstm.json"); });
  INFO(message);
  CHECK(mentions(message, {"bad_lstm.json: byte", "layer 0 (lstm): kernel",
                           "expected shape [1, 64]", "16 units", "found [1, 80]"}));
}
