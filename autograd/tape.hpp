// The tape: what an op records, and how its backward rule hands gradients on.
//
// An op that needs gradients makes one Node holding edges to the producers of its inputs and a
// rule (a lambda written right under the op's forward code). Nodes carry a creation number that
// exceeds those of all producers, so visiting them in decreasing number is a topological order:
// no search, no recursion.
//
// A rule speaks to the pass through `Backward`. In the usual mode its contributions are added in
// place into the gradient's memory; with create_graph=true the same rule runs on recorded tensors.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tensor.hpp"

namespace reel {

/// Whether ops record on this thread's tape.
struct GradMode {
  static bool is_enabled();
  static void set_enabled(bool on);
};
/// Sets GradMode for a scope.
class AutoGradMode {
 public:
  explicit AutoGradMode(bool on) : before_(GradMode::is_enabled()) { GradMode::set_enabled(on); }
  ~AutoGradMode() { GradMode::set_enabled(before_); }
  AutoGradMode(const AutoGradMode&) = delete;
  AutoGradMode& operator=(const AutoGradMode&) = delete;

 private:
  bool before_;
};
/// No op records inside its scope.
class NoGradGuard : public AutoGradMode {
 public:
  NoGradGuard() : AutoGradMode(false) {}
};
using InferenceMode = NoGradGuard;

class Backward;
using Hook = std::function<Tensor(const Tensor&)>;

/// Where the gradient of one input goes: an output of the node that produced it, or a leaf.
struct Edge {
  Ref<Node> node;
  std::uint32_t nr = 0;
  Tensor leaf;
  bool valid() const { return node || leaf.defined(); }
};
/// The edge to the producer of `t`; not valid where `t` needs no gradient.
Edge gradient_edge(const Tensor& t);
namespace detail {
/// For a view whose base was written in place: replaces its history, which is out of date.
void refresh_view(const Tensor& t);
}  // namespace detail
/// Whether `t` requires a gradient, as a leaf or through its history.
inline bool tracks(const Tensor& t) {
  if (!t.defined()) return false;
  const TensorImpl& impl = *t.impl();
  if (impl.base.defined() && impl.history_seen != impl.base.impl()->history)
    detail::refresh_view(t);
  return impl.grad_fn || impl.requires_grad;
}
/// GradMode is on and one of the tensors requires a gradient.
template <class... T>
bool needs_record(const T&... t) {
  return GradMode::is_enabled() && (tracks(t) || ...);
}

/// The part of an input's gradient that the gradient of a view's output is: all of it (dim -1),
/// or `length` indices from `start` along `dim`, with the dimension dropped for a select.
struct Region {
  std::int64_t dim = -1;
  std::int64_t start = 0;
  std::int64_t length = 0;
  bool dropped = false;
  Tensor of(const Tensor& whole) const;
  /// Whether `part` lies where that part of `whole` does.
  bool begins_at(const Tensor& whole, const Tensor& part) const;
};

/// A product a^T b put off, so that the rank-B updates that one weight receives at T time steps
/// become one product over T*B rows when those rows turn out to lie next to each other.
struct PendingProduct {
  Tensor a, b;
  PendingProduct() = default;
  PendingProduct(Tensor rows, Tensor grads);
  /// Takes further rows in, ahead of those that are here.
  void put_in_front(const Tensor& rows, const Tensor& grads);
  PendingProduct(PendingProduct&& other) noexcept = default;
  PendingProduct& operator=(PendingProduct&& other) noexcept;
  ~PendingProduct();
};

/// A gradient on its way, alive during one pass.
struct GradSlot {
  /// What views and repeated products leave behind, until all of it is there.
  struct Gathering {
    // Views write their gradients straight into regions of `parts`, their parent's gradient: a
    // full-size zero per time slice would make back-propagation through time quadratic.
    Tensor parts;
    std::int64_t dim = -1;
    std::vector<std::pair<std::int64_t, std::int64_t>> filled;  // disjoint [start, end), sorted
    PendingProduct pending;
  };
  Tensor sum;                            // contributions that cover the whole
  std::unique_ptr<Gathering> gathering;  // few gradients have one
  bool owned = false;                    // the memory of `sum` is written by this slot alone
  bool placed = false;                   // part of it was written into the parent's `parts`

  Gathering& gathered() {
    if (!gathering) gathering = std::make_unique<Gathering>();
    return *gathering;
  }
  bool has_parts() const { return gathering && gathering->parts.defined(); }
  bool has_pending() const { return gathering && gathering->pending.a.defined(); }
};

/// One recorded op.
class Node {
 public:
  Node(const char* name, ArrayRef<const Tensor*> inputs, ArrayRef<const Tensor*> outputs);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node();
  static void* operator new(std::size_t bytes) { return memory::allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) { memory::release(block, bytes); }

  /// The rule: reads the outputs' gradients from the pass and adds the inputs' to it.
  virtual void backward(Backward& pass) = 0;
  /// Drops the saved values; backward() must not be called again.
  virtual void release() = 0;

  /// PyTorch's name of the op's gradient, e.g. "MulBackward0".
  std::string name() const { return name_; }
  const char* op_name() const { return name_; }
  std::size_t num_inputs() const { return edges.size(); }
  std::size_t num_outputs() const { return outputs.size(); }

  void retain() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void drop() {
    if (last_of(refs_)) free_later(this);
  }

  struct Output {
    Dims sizes;
    ScalarType dtype = kFloat32;
    TensorImpl* retained = nullptr;  // the tensor that asked to keep its gradient; it unregisters
    std::unique_ptr<std::vector<std::pair<std::uint64_t, Hook>>> hooks;
    GradSlot slot;
  };
  /// Few elements inside the node, many on the heap.
  template <class T, std::size_t N>
  class Items {
   public:
    explicit Items(std::size_t n) : items_(n > N ? new T[n] : few()), size_(n) {
      static_assert(std::is_nothrow_default_constructible_v<T>);
      if (items_ == few()) std::uninitialized_default_construct_n(items_, n);
    }
    Items(const Items&) = delete;
    Items& operator=(const Items&) = delete;
    ~Items() {
      if (items_ == few())
        std::destroy_n(items_, size_);
      else
        delete[] items_;
    }
    std::size_t size() const { return size_; }
    T* begin() { return items_; }
    T* end() { return items_ + size_; }
    T& operator[](std::size_t i) { return items_[i]; }
    const T& operator[](std::size_t i) const { return items_[i]; }

   private:
    T* few() { return reinterpret_cast<T*>(few_); }
    T* items_;
    std::size_t size_;
    alignas(T) std::byte few_[N * sizeof(T)];
  };

  Items<Edge, 3> edges;
  Items<Output, 1> outputs;
  std::optional<Region> region;  // set for views: see GradSlot::parts
  std::uint64_t number;          // creation number
  bool released = false;
  Backward* in_pass = nullptr;  // the pass that is using the slots
  // The last pass for given inputs that came by, and whether the node lies on a path to one.
  std::uint64_t seen_by = 0;
  bool on_path = false;

 private:
  static void free_later(Node* node) noexcept;

  const char* name_;
  std::atomic<std::int32_t> refs_{1};
  Node* next_free_ = nullptr;
};

/// A node whose rule is a lambda `void(Backward&)`.
template <class Rule>
class RuleNode final : public Node {
 public:
  RuleNode(const char* name, ArrayRef<const Tensor*> inputs, ArrayRef<const Tensor*> results,
           Rule rule)
      : Node(name, inputs, results), rule_(std::move(rule)) {}
  void backward(Backward& pass) override { (*rule_)(pass); }
  void release() override {
    released = true;
    rule_.reset();
  }

 private:
  std::optional<Rule> rule_;
};

/// Links `outputs` (at least one) to a finished node as its results, in order.
void link(Ref<Node> node, ArrayRef<const Tensor*> outputs);

/// Records an op whose results are `outputs`. Call it only where needs_record(inputs...) holds.
template <class Rule>
Node& record(const char* name, ArrayRef<const Tensor*> inputs, ArrayRef<const Tensor*> outputs,
             Rule rule) {
  auto node = Ref<Node>::adopt(new RuleNode<Rule>(name, inputs, outputs, std::move(rule)));
  Node& made = *node;
  link(std::move(node), outputs);
  return made;
}

/// Throws: a value that `node` needs was written in place since it was at `version`.
[[noreturn]] void saved_value_changed(const Node& node, IntArrayRef sizes, const Storage& storage,
                                      std::uint32_t version);

/// A value that backward will need, with the version it had.
class Saved {
 public:
  Saved() = default;
  /// An input of the op.
  explicit Saved(const Tensor& input);
  /// Result number `nr` of the op itself, held without its history (no reference cycle).
  static Saved result(const Tensor& output, std::uint32_t nr = 0);
  bool defined() const { return value_.defined(); }
  void clear() {
    if (value_.defined()) value_ = Tensor();
  }
  /// The value; throws AutogradError where it was modified in place since. Where the pass records,
  /// it is connected to its history.
  Tensor get(const Backward& pass) const;
  /// The same for a pass that does not record.
  const Tensor& value(const Backward& pass) const {
    if (value_.defined() && value_.impl()->storage->version() != version_) changed(pass);
    return value_;
  }

 private:
  void changed(const Backward& pass) const;
  Tensor value_;
  std::uint32_t version_ = 0;
  std::int32_t result_nr_ = -1;
};

/// One backward pass, as the rule of the node at hand sees it.
class Backward {
 public:
  /// create_graph: the rule's arithmetic is recorded, so it must work through public ops only.
  bool recording() const { return create_graph_; }
  /// The gradients of given tensors are asked for, and not those of all leaves.
  bool restricted() const { return restricted_; }
  Node& node() const { return *current_; }

  /// Whether input `i` of the node wants a gradient.
  bool needs(std::size_t i) const { return leads_somewhere(current_->edges[i]); }
  bool has_grad(std::size_t output = 0) const {
    return current_->outputs[output].slot.sum.defined();
  }
  /// The gradient of an output; zeros where nothing flowed into it.
  Tensor grad(std::size_t output = 0) const;
  /// Whether that gradient's memory belongs to this pass alone, so it may be handed on.
  bool grad_owned(std::size_t output = 0) const {
    return !keeps_grads_ && current_->outputs[output].slot.owned;
  }

  /// What the node saved is not asked for again.
  bool frees_graph() const { return frees_graph_; }

  /// Adds a contribution to the gradient of input `i`. Sums over broadcast dimensions; checks
  /// shape and dtype. `owned`: nobody else will read or write the memory of `g`.
  void add(std::size_t i, Tensor g, bool owned = false);
  /// Hands the only output's gradient on to input `i` unchanged.
  void pass_on(std::size_t i) { add(i, grad(), grad_owned()); }

  /// Memory for the gradient of input `i`, of its shape: to be overwritten, or, where
  /// `accumulate`, to be added to. It is the pass's own and stays until the rule returns. Not while
  /// recording. `over_grad`: the rule is elementwise and writes an element after it has read those
  /// of the outputs' gradients, so that the memory may be that of the first output's gradient,
  /// which has_grad() and grad() do not know any more then. `over_value`, for such a rule in a pass
  /// that frees the graph: a saved value of that shape whose memory may be written over, which is
  /// done where it is a part of the memory of what the input is a part of.
  struct Target {
    const Tensor& memory;
    bool accumulate;
  };
  Target target(std::size_t i, bool over_grad = false, const Tensor* over_value = nullptr);

  /// For a node with a `region`: its output's gradient is that part of input 0's. Not while
  /// recording.
  void add_region();
  /// Adds a @ b (2-D) to the gradient of input `i`.
  void add_product(std::size_t i, const Tensor& a, const Tensor& b);
  /// Adds a^T @ b (2-D, rows are samples); put off while rows of further calls may be joined.
  void add_row_product(std::size_t i, const Tensor& a, const Tensor& b);

  ~Backward();

 private:
  friend class Engine;
  Backward(bool create_graph, bool frees_graph)
      : create_graph_(create_graph), frees_graph_(frees_graph) {}
  GradSlot& slot(const Edge& edge);
  Tensor place(const Edge& edge, int depth, const Tensor* over_value = nullptr);
  Tensor reserve(const Edge& up, const Region& region, int depth, const Tensor* over_value);
  void clear(Node& node);
  void make_owned(GradSlot& slot);
  void flush_pending(GradSlot& slot, const Edge& edge);
  void add_to(const Edge& edge, Tensor g, bool owned);
  void finish(GradSlot& slot, const Edge& edge);
  void claim(Node& node);

  struct Leaf {
    Tensor tensor;
    GradSlot slot;
  };
  bool create_graph_, frees_graph_;
  Node* current_ = nullptr;
  bool keeps_grads_ = false;         // those of current_'s outputs are asked for
  TensorImpl* last_leaf_ = nullptr;  // and its slot: a weight comes up many times in a row
  GradSlot* last_slot_ = nullptr;
  std::vector<Node*> queue_;  // heap by creation number
  std::unordered_map<TensorImpl*, Leaf> leaves_;
  std::vector<TensorImpl*> leaf_order_;

  // autograd::grad: only nodes on a path to an input are visited, and these leaves are wanted.
  bool restricted_ = false;
  std::uint64_t id_ = 0;  // of a restricted pass: what its nodes are marked with
  // Where another such pass is running, around this one or on another thread, the nodes are its,
  // and what would be marked on them stands here: whether they lie on a path.
  std::unique_ptr<std::unordered_map<const Node*, bool>> marks_apart_;
  bool on_path(const Node& node) const {
    if (!marks_apart_) return node.seen_by == id_ && node.on_path;
    const auto at = marks_apart_->find(&node);
    return at != marks_apart_->end() && at->second;
  }
  // Marks a node; false where it was seen before.
  bool mark_seen(Node& node, bool is_end);
  void mark_on_path(Node& node);
  std::unordered_set<const TensorImpl*> wanted_leaves_;
  bool leads_somewhere(const Edge& edge) const {
    if (!restricted_) return edge.valid();
    if (edge.node) return on_path(*edge.node);
    return edge.leaf.defined() && wanted_leaves_.count(edge.leaf.impl()) != 0;
  }
};

/// Hooks of a leaf.
struct AutogradExtra {
  std::vector<std::pair<std::uint64_t, Hook>> hooks;
};

namespace autograd {
using Variable = Tensor;
using variable_list = std::vector<Tensor>;
using tensor_list = variable_list;

/// Sum of gradients of `tensors` (each weighted by its `grad_tensors` entry) into the leaves. With
/// `inputs` only their `.grad` is written, also that of a non-leaf, and only the part of the graph
/// that leads to them is run.
/// https://pytorch.org/docs/stable/generated/torch.autograd.backward.html
void backward(const std::vector<Tensor>& tensors, const std::vector<Tensor>& grad_tensors = {},
              std::optional<bool> retain_graph = nullopt, bool create_graph = false,
              const std::vector<Tensor>& inputs = {});
/// Gradients of `outputs` with respect to `inputs`, returned instead of accumulated. Throws
/// AutogradError where an input is not part of the graph, unless `allow_unused`.
/// https://pytorch.org/docs/stable/generated/torch.autograd.grad.html
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& grad_outputs = {},
                         std::optional<bool> retain_graph = nullopt, bool create_graph = false,
                         bool allow_unused = false);
}  // namespace autograd

/// What grad_fn() returns, by its name: "MulBackward0"; "none" for a leaf.
std::ostream& operator<<(std::ostream& out, const Ref<Node>& node);

}  // namespace reel
