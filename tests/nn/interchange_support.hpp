// What the tests of other programs' model files share: the fixtures, and running a model.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "nn/interchange.hpp"
#include "tests/fixture.hpp"
#include "tests/nn/serialization_support.hpp"

namespace reel::test {

/// A file of tests/fixtures/interchange.
inline std::string interchange_path(const std::string& name) {
  return source_path("tests/fixtures/interchange/" + name).string();
}

/// Rows of numbers as a float32 tensor.
inline Tensor rows(const json& list) {
  const auto numbers = list.get<std::vector<std::vector<double>>>();
  const Tensor t = reel::empty(
      {static_cast<std::int64_t>(numbers.size()), static_cast<std::int64_t>(numbers.at(0).size())});
  float* to = t.data_ptr<float>();
  for (const auto& row : numbers)
    for (const double x : row) *to++ = static_cast<float>(x);
  return t;
}

/// The largest difference between `y` and what the model gives, whole and sample by sample.
inline double model_difference(nn::SequenceModel model, const Tensor& x, const Tensor& y) {
  NoGradGuard no_grad;
  const double whole = difference(model->forward(x), y);
  const Tensor streamed = reel::empty(y.sizes());
  nn::SequenceRunner runner(model);
  REQUIRE(runner.input_size() == x.size(1));
  REQUIRE(runner.output_size() == y.size(1));
  for (int round = 0; round < 2; ++round) {
    runner.reset();
    runner.run(x.data_ptr<float>(), streamed.data_ptr<float>(), x.size(0));
  }
  return std::max(whole, difference(streamed, y));
}

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// Whether both files have the same tensors, to the bit and in the same order.
inline bool same_tensors(const StateFile& a, const StateFile& b) {
  if (a.tensors.size() != b.tensors.size()) return false;
  for (std::size_t i = 0; i < a.tensors.size(); ++i)
    if (a.tensors[i].key() != b.tensors[i].key() ||
        !same_bits(a.tensors[i].value(), b.tensors[i].value()))
      return false;
  return true;
}

}  // namespace reel::test
