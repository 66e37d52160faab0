// Rows taken from a table and added to one, and their nodes.
#include "gathered.hpp"

#include <cstring>

#include "autograd/kernels.hpp"
#include "ops.hpp"

namespace reel::detail {

namespace {
// A position counted from the front. They were checked when the op ran, but who holds a pointer to
// them may have written others since.
std::int64_t checked_position(std::int64_t at, std::int64_t size) {
  const std::int64_t from_front = at < 0 ? at + size : at;
  check<IndexError>(from_front >= 0 && from_front < size, "[index] ", at, " is out of range for ",
                    size, " rows: the indices were overwritten after they were used");
  return from_front;
}

template <std::size_t fixed>
void copy_rows(std::byte* to, const std::byte* from, const std::int64_t* p, std::int64_t count,
               std::int64_t size, std::size_t bytes) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::size_t n = fixed ? fixed : bytes;
    std::memcpy(to + static_cast<std::size_t>(i) * n,
                from + static_cast<std::size_t>(checked_position(p[i], size)) * n, n);
  }
}
}  // namespace

void copy_rows(std::byte* to, const std::byte* from, const std::int64_t* p, std::int64_t count,
               std::int64_t size, std::size_t bytes) {
  const auto copy = bytes == 1   ? copy_rows<1>
                    : bytes == 4 ? copy_rows<4>
                    : bytes == 8 ? copy_rows<8>
                                 : copy_rows<0>;
  copy(to, from, p, count, size, bytes);
}

void gather_rows(const Tensor& table, const Tensor& positions, const Tensor& out) {
  const std::int64_t size = table.size(0);
  const std::size_t row = size == 0 ? 0 : table.nbytes() / static_cast<std::size_t>(size);
  copy_rows(out.impl()->data, table.impl()->data, positions.data_ptr<std::int64_t>(),
            positions.numel(), size, row);
}
void add_rows(const Tensor& table, const Tensor& positions, const Tensor& rows,
              std::int64_t skipped) {
  const std::int64_t size = table.size(0), width = size == 0 ? 0 : table.numel() / size;
  const auto* p = positions.data_ptr<std::int64_t>();
  dispatch(table.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = table.data_ptr<T>();
    const T* from = rows.data_ptr<T>();
    for (std::int64_t i = 0; i < positions.numel(); ++i, from += width) {
      const std::int64_t at = checked_position(p[i], size);
      if (at == skipped) continue;
      T* row = to + at * width;
      for (std::int64_t j = 0; j < width; ++j) row[j] = static_cast<T>(row[j] + from[j]);
    }
  });
}

// A table of zeros to which the rows `g` are added at `positions`.
Tensor spread_rows(const Tensor& g, const Tensor& positions, const Dims& table_sizes,
                   const Dims& shape, std::int64_t skipped) {
  Tensor table = zeros(table_sizes, g.scalar_type());
  add_rows(table, positions, g.detach().contiguous(), skipped);
  if (needs_record(g))
    record("EmbeddingDenseBackward0", {&g}, {&table},
           [at = Saved(positions), shape, skipped](Backward& pass) {
             const Tensor& rows = at.value(pass);
             Tensor taken = take_rows("EmbeddingBackward0", pass.grad(), rows, shape, skipped);
             if (skipped >= 0) {  // these rows were not added
               Dims column(shape);
               column[column.size() - 1] = 1;
               taken = taken.masked_fill((rows == skipped).reshape(column), 0);
             }
             pass.add(0, taken);
           });
  return table;
}

namespace {
// A node whose result, when it was made, was rows of a table.
class RowsNode : public Node {
 public:
  RowsNode(const char* name, const Tensor& input, const Tensor& out, const Tensor& at,
           std::int64_t skipped_row)
      : Node(name, {&input}, {&out}),
        positions(at),
        positions_version(at._version()),
        skipped(skipped_row) {}
  // The positions may lie in the memory of the index that was given.
  bool positions_changed() const { return positions._version() != positions_version; }
  void release() override {
    released = true;
    positions = table = Tensor();
  }

  Tensor positions;  // of the rows of the result, in order
  std::uint32_t positions_version;
  std::int64_t skipped;  // see GatheredRows
  Tensor table;          // where that is a leaf
  std::uint32_t table_version = 0;
  const Node* source = this;  // took the rows
};

class GatherNode final : public RowsNode {
 public:
  GatherNode(const char* name, const Tensor& from, const Tensor& at, const Dims& result_shape,
             std::int64_t skipped_row, const Tensor& out)
      : RowsNode(name, from, out, at, skipped_row), shape(result_shape), table_sizes(from.sizes()) {
    table = edges[0].leaf;
    table_version = from._version();
  }
  void backward(Backward& pass) override {
    if (positions_changed())
      saved_value_changed(*this, positions.sizes(), *positions.impl()->storage, positions_version);
    if (pass.recording())
      return pass.add(0, spread_rows(pass.grad(), positions, table_sizes, shape, skipped));
    const Backward::Target target = pass.target(0);
    const bool direct = target.memory.is_contiguous();
    const Tensor memory = direct ? target.memory : zeros(table_sizes, target.memory.scalar_type());
    if (direct && !target.accumulate) kernels::fill(memory, 0);
    add_rows(memory, positions, pass.grad().contiguous(), skipped);
    if (direct) return;
    if (target.accumulate)
      kernels::add_into(target.memory, memory);
    else
      kernels::copy(target.memory, memory);
  }

  Dims shape, table_sizes;
};

// Rows of a table in another order, as a sequence with the batch first is brought into time's.
class CopyNode final : public RowsNode {
 public:
  CopyNode(const Tensor& x, const GatheredRows& rows, const Tensor& out)
      : RowsNode("CloneBackward0", x, out, rows.positions, rows.skipped) {
    table = rows.table;
    table_version = table._version();
    source = rows.source;
  }
  void backward(Backward& pass) override { pass.pass_on(0); }
};
}  // namespace

Tensor take_rows(const char* node, const Tensor& table, const Tensor& positions, const Dims& shape,
                 std::int64_t skipped) {
  Tensor out = empty(shape, table.scalar_type());
  gather_rows(table.detach().contiguous(), positions, out);
  if (needs_record(table))
    link(Ref<Node>::adopt(new GatherNode(node, table, positions, shape, skipped, out)), {&out});
  return out;
}

std::optional<GatheredRows> gathered_rows(const Tensor& x) {
  if (!tracks(x)) return nullopt;
  const Tensor& whole = x.is_view() ? x.impl()->base : x;
  const auto* node = dynamic_cast<const RowsNode*>(whole.impl()->grad_fn.get());
  if (!node || node->released || node->positions_changed() || whole._version() != 0 ||
      whole.impl()->storage->exposed())
    return nullopt;
  const Tensor& table = node->table;
  if (!table.defined() || table.dim() != 2 || table._version() != node->table_version)
    return nullopt;
  const std::int64_t width = table.size(1);
  if (width == 0 || x.dim() == 0 || x.size(-1) != width || x.stride(-1) != 1) return nullopt;
  const std::int64_t offset = x.storage_offset() - whole.storage_offset();
  Dims sizes(x.sizes()), strides(x.strides());
  bool rows = offset % width == 0;
  for (std::size_t d = 0; d + 1 < sizes.size(); ++d) {
    rows = rows && strides[d] % width == 0;
    strides[d] /= width;
  }
  if (!rows) return nullopt;
  sizes.resize(sizes.size() - 1);
  strides.resize(strides.size() - 1);
  const Tensor& all = node->positions;
  return GatheredRows{
      table, all.as_strided(sizes, strides, all.storage_offset() + offset / width).contiguous(),
      node->skipped, node->source};
}

Tensor contiguous_rows(const Tensor& x, const GatheredRows& rows) {
  Tensor out = empty(x.sizes(), x.scalar_type());
  gather_rows(rows.table.detach().contiguous(), rows.positions, out);
  link(Ref<Node>::adopt(new CopyNode(x, rows, out)), {&out});
  return out;
}

bool GatheredRows::watched(const Edge& edge) const {
  for (const Node* node = edge.node.get(); node; node = node->edges[0].node.get()) {
    for (std::size_t nr = 0; nr < node->outputs.size(); ++nr)
      if (node->outputs[nr].hooks || node->outputs[nr].retained) return true;
    if (node == source) return false;
  }
  return true;
}

}  // namespace reel::detail
