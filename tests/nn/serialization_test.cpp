// Saving and loading things: modules, lists, optimizers, checkpoints; and what happens to files.
#include "nn/serialization.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <random>

#include "optim/optim.hpp"
#include "serialization_support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

namespace fs = std::filesystem;

void overwrite(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("serialization: a module goes through a file, by holder, pointer and reference") {
  const Folder folder;
  const std::string path = folder / "net.json";
  Net first(0.1);
  first->inner->count.fill_(9);
  const std::shared_ptr<NetImpl> pointer = first.ptr();
  std::vector<std::string> texts;
  reel::save(first, path);
  texts.push_back(written(path));
  reel::save(pointer, path);
  texts.push_back(written(path));
  reel::save(*first, path);
  texts.push_back(written(path));
  CHECK(texts[0] == texts[1]);
  CHECK(texts[0] == texts[2]);
  CHECK(folder.files() == 1);

  Net a(1), b(1), c(1);
  std::shared_ptr<NetImpl> b_pointer = b.ptr();
  const Tensor weight = a->inner->weight;
  reel::load(a, path);
  reel::load(b_pointer, path);
  reel::load(*c, path, kCPU);
  for (const auto& net : {a, b, c}) {
    CHECK(same_bits(net->inner->weight, first->inner->weight));
    CHECK(same_bits(net->scale, first->scale));
    CHECK(net->inner->count.item<std::int64_t>() == 9);
  }
  CHECK(weight.is_same(a->inner->weight));  // the same tensor with new values
  CHECK(weight.requires_grad());

  std::shared_ptr<NetImpl> none;
  CHECK(mentions(error_of<Error>([&] { reel::load(none, path); }), {"null"}));
}

TEST_CASE("serialization: one error lists all that does not fit a module, which stays as it was") {
  const Folder folder;
  StateFile file = to_file(*Net(0.1));
  file.tensors.erase("scale");
  file.tensors["inner.weight"] = reel::zeros({3, 2});
  file.tensors["inner.count"] = reel::zeros({});
  file.tensors.insert("inner.gain", reel::zeros({1}));
  file.write(folder / "bad.json");
  Net net(4);
  const std::string error = error_of<FileError>([&] { reel::load(net, folder / "bad.json"); });
  CHECK(mentions(error, {"[load]", "bad.json", "does not fit the module",
                         "inner.weight has shape [3, 2], expected [2, 3]"}));
  CHECK(mentions(error, {"inner.count is float32, expected int64"}));
  CHECK(mentions(error, {"missing scale"}));
  CHECK(mentions(error, {"unexpected inner.gain"}));
  CHECK(same_bits(net->inner->weight, reel::full({2, 3}, 4.0)));

  reel::save(reel::ones({1}), folder / "tensor.json");
  CHECK(mentions(error_of<FileError>([&] { reel::load(net, folder / "tensor.json"); }),
                 {"expected a file of kind 'module', found 'tensor'"}));
  Tensor t;
  reel::save(net, folder / "net.json");
  CHECK(mentions(error_of<FileError>([&] { reel::load(t, folder / "net.json"); }),
                 {"expected a file of kind 'tensor', found 'module'"}));
  CHECK_FALSE(t.defined());
}

TEST_CASE("serialization: a module takes floats of the other width") {
  StateFile file = to_file(*Net(0.1));
  file.tensors["scale"] = tensor_of<float>({0.1F, 2});
  Net net(4);
  from_file(file, *net);
  CHECK(net->scale.dtype() == kFloat64);
  CHECK(values(net->scale) == std::vector<double>{double{0.1F}, 2});
}

TEST_CASE("serialization: lists of tensors, appended in order") {
  std::vector<Tensor> list;
  for (int i = 0; i < 12; ++i) list.push_back(reel::full({i % 3}, i));
  std::stringstream stream;
  reel::save(list, stream);
  std::vector<Tensor> back{reel::ones({1})};
  reel::load(back, stream);
  REQUIRE(back.size() == 13);
  for (std::size_t i = 0; i < list.size(); ++i) CHECK(same_bits(back[i + 1], list[i]));
  StateFile file = to_file(list);
  file.tensors.erase("4");
  CHECK(mentions(error_of<FileError>([&] { from_file(file, back); }), {"4 is missing"}));
  CHECK(back.size() == 13);
  std::stringstream braces;
  reel::save({list[1], list[2]}, braces);
  back.clear();
  reel::load(back, braces);
  CHECK(back.size() == 2);
  CHECK(mentions(error_of<FileError>([&] { reel::save(Tensor(), braces); }), {"undefined"}));
}

TEST_CASE("serialization: training resumes to the bit after loading into other objects") {
  const Folder folder;
  const auto step = [](NetImpl& net, optim::Optimizer& optimizer, int i) {
    optimizer.zero_grad();
    const double x = 0.3 * (i % 7) - 1;
    ((net.inner->weight * net.inner->weight * x).sum() + (net.scale * net.scale * 0.5).sum() +
     net.scale.sum() * x)
        .backward();
    optimizer.step();
  };
  const auto resumes = [&](auto make, auto make_other) {
    Net straight(0.3), first(0.3), second(5);
    auto optimizer = make(straight->parameters());
    for (int i = 0; i < 20; ++i) step(*straight, optimizer, i);
    auto before = make(first->parameters());
    for (int i = 0; i < 10; ++i) step(*first, before, i);
    reel::save(first, folder / "model.json");
    reel::save(before, folder / "optimizer.json");
    auto after = make_other(second->parameters());
    reel::load(second, folder / "model.json");
    reel::load(after, folder / "optimizer.json");
    for (int i = 10; i < 20; ++i) step(*second, after, i);
    CHECK(same_bits(straight->inner->weight, second->inner->weight));
    CHECK(same_bits(straight->scale, second->scale));
    CHECK_FALSE(same_bits(straight->scale, first->scale));
  };
  using optim::Adam;
  using optim::AdamOptions;
  using optim::AdamW;
  using optim::AdamWOptions;
  using optim::SGD;
  using optim::SGDOptions;
  using List = std::vector<Tensor>;
  resumes([](List p) { return Adam(p, AdamOptions(0.1).amsgrad(true).weight_decay(0.01)); },
          [](List p) {
            return Adam(p, AdamOptions(3).betas({0, 0}));
          });
  resumes([](List p) { return AdamW(p, AdamWOptions(0.1)); },
          [](List p) { return AdamW(p, AdamWOptions(3).amsgrad(true)); });
  resumes([](List p) { return SGD(p, SGDOptions(0.05).momentum(0.9).nesterov(true)); },
          [](List p) { return SGD(p, SGDOptions(1)); });
}

TEST_CASE("serialization: an optimizer refuses what is not its own and stays as it was") {
  const Folder folder;
  Net net(0.5);
  optim::Adam adam(net->parameters(), optim::AdamOptions(0.5));
  optim::SGD sgd(net->parameters(), 0.25);
  reel::save(adam, folder / "adam.json");
  CHECK(mentions(error_of<FileError>([&] { reel::load(sgd, folder / "adam.json"); }),
                 {"adam.json", "does not fit the optimizer", "missing SGD.version",
                  "unexpected Adam.version"}));
  CHECK(sgd.param_groups()[0].options().get_lr() == 0.25);
  optim::Adam fewer(std::vector<Tensor>{net->scale}, optim::AdamOptions(0.125));
  CHECK(mentions(error_of<FileError>([&] { reel::load(fewer, folder / "adam.json"); }),
                 {"parameter group 0 has 2 parameters, expected 1"}));
  CHECK(fewer.param_groups()[0].options().get_lr() == 0.125);
}

TEST_CASE("serialization: a checkpoint is one file, restored whole or not at all") {
  const Folder folder;
  const std::string path = folder / "run.json";
  Net net(0.5);
  optim::Adam adam(net->parameters(), optim::AdamOptions(0.5));
  optim::StepLR schedule(adam, 2);
  for (const auto& p : net->parameters()) p.mutable_grad() = reel::ones(p.sizes(), p.dtype());
  adam.step();
  schedule.step();
  StateFile file;
  file.put("model", net);
  file.put("optimizer", adam);
  file.put("schedule", schedule);
  file.tensors.insert("losses", tensor_of<float>({3, 2}));
  file.metadata.set("step", 1);
  file.write(path);
  CHECK(mentions(error_of<Error>([&] { file.put("model", adam); }), {"'model' already"}));
  CHECK(mentions(error_of<Error>([&] { file.put("a.b", adam); }), {"dot"}));
  CHECK(mentions(error_of<Error>([&] { file.put("", adam); }), {"empty"}));

  Net other(7);
  optim::Adam other_adam(other->parameters(), optim::AdamOptions(9));
  optim::StepLR other_schedule(other_adam, 2);
  const StateFile read = StateFile::read(path);
  CHECK(read.metadata.get<std::int64_t>("step") == 1);
  CHECK(values(read.tensors["losses"]) == std::vector<double>{3, 2});
  read.restore({{"model", other}, {"optimizer", other_adam}, {"schedule", other_schedule}});
  CHECK(same_bits(net->inner->weight, other->inner->weight));
  CHECK(other_adam.param_groups()[0].options().get_lr() == 0.5);
  other_schedule.step();
  CHECK(other_adam.param_groups()[0].options().get_lr() == doctest::Approx(0.05));

  // The model fits, the optimizer does not: neither changes.
  Net third(7);
  optim::SGD sgd(third->parameters(), 0.25);
  const std::string error = error_of<FileError>([&] {
    read.restore({{"model", *third}, {"optimizer", sgd}, {"none", *third}});
  });
  CHECK(mentions(error,
                 {"run.json", "optimizer: missing SGD.version", "none: missing inner.weight"}));
  CHECK(values(third->scale) == std::vector<double>{7, 7});
  // The model alone is enough to use it.
  read.restore({{"model", third}});
  CHECK(same_bits(third->scale, net->scale));
  CHECK(mentions(error_of<FileError>([&] { reel::load(third, path); }),
                 {"found 'checkpoint'", "StateFile::restore"}));
}

TEST_CASE("serialization: a random generator goes on where it was") {
  Generator first(~std::uint64_t{0});
  first.set_state({~std::uint64_t{0}, std::uint64_t{1} << 63});
  StateFile file;
  file.put("random", first);
  const StateFile read = parsed(text_of(file));
  Generator second(1);
  read.restore({{"random", second}});
  CHECK(second.seed() == ~std::uint64_t{0});
  CHECK(second.state().counter == std::uint64_t{1} << 63);
  CHECK(second.uniform() == first.uniform());
  std::stringstream stream;
  reel::save(first, stream);
  reel::load(second, stream);
  CHECK(second.state().counter == first.state().counter);
  StateFile bad = to_file(first);
  bad.tensors.erase("seed");
  bad.tensors["counter"] = reel::zeros({2}, kInt64);
  const auto before = second.state().counter;
  CHECK(mentions(error_of<FileError>([&] { from_file(bad, second); }),
                 {"counter must be one int64, found int64 of shape [2]", "missing seed"}));
  CHECK(second.state().counter == before);
}

TEST_CASE("serialization: saving replaces a file whole or leaves it") {
  const Folder folder;
  const std::string path = folder / "t.json";
  reel::save(reel::ones({2}), path);
  const std::string old = written(path);
  ::chmod(path.c_str(), 0600);
  reel::save(reel::zeros({2}), path);
  CHECK(written(path) != old);
  CHECK((fs::status(path).permissions() & fs::perms::all) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(folder.files() == 1);

  // A failure on the way: an undefined tensor behind many good ones.
  const std::string good = written(path);
  StateFile file;
  file.tensors.insert("big", reel::ones({100000}));
  file.tensors.insert("undefined", Tensor());
  CHECK(mentions(error_of<FileError>([&] { file.write(path); }), {"'undefined'", "undefined"}));
  CHECK(written(path) == good);
  CHECK(folder.files() == 1);
  StateFile bad_name;
  bad_name.tensors.insert("\xff", reel::ones({1}));
  CHECK(mentions(error_of<FileError>([&] { bad_name.write(path); }), {"tensor name", "not UTF-8"}));
  CHECK(written(path) == good);

  // A link stays a link.
  fs::create_symlink(path, folder / "link.json");
  reel::save(reel::ones({2}), folder / "link.json");
  CHECK(fs::is_symlink(folder / "link.json"));
  CHECK(written(path) == old);
  CHECK(folder.files() == 2);
  // Over several links, and where nothing is yet at their end.
  fs::create_directory(folder / "sub");
  fs::create_symlink("sub/second", folder / "first");
  fs::create_symlink("../end.json", folder / "sub/second");
  for (int round = 0; round < 2; ++round) {
    reel::save(reel::ones({2}), folder / "first");
    CHECK(written(folder / "end.json") == old);
  }
  CHECK(fs::is_symlink(folder / "first"));
  CHECK(fs::is_symlink(folder / "sub/second"));
  fs::create_symlink("circle", folder / "circle");
  CHECK(mentions(error_of<FileError>([&] { reel::save(reel::ones({1}), folder / "circle"); }),
                 {"circle: cannot follow its links"}));
  CHECK(fs::is_symlink(folder / "circle"));

  CHECK(mentions(error_of<FileError>([&] { reel::save(reel::ones({1}), folder.path()); }),
                 {folder.path(), "not a regular file"}));
  CHECK(mentions(error_of<FileError>([&] { reel::save(reel::ones({1}), folder / "no/x.json"); }),
                 {"no/x.json", "cannot create", "No such file or directory"}));
  CHECK(mentions(error_of<FileError>([&] { reel::save(reel::ones({1}), "/dev/full"); }),
                 {"/dev/full", "not a regular file"}));
  std::ofstream full("/dev/full");
  CHECK(
      mentions(error_of<FileError>([&] { reel::save(reel::ones({100000}), full); }), {"<stream>"}));
}

TEST_CASE("serialization: a folder that cannot be written keeps its file") {
  const Folder folder;
  const std::string path = folder / "t.json";
  reel::save(reel::ones({2}), path);
  const std::string old = written(path);
  ::chmod(folder.path().c_str(), 0500);
  const std::string error = error_of<FileError>([&] { reel::save(reel::zeros({2}), path); });
  ::chmod(folder.path().c_str(), 0700);
  if (::geteuid() == 0) {
    CHECK(error.empty());  // permissions do not bind root
  } else {
    CHECK(mentions(error, {path, "cannot create a file in its folder", "Permission denied"}));
    CHECK(written(path) == old);
  }
  CHECK(folder.files() == 1);
}

TEST_CASE("serialization: a file size limit while writing keeps the old file") {
  const Folder folder;
  const std::string path = folder / "t.json";
  reel::save(reel::ones({2}), path);
  const std::string old = written(path);
  // In a child process: the limit stays behind in no test.
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const ::rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string error = error_of<FileError>([&] { reel::save(reel::ones({100000}), path); });
    ::_exit(mentions(error, {path, "cannot write", "File too large"}) ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(written(path) == old);
  CHECK(folder.files() == 1);
}

TEST_CASE("serialization: a kill at any moment leaves the old file or the new one") {
  const Folder folder;
  const std::string path = folder / "t.json";
  const Tensor zeros = reel::zeros({20000}), ones = reel::ones({20000});
  reel::save(zeros, path);
  const std::string a = written(path);
  reel::save(ones, folder / "other.json");
  const std::string b = written(folder / "other.json");
  std::mt19937 source(3);
  for (int round = 0; round < 20; ++round) {
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0)
      for (;;) {
        reel::save(ones, path);
        reel::save(zeros, path);
      }
    ::usleep(static_cast<::useconds_t>(1000 + source() % 20000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const std::string now = written(path);
    const bool whole = now == a || now == b;
    CHECK(whole);
  }
}

TEST_CASE("serialization: a file that cannot be read says why") {
  const Folder folder;
  Tensor t;
  CHECK(mentions(error_of<FileError>([&] { reel::load(t, folder / "none.json"); }),
                 {"none.json", "cannot open", "No such file or directory"}));
  CHECK(mentions(error_of<FileError>([&] { reel::load(t, folder.path()); }),
                 {"cannot read", "Is a directory"}));
  overwrite(folder / "empty.json", "");
  CHECK(mentions(error_of<FileError>([&] { reel::load(t, folder / "empty.json"); }),
                 {"empty.json", "byte 0", "cut off"}));
  std::ifstream closed(folder / "none.json");
  CHECK(mentions(error_of<FileError>([&] { reel::load(t, closed); }), {"<stream>"}));
}
