#include "function.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <typeindex>

#include "anomaly.hpp"
#include "ops/ops.hpp"
#include "ops/view.hpp"

namespace reel::autograd {
namespace {

// The readable name of a type; lives as long as the program, as names of nodes do.
const char* type_name(const std::type_info& type) {
  static std::mutex mutex;
  static std::map<std::type_index, std::string> names;
  const std::lock_guard<std::mutex> lock(mutex);
  std::string& name = names[type];
  if (name.empty()) {
    int status = 0;
    char* readable = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
    name = status == 0 ? readable : type.name();
    std::free(readable);
  }
  return name.c_str();
}

bool contains(const variable_list& list, const Tensor& t) {
  return std::any_of(list.begin(), list.end(), [&](const Tensor& x) { return x.is_same(t); });
}

std::vector<const Tensor*> pointers(const variable_list& list) {
  std::vector<const Tensor*> out;
  for (const Tensor& t : list) out.push_back(&t);
  return out;
}

}  // namespace

void AutogradContext::save_for_backward(variable_list to_save) { to_save_ = std::move(to_save); }

// A result is kept without its history, which holds this very context.
void AutogradContext::keep(const variable_list& outputs) {
  for (const Tensor& t : to_save_) {
    const auto at = std::find_if(outputs.begin(), outputs.end(),
                                 [&](const Tensor& out) { return t.defined() && out.is_same(t); });
    saved_.push_back(at == outputs.end() || contains(non_differentiable_, t)
                         ? Saved(t)
                         : Saved::result(t, static_cast<std::uint32_t>(at - outputs.begin())));
  }
  to_save_.clear();
}

variable_list AutogradContext::get_saved_variables() const {
  if (!pass_) return to_save_;
  variable_list values;
  for (const Saved& saved : saved_) values.push_back(saved.get(*pass_));
  return values;
}

bool AutogradContext::needs_input_grad(std::size_t i) const {
  check<AutogradError>(pass_ != nullptr, "[needs_input_grad] is known in backward only");
  check<IndexError>(i < pass_->node().num_inputs(), "[needs_input_grad] argument ", i, " of ",
                    pass_->node().num_inputs());
  return pass_->needs(i);
}

FunctionNode::FunctionNode(const char* name, ArrayRef<const Tensor*> inputs,
                           ArrayRef<const Tensor*> results, Call&& call)
    : Node(name, inputs, results),
      backward_(call.backward),
      context_(std::move(call.context)),
      is_tensor_(std::move(call.is_tensor)) {}

variable_list FunctionNode::finish(Call call, variable_list outputs) {
  const char* name = type_name(call.type);
  AutogradContext& context = *call.context;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    check<AutogradError>(outputs[i].defined(), "[", name, "] forward returned an undefined tensor",
                         " as result ", i);
  for (const Tensor& t : context.dirty_) t.impl()->storage->bump_version();
  const bool recorded =
      GradMode::is_enabled() && std::any_of(call.inputs.begin(), call.inputs.end(), tracks);
  const auto has_gradient = [&](const Tensor& t) {
    return t.is_floating_point() && !contains(context.non_differentiable_, t);
  };
  variable_list results = outputs;
  // An input handed out unchanged becomes a tensor of its own, so that it can have this history.
  for (Tensor& t : results)
    if (contains(call.inputs, t) && !(has_gradient(t) && contains(context.dirty_, t)))
      t = t.detach();
  if (!recorded) return results;

  const variable_list inputs = call.inputs;
  auto node = Ref<Node>::adopt(
      new FunctionNode(name, pointers(inputs), pointers(results), std::move(call)));
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!has_gradient(outputs[i])) continue;
    if (contains(context.dirty_, outputs[i]) && contains(inputs, outputs[i])) {
      Tensor changed = outputs[i].detach();
      changed.impl()->grad_fn = node;
      changed.impl()->output_nr = static_cast<std::uint32_t>(i);
      detail::write_in_place(name, outputs[i], changed);
    } else {
      results[i].impl()->grad_fn = node;
      results[i].impl()->output_nr = static_cast<std::uint32_t>(i);
    }
  }
  context.keep(results);
  context.dirty_.clear();
  context.non_differentiable_.clear();
  if (anomaly::enabled()) anomaly::check_forward(*node, pointers(results));
  return results;
}

void FunctionNode::backward(Backward& pass) {
  variable_list grads;
  for (std::size_t i = 0; i < num_outputs(); ++i)
    grads.push_back(pass.has_grad(i) || context_->materialize_grads_ ? pass.grad(i) : Tensor());
  struct Running {
    AutogradContext& context;
    Running(AutogradContext& c, const Backward& p) : context(c) { context.pass_ = &p; }
    ~Running() { context.pass_ = nullptr; }
  } const running(*context_, pass);
  const variable_list found = backward_(context_.get(), std::move(grads));

  // Undefined gradients behind the last argument do no harm.
  check<AutogradError>(
      found.size() >= is_tensor_.size() &&
          std::none_of(found.begin() +
                           static_cast<std::ptrdiff_t>(std::min(is_tensor_.size(), found.size())),
                       found.end(), [](const Tensor& t) { return t.defined(); }),
      "[", op_name(), "] backward returned ", found.size(), " gradients, expected ",
      is_tensor_.size(), ": one for each argument of forward");
  std::size_t input = 0;
  for (std::size_t i = 0; i < is_tensor_.size(); ++i) {
    check<AutogradError>(is_tensor_[i] || !found[i].defined(), "[", op_name(),
                         "] backward returned a gradient at position ", i,
                         ", but that argument of forward is no tensor; return Tensor() there");
    if (!is_tensor_[i]) continue;
    if (found[i].defined()) pass.add(input, found[i]);
    ++input;
  }
}

void FunctionNode::release() {
  released = true;
  context_->saved_.clear();
  context_->saved_data.clear();
}

}  // namespace reel::autograd
