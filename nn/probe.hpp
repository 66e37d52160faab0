// Probes: a sample of what a model computes, kept in its file and checked when it is loaded.
//
//   reel::StateFile file = reel::to_file(*model);
//   file.probe = reel::make_probe(*model, sample);
//   file.write("model.json");
//   reel::load(model, "model.json");     // throws where the loaded model answers differently
#pragma once

#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "../autograd/tape.hpp"
#include "state_file.hpp"

namespace reel {

/// What a model makes of inputs.
using ProbedFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// The largest |difference| / max(1, |expected|) between what `run` makes of the probe's inputs
/// and the probe's outputs; infinite where a shape or dtype differs or one of the two is not a
/// number.
double probe_difference(const Probe& probe, const ProbedFunction& run);

/// Evaluation mode and no recording while it lives; then each module's own mode again.
class EvaluationScope {
 public:
  explicit EvaluationScope(nn::Module& module);
  EvaluationScope(const EvaluationScope&) = delete;
  EvaluationScope& operator=(const EvaluationScope&) = delete;
  ~EvaluationScope();

 private:
  std::vector<std::pair<nn::Module*, bool>> modes_;
  NoGradGuard no_grad_;
};

namespace detail {
/// Adds the tensors of a result: tensors, tuples, pairs and vectors of them.
inline void collect(std::vector<Tensor>& into, const Tensor& tensor) { into.push_back(tensor); }
template <class T>
void collect(std::vector<Tensor>& into, const std::vector<T>& list) {
  for (const T& item : list) collect(into, item);
}
template <class A, class B>
void collect(std::vector<Tensor>& into, const std::pair<A, B>& pair);
template <class... T>
void collect(std::vector<Tensor>& into, const std::tuple<T...>& tuple) {
  std::apply([&](const auto&... items) { (collect(into, items), ...); }, tuple);
}
template <class A, class B>
void collect(std::vector<Tensor>& into, const std::pair<A, B>& pair) {
  collect(into, pair.first);
  collect(into, pair.second);
}

template <class M, class = void, class... In>
struct has_forward : std::false_type {};
template <class M, class... In>
struct has_forward<M, std::void_t<decltype(std::declval<M&>().forward(std::declval<In>()...))>,
                   In...> : std::true_type {};

/// `module.forward` of one or two tensors as a function of a list; empty where it has none for
/// so many.
template <class M>
ProbedFunction forward_of(M& module, std::size_t inputs) {
  if constexpr (has_forward<M, void, const Tensor&>::value) {
    if (inputs == 1)
      return [&module](const std::vector<Tensor>& in) {
        std::vector<Tensor> out;
        collect(out, module.forward(in[0]));
        return out;
      };
  }
  if constexpr (has_forward<M, void, const Tensor&, const Tensor&>::value) {
    if (inputs == 2)
      return [&module](const std::vector<Tensor>& in) {
        std::vector<Tensor> out;
        collect(out, module.forward(in[0], in[1]));
        return out;
      };
  }
  return nullptr;
}

/// from_file, then the probe; puts the old values back where it fails.
nn::IncompatibleKeys load_module(const StateFile& file, nn::Module& module,
                                 const LoadOptions& options, const ProbedFunction& forward);
template <class M>
nn::IncompatibleKeys load_module(const StateFile& file, M& module, const LoadOptions& options) {
  return load_module(file, module, options,
                     forward_of(module, file.probe ? file.probe->inputs.size() : 0));
}
}  // namespace detail

/// Runs the module on the inputs, in evaluation mode, and keeps copies of both sides.
template <class M, class... In>
Probe make_probe(M& module, const In&... inputs) {
  const EvaluationScope scope(module);
  Probe probe;
  (probe.inputs.push_back(inputs.detach().clone()), ...);
  std::vector<Tensor> outputs;
  detail::collect(outputs, module.forward(inputs...));
  for (const Tensor& output : outputs) probe.outputs.push_back(output.detach().clone());
  return probe;
}

}  // namespace reel
