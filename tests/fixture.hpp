// Reading the files of tests/fixtures, which hold PyTorch's answers.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "support.hpp"

namespace reel::test {

using json = nlohmann::json;

/// tests/fixtures/`file`, parsed once.
const json& fixture(const std::string& file);

/// The tensor written as {"s": sizes, "d": values, "t": dtype}. Those of float64 are made
/// `floating`.
Tensor read_tensor(const json& written, ScalarType floating = kFloat64);
Tensors read_tensors(const json& list, ScalarType floating = kFloat64);
/// The view of `t` that the case's "v" steps describe.
Tensor apply_steps(Tensor t, const json& steps);

/// The arguments of a case that are not tensors.
class Args {
 public:
  explicit Args(const json& row);
  bool has(const char* name) const { return args_.contains(name); }
  std::int64_t integer(const char* name) const { return args_.at(name); }
  std::int64_t integer(const char* name, std::int64_t otherwise) const {
    return has(name) ? integer(name) : otherwise;
  }
  std::optional<std::int64_t> maybe(const char* name) const;
  double real(const char* name, double otherwise) const;
  bool flag(const char* name) const { return args_.value(name, false); }
  std::vector<std::int64_t> integers(const char* name) const { return args_.at(name); }
  const json& list(const char* name) const { return args_.at(name); }
  Scalar scalar(const char* name) const;
  Scalar scalar(const char* name, const Scalar& otherwise) const {
    return has(name) ? scalar(name) : otherwise;
  }

 private:
  json args_;
};

}  // namespace reel::test
