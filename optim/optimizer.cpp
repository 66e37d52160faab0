#include "optimizer.hpp"

#include <algorithm>
#include <typeinfo>
#include <unordered_set>

#include "autograd/ops/ops.hpp"

namespace reel {
namespace optim {

namespace {

/// Of the names in a state dictionary; the name of its entry tells the optimizer's class.
constexpr std::int64_t kStateVersion = 1;

/// Appends every value under `prefix`.
class FieldWriter : public Fields {
 public:
  FieldWriter(Optimizer::StateDict& dict, std::string prefix)
      : dict_(dict), prefix_(std::move(prefix)) {}
  void operator()(const char* name, double& value) override {
    put(name, scalar_tensor(value, kFloat64));
  }
  void operator()(const char* name, std::int64_t& value) override {
    put(name, scalar_tensor(value, kInt64));
  }
  void operator()(const char* name, bool& value) override {
    put(name, scalar_tensor(value, kBool));
  }
  void operator()(const char* name, Tensor& value) override {
    if (value.defined()) put(name, value.detach());
  }

 private:
  void put(const char* name, Tensor value) { dict_.emplace_back(prefix_ + name, std::move(value)); }

  Optimizer::StateDict& dict_;
  std::string prefix_;
};

/// A state dictionary while it is read: knows which names were asked for, and collects problems.
class Source {
 public:
  Source(const Optimizer::StateDict& dict, std::vector<std::string>& problems)
      : problems_(problems) {
    for (const auto& [name, value] : dict)
      if (!values_.emplace(name, value).second) problem("duplicate name ", name);
  }
  template <class... Parts>
  void problem(const Parts&... parts) {
    problems_.push_back(detail::message(parts...));
  }
  /// The value of `name`, or null.
  const Tensor* find(const std::string& name) {
    const auto found = values_.find(name);
    if (found == values_.end()) return nullptr;
    used_.insert(name);
    return &found->second;
  }
  template <class T>
  void read(const std::string& name, T& value) {
    const Tensor* found = find(name);
    if (!found) {
      problem("missing ", name);
    } else if (found->dtype() != dtype_of<T>::value || found->numel() != 1) {
      problem(name, " must be one ", dtype_name(dtype_of<T>::value), ", found ",
              dtype_name(found->dtype()), " of shape ", found->sizes());
    } else {
      value = *found->contiguous().template data_ptr<T>();
    }
  }
  bool has_prefix(const std::string& prefix) const {
    return std::any_of(values_.begin(), values_.end(), [&](const auto& item) {
      return item.first.compare(0, prefix.size(), prefix) == 0;
    });
  }
  /// Names that nobody asked for, in order.
  void report_unused(const Optimizer::StateDict& dict) {
    for (const auto& item : dict)
      if (used_.count(item.first) == 0) problem("unexpected ", item.first);
  }

 private:
  std::vector<std::string>& problems_;
  std::unordered_map<std::string, Tensor> values_;
  std::unordered_set<std::string> used_;
};

/// Fills an options object (no `param`) or the state of `param`.
class FieldReader : public Fields {
 public:
  FieldReader(Source& source, std::string prefix, const Tensor& param = Tensor())
      : source_(source), prefix_(std::move(prefix)), param_(param) {}
  void operator()(const char* name, double& value) override { source_.read(prefix_ + name, value); }
  void operator()(const char* name, std::int64_t& value) override {
    source_.read(prefix_ + name, value);
  }
  void operator()(const char* name, bool& value) override { source_.read(prefix_ + name, value); }
  void count(const char* name, std::int64_t& value) override {
    // What is computed from a count takes it for a double, and adds to it.
    constexpr std::int64_t kMost = std::int64_t{1} << 53;
    std::int64_t found = 0;
    source_.read(prefix_ + name, found);
    if (found < 0 || found > kMost)
      source_.problem(prefix_, name, " must be a count from 0 to ", kMost, ", found ", found);
    else
      value = found;
  }
  void operator()(const char* name, Tensor& value) override {
    shaped(name, value, param_.defined() ? param_.sizes() : IntArrayRef());
  }
  void shaped(const char* name, Tensor& value, IntArrayRef shape) override {
    const Tensor* found = source_.find(prefix_ + name);
    if (!found) return;
    const auto fits = [](std::int64_t size, std::int64_t wanted) {
      return wanted == -1 || size == wanted;
    };
    const IntArrayRef sizes = found->sizes();
    if (param_.defined() &&
        !std::equal(sizes.begin(), sizes.end(), shape.begin(), shape.end(), fits)) {
      source_.problem(prefix_, name, " has shape ", sizes, ", expected ", shape);
      return;
    }
    // A copy of its own: the source may be the live state of another optimizer.
    value = found->to(param_.defined() ? param_.dtype() : found->dtype(), false, true).contiguous();
  }
  void required(const char* name) override {
    if (!source_.find(prefix_ + name)) source_.problem("missing ", prefix_, name);
  }

 private:
  Source& source_;
  std::string prefix_;
  Tensor param_;
};

/// Names and printed values, to compare two options.
class FieldValues : public Fields {
 public:
  std::vector<std::pair<std::string, double>> values;
  void operator()(const char* name, double& value) override { values.emplace_back(name, value); }
  void operator()(const char* name, std::int64_t& value) override {
    values.emplace_back(name, static_cast<double>(value));
  }
  void operator()(const char* name, bool& value) override { values.emplace_back(name, value); }
  void operator()(const char*, Tensor&) override {}
};

std::string group_prefix(std::size_t group) { return detail::message("param_groups.", group, "."); }
std::string state_prefix(std::size_t group, std::size_t param) {
  return detail::message("state.", group, ".", param, ".");
}

[[noreturn]] void not_overridden(const char* member) {
  throw Error(detail::message(
      "[optim] ", member, " is not implemented by this class; override it (deriving from ",
      "OptimizerCloneableOptions or OptimizerCloneableParamState gives ", "clone())"));
}

}  // namespace

void Fields::shaped(const char* name, Tensor& value, IntArrayRef) { (*this)(name, value); }
void Fields::required(const char*) {}
void Fields::list(const char* name, std::vector<unsigned>&) {
  throw Error(detail::message("[Fields] ", name, ": no list is expected here"));
}

std::unique_ptr<OptimizerParamState> OptimizerParamState::clone() const {
  not_overridden("OptimizerParamState::clone()");
}
void OptimizerParamState::fields(Fields&) { not_overridden("OptimizerParamState::fields()"); }
std::unique_ptr<OptimizerOptions> OptimizerOptions::clone() const {
  not_overridden("OptimizerOptions::clone()");
}
void OptimizerOptions::fields(Fields&) { not_overridden("OptimizerOptions::fields()"); }
double OptimizerOptions::get_lr() const { not_overridden("OptimizerOptions::get_lr()"); }
void OptimizerOptions::set_lr(double) { not_overridden("OptimizerOptions::set_lr()"); }

bool operator==(const OptimizerOptions& a, const OptimizerOptions& b) {
  if (typeid(a) != typeid(b)) return false;
  FieldValues of_a, of_b;
  a.clone()->fields(of_a);
  b.clone()->fields(of_b);
  return of_a.values == of_b.values;
}

OptimizerParamGroup::OptimizerParamGroup(const OptimizerParamGroup& other)
    : params_(other.params_),
      initial_lr_(other.initial_lr_),
      options_(other.options_ ? other.options_->clone() : nullptr) {}
OptimizerOptions& OptimizerParamGroup::options() {
  check(has_options(), "[optim] this parameter group has no options yet; give them to its ",
        "constructor or to set_options()");
  return *options_;
}
const OptimizerOptions& OptimizerParamGroup::options() const {
  return const_cast<OptimizerParamGroup*>(this)->options();
}

Optimizer::Optimizer(std::vector<OptimizerParamGroup> param_groups,
                     std::unique_ptr<OptimizerOptions> defaults)
    : defaults_(std::move(defaults)) {
  check(defaults_ != nullptr, "[optim] an optimizer needs default options, found a null pointer");
  defaults_->validate();
  for (const auto& group : param_groups) add_param_group(group);
}
Optimizer::Optimizer(std::vector<Tensor> parameters, std::unique_ptr<OptimizerOptions> defaults)
    : Optimizer(std::vector<OptimizerParamGroup>{OptimizerParamGroup(std::move(parameters))},
                std::move(defaults)) {}

Optimizer::Optimizer(Optimizer&&) noexcept = default;
Optimizer::~Optimizer() = default;
std::string Optimizer::name() const { return "Optimizer"; }

void Optimizer::check_parameters(const std::vector<Tensor>& params) const {
  std::unordered_set<const void*> others, here;
  for (const auto& group : param_groups_)
    for (const auto& param : group.params()) others.insert(param.impl());
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Tensor& param = params[i];
    check(param.defined(), "[optim] parameter ", i, " is an undefined tensor; leave it out");
    check<AutogradError>(param.is_leaf(), "[optim] can't optimize a non-leaf Tensor: parameter ", i,
                         " of shape ", param.sizes(), " was made by a recorded operation; give ",
                         "the leaf that it was made from, or its detach()");
    check(others.count(param.impl()) == 0,
          "[optim] some parameters appear in more than one parameter group: parameter ", i,
          " of shape ", param.sizes(), "; give each parameter once");
    check(here.insert(param.impl()).second,
          "[optim] optimizer contains a parameter group with duplicate parameters: parameter ", i,
          " of shape ", param.sizes(), "; give each parameter once");
  }
}

void Optimizer::add_param_group(const OptimizerParamGroup& param_group) {
  check_parameters(param_group.params());
  OptimizerParamGroup group(param_group);
  if (!group.has_options()) group.set_options(defaults_->clone());
  const OptimizerOptions& options = group.options();
  const OptimizerOptions& expected = *defaults_;
  check(typeid(options) == typeid(expected), "[optim] a parameter group has the options of ",
        "another optimizer: found ", typeid(options).name(), ", expected ",
        typeid(expected).name());
  options.validate();
  param_groups_.push_back(std::move(group));
}

void Optimizer::add_parameters(const std::vector<Tensor>& parameters) {
  check_parameters(parameters);
  if (param_groups_.empty()) return add_param_group(OptimizerParamGroup(parameters));
  auto& first = param_groups_.front().params();
  first.insert(first.end(), parameters.begin(), parameters.end());
}

void Optimizer::zero_grad(bool set_to_none) {
  const NoGradGuard no_grad;
  for (auto& group : param_groups_)
    for (const auto& param : group.params()) {
      Tensor& grad = param.mutable_grad();
      if (!grad.defined()) continue;
      if (set_to_none) {
        grad.reset();
      } else {
        grad.detach_();
        grad.zero_();
      }
    }
}

std::vector<Tensor>& Optimizer::parameters() {
  check(!param_groups_.empty(), "[optim] this optimizer has no parameter group");
  return param_groups_.front().params();
}
const std::vector<Tensor>& Optimizer::parameters() const {
  return const_cast<Optimizer*>(this)->parameters();
}
std::size_t Optimizer::size() const {
  std::size_t count = 0;
  for (const auto& group : param_groups_) count += group.params().size();
  return count;
}

Optimizer::StateDict Optimizer::state_dict() const {
  StateDict dict;
  dict.emplace_back(name() + ".version", scalar_tensor(kStateVersion, kInt64));
  for (std::size_t g = 0; g < param_groups_.size(); ++g) {
    const auto& group = param_groups_[g];
    dict.emplace_back(group_prefix(g) + "params", scalar_tensor(group.params().size(), kInt64));
    FieldWriter write(dict, group_prefix(g));
    group.options().clone()->fields(write);
  }
  for (std::size_t g = 0; g < param_groups_.size(); ++g)
    for (std::size_t i = 0; i < param_groups_[g].params().size(); ++i) {
      const auto found = state_.find(param_groups_[g].params()[i].impl());
      if (found == state_.end()) continue;
      FieldWriter write(dict, state_prefix(g, i));
      found->second->clone()->fields(write);
    }
  return dict;
}

std::function<void()> Optimizer::prepare_load(const StateDict& from,
                                              std::vector<std::string>& problems) {
  const std::size_t before = problems.size();
  Source source(from, problems);
  auto loaded = std::make_shared<StateMap>();
  std::int64_t version = kStateVersion;
  source.read(name() + ".version", version);
  if (version != kStateVersion)
    source.problem(name(), ".version is ", version, ", expected ", kStateVersion);
  for (std::size_t g = 0; g < param_groups_.size(); ++g) {
    const auto& group = param_groups_[g];
    auto count = static_cast<std::int64_t>(group.params().size());
    source.read(group_prefix(g) + "params", count);
    if (count != static_cast<std::int64_t>(group.params().size()))
      source.problem("parameter group ", g, " has ", count, " parameters, expected ",
                     group.params().size());
    const auto options = group.options().clone();
    FieldReader read(source, group_prefix(g));
    const std::size_t before_options = problems.size();
    options->fields(read);
    try {
      if (problems.size() == before_options) options->validate();
    } catch (const Error& error) {
      source.problem("parameter group ", g, ": ", error.what());
    }
    for (std::size_t i = 0; i < group.params().size(); ++i) {
      const Tensor& param = group.params()[i];
      if (!source.has_prefix(state_prefix(g, i))) continue;
      auto state = make_state();
      FieldReader read_state(source, state_prefix(g, i), param);
      state->fields(read_state);
      (*loaded)[param.impl()] = std::move(state);
    }
  }
  source.report_unused(from);
  if (problems.size() != before) return nullptr;
  // The options are filled where they are: the caller may hold references to them.
  return [this, from, loaded] {
    std::vector<std::string> none;
    Source checked(from, none);
    for (std::size_t g = 0; g < param_groups_.size(); ++g) {
      FieldReader read(checked, group_prefix(g));
      param_groups_[g].options().fields(read);
    }
    state_.swap(*loaded);
  };
}

void Optimizer::load_state_dict(const StateDict& from) {
  std::vector<std::string> problems;
  const auto commit = prepare_load(from, problems);
  std::string list;
  for (const auto& problem : problems) list += "\n  " + problem;
  check(problems.empty(), "[", name(),
        "::load_state_dict] the state does not fit this optimizer:", list);
  commit();
}

std::unique_ptr<OptimizerParamState> Optimizer::make_state() const {
  not_overridden("Optimizer::make_state()");
}

Tensor Optimizer::evaluate(const LossClosure& closure) {
  if (!closure) return Tensor();
  const AutoGradMode recording(true);
  return closure();
}

void Optimizer::check_gradients() const {
  for (std::size_t g = 0; g < param_groups_.size(); ++g)
    for (std::size_t i = 0; i < param_groups_[g].params().size(); ++i) {
      const Tensor& param = param_groups_[g].params()[i];
      const Tensor& grad = param.grad();
      if (!grad.defined()) continue;
      check<DtypeError>(param.is_floating_point(), "[", name(), "] parameter ", i, " of group ", g,
                        " is ", dtype_name(param.dtype()), "; only floating tensors are optimized");
      check<ShapeError>(grad.sizes() == param.sizes(), "[", name(), "] the gradient of parameter ",
                        i, " of group ", g, " has shape ", grad.sizes(), ", expected ",
                        param.sizes());
      check<DtypeError>(grad.dtype() == param.dtype(), "[", name(), "] the gradient of parameter ",
                        i, " of group ", g, " is ", dtype_name(grad.dtype()), ", expected ",
                        dtype_name(param.dtype()));
    }
}

void Optimizer::fit_buffer(Tensor& buffer, const Tensor& param, const char* what) const {
  if (!buffer.defined()) {
    buffer = zeros(param.sizes(), param.options());
    return;
  }
  check<ShapeError>(buffer.sizes() == param.sizes(), "[", name(), "] ", what, " has shape ",
                    buffer.sizes(), " but its parameter ", param.sizes(),
                    "; make a new optimizer after changing parameters");
  check<DtypeError>(buffer.dtype() == param.dtype(), "[", name(), "] ", what, " is ",
                    dtype_name(buffer.dtype()), " but its parameter ", dtype_name(param.dtype()),
                    "; make a new optimizer after changing parameters");
  if (!buffer.is_contiguous()) buffer = buffer.contiguous();
}

}  // namespace optim
}  // namespace reel
