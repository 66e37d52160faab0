// What every optimizer shares: options, parameter groups, state per parameter.
//
// Names and behaviour are those of libtorch's torch::optim.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../autograd/arg.hpp"
#include "../autograd/tape.hpp"
#include "../autograd/tensor.hpp"

namespace reel {
namespace optim {

/// Visits the values of an options or state object by name. One list of names serves writing,
/// reading and comparing, so that they cannot drift apart.
class Fields {
 public:
  virtual ~Fields() = default;
  virtual void operator()(const char* name, double& value) = 0;
  virtual void operator()(const char* name, std::int64_t& value) = 0;
  virtual void operator()(const char* name, bool& value) = 0;
  /// A tensor of the parameter's shape and dtype, or an undefined one.
  virtual void operator()(const char* name, Tensor& value) = 0;
  /// A tensor of another shape, where -1 stands for any size, or an undefined one.
  virtual void shaped(const char* name, Tensor& value, IntArrayRef shape);
  /// How often something happened: a file that says otherwise than 0 to 2^53 is refused.
  virtual void count(const char* name, std::int64_t& value) { (*this)(name, value); }
  /// Counts, of any number. Throws Error unless overridden: only schedules have them.
  virtual void list(const char* name, std::vector<unsigned>& values);
  /// Says that the tensor `name` is in every file of such a state: one that lacks it is refused.
  virtual void required(const char* name);
};

/// What an optimizer remembers of one parameter.
class OptimizerParamState {
 public:
  virtual ~OptimizerParamState() = default;
  /// Throws Error unless overridden (OptimizerCloneableParamState does).
  virtual std::unique_ptr<OptimizerParamState> clone() const;
  /// Visits the values that a file keeps. Throws Error unless overridden.
  virtual void fields(Fields& visit);
};

template <class Derived>
class OptimizerCloneableParamState : public OptimizerParamState {
 public:
  std::unique_ptr<OptimizerParamState> clone() const override {
    return std::make_unique<Derived>(static_cast<const Derived&>(*this));
  }
};

/// Settings of one parameter group.
class OptimizerOptions {
 public:
  virtual ~OptimizerOptions() = default;
  /// Throws Error unless overridden (OptimizerCloneableOptions does).
  virtual std::unique_ptr<OptimizerOptions> clone() const;
  /// Visits the values that a file keeps. Throws Error unless overridden.
  virtual void fields(Fields& visit);
  /// Throws Error where a value makes no sense, with PyTorch's words.
  virtual void validate() const {}
  /// Throws Error unless overridden.
  virtual double get_lr() const;
  /// Throws Error unless overridden.
  virtual void set_lr(double lr);
};

template <class Derived>
class OptimizerCloneableOptions : public OptimizerOptions {
 public:
  std::unique_ptr<OptimizerOptions> clone() const override {
    return std::make_unique<Derived>(static_cast<const Derived&>(*this));
  }
};

/// Options with a field `lr`, of an optimizer of reel's own: its source file defines the members,
/// so that programs need not compile them (update.hpp).
template <class Derived>
class OptimizerOptionsWithRate : public OptimizerOptions {
 public:
  std::unique_ptr<OptimizerOptions> clone() const override;
  double get_lr() const override;
  void set_lr(double lr) override;
};

/// Parameters that are updated with the same options. A group made without options gets the
/// optimizer's defaults when it is added.
class OptimizerParamGroup {
 public:
  OptimizerParamGroup(const OptimizerParamGroup& other);
  OptimizerParamGroup(OptimizerParamGroup&&) = default;
  OptimizerParamGroup& operator=(OptimizerParamGroup&&) = default;
  OptimizerParamGroup(std::vector<Tensor> params) : params_(std::move(params)) {}
  OptimizerParamGroup(std::vector<Tensor> params, std::unique_ptr<OptimizerOptions> options)
      : params_(std::move(params)), options_(std::move(options)) {}

  bool has_options() const { return options_ != nullptr; }
  /// Throws Error where the group has none. Cast to the optimizer's own struct:
  /// `static_cast<AdamOptions&>(group.options()).lr(1e-4)`.
  OptimizerOptions& options();
  const OptimizerOptions& options() const;
  void set_options(std::unique_ptr<OptimizerOptions> options) { options_ = std::move(options); }
  std::vector<Tensor>& params() { return params_; }
  const std::vector<Tensor>& params() const { return params_; }
  /// The learning rate before any schedule; the first one notes it.
  std::optional<double>& initial_lr() { return initial_lr_; }

 private:
  std::vector<Tensor> params_;
  std::optional<double> initial_lr_;
  std::unique_ptr<OptimizerOptions> options_;
};

/// Base of all optimizers.
/// https://pytorch.org/docs/stable/optim.html
class Optimizer {
 public:
  using LossClosure = std::function<Tensor()>;
  using StateMap = std::unordered_map<void*, std::unique_ptr<OptimizerParamState>>;
  /// Names and values, in a fixed order.
  using StateDict = std::vector<std::pair<std::string, Tensor>>;

  /// Throws Error where an option makes no sense, a parameter is undefined, is not a leaf, or is
  /// given twice.
  Optimizer(std::vector<OptimizerParamGroup> param_groups,
            std::unique_ptr<OptimizerOptions> defaults);
  Optimizer(std::vector<Tensor> parameters, std::unique_ptr<OptimizerOptions> defaults);
  Optimizer(const Optimizer&) = delete;
  Optimizer(Optimizer&&) noexcept;
  virtual ~Optimizer();

  /// Updates every parameter that has a gradient. With `closure`, calls it first with recording
  /// on and returns its loss. Throws ShapeError or DtypeError, before anything is changed, where a
  /// gradient does not fit its parameter.
  virtual Tensor step(LossClosure closure = nullptr) = 0;

  /// Throws as the constructor does.
  void add_param_group(const OptimizerParamGroup& param_group);
  /// Adds to the first group. Throws as the constructor does.
  void add_parameters(const std::vector<Tensor>& parameters);
  /// Drops the gradients, or fills them with zeros.
  void zero_grad(bool set_to_none = true);

  /// Parameters of the first group. Throws Error where there is no group.
  std::vector<Tensor>& parameters();
  const std::vector<Tensor>& parameters() const;
  /// Number of parameters in all groups.
  std::size_t size() const;
  OptimizerOptions& defaults() { return *defaults_; }
  const OptimizerOptions& defaults() const { return *defaults_; }
  std::vector<OptimizerParamGroup>& param_groups() { return param_groups_; }
  const std::vector<OptimizerParamGroup>& param_groups() const { return param_groups_; }
  /// State by the parameter's `impl()`.
  StateMap& state() { return state_; }
  const StateMap& state() const { return state_; }

  /// The class as it is named in files: "Adam".
  virtual std::string name() const;
  /// "{name}.version" (1), options as "param_groups.{group}.{option}" (with
  /// "param_groups.{group}.params", the number of parameters) and state as
  /// "state.{group}.{parameter}.{field}". The tensors of the state are shared, not copied.
  StateDict state_dict() const;
  /// Puts a state_dict() of the same class of optimizer, over as many parameters of the same
  /// shapes, in place of options and state. Throws Error that lists every missing, unexpected and
  /// misshapen name; then nothing has changed.
  void load_state_dict(const StateDict& from);
  /// The same with an archive of libtorch's kind (nn/archive.hpp). What else it holds, a module's
  /// tensors for instance, does not matter.
  template <class Archive>
  void save(Archive& archive) const {
    for (const auto& [key, value] : state_dict()) archive.write(key, value);
  }
  template <class Archive>
  void load(Archive& archive) {
    StateDict state;
    for (const std::string& part : {name(), std::string("param_groups"), std::string("state")})
      if (Archive nested; archive.try_read(part, nested)) collect(nested, part, state);
    load_state_dict(state);
  }
  /// The first half of load_state_dict: checks everything and changes nothing. What does not fit
  /// is added to `problems`; where nothing was, the result puts the state in place.
  std::function<void()> prepare_load(const StateDict& from, std::vector<std::string>& problems);

 protected:
  /// An empty state of the optimizer's own class, to be filled from a file. Throws Error unless
  /// overridden.
  virtual std::unique_ptr<OptimizerParamState> make_state() const;

  /// The loss of `closure`, computed with recording on; undefined without a closure.
  static Tensor evaluate(const LossClosure& closure);
  /// Throws ShapeError or DtypeError where a gradient does not fit its parameter.
  void check_gradients() const;

  /// Options of a group; throws Error where they are of another class.
  template <class Options>
  Options& options_of(OptimizerParamGroup& group) const {
    auto* options = dynamic_cast<Options*>(&group.options());
    check(options != nullptr, "[", name(), "] a parameter group has the options of another ",
          "optimizer; give it those of ", name());
    return *options;
  }
  /// State of a parameter, made when first asked for; throws Error where it is of another class.
  template <class State>
  State& state_of(const Tensor& param) {
    auto& slot = state_[param.impl()];
    if (!slot) slot = std::make_unique<State>();
    auto* state = dynamic_cast<State*>(slot.get());
    check(state != nullptr, "[", name(), "] a parameter has the state of another optimizer; ",
          "erase it from state()");
    return *state;
  }
  /// One step: the loss of `closure`, the checks, then `visit(options, state, param)` for every
  /// parameter that has a gradient, with nothing recorded.
  template <class Options, class State, class Visit>
  Tensor update_each(const LossClosure& closure, Visit visit) {
    const Tensor loss = evaluate(closure);
    const NoGradGuard no_grad;
    check_gradients();
    for (auto& group : param_groups_) {
      const Options& options = options_of<Options>(group);
      for (const Tensor& param : group.params())
        if (param.grad().defined()) visit(options, state_of<State>(param), param);
    }
    return loss;
  }
  /// Makes `buffer` zeros like `param` where it is undefined; throws ShapeError or DtypeError where
  /// it no longer fits, because the parameter was changed.
  void fit_buffer(Tensor& buffer, const Tensor& param, const char* what) const;

 private:
  void check_parameters(const std::vector<Tensor>& params) const;
  /// Appends every tensor in an archive, at any depth.
  template <class Archive>
  static void collect(Archive& archive, const std::string& prefix, StateDict& into) {
    for (const std::string& key : archive.keys()) {
      const std::string whole = prefix + "." + key;
      Tensor value;
      Archive nested;
      if (archive.try_read(key, value))
        into.emplace_back(whole, value);
      else if (archive.try_read(key, nested))
        collect(nested, whole, into);
    }
  }

  std::unique_ptr<OptimizerOptions> defaults_;
  std::vector<OptimizerParamGroup> param_groups_;
  StateMap state_;
};

/// An optimizer of reel's own with these options and this state of each parameter: its
/// constructors. Its source file defines the members, so that programs need not compile them
/// (update.hpp).
template <class Options, class State>
class OptimizerOf : public Optimizer {
 public:
  /// Throws as Optimizer's constructor does.
  explicit OptimizerOf(std::vector<OptimizerParamGroup> param_groups, Options defaults = {});
  explicit OptimizerOf(std::vector<Tensor> params, Options defaults = {});

 protected:
  std::unique_ptr<OptimizerParamState> make_state() const override;
};

/// Whether all values that a file keeps are equal.
bool operator==(const OptimizerOptions& a, const OptimizerOptions& b);
inline bool operator!=(const OptimizerOptions& a, const OptimizerOptions& b) { return !(a == b); }

}  // namespace optim
}  // namespace reel
