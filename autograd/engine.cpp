// The backward pass: nodes in decreasing creation number, gradients summed where they meet.
#include <algorithm>
#include <atomic>

#include "anomaly.hpp"
#include "gemm.hpp"
#include "kernels.hpp"
#include "ops/ops.hpp"
#include "ops/view.hpp"
#include "tape.hpp"

namespace reel {

namespace {
struct Earlier {
  bool operator()(const Node* a, const Node* b) const { return a->number < b->number; }
};

struct Expected {
  const Dims& sizes;
  ScalarType dtype;
};
Expected expected(const Edge& edge) {
  if (edge.node) return {edge.node->outputs[edge.nr].sizes, edge.node->outputs[edge.nr].dtype};
  return {edge.leaf.impl()->sizes, edge.leaf.impl()->dtype};
}
}  // namespace

void Backward::claim(Node& node) {
  if (node.in_pass == this) return;
  check<AutogradError>(node.in_pass == nullptr, "[backward] ", node.op_name(),
                       " is in use by another backward pass; run passes over one graph in turn");
  node.in_pass = this;
  queue_.push_back(&node);
  std::push_heap(queue_.begin(), queue_.end(), Earlier());
}

GradSlot& Backward::slot(const Edge& edge) {
  if (edge.node) {
    claim(*edge.node);
    return edge.node->outputs[edge.nr].slot;
  }
  if (edge.leaf.impl() == last_leaf_) return *last_slot_;
  auto [at, is_new] = leaves_.try_emplace(edge.leaf.impl());
  if (is_new) {
    at->second.tensor = edge.leaf;
    leaf_order_.push_back(edge.leaf.impl());
  }
  last_leaf_ = edge.leaf.impl();
  last_slot_ = &at->second.slot;
  return at->second.slot;
}

Tensor Backward::grad(std::size_t output) const {
  const Node::Output& out = current_->outputs[output];
  if (out.slot.sum.defined()) return out.slot.sum;
  return zeros(out.sizes, out.dtype);
}

void Backward::make_owned(GradSlot& slot) {
  if ((slot.owned || detail::is_sole_owner(slot.sum)) && !slot.sum.impl()->storage->pinned())
    return;
  slot.sum = slot.sum.clone();
  slot.owned = true;
}

void Backward::add(std::size_t i, Tensor g, bool owned) {
  if (needs(i)) add_to(current_->edges[i], std::move(g), owned);
}

void Backward::add_to(const Edge& edge, Tensor g, bool owned) {
  const Expected want = expected(edge);
  if (g.sizes() != want.sizes) {
    const char* from = current_ ? current_->op_name() : "backward";
    Dims common = broadcast_shapes(from, g.sizes(), want.sizes);
    check<ShapeError>(IntArrayRef(common) == g.sizes(), "[", from, "] a gradient of shape ",
                      g.sizes(), " does not fit a tensor of shape ", want.sizes);
    g = sum_to_size(g, want.sizes);
    owned = true;
  }
  if (g.scalar_type() != want.dtype) {
    g = g.to(want.dtype);
    owned = true;
  }
  GradSlot& s = slot(edge);
  if (create_graph_) {
    s.sum = s.sum.defined() ? s.sum + g : std::move(g);
    return;
  }
  if (!s.sum.defined()) {
    s.sum = std::move(g);
    s.owned = owned;
    return;
  }
  make_owned(s);
  kernels::add_into(s.sum, g);
}

namespace {
// A tensor of the expected shape on all of the memory of which `part` is the given region;
// undefined where there is none.
Tensor whole_around(const Tensor& part, const Region& region, const Expected& want) {
  const Tensor whole = part.detach();
  TensorImpl& impl = *whole.impl();
  impl.sizes = want.sizes;
  impl.strides = contiguous_strides(want.sizes);
  impl.data = static_cast<std::byte*>(impl.storage->data());
  detail::finish_geometry(impl);
  const bool fits = part.scalar_type() == want.dtype && part.impl()->storage->owned() &&
                    part.impl()->storage->bytes() == whole.nbytes() &&
                    region.begins_at(whole, part) && part.strides() == region.of(whole).strides();
  return fits ? whole : Tensor();
}
}  // namespace

// The part `region` of the gradient gathered at `up`, for one view to write; undefined where that
// part has been given out already.
Tensor Backward::reserve(const Edge& up, const Region& region, int depth,
                         const Tensor* over_value) {
  GradSlot& parent = slot(up);
  const std::int64_t end = region.start + region.length;
  GradSlot::Gathering& gathered = parent.gathered();
  auto& filled = gathered.filled;
  if (gathered.parts.defined()) {
    if (region.dim < 0 || gathered.dim != region.dim) return Tensor();
    for (const auto& [from, to] : filled)
      if (end > from && region.start < to) return Tensor();
  } else {
    if (over_value) gathered.parts = whole_around(*over_value, region, expected(up));
    if (!gathered.parts.defined()) gathered.parts = place(up, depth + 1);
    gathered.dim = region.dim;
  }
  if (region.dim >= 0) {
    auto at = std::lower_bound(filled.begin(), filled.end(), std::make_pair(region.start, end));
    const bool joins_next = at != filled.end() && at->first == end;
    const bool joins_last = at != filled.begin() && std::prev(at)->second == region.start;
    if (joins_next && joins_last) {
      std::prev(at)->second = at->second;
      filled.erase(at);
    } else if (joins_next) {
      at->first = region.start;
    } else if (joins_last) {
      std::prev(at)->second = end;
    } else {
      filled.insert(at, {region.start, end});
    }
  }
  return region.of(gathered.parts);
}

// Memory for the first contribution to a gradient: a view's is a region of its parent's gradient
// where that is still free. Chains of views are followed a few links only. What a hook is shown may
// be replaced, so it lies elsewhere.
Tensor Backward::place(const Edge& edge, int depth, const Tensor* over_value) {
  if (edge.node && edge.node->region && depth < 4 && !edge.node->outputs[edge.nr].hooks &&
      leads_somewhere(edge.node->edges[0])) {
    Tensor part = reserve(edge.node->edges[0], *edge.node->region, depth, over_value);
    if (part.defined()) {
      edge.node->outputs[edge.nr].slot.placed = true;
      return part;
    }
  }
  const Expected want = expected(edge);
  std::int64_t numel = 1;
  for (const std::int64_t size : want.sizes) numel *= size;
  return detail::empty_dense(want.sizes, numel, want.dtype);
}

void Backward::add_region() {
  if (!needs(0)) return;
  const Edge& up = current_->edges[0];
  const Region& region = *current_->region;
  const Tensor& g = current_->outputs[0].slot.sum;
  GradSlot& parent = slot(up);
  if (parent.has_parts() && region.begins_at(parent.gathering->parts, g))
    return;  // it was written there in the first place
  if (parent.has_parts() && current_->outputs[0].slot.placed) {
    // A part of it was: all of it takes that part's place.
    Tensor& parts = parent.gathering->parts;
    if (parts.impl()->storage->pinned()) parts = parts.clone();
    kernels::copy(region.of(parts), g);
    return;
  }
  if (!parent.sum.defined()) {
    if (const Tensor part = reserve(up, region, 0, nullptr); part.defined()) {
      kernels::copy(part, g);
      return;
    }
    const Expected want = expected(up);
    parent.sum = zeros(want.sizes, want.dtype);
    parent.owned = true;
  }
  make_owned(parent);
  kernels::add_into(region.of(parent.sum), g);
}

Backward::Target Backward::target(std::size_t i, bool over_grad, const Tensor* over_value) {
  const Edge& edge = current_->edges[i];
  GradSlot& s = slot(edge);
  if (s.sum.defined()) {
    make_owned(s);
    return {s.sum, true};
  }
  Tensor& grad = current_->outputs[0].slot.sum;
  const bool reuse = over_grad && !keeps_grads_ && grad.defined() && detail::is_sole_owner(grad) &&
                     grad.is_contiguous() && !grad.impl()->storage->pinned() &&
                     !(edge.node && edge.node->region);
  if (reuse)
    s.sum = std::move(grad);
  else
    s.sum = place(edge, 0, over_value);
  s.owned = true;
  return {s.sum, false};
}

void Backward::add_product(std::size_t i, const Tensor& a, const Tensor& b) {
  if (!needs(i)) return;
  if (recording()) return add(i, matmul(a, b));
  const Target into = target(i);
  gemm(a, b, into.memory, into.accumulate);
}

// All contributions have arrived: brings them together in `sum`.
void Backward::finish(GradSlot& s, const Edge& edge) {
  if (s.has_pending()) flush_pending(s, edge);
  const std::unique_ptr<GradSlot::Gathering> gathered = std::move(s.gathering);
  if (!gathered || !gathered->parts.defined()) return;
  Tensor& parts = gathered->parts;
  if (gathered->dim >= 0) {
    std::int64_t done = 0;
    gathered->filled.emplace_back(parts.size(gathered->dim), 0);
    for (const auto& [from, to] : gathered->filled) {
      if (from > done) parts.narrow(gathered->dim, done, from - done).zero_();
      done = to;
    }
  }
  if (s.sum.defined()) {
    if (parts.impl()->storage->pinned()) parts = parts.clone();
    kernels::add_into(parts, s.sum);
  }
  s.sum = std::move(parts);
  s.owned = true;
}

void Backward::clear(Node& node) {
  for (auto& out : node.outputs) {
    out.slot.sum = Tensor();
    out.slot.gathering.reset();
    out.slot.owned = out.slot.placed = false;
  }
  node.in_pass = nullptr;
}

namespace {
std::atomic<int> restricted_passes{0};  // that run, one within another or on several threads
}

bool Backward::mark_seen(Node& node, bool is_end) {
  if (marks_apart_) return marks_apart_->emplace(&node, is_end).second;
  if (node.seen_by == id_) return false;
  node.seen_by = id_;
  node.on_path = is_end;
  return true;
}
void Backward::mark_on_path(Node& node) {
  if (marks_apart_)
    (*marks_apart_)[&node] = true;
  else
    node.on_path = true;
}

// After an exception nodes are left in the queue, with gradients in their slots.
Backward::~Backward() {
  if (restricted_) --restricted_passes;
  if (current_) clear(*current_);
  for (Node* node : queue_) clear(*node);
}

class Engine {
 public:
  struct Request {
    const std::vector<Tensor>& roots;
    const std::vector<Tensor>& grads;
    bool retain_graph;
    bool create_graph;
    const std::vector<Tensor>* inputs;  // what is asked for; none: all leaves
    bool accumulate;                    // into `.grad`, else the gradients of `inputs` are returned
  };
  static std::vector<Tensor> run(const Request& request);

 private:
  static void seed(Backward& pass, const Request& request);
  static void restrict_to(Backward& pass, const Request& request);
  static void visit(Backward& pass, Node& node, bool retain_graph);
  static void check_gradients(Backward& pass, Node& node);
  static void accumulate(Backward& pass);
  // A gradient given to the user: the pass may go on to write its own memory.
  static Tensor captured(const Tensor& grad, const Backward& pass) {
    return pass.recording() || !grad.defined() ? grad : grad.clone();
  }
  static Tensor apply_hooks(const std::vector<std::pair<std::uint64_t, Hook>>& hooks, Tensor grad,
                            const char* where);
};

Tensor Engine::apply_hooks(const std::vector<std::pair<std::uint64_t, Hook>>& hooks, Tensor grad,
                           const char* where) {
  const auto copy = hooks;  // a hook may remove itself
  for (const auto& [id, hook] : copy) {
    Tensor changed = hook(grad);
    if (!changed.defined()) continue;
    check<AutogradError>(changed.sizes() == grad.sizes(), "[", where, "] a hook returned shape ",
                         changed.sizes(), " for a gradient of shape ", grad.sizes());
    check<AutogradError>(changed.scalar_type() == grad.scalar_type(), "[", where,
                         "] a hook returned ", dtype_name(changed.scalar_type()),
                         " for a gradient of type ", dtype_name(grad.scalar_type()),
                         "; convert it with .to()");
    grad = std::move(changed);
  }
  return grad;
}

void Engine::seed(Backward& pass, const Request& request) {
  check<AutogradError>(request.grads.empty() || request.grads.size() == request.roots.size(),
                       "[backward] ", request.roots.size(), " tensors but ", request.grads.size(),
                       " gradients: give one for each");
  for (std::size_t i = 0; i < request.roots.size(); ++i) {
    const Tensor& root = request.roots[i];
    check<AutogradError>(root.defined(), "[backward] tensor ", i, " is undefined");
    const Edge edge = gradient_edge(root);
    check<AutogradError>(edge.valid(), "[backward] tensor ", i, " of shape ", root.sizes(),
                         " does not require grad and does not have a grad_fn; compute it from "
                         "tensors with requires_grad, outside NoGradGuard");
    Tensor g = i < request.grads.size() ? request.grads[i] : Tensor();
    if (!g.defined()) {
      check<AutogradError>(root.numel() == 1,
                           "[backward] grad can be implicitly created only for scalar outputs; "
                           "found shape ",
                           root.sizes(), ": pass a gradient of that shape, or reduce it first");
      g = ones(root.sizes(), root.scalar_type());
    }
    check<ShapeError>(g.sizes() == root.sizes(), "[backward] the given gradient has shape ",
                      g.sizes(), ", expected the shape of its tensor, ", root.sizes());
    if (anomaly::enabled()) anomaly::check_seed(g, i);
    if (pass.leads_somewhere(edge)) pass.add_to(edge, g, false);
  }
}

// Marks the nodes that lie on a path from a root to an input: every node after its producers, and
// without recursion, since a graph may be millions of nodes deep.
void Engine::restrict_to(Backward& pass, const Request& request) {
  static std::atomic<std::uint64_t> last_id{0};
  if (restricted_passes++ > 0)
    pass.marks_apart_ = std::make_unique<std::unordered_map<const Node*, bool>>();
  pass.restricted_ = true;
  pass.id_ = ++last_id;
  std::unordered_set<const Node*> ends;
  for (const Tensor& input : *request.inputs) {
    const Edge edge = gradient_edge(input);
    check<AutogradError>(edge.valid(), request.accumulate ? "[backward]" : "[grad]",
                         " an input of shape ", input.sizes(), " does not require grad");
    if (edge.node)
      ends.insert(edge.node.get());
    else
      pass.wanted_leaves_.insert(edge.leaf.impl());
  }
  struct Visit {
    Node* node = nullptr;
    std::size_t next_edge = 0;
  };
  std::vector<Visit> open(64);
  std::size_t depth = 0;
  const auto enter = [&](Node* node) {
    if (!node || !pass.mark_seen(*node, !ends.empty() && ends.count(node) != 0)) return;
    if (depth == open.size()) open.resize(2 * depth);
    open[depth++] = {node, 0};
  };
  for (const Tensor& root : request.roots) {
    enter(gradient_edge(root).node.get());
    while (depth != 0) {
      Node& node = *open[depth - 1].node;
      const std::size_t i = open[depth - 1].next_edge++;
      if (i < node.edges.size()) {
        enter(node.edges[i].node.get());
        continue;
      }
      for (const Edge& edge : node.edges)
        if (pass.leads_somewhere(edge)) {
          pass.mark_on_path(node);
          break;
        }
      --depth;
    }
  }
}

// Anomaly mode: what `node` has just added to the gradients of its inputs.
void Engine::check_gradients(Backward& pass, Node& node) {
  for (std::size_t i = 0; i < node.edges.size(); ++i) {
    const Edge& edge = node.edges[i];
    if (!pass.leads_somewhere(edge)) continue;
    const auto leaf = pass.leaves_.find(edge.leaf.impl());
    if (!edge.node && leaf == pass.leaves_.end()) continue;  // the rule gave nothing
    const GradSlot& slot = edge.node ? edge.node->outputs[edge.nr].slot : leaf->second.slot;
    if (slot.sum.defined()) anomaly::check_gradient(node, i, slot.sum);
    if (slot.has_parts() && node.region)
      anomaly::check_gradient(node, i, node.region->of(slot.gathering->parts));
    if (slot.has_pending()) {
      const PendingProduct& product = slot.gathering->pending;
      anomaly::check_gradient(node, i, matmul(product.a.t(), product.b));
    }
  }
}

void Engine::visit(Backward& pass, Node& node, bool retain_graph) {
  bool any = false;
  for (std::size_t nr = 0; nr < node.outputs.size(); ++nr) {
    Node::Output& out = node.outputs[nr];
    if (out.slot.gathering) {
      Edge self;
      self.node = Ref<Node>::share(&node);
      self.nr = static_cast<std::uint32_t>(nr);
      pass.finish(out.slot, self);
    }
    if (!out.slot.sum.defined()) continue;
    any = true;
    if (out.hooks) {
      out.slot.sum = apply_hooks(*out.hooks, captured(out.slot.sum, pass), node.op_name());
      out.slot.owned = false;
    }
    if (out.retained) {
      Tensor& kept = out.retained->grad;
      kept = kept.defined() ? kept + out.slot.sum : captured(out.slot.sum, pass);
    }
  }
  bool leads = false;
  for (const Edge& edge : node.edges) leads = leads || pass.leads_somewhere(edge);
  if (any && leads) {
    check<AutogradError>(!node.released, "[", node.op_name(),
                         "] trying to backward through the graph a second time: its saved values "
                         "were freed. Call backward(gradient, retain_graph=true) the first time, "
                         "or, where a state is carried over windows, detach() it");
    node.backward(pass);
    if (anomaly::enabled()) check_gradients(pass, node);
    if (!retain_graph) node.release();
  }
}

void Engine::accumulate(Backward& pass) {
  for (TensorImpl* impl : pass.leaf_order_) {
    auto& leaf = pass.leaves_.at(impl);
    Edge edge;
    edge.leaf = leaf.tensor;
    pass.finish(leaf.slot, edge);
    if (impl->extra && !impl->extra->hooks.empty()) {
      leaf.slot.sum = apply_hooks(impl->extra->hooks, leaf.slot.sum, "leaf hook");
      leaf.slot.owned = false;
    }
  }
  for (TensorImpl* impl : pass.leaf_order_) {
    GradSlot& s = pass.leaves_.at(impl).slot;
    Tensor& grad = impl->grad;
    if (!grad.defined()) {
      if (pass.recording()) {
        grad = s.sum.clone();  // no memory that others show
      } else {
        const bool keep = s.sum.is_contiguous() && (s.owned || detail::is_sole_owner(s.sum)) &&
                          s.sum.impl()->storage->bytes() == s.sum.nbytes();
        Tensor fresh = keep ? s.sum : empty(s.sum.sizes(), s.sum.scalar_type());
        if (!keep) kernels::copy(fresh, s.sum);
        grad = std::move(fresh);
      }
    } else if (pass.recording() || !grad.is_contiguous()) {
      grad = grad + s.sum;  // a gradient that was set by hand may show one number many times
    } else {
      kernels::add_into(grad, s.sum);
      grad.impl()->storage->bump_version();
    }
    s = GradSlot();
  }
}

std::vector<Tensor> Engine::run(const Request& request) {
  AutoGradMode mode(request.create_graph);
  Backward pass(request.create_graph, !request.retain_graph);
  struct Capture {
    std::size_t input;
    std::uint32_t nr;  // as it was before hooks wrote to that input
  };
  std::unordered_map<const Node*, std::vector<Capture>> captures;
  std::vector<Tensor> results;
  std::vector<Ref<Node>> kept;  // a hook may detach the roots
  for (const Tensor& root : request.roots)
    if (root.defined()) kept.push_back(gradient_edge(root).node);
  if (request.inputs) {
    results.resize(request.inputs->size());
    restrict_to(pass, request);
    for (std::size_t i = 0; i < results.size() && !request.accumulate; ++i)
      if (const Edge edge = gradient_edge((*request.inputs)[i]); edge.node)
        captures[edge.node.get()].push_back({i, edge.nr});
  }
  seed(pass, request);
  while (!pass.queue_.empty()) {
    std::pop_heap(pass.queue_.begin(), pass.queue_.end(), Earlier());
    Node& node = *pass.queue_.back();
    pass.queue_.pop_back();
    pass.current_ = &node;
    const auto asked = captures.empty() ? captures.end() : captures.find(&node);
    pass.keeps_grads_ = asked != captures.end();
    visit(pass, node, request.retain_graph);
    if (pass.keeps_grads_)
      for (const Capture& capture : asked->second)
        results[capture.input] = captured(node.outputs[capture.nr].slot.sum, pass);
    pass.clear(node);
    pass.current_ = nullptr;
  }
  if (request.accumulate) {
    accumulate(pass);
    return results;
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Tensor& input = (*request.inputs)[i];
    if (const auto at = pass.leaves_.find(input.impl()); at != pass.leaves_.end()) {
      Edge edge;
      edge.leaf = input;
      pass.finish(at->second.slot, edge);
      results[i] = at->second.slot.sum;
      if (input.impl()->extra)
        results[i] = apply_hooks(input.impl()->extra->hooks, results[i], "leaf hook");
    }
  }
  return results;
}

namespace autograd {

void backward(const std::vector<Tensor>& tensors, const std::vector<Tensor>& grad_tensors,
              std::optional<bool> retain_graph, bool create_graph,
              const std::vector<Tensor>& inputs) {
  for (const Tensor& input : inputs)
    if (input.defined() && input.requires_grad()) input.retain_grad();
  Engine::run({tensors, grad_tensors, retain_graph.value_or(create_graph), create_graph,
               inputs.empty() ? nullptr : &inputs, true});
}

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& grad_outputs, std::optional<bool> retain_graph,
                         bool create_graph, bool allow_unused) {
  auto results = Engine::run(
      {outputs, grad_outputs, retain_graph.value_or(create_graph), create_graph, &inputs, false});
  for (std::size_t i = 0; i < results.size(); ++i)
    check<AutogradError>(results[i].defined() || allow_unused, "[grad] input ", i, " of shape ",
                         inputs[i].sizes(),
                         " was not used to compute the outputs; set allow_unused=true if that is "
                         "meant");
  return results;
}

}  // namespace autograd
}  // namespace reel
