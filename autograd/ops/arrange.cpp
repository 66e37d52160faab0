#include "arrange.hpp"

#include <algorithm>
#include <cstring>

#include "ops.hpp"
#include "view.hpp"

namespace reel {
namespace {

std::size_t rank_of(const Tensor& x) { return static_cast<std::size_t>(x.dim()); }

Tensor positions(const std::vector<std::int64_t>& list) {
  const Tensor out = empty({static_cast<std::int64_t>(list.size())}, kInt64);
  std::copy(list.begin(), list.end(), out.data_ptr<std::int64_t>());
  return out;
}

void check_each_once(const char* op, IntArrayRef dims, std::size_t rank) {
  bool seen[64] = {};
  for (const auto dim : dims) {
    bool& here = seen[wrap_dim(op, dim, rank)];
    check<IndexError>(!here, "[", op, "] dim ", dim, " appears multiple times in the list of dims ",
                      dims);
    here = true;
  }
}

}  // namespace

Tensor unflatten(const Tensor& x, std::int64_t dim, IntArrayRef sizes) {
  const std::size_t d = wrap_dim("unflatten", dim, rank_of(x));
  check<ShapeError>(x.dim() > 0 && !sizes.empty(), "[unflatten] sizes ", sizes,
                    " do not fit dimension ", dim, " of shape ", x.sizes());
  Dims wanted;
  std::int64_t known = 1;
  std::size_t open = 0;
  for (const auto size : sizes) {
    if (size == -1)
      ++open;
    else
      known *= size;
  }
  check<ShapeError>(open <= 1, "[unflatten] only one dimension can be inferred, found ", sizes);
  for (std::size_t e = 0; e < rank_of(x); ++e) {
    if (e != d) {
      wanted.push_back(x.sizes()[e]);
      continue;
    }
    std::int64_t product = 1;
    for (const auto size : sizes) {
      wanted.push_back(size == -1 && known != 0 ? x.sizes()[d] / known : size);
      product *= wanted.back();
    }
    check<ShapeError>(product == x.sizes()[d], "[unflatten] sizes ", sizes,
                      " do not multiply up to the size of dimension ", dim, " of shape ",
                      x.sizes());
  }
  return x.view(wanted);
}

Tensor movedim(const Tensor& x, IntArrayRef source, IntArrayRef destination) {
  const std::size_t rank = rank_of(x);
  check<ShapeError>(source.size() == destination.size(), "[movedim] ", source.size(),
                    " source dims but ", destination.size(), " destination dims");
  check_each_once("movedim", source, rank);
  check_each_once("movedim", destination, rank);
  Dims order(rank, -1);
  bool moved[64] = {};
  for (std::size_t i = 0; i < source.size(); ++i) {
    const std::size_t from = wrap_dim("movedim", source[i], rank);
    if (rank > 0)
      order[wrap_dim("movedim", destination[i], rank)] = static_cast<std::int64_t>(from);
    moved[from] = true;
  }
  std::size_t next = 0;
  for (auto& d : order) {
    if (d != -1) continue;
    while (moved[next]) ++next;
    d = static_cast<std::int64_t>(next++);
  }
  return x.permute(order);
}

Tensor moveaxis(const Tensor& x, IntArrayRef source, IntArrayRef destination) {
  return movedim(x, source, destination);
}
Tensor swapaxes(const Tensor& x, std::int64_t axis0, std::int64_t axis1) {
  return transpose(x, axis0, axis1);
}
Tensor swapdims(const Tensor& x, std::int64_t dim0, std::int64_t dim1) {
  return transpose(x, dim0, dim1);
}

// ---------------------------------------------------------------- repeating
Tensor repeat(const Tensor& x, IntArrayRef repeats) {
  const std::size_t rank = rank_of(x);
  check<ShapeError>(repeats.size() >= rank, "[repeat] ", repeats,
                    " has fewer entries than a tensor of shape ", x.sizes(), " has dimensions");
  // Every dimension gets one in front of it, which is expanded and then joined with it.
  Dims apart, stretched, sizes;
  for (std::size_t d = 0; d < repeats.size(); ++d) {
    const std::size_t ahead = repeats.size() - rank;
    const std::int64_t own = d < ahead ? 1 : x.sizes()[d - ahead];
    check<ShapeError>(repeats[d] >= 0, "[repeat] negative entry in ", repeats);
    sizes.push_back(own * repeats[d]);
    if (repeats[d] != 1) {
      apart.push_back(1);
      stretched.push_back(repeats[d]);
    }
    apart.push_back(own);
    stretched.push_back(own);
  }
  return x.reshape(apart).expand(stretched).clone().reshape(sizes);
}

Tensor tile(const Tensor& x, IntArrayRef repeats) {
  Dims all(repeats);
  while (all.size() < rank_of(x)) all.insert(0, 1);
  return repeat(x, all);
}

Tensor repeat_interleave(const Tensor& x, std::int64_t repeats, std::optional<std::int64_t> dim) {
  return repeat_interleave(x, full({1}, repeats, kInt64), dim);
}

Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<std::int64_t> dim) {
  if (!dim || x.dim() == 0) return repeat_interleave(x.reshape({-1}), repeats, 0);
  check<DtypeError>(is_integral(repeats.scalar_type(), false),
                    "[repeat_interleave] repeats must be integers, found ",
                    dtype_name(repeats.scalar_type()));
  const std::int64_t size = x.size(*dim);
  check<ShapeError>(repeats.dim() <= 1 && (repeats.numel() == 1 || repeats.numel() == size),
                    "[repeat_interleave] expected 1 or ", size, " repeats, found shape ",
                    repeats.sizes());
  const Tensor counts = repeats.to(kInt64).reshape({-1}).expand({size}).contiguous();
  std::vector<std::int64_t> list;
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int64_t n = counts.data_ptr<std::int64_t>()[i];
    check(n >= 0, "[repeat_interleave] repeats must not be negative, found ", n);
    list.insert(list.end(), static_cast<std::size_t>(n), i);
  }
  return index_select(x, *dim, positions(list));
}

// ---------------------------------------------------------------- joining
Tensor hstack(TensorList tensors) {
  check(tensors.size() > 0, "[hstack] expected a non-empty list of tensors");
  std::vector<Tensor> wide;
  for (const Tensor& t : tensors) wide.push_back(t.dim() == 0 ? t.reshape({1}) : t);
  return cat(wide, wide[0].dim() == 1 ? 0 : 1);
}

Tensor vstack(TensorList tensors) {
  check(tensors.size() > 0, "[vstack] expected a non-empty list of tensors");
  std::vector<Tensor> rows;
  for (const Tensor& t : tensors) rows.push_back(t.dim() < 2 ? t.reshape({1, -1}) : t);
  return cat(rows, 0);
}

// ---------------------------------------------------------------- moving along dimensions
namespace {
// A contiguous copy of x with dimension d turned round.
Tensor turned(const Tensor& x, std::size_t d) {
  const Tensor dense = x.detach().contiguous();
  const Tensor out = empty(x.sizes(), x.scalar_type());
  const std::int64_t n = x.sizes()[d];
  std::int64_t inner = 1;
  for (std::size_t e = d + 1; e < x.sizes().size(); ++e) inner *= x.sizes()[e];
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < x.numel(); i += n * inner) {
      const T* from = dense.data_ptr<T>() + i;
      T* to = out.data_ptr<T>() + i;
      if (inner == 1)
        std::reverse_copy(from, from + n, to);
      else
        for (std::int64_t r = 0; r < n; ++r)
          std::copy_n(from + (n - 1 - r) * inner, inner, to + r * inner);
    }
  });
  return out;
}
}  // namespace
Tensor flip(const Tensor& x, IntArrayRef dims) {
  check_each_once("flip", dims, rank_of(x));
  Tensor out = x.detach();
  for (const auto dim : dims)
    if (x.dim() != 0) out = turned(out, wrap_dim("flip", dim, rank_of(x)));
  if (out.data_ptr() == x.data_ptr()) out = out.clone();
  if (needs_record(x))
    record("FlipBackward0", {&x}, {&out},
           [dims = Dims(dims)](Backward& pass) { pass.add(0, flip(pass.grad(), dims), true); });
  return out;
}

Tensor roll(const Tensor& x, IntArrayRef shifts, IntArrayRef dims) {
  if (dims.empty() && shifts.size() == 1)
    return roll(x.reshape({-1}), shifts, 0).reshape(x.sizes());
  check<ShapeError>(!shifts.empty() && shifts.size() == dims.size(), "[roll] ", shifts.size(),
                    " shifts but ", dims.size(), " dims");
  Tensor out = x;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::int64_t size = x.size(dims[i]);
    if (size == 0) continue;
    const std::int64_t tail = (shifts[i] % size + size) % size;
    out =
        cat({out.narrow(dims[i], size - tail, tail), out.narrow(dims[i], 0, size - tail)}, dims[i]);
  }
  return out.is_same(x) ? x.clone() : out;
}

// ---------------------------------------------------------------- padding
namespace {
void check_pad(const char* op, const Tensor& x, IntArrayRef pad) {
  check<ShapeError>(pad.size() % 2 == 0 && pad.size() / 2 <= rank_of(x), "[", op,
                    "] expected a pair of numbers for each of at most ", x.dim(),
                    " dimensions, found ", pad);
}
}  // namespace

Tensor constant_pad_nd(const Tensor& x, IntArrayRef pad, const Scalar& value) {
  check_pad("constant_pad_nd", x, pad);
  Tensor out = x;
  for (std::size_t i = 0; i < pad.size(); i += 2) {
    const std::int64_t dim = x.dim() - 1 - static_cast<std::int64_t>(i / 2);
    const std::int64_t cut = std::max<std::int64_t>(-pad[i], 0);
    const std::int64_t kept = out.size(dim) - cut - std::max<std::int64_t>(-pad[i + 1], 0);
    check<ShapeError>(kept >= 0, "[constant_pad_nd] padding ", pad, " of shape ", x.sizes(),
                      " leaves a negative size in dimension ", dim);
    const auto filled = [&](std::int64_t n) {
      Dims sizes(out.sizes());
      sizes[static_cast<std::size_t>(dim)] = std::max<std::int64_t>(n, 0);
      return full(sizes, value, x.scalar_type());
    };
    out = cat({filled(pad[i]), out.narrow(dim, cut, kept), filled(pad[i + 1])}, dim);
  }
  return out.is_same(x) ? x.clone() : out;
}

Tensor pad(const Tensor& x, IntArrayRef pad, const std::string& mode, std::optional<double> value) {
  if (mode == "constant") return constant_pad_nd(x, pad, value.value_or(0.0));
  const bool reflect = mode == "reflect", replicate = mode == "replicate";
  check(reflect || replicate || mode == "circular", "[pad] unknown mode \"", mode,
        "\"; expected \"constant\", \"reflect\", \"replicate\" or \"circular\"");
  check(!value, "[pad] padding mode \"", mode, "\" takes no value");
  check_pad("pad", x, pad);
  Tensor out = x;
  for (std::size_t i = 0; i < pad.size(); i += 2) {
    const std::int64_t dim = x.dim() - 1 - static_cast<std::int64_t>(i / 2);
    const std::int64_t size = out.size(dim), before = pad[i], behind = pad[i + 1];
    const std::int64_t most = reflect ? size - 1 : size;
    check<ShapeError>(size > 0 && (replicate || std::max(before, behind) <= most), "[pad] padding ",
                      before, " and ", behind, " is too much for dimension ", dim, " of shape ",
                      x.sizes(), " in mode \"", mode, "\"");
    check<ShapeError>(size + before + behind >= 0, "[pad] padding ", pad, " of shape ", x.sizes(),
                      " leaves a negative size in dimension ", dim);
    std::vector<std::int64_t> list;
    for (std::int64_t at = -before; at < size + behind; ++at) {
      if (replicate)
        list.push_back(std::clamp<std::int64_t>(at, 0, size - 1));
      else if (!reflect)
        list.push_back((at + size) % size);
      else
        list.push_back(at < 0 ? -at : (at < size ? at : 2 * (size - 1) - at));
    }
    out = index_select(out, dim, positions(list));
  }
  return out.is_same(x) ? x.clone() : out;
}

// ---------------------------------------------------------------- triangles and diagonals
namespace {
// The elements of each matrix on the diagonal and below it (or above), and zeros.
Tensor triangle(const char* op, const Tensor& x, std::int64_t diagonal, bool lower) {
  check<ShapeError>(x.dim() >= 2, "[", op, "] expected at least 2 dimensions, found shape ",
                    x.sizes());
  const Tensor dense = x.detach().contiguous();
  Tensor out = empty(x.sizes(), x.scalar_type());
  const std::int64_t rows = x.size(-2), cols = x.size(-1);
  diagonal = std::clamp(diagonal, -rows - 1, cols);
  const std::size_t bytes = x.element_size(), width = static_cast<std::size_t>(cols) * bytes;
  const std::byte* from = dense.impl()->data;
  std::byte* to = out.impl()->data;
  for (std::int64_t i = 0; i < (cols == 0 ? 0 : x.numel() / cols);
       ++i, from += width, to += width) {
    const std::int64_t first =
        std::clamp<std::int64_t>(i % rows + diagonal + (lower ? 1 : 0), 0, cols);
    const std::size_t split = static_cast<std::size_t>(first) * bytes;
    std::memcpy(lower ? to : to + split, lower ? from : from + split,
                lower ? split : width - split);
    std::memset(lower ? to + split : to, 0, lower ? width - split : split);
  }
  if (needs_record(x))
    record(lower ? "TrilBackward0" : "TriuBackward0", {&x}, {&out},
           [=](Backward& pass) { pass.add(0, triangle(op, pass.grad(), diagonal, lower), true); });
  return out;
}
}  // namespace
Tensor tril(const Tensor& x, std::int64_t diagonal) { return triangle("tril", x, diagonal, true); }
Tensor triu(const Tensor& x, std::int64_t diagonal) { return triangle("triu", x, diagonal, false); }

Tensor& Tensor::tril_(std::int64_t diagonal) const {
  return detail::write_in_place("tril_", *this,
                                reel::tril(detail::before_write(*this, true), diagonal));
}
Tensor& Tensor::triu_(std::int64_t diagonal) const {
  return detail::write_in_place("triu_", *this,
                                reel::triu(detail::before_write(*this, true), diagonal));
}

Tensor diag(const Tensor& x, std::int64_t diagonal) {
  check<ShapeError>(x.dim() == 1 || x.dim() == 2, "[diag] expected a vector or a matrix, found ",
                    "shape ", x.sizes());
  const std::int64_t down = std::max<std::int64_t>(-diagonal, 0);
  const std::int64_t right = std::max<std::int64_t>(diagonal, 0);
  const std::int64_t rows = x.dim() == 1 ? x.size(0) + down + right : x.size(0);
  const std::int64_t cols = x.dim() == 1 ? rows : x.size(1);
  std::vector<std::int64_t> list;
  for (std::int64_t i = 0; i + down < rows && i + right < cols; ++i)
    list.push_back((i + down) * cols + i + right);
  if (x.dim() == 2) return index_select(x.reshape({-1}), 0, positions(list));
  return index_add(zeros({rows * cols}, x.scalar_type()), 0, positions(list), x)
      .reshape({rows, cols});
}

Tensor trace(const Tensor& x) {
  check<ShapeError>(x.dim() == 2, "[trace] expected a matrix, found shape ", x.sizes());
  return diag(x).sum();
}

}  // namespace reel
