#include "checkpoint.hpp"

#include <utility>

namespace {

constexpr const char* kKind = "char_lm";

// Draws the weights from the options' seed.
CharModel new_model(const Options& options, const Vocabulary& vocabulary) {
  reel::manual_seed(static_cast<std::uint64_t>(options.seed));
  return CharModel(options, vocabulary.size());
}

std::string state_name(std::size_t part) { return part == 0 ? "state.h" : "state.c"; }

std::vector<std::int64_t> bytes_of(const Vocabulary& vocabulary) {
  std::vector<std::int64_t> bytes;
  for (const char byte : vocabulary.bytes()) bytes.push_back(static_cast<unsigned char>(byte));
  return bytes;
}

template <class... Parts>
void require(bool condition, const reel::StateFile& checkpoint, const Parts&... parts) {
  reel::check<reel::FileError>(condition, checkpoint.source, ": ", parts...,
                               "; the checkpoint is damaged");
}

Vocabulary vocabulary_of(const reel::StateFile& checkpoint) {
  const auto numbers = checkpoint.metadata.get<std::vector<std::int64_t>>("vocabulary");
  std::string text;
  for (const std::int64_t number : numbers) text.push_back(static_cast<char>(number));
  Vocabulary vocabulary(text);
  require(!numbers.empty() && bytes_of(vocabulary) == numbers, checkpoint,
          "the vocabulary is no list of different bytes in increasing order");
  return vocabulary;
}

const reel::Tensor& tensor_of(const reel::StateFile& checkpoint, const std::string& name,
                              reel::ScalarType dtype, const std::vector<std::int64_t>& sizes) {
  const reel::Tensor* tensor = checkpoint.tensors.find(name);
  require(tensor != nullptr, checkpoint, "there is no tensor '", name, "'");
  require(tensor->dtype() == dtype && tensor->sizes() == sizes, checkpoint, name, " is ",
          tensor->dtype(), " ", tensor->sizes(), ", expected ", dtype, " ",
          reel::IntArrayRef(sizes));
  return *tensor;
}

// The options say how large the model is. They are held against the tensors that the file really
// has before a model of that size is made.
void check_sizes(const reel::StateFile& checkpoint, const Options& options,
                 std::int64_t vocabulary) {
  const std::int64_t gates = options.cell == "lstm" ? 4 : options.cell == "gru" ? 3 : 1;
  tensor_of(checkpoint, "model.embedding.weight", reel::kFloat32, {vocabulary, options.embedding});
  for (std::int64_t layer = 0; layer < options.layers; ++layer)
    tensor_of(checkpoint, "model.rnn.weight_hh_l" + std::to_string(layer), reel::kFloat32,
              {gates * options.hidden, options.hidden});
}

}  // namespace

Run::Run(const Options& opts, const Vocabulary& vocab)
    : options(opts),
      vocabulary(vocab),
      model(new_model(opts, vocab)),
      optimizer(model->parameters(), reel::optim::AdamOptions(opts.lr)) {}

void save_checkpoint(const Run& run, const std::string& path) {
  reel::StateFile checkpoint;
  checkpoint.kind = kKind;
  save_options(run.options, checkpoint.metadata);
  checkpoint.metadata.set("vocabulary", bytes_of(run.vocabulary));
  checkpoint.metadata.set("step", run.step);
  const reel::Generator::State random = reel::default_generator().state();
  checkpoint.metadata.set("random_seed", random.seed);
  checkpoint.metadata.set("random_counter", random.counter);
  std::vector<std::int64_t> steps;
  std::vector<double> losses;
  for (const Validation& point : run.validation) {
    steps.push_back(point.step);
    losses.push_back(point.loss);
  }
  checkpoint.metadata.set("validation_steps", steps);
  checkpoint.metadata.set("validation_losses", losses);

  checkpoint.put("model", run.model);
  checkpoint.put("optimizer", run.optimizer);
  for (std::size_t i = 0; i < run.state.size(); ++i)
    checkpoint.tensors.insert(state_name(i), run.state[i]);
  checkpoint.tensors.insert("losses", reel::tensor(run.losses));
  checkpoint.write(path);
}

reel::StateFile read_checkpoint(const std::string& path) {
  reel::StateFile checkpoint = reel::StateFile::read(path);
  reel::check<reel::FileError>(checkpoint.kind == kKind, path, ": a file of kind '",
                               checkpoint.kind, "', expected a checkpoint of char_lm");
  return checkpoint;
}

Run restore_checkpoint(const reel::StateFile& checkpoint, const Options& options) {
  const Vocabulary vocabulary = vocabulary_of(checkpoint);
  check_sizes(checkpoint, options, vocabulary.size());
  Run run(options, vocabulary);
  checkpoint.restore({{"model", run.model}, {"optimizer", run.optimizer}});
  for (auto& group : run.optimizer.param_groups()) group.options().set_lr(options.lr);

  const auto number = [&](const char* key) {
    const auto value = checkpoint.metadata.get<std::int64_t>(key);
    require(value >= 0, checkpoint, key, " is ", value);
    return static_cast<std::uint64_t>(value);
  };
  run.step = static_cast<std::int64_t>(number("step"));
  run.state = run.model->zero_state(options.batch);
  for (std::size_t i = 0; i < run.state.size(); ++i)
    run.state[i] = tensor_of(checkpoint, state_name(i), reel::kFloat32, run.state[i].sizes().vec());

  const reel::Tensor losses = tensor_of(checkpoint, "losses", reel::kFloat32, {run.step});
  run.losses.assign(losses.data_ptr<float>(), losses.data_ptr<float>() + losses.numel());
  const auto steps = checkpoint.metadata.get<std::vector<std::int64_t>>("validation_steps");
  const auto values = checkpoint.metadata.get<std::vector<double>>("validation_losses");
  require(steps.size() == values.size(), checkpoint, "there are ", steps.size(),
          " validation steps and ", values.size(), " losses");
  for (std::size_t i = 0; i < steps.size(); ++i) run.validation.push_back({steps[i], values[i]});

  reel::default_generator().set_state({number("random_seed"), number("random_counter")});
  return run;
}
