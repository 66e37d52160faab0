// Loading with options: lenient, renamed, checked by a probe; state dictionaries as values.
#include "nn/nn.hpp"
#include "optim/optim.hpp"
#include "serialization_support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

using Names = std::vector<std::string>;

/// A net whose answer depends on its mode, with a buffer, and parts in modes of their own.
struct ScorerImpl : nn::Module {
  explicit ScorerImpl(std::int64_t inputs = 2) {
    hidden = register_module("hidden", nn::Linear(inputs, 3));
    dropout = register_module("dropout", nn::Dropout(0.5));
    frozen = register_module("frozen", nn::Dropout(0.5));
    frozen->eval();
    bias = register_buffer("bias", reel::ones({3}));
  }
  Tensor forward(const Tensor& x) { return factor * dropout(frozen(hidden(x).tanh())) + bias; }
  nn::Linear hidden{nullptr};
  nn::Dropout dropout{nullptr}, frozen{nullptr};
  Tensor bias;
  double factor = 1;
};
REEL_MODULE(Scorer);

}  // namespace

TEST_CASE("files: a state dictionary is a value that goes through files") {
  const Folder folder;
  Net net(0.25), other(3);
  const OrderedDict<std::string, Tensor> state = net->state_dict();
  reel::save(state, folder / "state.safetensors");
  OrderedDict<std::string, Tensor> back;
  reel::load(back, folder / "state.safetensors");
  CHECK(back.keys() == state.keys());
  reel::load(other, folder / "state.safetensors");
  CHECK(same_bits(other->scale, net->scale));
  reel::save(net, folder / "net.json");
  std::ifstream in(folder / "net.json");
  reel::load(back, in);
  CHECK(same_bits(back["scale"], net->scale));
  reel::save(net->scale, folder / "t.json");
  CHECK(mentions(error_of<FileError>([&] { reel::load(back, folder / "t.json"); }),
                 {"expected a file of kind 'module', found 'tensor'"}));
}

TEST_CASE("files: save and load take options for every kind of thing, by path and by stream") {
  const Folder folder;
  Net net(0.1), back(2);
  optim::Adam adam(net->parameters(), optim::AdamOptions(0.5)), other(back->parameters());
  const Tensor t = reel::full({3}, 0.1);
  Tensor read;
  std::vector<Tensor> list;
  for (const FileFormat format : {FileFormat::Cbor, FileFormat::MessagePack, FileFormat::JsonGz}) {
    const auto options = SaveOptions().format(format).sync(false);
    std::stringstream stream;
    reel::save(net, stream, options);
    reel::load(back, stream);
    CHECK(same_bits(back->scale, net->scale));
    reel::save(adam, folder / "x", options);
    CHECK(StateFile::read(folder / "x").format == format);
    reel::load(other, folder / "x");
    CHECK(other.param_groups()[0].options().get_lr() == 0.5);
    reel::save(t, folder / "x", options);
    reel::load(read, folder / "x", LoadOptions());
    CHECK(same_bits(read, t));
    std::stringstream listed;
    reel::save({t, net->scale}, listed, options);
    list.clear();
    reel::load(list, listed);
    CHECK(list.size() == 2);
  }
  reel::save(t, folder / "half.json", SaveOptions().floats(StoredFloats::Float16));
  reel::load(read, folder / "half.json");
  CHECK(read.data_ptr<float>()[0] == 0.0999755859375F);
}

TEST_CASE("files: lenient loading reports what it left") {
  const Folder folder;
  StateFile file = to_file(*Net(0.5));
  file.tensors.erase("scale");
  file.tensors.insert("more", reel::ones({1}));
  file.write(folder / "net.json");
  Net net(3);
  CHECK_FALSE(error_of<FileError>([&] { reel::load(net, folder / "net.json"); }).empty());
  const nn::IncompatibleKeys left =
      reel::load(net, folder / "net.json", LoadOptions().strict(false));
  CHECK(left.missing_keys == Names{"scale"});
  CHECK(left.unexpected_keys == Names{"more"});
  CHECK(values(net->scale) == std::vector<double>{3, 3});
  CHECK(same_bits(net->inner->weight, reel::full({2, 3}, 0.5)));
  // A shape that does not fit is an error all the same.
  file.tensors["inner.weight"] = reel::ones({3, 2});
  CHECK(mentions(error_of<FileError>([&] { from_file(file, *net, false); }),
                 {"inner.weight has shape [3, 2], expected [2, 3]"}));
  optim::SGD sgd(net->parameters(), 0.1);
  reel::save(sgd, folder / "sgd.json");
  CHECK(mentions(
      error_of<Error>([&] { reel::load(sgd, folder / "sgd.json", LoadOptions().strict(false)); }),
      {"only modules", "strict(false)"}));
}

TEST_CASE("files: names change on the way in, by a map and by prefixes") {
  const Folder folder;
  StateFile file;
  file.kind = "module";
  for (const char* name : {"module.a", "module.b.c", "old", "module", "x.y"})
    file.tensors.insert(name, reel::ones({1}));
  file.write(folder / "m.cbor");
  const auto names = [&](const LoadOptions& options) {
    return StateFile::read(folder / "m.cbor", options).tensors.keys();
  };
  CHECK(names(LoadOptions().rename_prefix({{"module.", ""}})) ==
        Names{"a", "b.c", "old", "module", "x.y"});
  CHECK(names(LoadOptions().rename_prefix({{"", "all."}})) ==
        Names{"all.module.a", "all.module.b.c", "all.old", "all.module", "all.x.y"});
  CHECK(names(LoadOptions()
                  .rename({{"old", "new"}, {"module.a", "q"}})
                  .rename_prefix({{"module.b", "z"}, {"module", "m"}, {"x", "x"}})) ==
        Names{"q", "z.c", "new", "m", "x.y"});
  CHECK(mentions(error_of<FileError>([&] {
                   names(LoadOptions().rename({{"none", "a"}}));
                 }),
                 {"m.cbor", "no tensor 'none' to be renamed to 'a'"}));
  CHECK(mentions(error_of<FileError>([&] {
                   names(LoadOptions().rename({{"old", "x.y"}}));
                 }),
                 {"tensors 'old' and 'x.y' would both be named 'x.y'"}));
  StateFile same = StateFile::read(folder / "m.cbor");
  CHECK_FALSE(error_of<FileError>([&] { same.rename({{"old", "module"}}); }).empty());
  CHECK(same.tensors.keys() == file.tensors.keys());

  // PyTorch's DataParallel puts "module." before every name.
  StateFile parallel = to_file(*Net(0.5));
  parallel.rename({}, {{"", "module."}});
  parallel.write(folder / "net.safetensors");
  Net net(3);
  CHECK(mentions(error_of<FileError>([&] { reel::load(net, folder / "net.safetensors"); }),
                 {"missing inner.weight", "unexpected module.inner.weight"}));
  reel::load(net, folder / "net.safetensors", LoadOptions().rename_prefix({{"module.", ""}}));
  CHECK(values(net->scale) == std::vector<double>{0.5, 0.5});
}

TEST_CASE("files: a probe is held against the loaded model, which stays as it was if it fails") {
  const Folder folder;
  const std::string path = folder / "scorer.json";
  reel::manual_seed(3);
  Scorer scorer;
  const Tensor x = reel::randn({4, 2});
  StateFile file = to_file(*scorer);
  file.probe = make_probe(*scorer, x);
  CHECK(scorer->dropout->is_training());  // again
  CHECK_FALSE(scorer->frozen->is_training());
  CHECK_FALSE(file.probe->outputs[0].requires_grad());
  file.write(path);

  Scorer good;
  const auto random = default_generator().state().counter;
  reel::load(good, path);
  CHECK(default_generator().state().counter == random);
  CHECK(same_bits(good->hidden->weight, scorer->hidden->weight));
  CHECK(good->dropout->is_training());
  CHECK_FALSE(good->frozen->is_training());

  // The same weights in a model that computes something else.
  Scorer other;
  other->factor = 1.25;
  const Tensor weight = other->hidden->weight.clone();
  CHECK(mentions(error_of<FileError>([&] { reel::load(other, path); }),
                 {path, "differs from the file's probe by 0.", "verify_probe(false)"}));
  CHECK(same_bits(other->hidden->weight, weight));
  std::shared_ptr<ScorerImpl> pointer = other.ptr();
  CHECK_FALSE(error_of<FileError>([&] { reel::load(pointer, path); }).empty());
  reel::load(other, path, LoadOptions().probe_tolerance(10));
  CHECK(same_bits(other->hidden->weight, scorer->hidden->weight));
  other->hidden->weight.detach().zero_();
  reel::load(other, path, LoadOptions().verify_probe(false));
  CHECK(same_bits(other->hidden->weight, scorer->hidden->weight));
  // What has no forward in its static type cannot be asked.
  nn::Module& base = *other;
  reel::load(base, path);

  // A change of one weight in the file is found.
  file.tensors["hidden.weight"] = file.tensors["hidden.weight"] * 1.01;
  file.write(path);
  CHECK_FALSE(error_of<FileError>([&] { reel::load(good, path); }).empty());
  // A model that cannot take the probe says why.
  file = to_file(*scorer);
  file.probe = Probe{{reel::ones({4, 5})}, {reel::ones({4, 3})}};
  file.write(path);
  const Tensor kept = reel::full_like(good->hidden->weight.detach(), 3);
  good->hidden->weight.detach().copy_(kept);
  CHECK(mentions(error_of<FileError>([&] { reel::load(good, path); }),
                 {"the model fails on the file's probe", "5"}));
  CHECK(same_bits(good->hidden->weight, kept));
  // Whatever it throws, the old values come back.
  struct Thrower : ScorerImpl {
    Tensor forward(const Tensor&) { throw 7; }
  } thrower;
  thrower.hidden->weight.detach().copy_(kept);
  CHECK_THROWS_AS(reel::load(thrower, path), int);
  CHECK(same_bits(thrower.hidden->weight, kept));
}

TEST_CASE("files: a probe of several inputs and of nested outputs") {
  nn::LSTM lstm(nn::LSTMOptions(2, 3));
  const Tensor x = reel::randn({4, 1, 2});
  StateFile file = to_file(*lstm);
  file.probe = make_probe(*lstm, x);
  CHECK(file.probe->outputs.size() == 3);  // output, h, c
  std::stringstream stream;
  file.write(stream);
  nn::LSTM back(nn::LSTMOptions(2, 3));
  reel::load(back, stream);
  nn::GRU gru(nn::GRUOptions(2, 3));
  file = to_file(*gru);
  file.probe = make_probe(*gru, x, reel::randn({1, 1, 3}));
  CHECK(file.probe->inputs.size() == 2);
  const Folder folder;
  for (const char* name : {"g.json", "g.cbor", "g.msgpack", "g.safetensors"}) {
    file.write(folder / name);
    nn::GRU other(nn::GRUOptions(2, 3));
    reel::load(other, folder / name);
    file.probe->inputs[1] = file.probe->inputs[1] + 0.5;
    file.write(folder / name);
    CHECK_FALSE(error_of<FileError>([&] { reel::load(other, folder / name); }).empty());
    file.probe->inputs[1] = file.probe->inputs[1] - 0.5;
  }
  const Tensor one = reel::ones({2});
  const Probe probe{{one}, {one, reel::full({1}, NAN)}};
  const auto give = [](std::vector<Tensor> outputs) {
    return [outputs](const std::vector<Tensor>&) { return outputs; };
  };
  const Tensor nan = reel::full({1}, NAN);
  CHECK(probe_difference(probe, give({one, nan})) == 0);
  CHECK(probe_difference(probe, give({one + 0.5, nan})) == 0.5);
  CHECK(probe_difference(probe, give({one})) == INFINITY);
  CHECK(probe_difference(probe, give({one, one})) == INFINITY);
  CHECK(probe_difference(probe, give({one, reel::ones({1})})) == INFINITY);
  CHECK(probe_difference(probe, give({one.to(kFloat64), nan})) == INFINITY);
}
