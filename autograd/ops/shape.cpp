#include "shape.hpp"

#include <algorithm>
#include <functional>

#include "autograd/kernels.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {

namespace detail {

void finish_geometry(TensorImpl& impl) {
  std::uint64_t step = 1;  // unsigned: it may wrap around before it meets a size of zero
  bool dense = true;
  for (std::size_t d = impl.sizes.size(); d-- > 0;) {
    const std::int64_t size = impl.sizes[d];
    if (size != 1) dense = dense && impl.strides[d] == static_cast<std::int64_t>(step);
    step *= static_cast<std::uint64_t>(size);
  }
  impl.numel = static_cast<std::int64_t>(step);
  impl.contiguous = dense || step == 0;
}

Tensor make_view(const Tensor& t, IntArrayRef sizes, IntArrayRef strides, std::byte* data) {
  const TensorImpl& from = t.checked();
  auto impl = TensorImpl::make();
  impl->dtype = from.dtype;
  impl->storage = from.storage;
  impl->data = data;
  impl->sizes = sizes;
  impl->strides = strides;
  finish_geometry(*impl);
  impl->base = from.base.defined() ? from.base : t;
  impl->history_seen = impl->base.impl()->history;
  return Tensor(std::move(impl));
}

Tensor window(const Tensor& t, std::size_t dim, std::int64_t start, std::int64_t length) {
  Tensor out = t.detach();
  TensorImpl& impl = *out.impl();
  impl.sizes[dim] = length;
  impl.data += start * impl.strides[dim] * static_cast<std::int64_t>(element_size(impl.dtype));
  finish_geometry(impl);
  return out;
}

namespace {
using Window = std::function<Tensor(const Tensor&)>;

// Whether some element of memory may be seen at two positions.
bool overlaps(IntArrayRef sizes, IntArrayRef strides) {
  std::vector<std::pair<std::int64_t, std::int64_t>> steps;  // stride, size
  for (std::size_t d = 0; d < sizes.size(); ++d)
    if (sizes[d] > 1) steps.emplace_back(strides[d], sizes[d]);
  std::sort(steps.begin(), steps.end());
  std::int64_t reach = 0;  // of the dimensions with smaller strides
  for (const auto& [stride, size] : steps) {
    if (stride <= reach) return true;
    reach += stride * (size - 1);
  }
  return false;
}

// to += from where positions of `to` may share memory: in slices that do not, such as one for each
// place in the windows of unfold().
void add_overlapping(const Tensor& to, const Tensor& from) {
  if (!overlaps(to.sizes(), to.strides())) return kernels::add_into(to, from);
  std::size_t along = to.sizes().size() - 1;
  std::int64_t fewest = 0;
  for (std::size_t d = 0; d < to.sizes().size(); ++d) {
    Dims sizes(to.sizes()), strides(to.strides());
    sizes.erase(d);
    strides.erase(d);
    if (overlaps(sizes, strides) || (fewest != 0 && to.sizes()[d] >= fewest)) continue;
    along = d;
    fewest = to.sizes()[d];
  }
  const auto dim = static_cast<std::int64_t>(along);
  for (std::int64_t i = 0; i < to.size(dim); ++i)
    add_overlapping(to.select(dim, i), from.select(dim, i));
}

// Zeros of shape `sizes` to which `g` is added in the window that `window` cuts out of them.
Tensor embed(const Tensor& g, const Dims& sizes, const Window& window) {
  Tensor whole = zeros(sizes, g.scalar_type());
  {
    NoGradGuard no_grad;
    const Tensor part = window(whole);
    if (overlaps(part.sizes(), part.strides()))
      add_overlapping(part, g.detach());
    else
      kernels::copy(part, g);
  }
  if (needs_record(g))
    record("EmbedBackward0", {&g}, {&whole},
           [window](Backward& pass) { pass.add(0, window(pass.grad())); });
  return whole;
}

// A view that is one region of `t`.
Tensor region_view(const char* name, const Tensor& t, const Dims& sizes, const Dims& strides,
                   std::byte* data, const Region& region) {
  Tensor out = make_view(t, sizes, strides, data);
  if (needs_record(t)) {
    Node& node = record(name, {&t}, {&out}, [whole = Dims(t.sizes()), region](Backward& pass) {
      if (!pass.recording()) return pass.add_region();
      pass.add(0, embed(pass.grad(), whole, [region](const Tensor& w) { return region.of(w); }));
    });
    node.region = region;
  }
  return out;
}

// A view whose gradient is the inverse rearrangement of its own.
template <class Inverse>
Tensor recorded_view(const char* name, const Tensor& t, const Dims& sizes, const Dims& strides,
                     Inverse inverse) {
  Tensor out = make_view(t, sizes, strides, t.impl()->data);
  if (needs_record(t))
    record(name, {&t}, {&out},
           [inverse](Backward& pass) { pass.add(0, inverse(pass.grad()), pass.grad_owned()); });
  return out;
}

// Strides under which the elements of `t` have `sizes`, where there are any.
std::optional<Dims> view_strides(const Tensor& t, const Dims& sizes) {
  if (t.is_contiguous()) return contiguous_strides(sizes);
  const auto old_sizes = t.sizes(), old_strides = t.strides();
  Dims strides(sizes.size(), 1);
  std::size_t d = sizes.size();
  std::int64_t chunk = 1, base = old_strides.empty() ? 1 : old_strides.back();
  for (std::size_t i = old_sizes.size(); i-- > 0;) {
    chunk *= old_sizes[i];
    // A run of old dimensions that lie as one ends here: spread it over new ones.
    if (i == 0 || (old_sizes[i - 1] != 1 && old_strides[i - 1] != chunk * base)) {
      std::int64_t covered = 1;
      while (d > 0 && (covered < chunk || sizes[d - 1] == 1)) {
        strides[d - 1] = covered * base;
        covered *= sizes[d - 1];
        --d;
      }
      if (covered != chunk) return std::nullopt;
      if (i > 0) {
        base = old_strides[i - 1];
        chunk = 1;
      }
    }
  }
  if (d != 0) return std::nullopt;
  return strides;
}

Dims infer_sizes(const char* op, const Tensor& t, IntArrayRef sizes) {
  Dims result(sizes);
  std::int64_t known = 1;
  bool zero = false, overflow = false;
  std::optional<std::size_t> unknown;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == -1) {
      check<ShapeError>(!unknown, "[", op, "] only one dimension can be inferred, found ", sizes);
      unknown = d;
    } else {
      check<ShapeError>(sizes[d] >= 0, "[", op, "] invalid size ", sizes[d], " in ", sizes);
      zero = zero || sizes[d] == 0;
      overflow = __builtin_mul_overflow(known, sizes[d], &known) || overflow;
    }
  }
  check<ShapeError>(zero || !overflow, "[", op, "] the product of the sizes ", sizes,
                    " does not fit 64 bits");
  if (zero) known = 0;
  if (unknown) {
    check<ShapeError>(known != 0, "[", op, "] cannot infer -1 in ", sizes, " for shape ", t.sizes(),
                      ": the other sizes multiply to 0");
    result[*unknown] = t.numel() / known;
    known *= result[*unknown];
  }
  check<ShapeError>(known == t.numel(), "[", op, "] shape ", sizes,
                    " is invalid for input of size ", t.numel(), " and shape ", t.sizes());
  return result;
}
}  // namespace

Tensor join_slices(const Tensor& memory, TensorList slices) {
  const Tensor out = memory.detach();
  bool recorded = false;
  std::vector<const Tensor*> inputs;
  std::vector<std::int64_t> lengths;
  for (const Tensor& s : slices) {
    recorded = recorded || needs_record(s);
    inputs.push_back(&s);
    lengths.push_back(s.size(0));
  }
  if (recorded)
    record("CatBackward0", inputs, {&out}, [lengths = std::move(lengths)](Backward& pass) {
      Tensor g = pass.grad();
      bool owned = pass.grad_owned();
      if (!owned && !pass.recording()) {
        g = g.clone();  // once, instead of a copy of each slice
        owned = true;
      }
      std::int64_t at = 0;
      for (std::size_t i = 0; i < lengths.size(); at += lengths[i], ++i)
        if (pass.needs(i))
          pass.add(i, pass.recording() ? g.narrow(0, at, lengths[i]) : window(g, 0, at, lengths[i]),
                   owned);
    });
  return out;
}

}  // namespace detail

using detail::recorded_view;

Tensor view(const Tensor& t, IntArrayRef sizes) {
  const Dims wanted = detail::infer_sizes("view", t, sizes);
  const auto strides = detail::view_strides(t, wanted);
  check<ShapeError>(strides.has_value(), "[view] shape ", sizes, " does not fit the strides ",
                    t.strides(), " of a tensor of shape ", t.sizes(), "; use reshape() instead");
  return recorded_view("ViewBackward0", t, wanted, *strides,
                       [own = Dims(t.sizes())](const Tensor& g) { return g.reshape(own); });
}

Tensor reshape(const Tensor& t, IntArrayRef sizes) {
  const Dims wanted = detail::infer_sizes("reshape", t, sizes);
  return detail::view_strides(t, wanted) ? view(t, wanted) : view(t.contiguous(), wanted);
}

Tensor flatten(const Tensor& t, std::int64_t start_dim, std::int64_t end_dim) {
  const auto rank = static_cast<std::size_t>(t.dim());
  const std::size_t from = wrap_dim("flatten", start_dim, rank),
                    to = wrap_dim("flatten", end_dim, rank);
  check<IndexError>(from <= to, "[flatten] start_dim ", start_dim, " comes after end_dim ",
                    end_dim);
  if (rank == 0) return reshape(t, {1});
  Dims sizes;
  std::int64_t joined = 1;
  for (std::size_t d = 0; d < rank; ++d) {
    if (d < from || d > to) {
      sizes.push_back(t.sizes()[d]);
    } else {
      joined *= t.sizes()[d];
      if (d == to) sizes.push_back(joined);
    }
  }
  return reshape(t, sizes);
}

Tensor transpose(const Tensor& t, std::int64_t dim0, std::int64_t dim1) {
  const auto rank = static_cast<std::size_t>(t.dim());
  const std::size_t a = wrap_dim("transpose", dim0, rank), b = wrap_dim("transpose", dim1, rank);
  Dims sizes(t.sizes()), strides(t.strides());
  if (rank != 0) {
    std::swap(sizes[a], sizes[b]);
    std::swap(strides[a], strides[b]);
  }
  return recorded_view("TransposeBackward0", t, sizes, strides,
                       [dim0, dim1](const Tensor& g) { return g.transpose(dim0, dim1); });
}

Tensor t(const Tensor& self) {
  check<ShapeError>(self.dim() <= 2, "[t] expects a tensor with at most 2 dimensions, found shape ",
                    self.sizes());
  if (self.dim() < 2) return self;
  return recorded_view("TBackward0", self, {self.size(1), self.size(0)},
                       {self.stride(1), self.stride(0)}, [](const Tensor& g) { return g.t(); });
}

Tensor permute(const Tensor& t, IntArrayRef dims) {
  const auto rank = static_cast<std::size_t>(t.dim());
  check<ShapeError>(dims.size() == rank, "[permute] expected ", rank, " dims for shape ", t.sizes(),
                    ", found ", dims);
  Dims sizes, strides, inverse(rank, -1);
  for (std::size_t i = 0; i < rank; ++i) {
    const std::size_t d = wrap_dim("permute", dims[i], rank);
    check<IndexError>(inverse[d] == -1, "[permute] duplicate dims in ", dims);
    inverse[d] = static_cast<std::int64_t>(i);
    sizes.push_back(t.sizes()[d]);
    strides.push_back(t.strides()[d]);
  }
  return recorded_view("PermuteBackward0", t, sizes, strides,
                       [inverse](const Tensor& g) { return g.permute(inverse); });
}

namespace {
Tensor squeeze_where(const Tensor& t, const std::function<bool(std::size_t)>& drop) {
  Dims sizes, strides;
  for (std::size_t d = 0; d < t.sizes().size(); ++d)
    if (t.sizes()[d] != 1 || !drop(d)) {
      sizes.push_back(t.sizes()[d]);
      strides.push_back(t.strides()[d]);
    }
  return recorded_view("SqueezeBackward0", t, sizes, strides,
                       [own = Dims(t.sizes())](const Tensor& g) { return g.reshape(own); });
}
}  // namespace

Tensor squeeze(const Tensor& t) {
  return squeeze_where(t, [](std::size_t) { return true; });
}
Tensor squeeze(const Tensor& t, std::int64_t dim) {
  const std::size_t only = wrap_dim("squeeze", dim, static_cast<std::size_t>(t.dim()));
  return squeeze_where(t, [only](std::size_t d) { return d == only; });
}

Tensor squeeze(const Tensor& t, IntArrayRef dims) {
  bool chosen[64] = {};
  for (const auto dim : dims) {
    const std::size_t d = wrap_dim("squeeze", dim, static_cast<std::size_t>(t.dim()));
    check<IndexError>(!chosen[d], "[squeeze] dim ", dim,
                      " appears multiple times in the list of dims ", dims);
    chosen[d] = true;
  }
  return squeeze_where(t, [&chosen](std::size_t d) { return chosen[d]; });
}

Tensor unsqueeze(const Tensor& t, std::int64_t dim) {
  const std::size_t at = wrap_dim("unsqueeze", dim, static_cast<std::size_t>(t.dim()) + 1);
  Dims sizes(t.sizes()), strides(t.strides());
  strides.insert(at, at < sizes.size() ? sizes[at] * strides[at] : 1);
  sizes.insert(at, 1);
  return recorded_view("UnsqueezeBackward0", t, sizes, strides,
                       [at](const Tensor& g) { return g.squeeze(static_cast<std::int64_t>(at)); });
}

Tensor diagonal(const Tensor& t, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  const auto rank = static_cast<std::size_t>(t.dim());
  const std::size_t down = wrap_dim("diagonal", dim1, rank),
                    right = wrap_dim("diagonal", dim2, rank);
  check<ShapeError>(down != right, "[diagonal] dim1 and dim2 must differ, both are ", down);
  const std::int64_t first_row = std::max<std::int64_t>(-offset, 0),
                     first_col = std::max<std::int64_t>(offset, 0);
  const std::int64_t length = std::max<std::int64_t>(
      std::min(t.sizes()[down] - first_row, t.sizes()[right] - first_col), 0);
  const std::int64_t row = t.strides()[down], col = t.strides()[right];
  Dims sizes(t.sizes()), strides(t.strides());
  for (const std::size_t d : {std::max(down, right), std::min(down, right)}) {
    sizes.erase(d);
    strides.erase(d);
  }
  sizes.push_back(length);
  strides.push_back(row + col);
  const std::int64_t skipped = length == 0 ? 0 : first_row * row + first_col * col;
  Tensor out = detail::make_view(
      t, sizes, strides, t.impl()->data + skipped * static_cast<std::int64_t>(t.element_size()));
  if (needs_record(t))
    record("DiagonalBackward0", {&t}, {&out}, [=, own = Dims(t.sizes())](Backward& pass) {
      const auto window = [=](const Tensor& w) { return diagonal(w, offset, dim1, dim2); };
      pass.add(0, detail::embed(pass.grad(), own, window), true);
    });
  return out;
}

Tensor expand(const Tensor& t, IntArrayRef sizes) {
  const std::size_t rank = t.sizes().size();
  check<ShapeError>(sizes.size() >= rank, "[expand] shape ", t.sizes(),
                    " has more dimensions than the target ", sizes);
  const std::size_t ahead = sizes.size() - rank;
  Dims wanted(sizes), strides(sizes.size(), 0);
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    const std::int64_t own = d < ahead ? 1 : t.sizes()[d - ahead];
    check<ShapeError>(sizes[d] >= -1, "[expand] invalid size ", sizes[d], " in ", sizes);
    if (sizes[d] == -1) {
      check<ShapeError>(d >= ahead,
                        "[expand] -1 is not allowed in a leading, new dimension: ", sizes);
      wanted[d] = own;
    }
    check<ShapeError>(wanted[d] == own || own == 1, "[expand] the expanded size ", wanted[d],
                      " must match the existing size ", own, " at dimension ", d, ": from ",
                      t.sizes(), " to ", sizes);
    strides[d] = own == wanted[d] && d >= ahead ? t.strides()[d - ahead] : 0;
  }
  // The engine sums a gradient over the dimensions along which its tensor was repeated.
  return recorded_view("ExpandBackward0", t, wanted, strides, [](const Tensor& g) { return g; });
}

namespace {
// The elements of memory that are shown, from the first to behind the last.
struct Reach {
  std::int64_t first, end;
};
Reach reach_of(IntArrayRef sizes, IntArrayRef strides, std::int64_t offset) {
  if (count_elements(sizes) == 0) return {offset, offset};
  std::int64_t last = offset;
  for (std::size_t d = 0; d < sizes.size(); ++d) last += (sizes[d] - 1) * strides[d];
  return {offset, last + 1};
}
// A window on a vector.
struct Strided {
  Dims sizes, strides;
  std::int64_t offset;
  Tensor of(const Tensor& vector) const {
    const Tensor dense = vector.contiguous();
    return as_strided(dense, sizes, strides, dense.storage_offset() + offset);
  }
  Tensor operator()(const Tensor& vector) const { return of(vector); }
};
}  // namespace

Tensor as_strided(const Tensor& t, IntArrayRef sizes, IntArrayRef strides,
                  std::optional<std::int64_t> storage_offset) {
  check<ShapeError>(sizes.size() == strides.size(), "[as_strided] ", sizes.size(), " sizes but ",
                    strides.size(), " strides");
  const auto width = static_cast<std::int64_t>(t.element_size());
  const std::int64_t offset = storage_offset.value_or(t.storage_offset());
  const Tensor owner = t.is_view() ? t.impl()->base : t;
  const std::int64_t room = static_cast<std::int64_t>(t.impl()->storage->bytes()) / width;
  std::int64_t last = offset;
  const std::int64_t count = count_elements(sizes);
  bool fits = offset >= 0;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    check(strides[d] >= 0, "[as_strided] negative stride ", strides[d]);
    std::int64_t reach = 0;
    if (count != 0)
      fits = fits && !__builtin_mul_overflow(sizes[d] - 1, strides[d], &reach) &&
             !__builtin_add_overflow(last, reach, &last);
  }
  check(fits && (count == 0 || last < room), "[as_strided] sizes ", sizes, ", strides ", strides,
        " and offset ", offset, " reach beyond the memory of ", room, " elements");
  Tensor out = detail::make_view(
      t, sizes, strides, static_cast<std::byte*>(t.impl()->storage->data()) + offset * width);
  if (needs_record(t)) {
    const Reach from = reach_of(t.sizes(), t.strides(), t.storage_offset()),
                to = reach_of(sizes, strides, offset);
    // The memory that either of them reaches. What only the result shows gets lost: as in PyTorch,
    // its gradient goes to `t` and not to the rest of that memory.
    const std::int64_t first = std::min(from.first, to.first);
    const Dims all{std::max(from.end, to.end) - first};
    const Strided own{Dims(t.sizes()), Dims(t.strides()), t.storage_offset() - first},
        shown{Dims(sizes), Dims(strides), offset - first};
    const bool shared = detail::overlaps_itself(t);
    record("AsStridedBackward0", {&t}, {&out}, [=](Backward& pass) {
      Tensor g = own.of(detail::embed(pass.grad(), all, shown));
      // Positions that share an element share its gradient.
      if (shared) g = g / own.of(detail::embed(ones(own.sizes, g.scalar_type()), all, own));
      pass.add(0, g, true);
    });
  }
  return out;
}

Tensor narrow(const Tensor& t, std::int64_t dim, std::int64_t start, std::int64_t length) {
  check<IndexError>(t.dim() > 0, "[narrow] cannot narrow a tensor without dimensions");
  const std::size_t d = wrap_dim("narrow", dim, static_cast<std::size_t>(t.dim()));
  const std::int64_t size = t.sizes()[d];
  if (start < 0) start += size;
  check<IndexError>(start >= 0 && length >= 0 && length <= size - start, "[narrow] start (", start,
                    ") + length (", length, ") exceeds dimension size (", size, ") of shape ",
                    t.sizes());
  Dims sizes(t.sizes());
  sizes[d] = length;
  return detail::region_view(
      "SliceBackward0", t, sizes, Dims(t.strides()),
      t.impl()->data + start * t.strides()[d] * static_cast<std::int64_t>(t.element_size()),
      {static_cast<std::int64_t>(d), start, length, false});
}

Tensor select(const Tensor& t, std::int64_t dim, std::int64_t index) {
  check<IndexError>(t.dim() > 0, "[select] cannot index a tensor without dimensions; use item()");
  const std::size_t d = wrap_dim("select", dim, static_cast<std::size_t>(t.dim()));
  const std::int64_t size = t.sizes()[d];
  check<IndexError>(index >= -size && index < size, "[select] index ", index,
                    " out of range for tensor of size ", t.sizes(), " at dimension ", d);
  if (index < 0) index += size;
  Dims sizes(t.sizes()), strides(t.strides());
  const std::int64_t step = strides[d];
  sizes.erase(d);
  strides.erase(d);
  return detail::region_view(
      "SelectBackward0", t, sizes, strides,
      t.impl()->data + index * step * static_cast<std::int64_t>(t.element_size()),
      {static_cast<std::int64_t>(d), index, 1, true});
}

Tensor slice(const Tensor& t, std::int64_t dim, std::optional<std::int64_t> start,
             std::optional<std::int64_t> end, std::int64_t step) {
  check<IndexError>(t.dim() > 0, "[slice] cannot slice a tensor without dimensions");
  check(step > 0, "[slice] step must be positive, found ", step);
  const std::size_t d = wrap_dim("slice", dim, static_cast<std::size_t>(t.dim()));
  const std::int64_t size = t.sizes()[d];
  const auto bound = [size](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size);
  };
  const std::int64_t from = bound(start.value_or(0));
  const std::int64_t to = std::max(from, bound(end.value_or(size)));
  step =
      std::min(step, std::max<std::int64_t>(size, 1));  // one element in any case, and no overflow
  if (step == 1) return narrow(t, static_cast<std::int64_t>(d), from, to - from);
  Dims sizes(t.sizes()), strides(t.strides());
  sizes[d] = (to - from + step - 1) / step;
  Tensor out;
  const std::int64_t offset = from * strides[d];
  strides[d] *= step;
  out = detail::make_view(t, sizes, strides,
                          t.impl()->data + offset * static_cast<std::int64_t>(t.element_size()));
  if (needs_record(t))
    record("SliceBackward0", {&t}, {&out},
           [own = Dims(t.sizes()), d, from, to, step](Backward& pass) {
             pass.add(0,
                      detail::embed(pass.grad(), own,
                                    [=](const Tensor& w) {
                                      return slice(w, static_cast<std::int64_t>(d), from, to, step);
                                    }),
                      true);
           });
  return out;
}

Tensor unfold(const Tensor& t, std::int64_t dimension, std::int64_t size, std::int64_t step) {
  const std::size_t d = wrap_dim("unfold", dimension, static_cast<std::size_t>(t.dim()));
  const std::int64_t length = t.dim() == 0 ? 1 : t.sizes()[d];
  check<ShapeError>(size >= 0 && size <= length, "[unfold] windows of size ", size,
                    " do not fit dimension ", dimension, " of shape ", t.sizes());
  check(step > 0, "[unfold] step must be positive, found ", step);
  step = std::min(step, std::max<std::int64_t>(length, 1));  // one window in any case
  Dims sizes(t.sizes()), strides(t.strides());
  const std::int64_t stride = t.dim() == 0 ? 1 : strides[d];
  if (t.dim() != 0) {
    sizes[d] = (length - size) / step + 1;
    strides[d] *= step;
  }
  sizes.push_back(size);
  strides.push_back(stride);
  Tensor out = detail::make_view(t, sizes, strides, t.impl()->data);
  if (needs_record(t))
    record("UnfoldBackward0", {&t}, {&out}, [=, own = Dims(t.sizes())](Backward& pass) {
      const auto windows = [=](const Tensor& w) { return unfold(w, dimension, size, step); };
      pass.add(0, detail::embed(pass.grad(), own, windows), true);
    });
  return out;
}

}  // namespace reel
