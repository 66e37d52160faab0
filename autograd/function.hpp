// Function<T>: an op with a forward and a backward of the user's own.
//
//   struct Scale : reel::autograd::Function<Scale> {
//     static Tensor forward(AutogradContext* ctx, const Tensor& x, double by) {
//       ctx->saved_data["by"] = by;
//       return x * by;
//     }
//     static variable_list backward(AutogradContext* ctx, variable_list grads) {
//       return {grads[0] * ctx->saved_data["by"].toDouble(), Tensor()};
//     }
//   };
//   Tensor y = Scale::apply(x, 2.0);
#pragma once

#include <string>
#include <type_traits>
#include <typeinfo>
#include <unordered_map>
#include <vector>

#include "ivalue.hpp"
#include "tape.hpp"

namespace reel::autograd {

/// What forward hands to backward.
/// https://pytorch.org/cppdocs/api/structtorch_1_1autograd_1_1_autograd_context.html
class AutogradContext {
 public:
  AutogradContext() = default;
  AutogradContext(const AutogradContext&) = delete;
  AutogradContext& operator=(const AutogradContext&) = delete;

  /// Values for backward that are not inputs or outputs.
  std::unordered_map<std::string, IValue> saved_data;

  /// Inputs, outputs or intermediate tensors for backward; once, in forward. They are given back
  /// by get_saved_variables(), which throws AutogradError where one was modified in place since.
  void save_for_backward(variable_list to_save);
  variable_list get_saved_variables() const;
  /// Inputs that forward changes in place; each must be among its outputs.
  void mark_dirty(const variable_list& inputs) { dirty_ = inputs; }
  /// Outputs that have no gradient.
  void mark_non_differentiable(const variable_list& outputs) { non_differentiable_ = outputs; }
  /// Whether the gradient of an output that was not used arrives as zeros (the default) or as an
  /// undefined tensor.
  void set_materialize_grads(bool value) { materialize_grads_ = value; }
  /// In backward: whether tensor argument `i` of forward wants a gradient.
  bool needs_input_grad(std::size_t i) const;

 private:
  friend class FunctionNode;
  void keep(const variable_list& outputs);

  variable_list to_save_;
  std::vector<Saved> saved_;
  variable_list dirty_, non_differentiable_;
  bool materialize_grads_ = true;
  const Backward* pass_ = nullptr;  // while backward runs
};

/// The node of a Function. For Function's own use.
class FunctionNode final : public Node {
 public:
  using BackwardFunction = variable_list (*)(AutogradContext*, variable_list);
  /// One call in the making.
  struct Call {
    const std::type_info& type;
    BackwardFunction backward;
    std::unique_ptr<AutogradContext> context = std::make_unique<AutogradContext>();
    variable_list inputs = {};
    std::vector<bool> is_tensor = {};  // of each argument of forward

    void add(const Tensor& t) {
      is_tensor.push_back(true);
      inputs.push_back(t);
    }
    void add(const std::vector<Tensor>& list) {
      for (const Tensor& t : list) add(t);
    }
    template <class T>
    void add(const T&) {
      is_tensor.push_back(false);
    }
  };
  /// Records the call where an input requires a gradient; returns the results to hand out.
  static variable_list finish(Call call, variable_list outputs);

  FunctionNode(const char* name, ArrayRef<const Tensor*> inputs, ArrayRef<const Tensor*> results,
               Call&& call);
  void backward(Backward& pass) override;
  void release() override;

 private:
  BackwardFunction backward_;
  std::unique_ptr<AutogradContext> context_;
  std::vector<bool> is_tensor_;
};

/// Derive T from Function<T> and give it
///   static Tensor (or variable_list) forward(AutogradContext* ctx, arguments...);
///   static variable_list backward(AutogradContext* ctx, variable_list grad_outputs);
/// forward runs unrecorded. backward returns one gradient per argument of forward: an undefined
/// tensor for an argument that is no tensor or needs none. Where backward uses public ops, it can
/// be differentiated again. Call T::apply(arguments...). Throws AutogradError for a wrong number
/// of gradients, and for a leaf that requires a gradient marked dirty.
/// https://pytorch.org/cppdocs/api/structtorch_1_1autograd_1_1_function.html
template <class T>
struct Function {
  template <class X = T, class... Args>
  static auto apply(Args&&... args) {
    using Result =
        std::decay_t<decltype(X::forward(static_cast<AutogradContext*>(nullptr), args...))>;
    static_assert(std::is_same_v<Result, Tensor> || std::is_same_v<Result, variable_list>,
                  "forward must return a Tensor or a variable_list");
    FunctionNode::Call call{typeid(T), &X::backward};
    (call.add(args), ...);
    variable_list outputs;
    {
      NoGradGuard no_grad;
      if constexpr (std::is_same_v<Result, Tensor>)
        outputs.push_back(X::forward(call.context.get(), std::forward<Args>(args)...));
      else
        outputs = X::forward(call.context.get(), std::forward<Args>(args)...);
    }
    outputs = FunctionNode::finish(std::move(call), std::move(outputs));
    if constexpr (std::is_same_v<Result, Tensor>)
      return outputs[0];
    else
      return outputs;
  }
};

}  // namespace reel::autograd
