// Tensor without arithmetic: its making, its numbers, its place on the tape, copies.
#include "tensor.hpp"

#include <mutex>
#include <sstream>
#include <unordered_map>

#include "kernels.hpp"
#include "ops/gathered.hpp"
#include "ops/ops.hpp"
#include "ops/view.hpp"
#include "tape.hpp"

namespace reel {

Ref<TensorImpl> TensorImpl::make() { return Ref<TensorImpl>::adopt(new TensorImpl()); }

TensorImpl::~TensorImpl() {
  if (retains_grad && grad_fn) grad_fn->outputs[output_nr].retained = nullptr;
}

void TensorImpl::set_history(const Ref<Node>& node, std::uint32_t nr) {
  if (retains_grad && grad_fn) grad_fn->outputs[output_nr].retained = nullptr;
  grad_fn = node;
  output_nr = nr;
  if (retains_grad && grad_fn) grad_fn->outputs[output_nr].retained = this;
}

void Tensor::undefined_error() {
  throw Error("expected a tensor that is defined, found an undefined one (default constructed)");
}

std::int64_t Tensor::storage_offset() const {
  const TensorImpl& impl = checked();
  return (impl.data - static_cast<std::byte*>(impl.storage->data())) /
         static_cast<std::ptrdiff_t>(reel::element_size(impl.dtype));
}

Scalar Tensor::item() const {
  check<ShapeError>(numel() == 1, "[item] a tensor with ", numel(), " elements of shape ", sizes(),
                    " cannot be converted to a number");
  return dispatch(scalar_type(),
                  [&](auto tag) { return Scalar(*data_ptr<typename decltype(tag)::type>()); });
}

std::string Tensor::toString() const {
  return std::string("CPU") + to_string(scalar_type()) + "Type";
}

// ---------------------------------------------------------------- the tape
bool Tensor::requires_grad() const {
  static_cast<void>(checked());
  return tracks(*this);
}

const Tensor& Tensor::set_requires_grad(bool on) const {
  TensorImpl& impl = checked();
  check<AutogradError>(on || !tracks(*this) || is_leaf(),
                       "[requires_grad_] you can only change requires_grad flags of leaf "
                       "variables; use detach() for a value that "
                       "needs no gradient");
  check<AutogradError>(
      !on || is_floating_point(),
      "[requires_grad_] only tensors of floating point dtype can require gradients, found ",
      dtype_name(scalar_type()));
  if (!impl.grad_fn) impl.requires_grad = on;
  return *this;
}
Tensor& Tensor::requires_grad_(bool on) {
  set_requires_grad(on);
  return *this;
}
bool Tensor::is_leaf() const {
  static_cast<void>(tracks(*this));  // brings a view's history up to date
  return !checked().grad_fn;
}
Ref<Node> Tensor::grad_fn() const {
  static_cast<void>(tracks(*this));
  return checked().grad_fn;
}
void Tensor::backward(const Tensor& gradient, std::optional<bool> retain_graph, bool create_graph,
                      std::optional<TensorList> inputs) const {
  check<AutogradError>(!inputs || inputs->size() > 0,
                       "[backward] inputs cannot be empty; leave them out to accumulate into all "
                       "leaves");
  autograd::backward(
      {*this}, gradient.defined() ? std::vector<Tensor>{gradient} : std::vector<Tensor>{},
      retain_graph, create_graph,
      inputs ? std::vector<Tensor>(inputs->begin(), inputs->end()) : std::vector<Tensor>());
}
void Tensor::retain_grad() const {
  check<AutogradError>(requires_grad(),
                       "[retain_grad] can't retain_grad on a tensor that has requires_grad=false");
  TensorImpl& impl = checked();
  if (!impl.grad_fn) return;
  impl.retains_grad = true;
  impl.grad_fn->outputs[impl.output_nr].retained = &impl;
}

namespace {
std::atomic<unsigned> last_hook{0};

// The hooks of results by their number, as long as they are there: one stays with the value that it
// was registered on, whose place on the tape a tensor that is written in place leaves behind.
struct PlacedHook {
  unsigned id;
  const TensorImpl* on;
  std::function<Tensor(const Tensor&)> run;
  ~PlacedHook();
};
struct PlacedHooks {
  std::mutex mutex;
  std::unordered_map<unsigned, std::weak_ptr<PlacedHook>> by_id;
};
PlacedHooks& placed_hooks() {
  static auto* const hooks = new PlacedHooks;  // outlives tensors that are static
  return *hooks;
}
PlacedHook::~PlacedHook() {
  const std::lock_guard lock(placed_hooks().mutex);
  placed_hooks().by_id.erase(id);
}
}  // namespace
unsigned Tensor::add_hook(std::function<Tensor(const Tensor&)> hook) const {
  check<AutogradError>(
      requires_grad(),
      "[register_hook] cannot register a hook on a tensor that doesn't require gradient");
  const unsigned id = ++last_hook;
  TensorImpl& impl = checked();
  if (impl.grad_fn) {
    auto& hooks = impl.grad_fn->outputs[impl.output_nr].hooks;
    if (!hooks) hooks = std::make_unique<std::vector<std::pair<std::uint64_t, Hook>>>();
    const std::shared_ptr<PlacedHook> placed(new PlacedHook{id, &impl, std::move(hook)});
    hooks->emplace_back(id, [placed](const Tensor& g) {
      const auto run = placed->run;  // a hook may remove itself
      return run ? run(g) : Tensor();
    });
    const std::lock_guard lock(placed_hooks().mutex);
    placed_hooks().by_id.emplace(id, placed);
  } else {
    if (!impl.extra) impl.extra = std::make_unique<AutogradExtra>();
    impl.extra->hooks.emplace_back(id, std::move(hook));
  }
  return id;
}
void Tensor::remove_hook(unsigned id) const {
  TensorImpl& impl = checked();
  auto* hooks = impl.grad_fn ? impl.grad_fn->outputs[impl.output_nr].hooks.get()
                : impl.extra ? &impl.extra->hooks
                             : nullptr;
  if (hooks)
    for (auto at = hooks->begin(); at != hooks->end(); ++at)
      if (at->first == id) {
        hooks->erase(at);
        return;
      }
  std::shared_ptr<PlacedHook> placed;
  {
    const std::lock_guard lock(placed_hooks().mutex);
    const auto found = placed_hooks().by_id.find(id);
    if (found != placed_hooks().by_id.end()) placed = found->second.lock();
  }
  if (placed && placed->on == &impl) placed->run = nullptr;
}

void Tensor::set_data(const Tensor& values) const {
  TensorImpl& impl = checked();
  const TensorImpl& from = values.checked();
  check<AutogradError>(is_leaf(), "[set_data] only a leaf can be given other memory; detach() it");
  check<DtypeError>(impl.dtype == from.dtype, "[set_data] expected ", dtype_name(impl.dtype),
                    ", found ", dtype_name(from.dtype));
  const Tensor shown = values;  // keeps what impl.base may be the last to hold
  impl.base = Tensor();
  impl.storage = from.storage;
  impl.data = from.data;
  impl.sizes = from.sizes;
  impl.strides = from.strides;
  impl.numel = from.numel;
  impl.contiguous = from.contiguous;
}
Tensor Tensor::operator[](const Tensor& index) const {
  check<DtypeError>(is_integral(index.scalar_type(), false) && index.numel() == 1,
                    "[operator[]] expected an integral tensor of one element, found ",
                    dtype_name(index.scalar_type()), " ", index.sizes(),
                    "; use index({...}) or index_select() for several");
  return select(0, index.item<std::int64_t>());
}
void detail::wrong_data_type(ScalarType wanted, const Tensor& found) {
  throw DtypeError(detail::message("[data_ptr] expected scalar type ", to_string(wanted),
                                   " but found ", to_string(found.scalar_type())));
}

Tensor Tensor::detach() const {
  const TensorImpl& from = checked();
  auto impl = TensorImpl::make();
  impl->dtype = from.dtype;
  impl->storage = from.storage;
  impl->data = from.data;
  impl->sizes = from.sizes;
  impl->strides = from.strides;
  impl->numel = from.numel;
  impl->contiguous = from.contiguous;
  return Tensor(std::move(impl));
}
Tensor& Tensor::detach_() {
  TensorImpl& impl = checked();
  check<AutogradError>(!is_view(), "[detach_] can't detach views in-place; use detach() instead");
  if (impl.retains_grad && impl.grad_fn) impl.grad_fn->outputs[impl.output_nr].retained = nullptr;
  impl.retains_grad = false;
  impl.grad_fn = nullptr;
  impl.output_nr = 0;
  impl.requires_grad = false;
  ++impl.history;
  return *this;
}

// ---------------------------------------------------------------- copies and conversions
namespace {
Tensor copied(const Tensor& t, ScalarType dtype, const char* node) {
  Tensor out = empty(t.sizes(), dtype);
  kernels::copy(out, t);
  if (is_floating_point(dtype) && needs_record(t))
    record(node, {&t}, {&out}, [from = t.scalar_type()](Backward& pass) {
      pass.add(0, pass.grad().to(from), pass.grad_owned());
    });
  return out;
}
}  // namespace

Tensor Tensor::clone() const { return copied(*this, scalar_type(), "CloneBackward0"); }
Tensor Tensor::contiguous() const {
  if (is_contiguous()) return *this;
  if (needs_record(*this))
    if (const auto rows = detail::gathered_rows(*this))
      return detail::contiguous_rows(*this, *rows);
  return clone();
}
Tensor Tensor::to(ScalarType dtype, bool, bool copy) const {
  if (dtype == scalar_type() && !copy) return *this;
  return copied(*this, dtype, "ToCopyBackward0");
}
Tensor Tensor::to(const TensorOptions& options, bool non_blocking, bool copy) const {
  return to(options.has_dtype() ? options.dtype() : scalar_type(), non_blocking, copy);
}
Tensor Tensor::to(Device, bool non_blocking, bool copy) const {
  return to(scalar_type(), non_blocking, copy);
}
Tensor Tensor::to(Device, ScalarType dtype, bool non_blocking, bool copy) const {
  return to(dtype, non_blocking, copy);
}

Tensor& Tensor::copy_(const Tensor& source, bool) const {
  detail::check_in_place("copy_", *this);
  bool fits = source.dim() <= dim();
  for (std::int64_t d = 1; fits && d <= source.dim(); ++d)
    fits = source.size(-d) == 1 || source.size(-d) == size(-d);
  check<ShapeError>(fits, "[copy_] a source of shape ", source.sizes(),
                    " does not broadcast to the shape ", sizes());
  if (!is_floating_point() || !needs_record(*this, source)) {
    kernels::copy(*this, detail::without_overlap(*this, source).detach().expand(sizes()));
    return detail::forget_history(*this);
  }
  return detail::write_in_place("copy_", *this, source.expand(sizes()));
}
Tensor& Tensor::fill_(const Scalar& value) const {
  detail::check_in_place("fill_", *this);
  value.check_fits("fill_", scalar_type());
  kernels::fill(*this, value);
  return detail::forget_history(*this);
}
Tensor& Tensor::fill_(const Tensor& value) const {
  check<ShapeError>(value.dim() == 0, "[fill_] expected a value without dimensions, found shape ",
                    value.sizes());
  return is_floating_point() ? copy_(value) : fill_(value.item());
}
Tensor& Tensor::zero_() const { return fill_(0); }

// ---------------------------------------------------------------- writing in place
namespace detail {

namespace {
void check_no_leaf(const char* op, const Tensor& self) {
  if (!GradMode::is_enabled()) return;
  check<AutogradError>(!(self.checked().requires_grad && !self.impl()->grad_fn), "[", op,
                       "] a leaf variable that requires grad is being used in an in-place "
                       "operation; do it inside NoGradGuard, or "
                       "use the op that is not in place");
  const Tensor& base = self.impl()->base;
  check<AutogradError>(!base.defined() || !(base.impl()->requires_grad && !base.impl()->grad_fn),
                       "[", op,
                       "] a view of a leaf variable that requires grad is being used in an "
                       "in-place operation; do it inside NoGradGuard");
}
}  // namespace

void check_in_place(const char* op, const Tensor& self) {
  check_no_leaf(op, self);
  check(self.is_contiguous() || !overlaps_itself(self), "[", op,
        "] positions of a tensor of sizes ", self.sizes(), " and strides ", self.strides(),
        " share elements; clone() it before writing to it");
}

Tensor before_write(const Tensor& self, bool keep_values) {
  tracks(self);  // brings the history of a view up to date with its base
  Tensor before = keep_values ? self.detach().clone() : self.detach();
  before.impl()->grad_fn = self.impl()->grad_fn;
  before.impl()->output_nr = self.impl()->output_nr;
  return before;
}

namespace {
// How the base of a view lies in memory. Throws where it has gaps.
std::optional<MemoryOrder> base_order(const char* op, const Tensor& self) {
  const Tensor& base = self.impl()->base;
  auto order = memory_order(base);
  check<AutogradError>(order.has_value(), "[", op,
                       "] writing into a view needs a base without gaps, found strides ",
                       base.strides(), "; clone() the base");
  return order;
}
// The history of a base after `part`, of strides and offset as given, was replaced in it.
void rebase_base(const Tensor& self, const Tensor& result,
                 const std::optional<MemoryOrder>& order) {
  const Tensor base = self.impl()->base;
  const std::int64_t offset = self.storage_offset() - base.storage_offset();
  const Dims sizes(self.sizes()), strides(self.strides());
  const Tensor before = before_write(base, false);
  Tensor after = base.detach();
  const auto window = [=](const Tensor& g) {
    return as_strided(g, sizes, strides, g.storage_offset() + offset);
  };
  record("CopySlices", {&before, &result}, {&after}, [=](Backward& pass) {
    const Tensor g = order->laid_out(pass.grad()).contiguous();
    if (pass.needs(0)) {
      Tensor rest = g.clone();
      window(rest).zero_();
      pass.add(0, order->restored(rest), true);
    }
    pass.add(1, window(g));
  });
  base.impl()->set_history(after.impl()->grad_fn, after.impl()->output_nr);
  ++base.impl()->history;
}
void adopt_history(const Tensor& self, const Tensor& from) {
  self.impl()->set_history(from.impl()->grad_fn, from.impl()->output_nr);
  ++self.impl()->history;
}
// Numbers without history were written over all of `self`. It still requires a gradient, as in
// PyTorch, and what it was before gets zeros.
void begin_history(const Tensor& self) {
  const Tensor before = before_write(self, false);
  Tensor after = self.detach();
  record("FillBackward0", {&before}, {&after},
         [](Backward& pass) { pass.add(0, zeros_like(pass.grad()), true); });
  adopt_history(self, after);
}
}  // namespace

Tensor& write_in_place(const char* op, const Tensor& self, const Tensor& result) {
  check_in_place(op, self);
  check<ShapeError>(result.sizes() == self.sizes(), "[", op, "] output with shape ", self.sizes(),
                    " doesn't match the broadcast shape ", result.sizes());
  const ScalarType own = self.scalar_type(), given = result.scalar_type();
  check<DtypeError>(
      is_floating_point(own) || (own == kBool ? given == kBool : !is_floating_point(given)), "[",
      op, "] result type ", to_string(given), " can't be cast to the desired output type ",
      to_string(own));
  const Tensor converted = result.to(self.scalar_type());
  const bool recorded = needs_record(self, converted);
  const auto order = recorded && self.is_view() ? base_order(op, self) : nullopt;
  kernels::copy(self, without_overlap(self, converted.detach()));
  self.impl()->storage->bump_version();
  if (recorded) {
    if (self.is_view())
      rebase_base(self, converted, order);
    else if (tracks(converted))
      adopt_history(self, converted);
    else
      begin_history(self);
  }
  return const_cast<Tensor&>(self);
}

Tensor& change_geometry(const char* op, const Tensor& self, const Tensor& changed) {
  check_no_leaf(op, self);
  TensorImpl &impl = *self.impl(), &from = *changed.impl();
  const bool recorded = needs_record(self);
  impl.sizes = from.sizes;
  impl.strides = from.strides;
  impl.contiguous = from.contiguous;
  impl.storage->bump_version();
  if (recorded) impl.set_history(from.grad_fn, from.output_nr);
  return const_cast<Tensor&>(self);
}

Tensor& forget_history(const Tensor& self) {
  self.impl()->storage->bump_version();
  if (!needs_record(self)) return const_cast<Tensor&>(self);
  if (self.is_view()) {
    rebase_base(self, empty(self.sizes(), self.scalar_type()), base_order("fill_", self));
    return const_cast<Tensor&>(self);
  }
  begin_history(self);
  return const_cast<Tensor&>(self);
}

Tensor without_overlap(const Tensor& self, const Tensor& other) {
  const TensorImpl &a = self.checked(), &b = other.checked();
  const bool same_window = a.data == b.data && a.sizes == b.sizes && a.strides == b.strides;
  return a.storage == b.storage && !same_window ? other.clone() : other;
}

}  // namespace detail
}  // namespace reel
