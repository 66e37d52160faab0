#include "fixture.hpp"

#include <fstream>
#include <limits>
#include <map>

namespace reel::test {

namespace {
double number(const json& v) {
  if (!v.is_string()) return v.get<double>();
  const auto text = v.get<std::string>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  throw std::runtime_error("fixture: not a number: " + text);
}
}  // namespace

const json& fixture(const std::string& file) {
  static std::map<std::string, json> read;
  const auto at = read.find(file);
  if (at != read.end()) return at->second;
  const auto path = source_path("tests/fixtures/" + file);
  std::ifstream in(path);
  if (!in) throw std::runtime_error("fixture: cannot read " + path.string());
  return read.emplace(file, json::parse(in)).first->second;
}

Tensor read_tensor(const json& written, ScalarType floating) {
  const auto dtype =
      written.contains("t") ? dtype_from_name(written.at("t").get<std::string>()) : floating;
  const Tensor t = reel::empty(written.at("s").get<std::vector<std::int64_t>>(), dtype);
  const json& data = written.at("d");
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = t.data_ptr<T>();
    for (const auto& v : data) {
      if constexpr (std::is_floating_point_v<T>)
        *to++ = static_cast<T>(number(v));
      else
        *to++ = v.get<T>();
    }
  });
  return t;
}

Tensors read_tensors(const json& list, ScalarType floating) {
  Tensors out;
  for (const auto& written : list) out.push_back(read_tensor(written, floating));
  return out;
}

Tensor apply_steps(Tensor t, const json& steps) {
  for (const auto& step : steps) {
    const auto name = step.at(0).get<std::string>();
    const auto n = [&](std::size_t i) { return step.at(i).get<std::int64_t>(); };
    if (name == "transpose")
      t = t.transpose(n(1), n(2));
    else if (name == "slice")
      t = t.slice(n(1), n(2), n(3), n(4));
    else if (name == "expand")
      t = t.expand(step.at(1).get<std::vector<std::int64_t>>());
    else
      throw std::runtime_error("fixture: unknown view step " + name);
  }
  return t;
}

Args::Args(const json& row) : args_(row.value("args", json::object())) {}

std::optional<std::int64_t> Args::maybe(const char* name) const {
  if (!has(name) || args_.at(name).is_null()) return nullopt;
  return integer(name);
}

double Args::real(const char* name, double otherwise) const {
  return has(name) ? number(args_.at(name)) : otherwise;
}

Scalar Args::scalar(const char* name) const {
  const json& v = args_.at(name);
  if (v.is_number_integer()) return v.get<std::int64_t>();
  return number(v);
}

}  // namespace reel::test
