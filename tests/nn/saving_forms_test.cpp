// Optimizers in libtorch's archives, and files in memory.
#include <doctest/doctest.h>

#include <sstream>

#include "nn/archive.hpp"
#include "nn/linear.hpp"
#include "nn/packed_sequence.hpp"
#include "optim/optim.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

// A small net that has taken a few steps, so that its optimizer has state.
struct Trained {
  explicit Trained(int steps = 3) : adam(linear->parameters(), optim::AdamOptions(0.1)) {
    for (int i = 0; i < steps; ++i) {
      adam.zero_grad();
      linear(ones({2, 3})).square().sum().backward();
      adam.step();
    }
  }
  nn::Linear linear{3, 2};
  optim::Adam adam;
};

bool same_state(const optim::Optimizer& a, const optim::Optimizer& b) {
  const auto first = a.state_dict(), second = b.state_dict();
  if (first.size() != second.size()) return false;
  for (std::size_t i = 0; i < first.size(); ++i)
    if (first[i].first != second[i].first || !equal(first[i].second, second[i].second))
      return false;
  return true;
}

}  // namespace

TEST_CASE("archives: an optimizer beside the module that it trains") {
  Trained trained, other(1);
  serialize::OutputArchive archive;
  trained.linear->save(archive);
  trained.adam.save(archive);
  std::stringstream stream;
  archive.save_to(stream);
  serialize::InputArchive read;
  read.load_from(stream);
  CHECK(!same_state(trained.adam, other.adam));
  other.adam.load(read);
  CHECK(same_state(trained.adam, other.adam));

  optim::SGD sgd(other.linear->parameters(), optim::SGDOptions(0.1));
  const std::string said = error_of<Error>([&] { sgd.load(read); });
  CHECK(mentions(said, {"[SGD::load_state_dict]", "missing SGD.version"}));
  CHECK(same_state(trained.adam, other.adam));
}

TEST_CASE("files in memory: through a function, and from bytes") {
  Trained trained, other(1), third(1);
  std::string bytes;
  const auto keep = [&](const void* data, std::size_t size) {
    bytes.assign(static_cast<const char*>(data), size);
    return size;
  };
  save(trained.linear, keep);
  load(other.linear, bytes.data(), bytes.size());
  CHECK(equal(other.linear->weight, trained.linear->weight));
  CHECK(mentions(error_of<FileError>([&] { load(other.linear, bytes.data(), 20); }), {"[load]"}));

  save(trained.adam, keep);
  const auto give = [&](std::uint64_t position, void* into, std::size_t size) {
    return bytes.copy(static_cast<char*>(into), size, static_cast<std::size_t>(position));
  };
  load(third.adam, give, [&] { return bytes.size(); });
  CHECK(same_state(third.adam, trained.adam));
  CHECK(mentions(
      error_of<FileError>([&] { load(third.adam, give, [&] { return bytes.size() + 3; }); }),
      {"gave " + std::to_string(bytes.size()), "of " + std::to_string(bytes.size() + 3)}));

  const std::vector<Tensor> tensors{ones({2}), zeros({3})};
  save(tensors, keep);
  std::vector<Tensor> loaded;
  load(loaded, bytes.data(), bytes.size());
  REQUIRE(loaded.size() == 2);
  CHECK(equal(loaded[1], tensors[1]));
}

TEST_CASE("packed sequences: to options, and to where there is nothing") {
  const auto packed = nn::utils::rnn::pack_sequence({ones({3, 2}), ones({1, 2})});
  CHECK(packed.to(TensorOptions(kFloat64).device(kCPU)).data().dtype() == kFloat64);
  CHECK(packed.to(TensorOptions(kCPU)).data().dtype() == kFloat32);
  CHECK(packed.to(kCPU).data().dtype() == kFloat32);
  CHECK(mentions(error_of<Error>([&] { packed.cuda(); }), {"CPU only"}));
}
