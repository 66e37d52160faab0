// pointwise() without its formula: dtypes, shapes, memory, and the node on the tape.
#include "pointwise.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string>

#include "ops/ops.hpp"
#include "tape.hpp"

namespace reel::detail {
namespace {

struct Input {  // one tensor argument, converted to the common dtype
  Tensor tensor;
  int chunks = 1;
  int first = 0;           // its first input of the formula
  Dims shape;              // of one chunk
  bool broadcast = false;  // smaller than the result
};

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

// Strides of `t` seen as `shape`: zero along broadcast dimensions.
Dims strides_for(const Tensor& t, IntArrayRef own, const Dims& shape) {
  Dims strides(shape.size(), 0);
  const std::size_t ahead = shape.size() - own.size();
  const auto given = t.strides();
  for (std::size_t d = 0; d < own.size(); ++d)
    strides[ahead + d] = own[d] == 1 && shape[ahead + d] != 1 ? 0 : given[d];
  return strides;
}

Operand operand(const Tensor& t, const Dims& shape, Operand::Access access) {
  Operand o;
  o.data = t.impl()->data;
  o.strides = strides_for(t, t.sizes(), shape);
  o.access = access;
  return o;
}

// The chunks of `t` as operands of a walk over `shape`.
void push_chunks(Operand* to, const Tensor& t, int chunks, const Dims& own, const Dims& shape,
                 Operand::Access access) {
  const std::int64_t width = chunks > 1 ? own.back() * t.strides().back() : 0;
  for (int c = 0; c < chunks; ++c) {
    to[c].data = t.impl()->data + c * width * static_cast<std::int64_t>(t.element_size());
    to[c].strides = strides_for(t, own, shape);
    to[c].access = access;
  }
}

class PointwiseNode final : public Node {
 public:
  PointwiseNode(const char* name, ArrayRef<const Tensor*> inputs, ArrayRef<const Tensor*> results,
                const PointwiseOp& table)
      : Node(name, inputs, results), op(table) {}

  void backward(Backward& pass) override;
  void release() override {
    released = true;
    for (auto& s : saved_inputs) s = Saved();
    for (auto& s : saved_outputs) s = Saved();
    slots = Tensor();
  }

  const PointwiseOp& op;
  alignas(16) std::byte formula[kFormulaBytes];
  std::size_t count = 0;
  int chunks[kMostInputs];
  Dims shape;
  Saved saved_inputs[kMostInputs];  // one per tensor argument
  Saved saved_outputs[kMostOutputs];
  Tensor slots;  // [number of slots, elements]

 private:
  void record(Backward& pass);
};

void PointwiseNode::backward(Backward& pass) {
  if (pass.recording()) return record(pass);
  Operand operands[kMostOperands];
  Run run;
  int k = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (saved_inputs[i].defined()) {
      const Tensor t = saved_inputs[i].get(pass);
      push_chunks(operands + k, t, chunks[i], chunk_shape(op_name(), t, chunks[i]), shape,
                  Operand::Read);
    }
    k += chunks[i];
  }
  const Dims dense = contiguous_strides(shape);
  for (int s = 0; s < op.slots; ++s, ++k) {
    operands[k].data =
        slots.impl()->data + s * slots.stride(0) * static_cast<std::int64_t>(slots.element_size());
    operands[k].strides = dense;
  }
  Tensor kept[2 * kMostOutputs];
  for (int o = 0; o < op.outputs; ++o, ++k) {
    if (!saved_outputs[o].defined()) continue;
    kept[o] = saved_outputs[o].get(pass);
    operands[k] = operand(kept[o], shape, Operand::Read);
  }
  for (int o = 0; o < op.outputs; ++o, ++k) {
    const auto nr = static_cast<std::size_t>(o);
    if (!pass.has_grad(nr)) continue;
    kept[kMostOutputs + o] = pass.grad(nr);
    operands[k] = operand(kept[kMostOutputs + o], shape, Operand::Read);
  }
  Tensor memory[kMostInputs];
  bool apart[kMostInputs] = {};  // summed over broadcast dimensions, or added, afterwards
  int input = 0;
  for (std::size_t i = 0; i < count; input += chunks[i], k += chunks[i], ++i) {
    if (!pass.needs(i)) continue;
    Dims whole = shape;
    if (chunks[i] > 1) whole[whole.size() - 1] *= chunks[i];
    const Edge& edge = edges[i];
    const IntArrayRef own =
        edge.node ? IntArrayRef(edge.node->outputs[edge.nr].sizes) : edge.leaf.sizes();
    apart[i] = own != IntArrayRef(whole);
    for (std::size_t j = 0; j < i; ++j)
      apart[i] = apart[i] || (edges[j].node == edge.node && edges[j].nr == edge.nr &&
                              edges[j].leaf.is_same(edge.leaf));
    bool accumulate = false;
    if (apart[i]) {
      memory[i] = empty(whole, outputs[0].dtype);
    } else {
      const Backward::Target target = pass.target(i);
      memory[i] = target.memory;
      accumulate = target.accumulate;
    }
    push_chunks(operands + k, memory[i], chunks[i], shape, shape,
                accumulate ? Operand::Update : Operand::Write);
    for (int c = 0; c < chunks[i]; ++c) run.update[input + c] = accumulate;
  }
  for (int c = 0; c < op.inputs; ++c)
    if (operands[k - op.inputs + c].access != Operand::Update) {
      run.update[c] = false;
      operands[k - op.inputs + c].access = Operand::Write;
    }
  const auto dtype = static_cast<std::size_t>(outputs[0].dtype);
  walk(shape, {operands, static_cast<std::size_t>(k)}, element_size(outputs[0].dtype),
       op.lanes[dtype], op.backward[dtype], formula, run);
  for (std::size_t i = 0; i < count; ++i)
    if (apart[i]) pass.add(i, std::move(memory[i]), true);
}

void PointwiseNode::record(Backward& pass) {
  Tensor inputs[kMostInputs], results[kMostInputs], saved[kMostOutputs], grads[kMostOutputs];
  int k = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Tensor t = saved_inputs[i].get(pass);
    if (chunks[i] == 1 || !t.defined()) {
      inputs[k] = t;
      k += chunks[i];
    } else {
      for (const Tensor& piece : t.chunk(chunks[i], -1)) inputs[k++] = piece;
    }
  }
  for (int o = 0; o < op.outputs; ++o) {
    saved[o] = saved_outputs[o].get(pass);
    grads[o] = pass.grad(static_cast<std::size_t>(o));
  }
  op.record(formula, inputs, saved, grads, results);
  k = 0;
  for (std::size_t i = 0; i < count; k += chunks[i], ++i) {
    if (!pass.needs(i)) continue;
    // A derivative that is a constant comes as a single number.
    std::vector<Tensor> pieces;
    for (int c = 0; c < chunks[i]; ++c) pieces.push_back(results[k + c].expand(shape));
    pass.add(i, chunks[i] == 1 ? pieces[0] : cat(pieces, -1));
  }
}

}  // namespace

void run_pointwise(const char* name, const PointwiseOp& op, const void* formula,
                   std::size_t formula_bytes, const Argument* arguments, std::size_t count,
                   const Tensor* const* into, Tensor* results) {
  const Tensor* tensors[kMostInputs];
  Tensor converted[kMostInputs];
  ScalarType dtype = arguments[0].tensor->scalar_type();
  bool mixed = false;
  for (std::size_t i = 0; i < count; ++i) {
    tensors[i] = arguments[i].tensor;
    mixed = mixed || tensors[i]->scalar_type() != dtype;
  }
  if (mixed) {
    dtype = result_type(*tensors[0], *tensors[1]);
    for (std::size_t i = 2; i < count; ++i) dtype = promote_types(dtype, tensors[i]->scalar_type());
  }
  if (!op.forward[static_cast<std::size_t>(dtype)]) {
    dtype = get_default_dtype();
    mixed = true;
  }
  if (mixed)
    for (std::size_t i = 0; i < count; ++i)
      if (tensors[i]->scalar_type() != dtype) {
        converted[i] = tensors[i]->to(dtype);
        tensors[i] = &converted[i];
      }

  Dims own[kMostInputs];
  Dims shape;
  bool record = false;
  for (std::size_t i = 0; i < count; ++i) {
    own[i] = chunk_shape(name, *tensors[i], arguments[i].chunks);
    if (i == 0)
      shape = own[0];
    else if (own[i] != shape)
      shape = broadcast_shapes(op_label(name).c_str(), shape, own[i]);
    record = record || needs_record(*tensors[i]);
  }
  record = record && is_floating_point(dtype);

  Operand operands[kMostOperands];
  Run run;
  int k = 0;
  for (std::size_t i = 0; i < count; k += arguments[i].chunks, ++i)
    push_chunks(operands + k, *tensors[i], arguments[i].chunks, own[i], shape, Operand::Read);
  for (int o = 0; o < op.outputs; ++o, ++k) {
    if (into && into[o]) {
      check<ShapeError>(into[o]->sizes() == IntArrayRef(shape) && into[o]->scalar_type() == dtype,
                        "[", name, "] memory for the result has shape ", into[o]->sizes(),
                        ", expected ", shape);
      results[o] = *into[o];
    } else {
      results[o] = empty(shape, dtype);
    }
    operands[k] = operand(results[o], shape, Operand::Write);
  }
  Tensor slots;
  const bool save = record && op.slots > 0;
  if (save) {
    const Dims dense = contiguous_strides(shape);
    slots = empty({op.slots, results[0].numel()}, dtype);
    for (int s = 0; s < op.slots; ++s, ++k) {
      operands[k].data = slots.impl()->data +
                         s * slots.stride(0) * static_cast<std::int64_t>(slots.element_size());
      operands[k].strides = dense;
      operands[k].access = Operand::Write;
    }
  }
  const auto at = static_cast<std::size_t>(dtype);
  walk(shape, {operands, static_cast<std::size_t>(k)}, element_size(dtype), op.lanes[at],
       save ? op.forward_save[at] : op.forward[at], formula, run);
  if (!record) return;

  const Tensor* outputs[kMostOutputs];
  for (int o = 0; o < op.outputs; ++o) outputs[o] = &results[o];
  auto* node = new PointwiseNode(name, {tensors, count},
                                 {outputs, static_cast<std::size_t>(op.outputs)}, op);
  auto owner = Ref<Node>::adopt(node);
  std::memcpy(node->formula, formula, formula_bytes);
  node->count = count;
  node->shape = shape;
  node->slots = std::move(slots);
  std::uint32_t reads_inputs = 0, reads_outputs = 0;
  k = 0;
  for (std::size_t i = 0; i < count; ++i) {
    node->chunks[i] = arguments[i].chunks;
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
  for (int o = 0; o < op.outputs; ++o)
    if (reads_outputs >> o & 1)
      node->saved_outputs[o] = Saved::result(results[o], static_cast<std::uint32_t>(o));
  link(std::move(owner), {outputs, static_cast<std::size_t>(op.outputs)});
}

}  // namespace reel::detail
