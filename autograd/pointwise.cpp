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

// The pieces of a tensor, or as many absent operands where there is none.
void push_pieces(Operand*& to, const TensorImpl* t, int pieces, Operand::Access access) {
  if (!t) {
    for (int p = 0; p < pieces; ++p) to++->set_absent(access);
    return;
  }
  if (pieces == 1) return to++->set_piece(*t, t->data, 1, access);
  const std::int64_t step = t->sizes.back() / pieces * t->strides.back() *
                            static_cast<std::int64_t>(element_size(t->dtype));
  for (int p = 0; p < pieces; ++p) to++->set_piece(*t, t->data + p * step, pieces, access);
}
// What the forward pass keeps for backward: a slot lies over an input's memory, or is a row of
// `rows`, each of whole cache lines.
std::int64_t slot_length(std::int64_t numel) { return (numel + 15) / 16 * 16; }
void push_slots(Operand*& to, const PointwiseOp& op, const Operand* inputs, std::uint32_t over,
                const Tensor& rows, std::int64_t numel, Operand::Access access) {
  std::int64_t row = 0;
  for (int s = 0; s < op.slots; ++s) {
    const int k = op.slot_over[s];
    if (k >= 0 && over >> k & 1) {
      *to = inputs[k];
      to++->access = access;
    } else {
      to++->set_memory(rows.impl()->data + row++ * slot_length(numel) *
                                               static_cast<std::int64_t>(rows.element_size()),
                       access);
    }
  }
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
    data_ = nullptr;
    strided_ = Tensor();
  }
  /// Throws where it was overwritten.
  void check(const Node& node) const {
    if (storage_ && storage_->version() != version_)
      saved_value_changed(node, node.outputs[0].sizes, *storage_, version_);
  }
  std::byte* data() const { return data_; }
  bool is_padded(std::size_t bytes) const {
    return storage_ && storage_->data() == data_ && storage_->owned() && storage_->bytes() == bytes;
  }
  void set_operand(Operand& operand) const {
    if (!storage_)
      operand.set_absent(Operand::Read);
    else if (strided_.defined())
      operand.set(strided_, Operand::Read);
    else
      operand.set_memory(data_, Operand::Read);
  }
  /// Output `nr` of `node`, on the tape.
  Tensor connected(Node& node, std::uint32_t nr) const {
    check(node);
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
  bool given_up[kMostInputs];
  bool read[kMostInputs] = {};  // by the kernel of backward; what is not is kept for record() alone
  bool plain = false;           // inputs and results of one shape, rows of whole lanes; no slots
  std::uint32_t over = 0;       // bits: inputs of the formula in whose memory slots may lie
  Items<Saved, 3> saved_inputs;  // one per tensor argument
  Items<SavedMemory, 2> saved_outputs;
  Tensor slots;  // [number of those not over inputs, slot_length]

 private:
  bool fits(std::size_t i, IntArrayRef shape) const;
  bool may_be_overwritten(std::size_t i, const Backward& pass) const;
  std::size_t first_like(std::size_t i) const;
  void record(Backward& pass);
};

// Whether the gradient of input `i` is of the shape of the result, as the kernel writes it.
bool PointwiseNode::fits(std::size_t i, IntArrayRef shape) const {
  const Edge& edge = edges[i];
  const IntArrayRef own =
      edge.node ? IntArrayRef(edge.node->outputs[edge.nr].sizes) : edge.leaf.sizes();
  bool same = own.size() == shape.size();
  for (std::size_t d = 0; same && d < own.size(); ++d)
    same = own[d] == (d + 1 == own.size() ? chunks[i] * shape[d] : shape[d]);
  return same;
}
// The first input whose gradient goes where that of input `i` goes.
std::size_t PointwiseNode::first_like(std::size_t i) const {
  const Edge& edge = edges[i];
  for (std::size_t j = 0; j < i; ++j)
    if (edges[j].node == edge.node && edges[j].nr == edge.nr && edges[j].leaf.is_same(edge.leaf))
      return j;
  return i;
}

// Whether the gradient of input `i` may take the place of its value: nobody else holds that.
bool PointwiseNode::may_be_overwritten(std::size_t i, const Backward& pass) const {
  return given_up[i] && pass.frees_graph() && saved_inputs[i].defined() &&
         saved_inputs[i].value(pass).impl()->refs.load(std::memory_order_acquire) == 1;
}

void PointwiseNode::backward(Backward& pass) {
  if (pass.recording()) return record(pass);
  const Dims& shape = outputs[0].sizes;
  const ScalarType dtype = outputs[0].dtype;
  const auto at = static_cast<std::size_t>(dtype);
  const std::size_t count = edges.size();
  std::int64_t numel = 1;
  for (const auto size : shape) numel *= size;

  // What is read, before the gradients of the outputs give their memory to those of the inputs.
  const TensorImpl *values[kMostInputs], *grads[kMostOutputs];
  bool rows = plain;
  for (std::size_t i = 0; i < count; ++i) {
    const Tensor& value = saved_inputs[i].value(pass);
    values[i] = read[i] ? value.impl() : nullptr;
    rows = rows && (!values[i] || values[i]->contiguous);
  }
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    grads[o] = outputs[o].slot.sum.impl();
    rows = rows && (!grads[o] || grads[o]->contiguous);
    saved_outputs[o].check(*this);
  }

  const TensorImpl* targets[kMostInputs];
  bool accumulate[kMostInputs];
  Items<Tensor, 3> memory(count);  // of those that go apart
  std::uint32_t apart = 0;         // bits: summed over broadcast dimensions, or added, afterwards
  for (std::size_t i = 0; i < count; ++i) {
    targets[i] = nullptr;
    accumulate[i] = false;
    if (!pass.needs(i)) continue;
    const std::size_t twin = first_like(i);
    if (twin != i && i + 1 == count && rows && targets[twin] && is_padded(*targets[twin])) {
      // The kernel adds it to what it has just written.
      targets[i] = targets[twin];
      accumulate[i] = true;
    } else if (twin != i || !fits(i, shape)) {
      apart |= std::uint32_t{1} << i;
      Dims whole = shape;
      if (chunks[i] > 1) whole[whole.size() - 1] *= chunks[i];
      memory[i] = empty(whole, dtype);
      targets[i] = memory[i].impl();
    } else {
      const Tensor* over_value =
          may_be_overwritten(i, pass) ? &saved_inputs[i].value(pass) : nullptr;
      const Backward::Target target = pass.target(i, chunks[i] == 1, over_value);
      targets[i] = target.memory.impl();
      accumulate[i] = target.accumulate;
    }
    rows = rows && targets[i]->contiguous;
  }

  const RowKernel kernel{op.backward[at], formula, element_size(dtype), op.lanes[at]};
  Run run;
  if (rows) {
    std::size_t k = 0;
    const auto put = [&](std::byte* data, std::byte* absent) {
      run.data[k] = data ? data : absent;
      run.step[k++] = data != nullptr;
    };
    for (std::size_t i = 0; i < count; ++i) put(values[i] ? values[i]->data : nullptr, kNoValue);
    for (const auto& saved : saved_outputs) put(saved.data(), kNoValue);
    for (std::size_t o = 0; o < outputs.size(); ++o)
      put(grads[o] ? grads[o]->data : nullptr, kNoValue);
    for (std::size_t i = 0; i < count; ++i) put(targets[i] ? targets[i]->data : nullptr, nullptr);
    std::copy_n(accumulate, count, run.update);
    Rest rest{k, ~std::uint64_t{0} >> (64 - k + count), 0, 0};
    if (!is_whole(numel, kernel)) {
      std::uint64_t bit = 1;
      const auto look = [&](bool padded) {
        if (padded) rest.padded |= bit;
        bit <<= 1;
      };
      for (std::size_t i = 0; i < count; ++i) look(values[i] && is_padded(*values[i]));
      for (const auto& saved : saved_outputs)
        look(saved.is_padded(static_cast<std::size_t>(numel) * element_size(dtype)));
      for (std::size_t o = 0; o < outputs.size(); ++o) look(grads[o] && is_padded(*grads[o]));
      for (std::size_t i = 0; i < count; ++i) {
        const bool padded = targets[i] && is_padded(*targets[i]);
        if (targets[i] && !padded) rest.copied_out |= bit;
        look(padded);
      }
      rest.copied_in |= rest.copied_out;
    }
    run_rows(numel, rest, kernel, run);
  } else {
    Operand operands[kMostOperands];
    Operand* next = operands;
    for (std::size_t i = 0; i < count; ++i) push_pieces(next, values[i], chunks[i], Operand::Read);
    Operand pieces[kMostInputs];
    Operand* piece = pieces;
    for (std::size_t i = 0; i < count && over != 0; ++i)
      push_pieces(piece, saved_inputs[i].value(pass).impl(), chunks[i], Operand::Read);
    push_slots(next, op, pieces, over, slots, numel, Operand::Read);
    for (auto& saved : saved_outputs) saved.set_operand(*next++);
    for (std::size_t o = 0; o < outputs.size(); ++o) push_pieces(next, grads[o], 1, Operand::Read);
    bool* update = run.update;
    for (std::size_t i = 0; i < count; ++i) {
      push_pieces(next, targets[i], chunks[i], accumulate[i] ? Operand::Update : Operand::Write);
      for (int c = 0; c < chunks[i]; ++c) *update++ = accumulate[i];
    }
    walk(shape, {operands, static_cast<std::size_t>(next - operands)}, kernel, run);
  }
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
  Tensor kept[kMostSlots];
  std::int64_t row = 0;
  for (int s = 0; s < op.slots; ++s) {
    const int from = op.slot_over[s];
    kept[s] = from >= 0 && over >> from & 1
                  ? inputs[from].detach()
                  : slots.detach().select(0, row++).narrow(0, 0, grads[0].numel()).view(shape);
  }
  op.record(formula, inputs, saved, kept, grads, results);
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
  // As in PyTorch: a tensor without dimensions counts only where its type is of a higher kind.
  Tensor strong, weak;  // of no elements, in the types of either sort
  for (std::size_t i = 0; i < count; ++i) {
    const bool has_dims = tensors[i]->dim() > 0;
    Tensor& sort = has_dims ? strong : weak;
    const ScalarType own = tensors[i]->scalar_type();
    const ScalarType both = sort.defined() ? promote_types(sort.scalar_type(), own) : own;
    sort = has_dims ? empty({0}, both) : empty({}, both);
  }
  ScalarType dtype = !weak.defined()     ? strong.scalar_type()
                     : !strong.defined() ? weak.scalar_type()
                                         : result_type(strong, weak);
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

// Bits: inputs of the formula whose memory slots may take.
std::uint32_t given_up_inputs(const Argument* arguments, const Tensor* const* tensors,
                              std::size_t count, IntArrayRef shape, ScalarType dtype) {
  std::uint32_t bits = 0;
  int k = 0;
  for (std::size_t i = 0; i < count; k += arguments[i].chunks, ++i) {
    const TensorImpl& t = *tensors[i]->impl();
    if (!arguments[i].given_up || tensors[i] != arguments[i].tensor || !t.storage->owned() ||
        t.refs.load(std::memory_order_acquire) != 1 || t.sizes.size() != shape.size())
      continue;
    bool fits = t.dtype == dtype;
    std::int64_t extent = 1;  // of the dimensions to the right: no two indices share memory
    for (std::size_t d = shape.size(); d-- > 0 && fits; extent = t.strides[d] * t.sizes[d])
      fits = t.strides[d] >= extent &&
             t.sizes[d] == (d + 1 == shape.size() ? arguments[i].chunks : 1) * shape[d];
    if (fits) bits |= ((std::uint32_t{1} << arguments[i].chunks) - 1) << k;
  }
  return bits;
}

}  // namespace

Tensor restored(const Tensor& operand, const Tensor& result, Tensor (*slope)(const Tensor&)) {
  if (!operand.defined()) return Tensor();
  Tensor y = result.detach().clone();
  if (needs_record(operand))
    record("SavedResultBackward0", {&operand}, {&y}, [y = Saved::result(y), slope](Backward& pass) {
      pass.add(0, pass.grad() * slope(y.get(pass)));
    });
  return y;
}

void run_pointwise(const char* name, const PointwiseOp& op, const void* formula,
                   std::size_t formula_bytes, const Argument* arguments, std::size_t count,
                   const Tensor* const* into, Tensor* results) {
  const Tensor* tensors[kMostInputs];
  tensors[0] = arguments[0].tensor;
  ScalarType dtype = tensors[0]->scalar_type();
  const Dims& first = tensors[0]->impl()->sizes;
  bool record = false, mixed = !op.forward[static_cast<std::size_t>(dtype)];
  bool alike = true, rows = true;
  for (std::size_t i = 0; i < count; ++i) {
    const Tensor& t = *arguments[i].tensor;
    const TensorImpl& impl = t.checked();
    tensors[i] = &t;
    record = record || tracks(t);
    mixed = mixed || impl.dtype != dtype;
    alike = alike && arguments[i].chunks == 1 && (i == 0 || impl.sizes == first);
    rows = rows && impl.contiguous;
  }
  std::vector<Tensor> converted;
  if (mixed) dtype = convert(op, tensors, count, converted);
  rows = rows && alike && !mixed;
  record = record && GradMode::is_enabled() && is_floating_point(dtype);
  std::optional<Dims> common;
  if (!alike) common = common_shape(name, tensors, arguments, count);
  const Dims& shape = alike ? first : *common;
  const std::int64_t numel = alike ? tensors[0]->numel() : count_elements(shape);

  const auto at = static_cast<std::size_t>(dtype);
  const bool save = record && op.slots > 0;
  Tensor slots;
  std::uint32_t over = 0;
  Run run;
  const bool plain = rows && !into && !save && numel != 0;
  const RowKernel kernel{save ? op.forward_save[at] : op.forward[at], formula, element_size(dtype),
                         op.lanes[at]};
  if (plain) {
    for (std::size_t i = 0; i < count; ++i) run.data[i] = tensors[i]->impl()->data;
    for (int o = 0; o < op.outputs; ++o) {
      results[o] = empty_dense(shape, numel, dtype);
      run.data[count + static_cast<std::size_t>(o)] = results[o].impl()->data;
    }
    const std::size_t all = count + static_cast<std::size_t>(op.outputs);
    std::fill_n(run.step, all, 1);
    Rest rest{all, (std::uint64_t{1} << count) - 1, 0, 0};  // the results are fresh memory
    if (!is_whole(numel, kernel))
      for (std::size_t i = 0; i < count; ++i)
        rest.padded |= std::uint64_t{is_padded(*tensors[i]->impl())} << i;
    run_rows(numel, rest, kernel, run);
  } else {
    Operand operands[kMostOperands];
    Operand* next = operands;
    for (std::size_t i = 0; i < count; ++i)
      push_pieces(next, tensors[i]->impl(), arguments[i].chunks, Operand::Read);
    for (int o = 0; o < op.outputs; ++o) {
      if (into && into[o]) {
        if (into[o]->impl()->sizes != shape || into[o]->scalar_type() != dtype)
          throw ShapeError(message("[", op_label(name), "] memory for the result has shape ",
                                   into[o]->sizes(), ", expected ", shape));
        results[o] = *into[o];
      } else {
        results[o] = empty_dense(shape, numel, dtype);
      }
      push_pieces(next, results[o].impl(), 1, Operand::Write);
    }
    if (save) {
      over = given_up_inputs(arguments, tensors, count, shape, dtype);
      std::int64_t rows_needed = 0;
      for (int s = 0; s < op.slots; ++s)
        rows_needed += op.slot_over[s] < 0 || (over >> op.slot_over[s] & 1) == 0;
      slots = empty({rows_needed, slot_length(numel)}, dtype);
      push_slots(next, op, operands, over, slots, numel, Operand::Write);
    }
    walk(shape, {operands, static_cast<std::size_t>(next - operands)}, kernel, run);
  }
  if (!record) return;

  const Tensor* outputs[kMostOutputs];
  for (int o = 0; o < op.outputs; ++o) outputs[o] = &results[o];
  auto* node = new PointwiseNode(name, {tensors, count},
                                 {outputs, static_cast<std::size_t>(op.outputs)}, op);
  auto owner = Ref<Node>::adopt(node);
  if (formula_bytes != 0) std::memcpy(node->formula, formula, formula_bytes);
  node->slots = std::move(slots);
  node->plain = plain;
  node->over = over;
  std::uint32_t reads_inputs = 0, reads_outputs = 0;
  int k = 0;
  for (std::size_t i = 0; i < count; k += arguments[i].chunks, ++i) {
    node->chunks[i] = static_cast<std::uint8_t>(arguments[i].chunks);
    node->given_up[i] = arguments[i].given_up;
    if (!node->edges[i].valid()) continue;
    for (int c = k; c < k + arguments[i].chunks; ++c) {
      reads_inputs |= op.reads_inputs[c];
      reads_outputs |= op.reads_outputs[c];
    }
  }
  k = 0;
  // With slots the gradient of the gradient starts from the inputs again.
  for (std::size_t i = 0; i < count && (save || reads_inputs >> k != 0);
       k += arguments[i].chunks, ++i) {
    const std::uint32_t mine = ((std::uint32_t{1} << arguments[i].chunks) - 1) << k;
    node->read[i] = (reads_inputs & mine) != 0;
    if (save || node->read[i]) node->saved_inputs[i] = Saved(*tensors[i]);
  }
  for (std::uint32_t o = 0; reads_outputs >> o != 0; ++o)
    if (reads_outputs >> o & 1) node->saved_outputs[o].set(results[o]);
  link(std::move(owner), {outputs, static_cast<std::size_t>(op.outputs)});
}

}  // namespace reel::detail
