#include "probe.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "serialization.hpp"

namespace reel {

namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

double difference(const Tensor& got, const Tensor& want) {
  if (!got.defined() || got.sizes() != want.sizes() || got.dtype() != want.dtype())
    return kInfinite;
  const Tensor a = got.detach().to(kFloat64).contiguous();
  const Tensor b = want.detach().to(kFloat64).contiguous();
  const double* x = a.data_ptr<double>();
  const double* y = b.data_ptr<double>();
  double largest = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) continue;
    const double apart = std::fabs(x[i] - y[i]) / std::max(1.0, std::fabs(y[i]));
    largest = std::isfinite(apart) ? std::max(largest, apart) : kInfinite;
  }
  return largest;
}

}  // namespace

double probe_difference(const Probe& probe, const ProbedFunction& run) {
  std::vector<Tensor> inputs;
  for (const Tensor& input : probe.inputs) inputs.push_back(input.clone());
  const std::vector<Tensor> outputs = run(inputs);
  if (outputs.size() != probe.outputs.size()) return kInfinite;
  double largest = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    largest = std::max(largest, difference(outputs[i], probe.outputs[i]));
  return largest;
}

EvaluationScope::EvaluationScope(nn::Module& module) {
  modes_.emplace_back(&module, module.is_training());
  for (const auto& part : module.modules(/*include_self=*/false))
    modes_.emplace_back(part.get(), part->is_training());
  module.eval();
}

EvaluationScope::~EvaluationScope() {
  // From the root on: train() reaches down the tree, and what is below sets itself right after.
  for (const auto& [module, mode] : modes_) module->train(mode);
}

nn::IncompatibleKeys detail::load_module(const StateFile& file, nn::Module& module,
                                         const LoadOptions& options,
                                         const ProbedFunction& forward) {
  if (!file.probe || !options.verify_probe() || !forward)
    return from_file(file, module, options.strict());
  OrderedDict<std::string, Tensor> before{"Tensor"};
  for (const auto& item : module.state_dict()) before.insert(item.key(), item.value().clone());
  const nn::IncompatibleKeys left_out = from_file(file, module, options.strict());
  const auto undo = [&] { module.load_state_dict(before); };
  double apart = 0;
  try {
    const EvaluationScope scope(module);
    apart = probe_difference(*file.probe, forward);
  } catch (const std::exception& error) {
    undo();
    throw FileError(detail::message("[load] ", file.source,
                                    ": the model fails on the file's probe: ", error.what()));
  } catch (...) {
    undo();
    throw;
  }
  if (!(apart <= options.probe_tolerance())) {
    undo();
    throw FileError(detail::message(
        "[load] ", file.source, ": the loaded model's output differs from the file's probe by ",
        apart, ", more than ", options.probe_tolerance(),
        ": the model is not the one that was saved, or it computes something else now; "
        "LoadOptions::verify_probe(false) loads it anyway"));
  }
  return left_out;
}

}  // namespace reel
