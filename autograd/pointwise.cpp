// pointwise() without its formula: dtypes, shapes, memory, and the node on the tape.
#include "pointwise.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string>

#include "ops/ops.hpp"
#include "ops/view.hpp"
#include "tape.hpp"

namespace reel::detail {
namespace {

Dims chunk_shape(const char* name, const Tensor& t, int chunks) {
  Dims shape(t.sizes());
  if (chunks == 1) return shape;
  check<ShapeError>(!shape.empty() && shape.back() % chunks == 0, "[", name,
                    "] the last dimension of shape ", t.sizes(), " must be divisible by ", chunks);
  shape[shape.size() - 1] /= chunks;
  return shape;
}

// "add" for "AddBackward0"; a user's own name as it is.
std::string op_label(const char* node) {
  std::string label(node);
  const auto end = label.find("Backward");
  if (end == std::string::npos) return label;
  label.resize(end);
  for (char& c : label) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return label;
}

void push_pieces(Operand*& to, const Tensor& t, int chunks, Operand::Access access) {
  to->set(t, access);
  if (chunks > 1) {
    const TensorImpl& impl = *t.impl();
    const std::int64_t last = impl.sizes.back() / chunks;
    const std::int64_t step =
        last * impl.strides.back() * static_cast<std::int64_t>(element_size(impl.dtype));
    to->narrow_to(last, impl.numel / chunks);
    for (int c = 1; c < chunks; ++c, ++to) to[1].set_next(to[0], step);
  }
  ++to;
}
void push_absent(Operand*& to, int count, Operand::Access access) {
  for (int c = 0; c < count; ++c) to++->set_absent(access);
}
// What the forward pass keeps for backward: op.slots rows, each of whole cache lines.
std::int64_t slot_length(std::int64_t numel) { return (numel + 15) / 16 * 16; }
void push_slots(Operand*& to, const PointwiseOp& op, const Tensor& slots, std::int64_t numel,
                Operand::Access access) {
  for (int s = 0; s < op.slots; ++s)
    to++->set_memory(slots.impl()->data +
                         s * slot_length(numel) * static_cast<std::int64_t>(slots.element_size()),
                     numel, access);
}

// A result of the node itself, which the gradient is computed from: its memory alone where that has
// no gaps, since a tensor would cost as much as the rest of a small op.
class SavedMemory {
 public:
  bool defined() const { return static_cast<bool>(storage_); }
  void set(const Tensor& t) {
    storage_ = t.impl()->storage;
    data_ = t.impl()->data;
    version_ = storage_->version();
    if (!t.is_contiguous()) strided_ = t.detach();
  }
  void clear() {
    storage_ = nullptr;
    strided_ = Tensor();
  }
  void set_operand(Operand& operand, const Node& node, std::int64_t numel) const {
    check_version(node);
    if (strided_.defined())
      operand.set(strided_, Operand::Read);
    else
      operand.set_memory(data_, numel, Operand::Read);
  }
  /// Output `nr` of `node`, on the tape.
  Tensor connected(Node& node, std::uint32_t nr) const {
    check_version(node);
    auto impl = TensorImpl::make();
    impl->dtype = node.outputs[nr].dtype;
    impl->storage = storage_;
    impl->data = data_;
    impl->sizes = node.outputs[nr].sizes;
    impl->strides = strided_.defined() ? Dims(strided_.strides()) : contiguous_strides(impl->sizes);
    finish_geometry(*impl);
    impl->grad_fn = Ref<Node>::share(&node);
    impl->output_nr = nr;
    return Tensor(std::move(impl));
  }

 private:
  void check_version(const Node& node) const {
    if (storage_->version() != version_)
      saved_value_changed(node, node.outputs[0].sizes, *storage_, version_);
  }

  Ref<Storage> storage_;
  Tensor strided_;  // where there are gaps
  std::byte* data_ = nullptr;
  std::uint32_t version_ = 0;
};

class PointwiseNode final : public Node {
 public:
  PointwiseNode(const char* name, ArrayRef<const Tensor*> inputs, ArrayRef<const Tensor*> results,
                const PointwiseOp& table)
      : Node(name, inputs, results),
        op(table),
        saved_inputs(inputs.size()),
        saved_outputs(results.size()) {}

  void backward(Backward& pass) override;
  void release() override {
    released = true;
    for (auto& s : saved_inputs) s.clear();
    for (auto& s : saved_outputs) s.clear();
    slots = Tensor();
  }

  const PointwiseOp& op;
  alignas(16) std::byte formula[kFormulaBytes];
  std::uint8_t chunks[kMostInputs];
  Items<Saved, 3> saved_inputs;  // one per tensor argument
  Items<SavedMemory, 2> saved_outputs;
  Tensor slots;  // [number of slots, slot_length]

 private:
  bool goes_apart(std::size_t i, IntArrayRef shape);
  void record(Backward& pass);
};

// Whether the gradient of input `i` takes memory of its own first: its shape is not that of the
// result, or another input's gradient goes to the same place.
bool PointwiseNode::goes_apart(std::size_t i, IntArrayRef shape) {
  const Edge& edge = edges[i];
  const IntArrayRef own =
      edge.node ? IntArrayRef(edge.node->outputs[edge.nr].sizes) : edge.leaf.sizes();
  bool same = own.size() == shape.size();
  for (std::size_t d = 0; same && d < own.size(); ++d)
    same = own[d] == (d + 1 == own.size() ? chunks[i] * shape[d] : shape[d]);
  for (std::size_t j = 0; same && j < i; ++j)
    same =
        !(edges[j].node == edge.node && edges[j].nr == edge.nr && edges[j].leaf.is_same(edge.leaf));
  return !same;
}

void PointwiseNode::backward(Backward& pass) {
  if (pass.recording()) return record(pass);
  const Dims& shape = outputs[0].sizes;
  const ScalarType dtype = outputs[0].dtype;
  Operand operands[kMostOperands];
  Operand* next = operands;
  Run run;
  for (std::size_t i = 0; i < edges.size(); ++i)
    if (saved_inputs[i].defined())
      push_pieces(next, saved_inputs[i].value(pass), chunks[i], Operand::Read);
    else
      push_absent(next, chunks[i], Operand::Read);
  std::int64_t numel = 1;
  for (const auto size : shape) numel *= size;
  push_slots(next, op, slots, numel, Operand::Read);
  for (auto& saved : saved_outputs)
    if (saved.defined())
      saved.set_operand(*next++, *this, numel);
    else
      push_absent(next, 1, Operand::Read);
  for (std::size_t o = 0; o < outputs.size(); ++o)
    if (pass.has_grad(o))
      push_pieces(next, outputs[o].slot.sum, 1, Operand::Read);
    else
      push_absent(next, 1, Operand::Read);

  Items<Tensor, 3> memory(edges.size());  // of those that go apart
  std::uint32_t apart = 0;  // bits: summed over broadcast dimensions, or added, afterwards
  bool* update = run.update;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    bool accumulate = false;
    if (!pass.needs(i)) {
      push_absent(next, chunks[i], Operand::Write);
    } else if (goes_apart(i, shape)) {
      apart |= std::uint32_t{1} << i;
      Dims whole = shape;
      if (chunks[i] > 1) whole[whole.size() - 1] *= chunks[i];
      memory[i] = empty(whole, dtype);
      push_pieces(next, memory[i], chunks[i], Operand::Write);
    } else {
      const Backward::Target target = pass.target(i, chunks[i] == 1);
      accumulate = target.accumulate;
      push_pieces(next, target.memory, chunks[i], accumulate ? Operand::Update : Operand::Write);
    }
    for (int c = 0; c < chunks[i]; ++c) *update++ = accumulate;
  }
  const auto at = static_cast<std::size_t>(dtype);
  walk(shape, {operands, static_cast<std::size_t>(next - operands)}, element_size(dtype),
       op.lanes[at], op.backward[at], formula, run);
  for (std::size_t i = 0; apart >> i != 0; ++i)
    if (apart >> i & 1) pass.add(i, std::move(memory[i]), true);
}

void PointwiseNode::record(Backward& pass) {
  Tensor inputs[kMostInputs], results[kMostInputs], saved[kMostOutputs], grads[kMostOutputs];
  const Dims& shape = outputs[0].sizes;
  int k = 0;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const Tensor t = saved_inputs[i].get(pass);
    if (chunks[i] == 1 || !t.defined()) {
      inputs[k] = t;
      k += chunks[i];
    } else {
      for (const Tensor& piece : t.chunk(chunks[i], -1)) inputs[k++] = piece;
    }
  }
  for (int o = 0; o < op.outputs; ++o) {
    const auto nr = static_cast<std::size_t>(o);
    if (saved_outputs[nr].defined())
      saved[o] = saved_outputs[nr].connected(*this, static_cast<std::uint32_t>(o));
    grads[o] = pass.grad(nr);
  }
  op.record(formula, inputs, saved, grads, results);
  k = 0;
  for (std::size_t i = 0; i < edges.size(); k += chunks[i], ++i) {
    if (!pass.needs(i)) continue;
    // A derivative that is a constant comes as a single number.
    std::vector<Tensor> pieces;
    for (int c = 0; c < chunks[i]; ++c) pieces.push_back(results[k + c].expand(shape));
    pass.add(i, chunks[i] == 1 ? pieces[0] : cat(pieces, -1));
  }
}

// The inputs in the dtype that the formula is computed in, where they are of several, or of one
// that it is not compiled for.
ScalarType convert(const PointwiseOp& op, const Tensor** tensors, std::size_t count,
                   std::vector<Tensor>& converted) {
  ScalarType dtype = tensors[0]->scalar_type();
  if (count > 1) dtype = result_type(*tensors[0], *tensors[1]);
  for (std::size_t i = 2; i < count; ++i) dtype = promote_types(dtype, tensors[i]->scalar_type());
  if (!op.forward[static_cast<std::size_t>(dtype)]) dtype = get_default_dtype();
  converted.resize(count);
  for (std::size_t i = 0; i < count; ++i)
    if (tensors[i]->scalar_type() != dtype) {
      converted[i] = tensors[i]->to(dtype);
      tensors[i] = &converted[i];
    }
  return dtype;
}

Dims common_shape(const char* name, const Tensor* const* tensors, const Argument* arguments,
                  std::size_t count) {
  Dims shape = chunk_shape(name, *tensors[0], arguments[0].chunks);
  for (std::size_t i = 1; i < count; ++i) {
    const Dims own = chunk_shape(name, *tensors[i], arguments[i].chunks);
    if (own != shape) shape = broadcast_shapes(op_label(name).c_str(), shape, own);
  }
  return shape;
}

}  // namespace

void run_pointwise(const char* name, const PointwiseOp& op, const void* formula,
                   std::size_t formula_bytes, const Argument* arguments, std::size_t count,
                   const Tensor* const* into, Tensor* results) {
  const Tensor* tensors[kMostInputs];
  tensors[0] = arguments[0].tensor;
  ScalarType dtype = tensors[0]->scalar_type();
  const Dims& first = tensors[0]->impl()->sizes;
  bool record = false, mixed = !op.forward[static_cast<std::size_t>(dtype)], alike = true;
  for (std::size_t i = 0; i < count; ++i) {
    const Tensor& t = *arguments[i].tensor;
    const TensorImpl& impl = t.checked();
    tensors[i] = &t;
    record = record || tracks(t);
    mixed = mixed || impl.dtype != dtype;
    alike = alike && arguments[i].chunks == 1 && impl.sizes == first;
  }
  std::vector<Tensor> converted;
  if (mixed) dtype = convert(op, tensors, count, converted);
  record = record && GradMode::is_enabled() && is_floating_point(dtype);
  std::optional<Dims> common;
  if (!alike) common = common_shape(name, tensors, arguments, count);
  const Dims& shape = alike ? first : *common;
  const std::int64_t numel = alike ? tensors[0]->numel() : count_elements(shape);

  Operand operands[kMostOperands];
  Operand* next = operands;
  Run run;
  for (std::size_t i = 0; i < count; ++i)
    push_pieces(next, *tensors[i], arguments[i].chunks, Operand::Read);
  for (int o = 0; o < op.outputs; ++o) {
    if (into && into[o]) {
      check<ShapeError>(into[o]->impl()->sizes == shape && into[o]->scalar_type() == dtype, "[",
                        name, "] memory for the result has shape ", into[o]->sizes(), ", expected ",
                        shape);
      results[o] = *into[o];
    } else {
      results[o] = empty_dense(shape, numel, dtype);
    }
    push_pieces(next, results[o], 1, Operand::Write);
  }
  Tensor slots;
  const bool save = record && op.slots > 0;
  if (save) {
    slots = empty({op.slots, slot_length(numel)}, dtype);
    push_slots(next, op, slots, numel, Operand::Write);
  }
  const auto at = static_cast<std::size_t>(dtype);
  walk(shape, {operands, static_cast<std::size_t>(next - operands)}, element_size(dtype),
       op.lanes[at], save ? op.forward_save[at] : op.forward[at], formula, run);
  if (!record) return;

  const Tensor* outputs[kMostOutputs];
  for (int o = 0; o < op.outputs; ++o) outputs[o] = &results[o];
  auto* node = new PointwiseNode(name, {tensors, count},
                                 {outputs, static_cast<std::size_t>(op.outputs)}, op);
  auto owner = Ref<Node>::adopt(node);
  std::memcpy(node->formula, formula, formula_bytes);
  node->slots = std::move(slots);
  std::uint32_t reads_inputs = 0, reads_outputs = 0;
  int k = 0;
  for (std::size_t i = 0; i < count; ++i) {
    node->chunks[i] = static_cast<std::uint8_t>(arguments[i].chunks);
    const bool wanted = node->edges[i].valid();
    for (int c = 0; c < arguments[i].chunks; ++c, ++k)
      if (wanted) {
        reads_inputs |= op.reads_inputs[k];
        reads_outputs |= op.reads_outputs[k];
      }
  }
  k = 0;
  for (std::size_t i = 0; i < count; k += arguments[i].chunks, ++i) {
    // With slots the gradient of the gradient starts from the inputs again.
    const std::uint32_t mine = ((std::uint32_t{1} << arguments[i].chunks) - 1) << k;
    if (save || (reads_inputs & mine)) node->saved_inputs[i] = Saved(*tensors[i]);
  }
  for (std::uint32_t o = 0; reads_outputs >> o != 0; ++o)
    if (reads_outputs >> o & 1) node->saved_outputs[o].set(results[o]);
  link(std::move(owner), {outputs, static_cast<std::size_t>(op.outputs)});
}

}  // namespace reel::detail
