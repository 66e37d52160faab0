// Recording: grad mode, edges, nodes and their freeing, saved values.
#include "tape.hpp"

#include <algorithm>

#include "anomaly.hpp"
#include "ops/ops.hpp"
#include "ops/view.hpp"

namespace reel {

namespace {
thread_local bool grad_enabled = true;
thread_local std::uint64_t last_number = 0;
}  // namespace

bool GradMode::is_enabled() { return grad_enabled; }
void GradMode::set_enabled(bool on) { grad_enabled = on; }

void detail::refresh_view(const Tensor& t) {
  TensorImpl& view = *t.impl();
  AutoGradMode on(true);
  const TensorImpl& base = *view.base.impl();
  const auto offset = (view.data - static_cast<std::byte*>(view.storage->data())) /
                      static_cast<std::ptrdiff_t>(element_size(view.dtype));
  const Tensor fresh = as_strided(view.base, view.sizes, view.strides, offset);
  view.set_history(fresh.impl()->grad_fn, fresh.impl()->output_nr);
  view.history_seen = base.history;
}

Edge gradient_edge(const Tensor& t) {
  Edge edge;
  if (!tracks(t)) return edge;
  if (t.impl()->grad_fn) {
    edge.node = t.impl()->grad_fn;
    edge.nr = t.impl()->output_nr;
  } else {
    edge.leaf = t;
  }
  return edge;
}

Tensor Region::of(const Tensor& whole) const {
  if (dim < 0) return whole;
  if (dropped || tracks(whole)) {
    return dropped ? whole.select(dim, start) : whole.narrow(dim, start, length);
  }
  return detail::window(whole, static_cast<std::size_t>(dim), start, length);
}

bool Region::begins_at(const Tensor& whole, const Tensor& part) const {
  const TensorImpl& all = *whole.impl();
  const std::int64_t offset = dim < 0 ? 0 : start * all.strides[static_cast<std::size_t>(dim)];
  return part.impl()->storage == all.storage &&
         part.impl()->data ==
             all.data + offset * static_cast<std::int64_t>(element_size(all.dtype));
}

Node::Node(const char* name, ArrayRef<const Tensor*> inputs, ArrayRef<const Tensor*> results)
    : edges(inputs.size()), outputs(results.size()), name_(name) {
  number = last_number;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& t = *inputs[i];
    if (!tracks(t)) continue;
    const TensorImpl& impl = *t.impl();
    if (impl.grad_fn) {
      edges[i].node = impl.grad_fn;
      edges[i].nr = impl.output_nr;
      // A producer may have been recorded on another thread, whose numbers run ahead of ours.
      number = std::max(number, impl.grad_fn->number);
    } else {
      edges[i].leaf = t;
    }
  }
  last_number = ++number;
  for (std::size_t i = 0; i < results.size(); ++i) {
    outputs[i].sizes = results[i]->impl()->sizes;
    outputs[i].dtype = results[i]->impl()->dtype;
  }
}

Node::~Node() = default;

// A graph may be millions of nodes deep: freeing one node drops its producers into a list, which
// the outermost call works off.
void Node::free_later(Node* node) noexcept {
  thread_local Node* waiting = nullptr;
  thread_local bool draining = false;
  node->next_free_ = waiting;
  waiting = node;
  if (draining) return;
  draining = true;
  while (waiting) {
    Node* next = waiting;
    waiting = next->next_free_;
    delete next;
  }
  draining = false;
}

void link(Ref<Node> node, ArrayRef<const Tensor*> outputs) {
  const Node& made = *node;
  for (std::size_t i = outputs.size(); i-- > 1;) {
    outputs[i]->impl()->grad_fn = node;
    outputs[i]->impl()->output_nr = static_cast<std::uint32_t>(i);
  }
  outputs[0]->impl()->grad_fn = std::move(node);
  outputs[0]->impl()->output_nr = 0;
  if (anomaly::enabled()) anomaly::check_forward(made, outputs);
}

Saved::Saved(const Tensor& input) : value_(input) {
  if (value_.defined()) version_ = value_.impl()->storage->version();
}

Saved Saved::result(const Tensor& output, std::uint32_t nr) {
  Saved saved(output.detach());
  saved.result_nr_ = static_cast<std::int32_t>(nr);
  return saved;
}

void saved_value_changed(const Node& node, IntArrayRef sizes, const Storage& storage,
                         std::uint32_t version) {
  throw AutogradError(
      detail::message("[", node.op_name(), "] a value of shape ", sizes,
                      " needed for backward was modified in place after it was used: it is at "
                      "version ",
                      storage.version(), ", expected version ", version,
                      "; clone() it before changing it, or use the op that is not in place"));
}

void Saved::changed(const Backward& pass) const {
  saved_value_changed(pass.node(), value_.sizes(), *value_.impl()->storage, version_);
}

Tensor Saved::get(const Backward& pass) const {
  if (!value(pass).defined()) return value_;
  if (result_nr_ < 0 || !pass.recording()) return value_;
  Tensor connected = value_.detach();
  connected.impl()->grad_fn = Ref<Node>::share(&pass.node());
  connected.impl()->output_nr = static_cast<std::uint32_t>(result_nr_);
  return connected;
}

std::ostream& operator<<(std::ostream& out, const Ref<Node>& node) {
  return out << (node ? node->op_name() : "none");
}

}  // namespace reel
