// Reading and writing the elements that an index of the tensor's own rank names along one
// dimension.
#include "autograd/kernels.hpp"
#include "autograd/simd.hpp"
#include "index.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {
namespace {

// A row of an index: its j-th number k, in [0, size), names the element base + k * step + j * one,
// where `one` is 0 or 1, and 0 only with a step of 1.
struct Stretch {
  const std::int64_t* index;
  std::int64_t first;  // its place in the whole index
  std::int64_t base, step, one, n, size;

  // f(j, named element) in order, up to a number that is out of range; returns that one's j, or n.
  template <class F>
  REEL_INLINE std::int64_t each(F f) const {
    const Stretch s = *this;  // out of reach of what f writes
    const auto outside = [&](std::int64_t k) {
      return static_cast<std::uint64_t>(k) >= static_cast<std::uint64_t>(s.size);
    };
    const auto row = [&](auto element) {
      std::int64_t j = 0;
      for (; j + 1 < s.n && !outside(s.index[j]) && !outside(s.index[j + 1]); j += 2) {
        f(j, element(j));
        f(j + 1, element(j + 1));
      }
      for (; j < s.n && !outside(s.index[j]); ++j) f(j, element(j));
      return j;
    };
    if (s.one == 0) return row([&](std::int64_t j) { return s.base + s.index[j]; });
    return row([&](std::int64_t j) { return s.base + s.index[j] * s.step + j; });
  }
};
using StretchKernel = std::int64_t (*)(std::byte* to, const std::byte* from,
                                       const Stretch& stretch);

template <class T>
std::int64_t gather_stretch(std::byte* to, const std::byte* from, const Stretch& s) {
  T* out = reinterpret_cast<T*>(to) + s.first;
  const T* in = reinterpret_cast<const T*>(from);
  return s.each([&](std::int64_t j, std::int64_t at) { out[j] = in[at]; });
}
template <class T, class Combine>
std::int64_t combine_stretch(std::byte* to, const std::byte* from, const Stretch& s) {
  T* out = reinterpret_cast<T*>(to);
  const T* in = reinterpret_cast<const T*>(from) + s.first;
  return s.each([&](std::int64_t j, std::int64_t at) {
    out[at] = static_cast<T>(Combine::value(out[at], in[j]));
  });
}

struct Set {
  template <class T>
  static T value(T, T given) {
    return given;
  }
};
struct Sum {
  template <class T>
  static auto value(T a, T b) {
    return a + b;
  }
};
struct Product {
  template <class T>
  static auto value(T a, T b) {
    return a * b;
  }
};
struct Largest {
  template <class T>
  static T value(T a, T b) {
    return b > a || b != b ? b : a;
  }
};
struct Smallest {
  template <class T>
  static T value(T a, T b) {
    return b < a || b != b ? b : a;
  }
};

// The element of `bytes` bytes that what only moves elements works on.
template <class F>
StretchKernel of_width(std::size_t bytes, F f) {
  return bytes == 1 ? f(std::uint8_t{}) : bytes == 4 ? f(std::uint32_t{}) : f(std::uint64_t{});
}
template <class Combine>
StretchKernel combining(ScalarType dtype) {
  if constexpr (std::is_same_v<Combine, Set>) {
    return of_width(element_size(dtype), [](auto element) -> StretchKernel {
      return combine_stretch<decltype(element), Set>;
    });
  } else {
    StretchKernel kernel = nullptr;
    dispatch(dtype,
             [&](auto tag) { kernel = combine_stretch<typename decltype(tag)::type, Combine>; });
    return kernel;
  }
}

// An index that names, along one dimension, elements of a contiguous tensor.
struct Along {
  std::int64_t dim;
  Tensor index;  // contiguous
  Dims own, wanted;
  std::size_t d;
  const char* op;

  Along(const char* name, const Tensor& x, std::int64_t dimension, const Tensor& given)
      : dim(dimension), op(name) {
    check<DtypeError>(given.scalar_type() == kInt64, "[", op, "] expected int64 indices, found ",
                      dtype_name(given.scalar_type()), "; convert them with .to(reel::kInt64)");
    d = wrap_dim(op, dim, static_cast<std::size_t>(x.dim()));
    index = given.detach().contiguous();
    if (index.numel() == 0) return;
    own = x.dim() == 0 ? Dims{1} : Dims(x.sizes());
    wanted = index.dim() == 0 ? Dims{1} : Dims(index.sizes());
    bool fits = own.size() == wanted.size();
    for (std::size_t e = 0; fits && e < own.size(); ++e) fits = e == d || wanted[e] <= own[e];
    check<ShapeError>(fits, "[", op, "] an index of shape ", index.sizes(),
                      " does not fit a tensor of shape ", x.sizes(),
                      ": it needs the same rank and, except in dimension ", d, ", no larger sizes");
  }

  // Calls `kernel` for all rows of the index, in order. Throws IndexError where a number is out of
  // range.
  void each_stretch(StretchKernel kernel, std::byte* to, const std::byte* from) const {
    if (index.numel() == 0) return;
    const Dims steps = contiguous_strides(own);
    const std::size_t last = own.size() - 1;
    const std::int64_t n = wanted[last], step = steps[d], one = d == last ? 0 : 1;
    const auto* numbers = index.data_ptr<std::int64_t>();
    std::int64_t at[64] = {}, base = 0;
    for (std::int64_t i = 0; i < index.numel(); i += n) {
      const std::int64_t done = kernel(to, from, {numbers + i, i, base, step, one, n, own[d]});
      check<IndexError>(done == n, "[", op, "] index ", numbers[i + std::min(done, n - 1)],
                        " is out of bounds for dimension ", d, " of size ", own[d]);
      for (std::size_t e = last; e-- > 0;) {
        const std::int64_t stride = e == d ? 0 : steps[e];
        base += stride;
        if (++at[e] < wanted[e]) break;
        base -= stride * wanted[e];
        at[e] = 0;
      }
    }
  }
};

// The part of `source` that an index of shape `sizes` reads.
Tensor read_part(const char* op, const Tensor& x, const Tensor& source, IntArrayRef sizes) {
  check<DtypeError>(x.scalar_type() == source.scalar_type(), "[", op,
                    "] expected the tensor and the source to have the same dtype, found ",
                    dtype_name(x.scalar_type()), " and ", dtype_name(source.scalar_type()));
  if (count_elements(sizes) == 0) return source.reshape({-1}).narrow(0, 0, 0).reshape(sizes);
  if (source.dim() == 0 || sizes.empty()) {
    check<ShapeError>(source.numel() >= 1 && count_elements(sizes) == 1, "[", op,
                      "] an index of shape ", sizes, " does not fit a source of shape ",
                      source.sizes());
    return source.reshape({-1}).narrow(0, 0, 1).reshape(sizes);
  }
  bool fits = source.sizes().size() == sizes.size();
  for (std::size_t d = 0; fits && d < sizes.size(); ++d) fits = sizes[d] <= source.sizes()[d];
  check<ShapeError>(fits, "[", op, "] an index of shape ", sizes,
                    " does not fit a source of shape ", source.sizes());
  Tensor part = source;
  for (std::size_t d = 0; d < sizes.size(); ++d)
    if (part.sizes()[d] != sizes[d]) part = part.narrow(static_cast<std::int64_t>(d), 0, sizes[d]);
  return part;
}

// x with `combine` of element and value at the elements that `along` names, in the order of the
// index.
Tensor combined(const Tensor& x, const Along& along, const Tensor& part, StretchKernel combine) {
  Tensor out = empty(x.sizes(), x.scalar_type());
  kernels::copy(out, x.detach());
  const Tensor values = part.detach().contiguous();
  along.each_stretch(combine, out.impl()->data, values.impl()->data);
  return out;
}
template <class Combine>
Tensor combined(const Tensor& x, const Along& along, const Tensor& part) {
  return combined(x, along, part, combining<Combine>(x.scalar_type()));
}

}  // namespace

Tensor gather(const Tensor& x, std::int64_t dim, const Tensor& index) {
  const Along along("gather", x, dim, index);
  Tensor out = empty(index.sizes(), x.scalar_type());
  const Tensor dense = x.detach().contiguous();
  along.each_stretch(
      of_width(x.element_size(),
               [](auto element) -> StretchKernel { return gather_stretch<decltype(element)>; }),
      out.impl()->data, dense.impl()->data);
  if (needs_record(x))
    record("GatherBackward0", {&x}, {&out},
           [dim, index = Saved(along.index), own = Dims(x.sizes())](Backward& pass) {
             const Tensor g = pass.grad();
             pass.add(0, scatter_add(zeros(own, g.scalar_type()), dim, index.get(pass), g));
           });
  return out;
}

Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  const Along along("scatter", x, dim, index);
  const Tensor part = read_part("scatter", x, source, index.sizes());
  Tensor out = combined<Set>(x, along, part);
  if (needs_record(x, part))
    record("ScatterBackward0", {&x, &part}, {&out},
           [dim, index = Saved(along.index)](Backward& pass) {
             const Tensor g = pass.grad();
             if (pass.needs(0)) pass.add(0, scatter(g, dim, index.get(pass), 0));
             if (pass.needs(1)) pass.add(1, gather(g, dim, index.get(pass)));
           });
  return out;
}
Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Scalar& value) {
  return scatter(x, dim, index, full(index.sizes(), value, x.scalar_type()));
}
Tensor scatter_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  const Along along("scatter_add", x, dim, index);
  const Tensor part = read_part("scatter_add", x, source, index.sizes());
  Tensor out = combined<Sum>(x, along, part);
  if (needs_record(x, part))
    record("ScatterAddBackward0", {&x, &part}, {&out},
           [dim, index = Saved(along.index)](Backward& pass) {
             const Tensor g = pass.grad();
             if (pass.needs(0)) pass.add(0, g);
             if (pass.needs(1)) pass.add(1, gather(g, dim, index.get(pass)));
           });
  return out;
}

namespace {
// The largest (smallest) of what goes to each element; equal ones share the gradient.
Tensor scatter_best(const Tensor& x, const Along& along, const Tensor& part, bool include_self,
                    StretchKernel best) {
  const Tensor none = zeros(x.sizes(), x.scalar_type());
  Tensor touched = zeros(x.sizes(), x.scalar_type());
  if (!include_self) touched = combined<Set>(touched, along, ones(part.sizes(), x.scalar_type()));
  const Tensor start = include_self ? x.detach() : combined<Set>(x, along, part);
  Tensor out = combined(start, along, part, best);
  if (needs_record(x, part)) {
    const std::int64_t dim = along.dim;
    const Tensor index = along.index, chosen = out.detach();
    const Tensor own = logical_and(x.detach().eq(chosen), touched.eq(0)).to(x.scalar_type());
    const Tensor given = part.detach().eq(gather(chosen, dim, index)).to(x.scalar_type());
    const Tensor share = own + scatter_add(none, dim, index, given);
    record("ScatterReduceBackward0", {&x, &part}, {&out},
           [dim, index = Saved(index), own, given, share](Backward& pass) {
             const Tensor g = pass.grad() / share;
             if (pass.needs(0)) pass.add(0, g * own);
             if (pass.needs(1)) pass.add(1, gather(g, dim, index.value(pass)) * given);
           });
  }
  return out;
}
}  // namespace

Tensor scatter_reduce(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                      std::string_view reduce, bool include_self) {
  const Along along("scatter_reduce", x, dim, index);
  const Tensor part = read_part("scatter_reduce", x, source, index.sizes());
  const auto start = [&](double identity) {
    return include_self ? x : scatter(x, dim, index, identity);
  };
  if (reduce == "sum") return scatter_add(start(0), dim, index, source);
  if (reduce == "mean") {
    const Tensor one = ones(x.sizes(), x.scalar_type());
    const Tensor count = scatter_add(include_self ? one : scatter(one, dim, index, 0), dim, index,
                                     ones(part.sizes(), x.scalar_type()));
    const Tensor total = scatter_add(start(0), dim, index, source);
    return x.is_floating_point() ? total / count : floor_divide(total, count);
  }
  if (reduce == "amax")
    return scatter_best(x, along, part, include_self, combining<Largest>(x.scalar_type()));
  if (reduce == "amin")
    return scatter_best(x, along, part, include_self, combining<Smallest>(x.scalar_type()));
  check(reduce == "prod", "[scatter_reduce] expected \"sum\", \"prod\", \"mean\", \"amax\" or ",
        "\"amin\", found \"", std::string(reduce), "\"");
  check<AutogradError>(!needs_record(x, part), "[scatter_reduce] \"prod\" has no gradient; ",
                       "detach() its inputs");
  return combined<Product>(start(1), along, part);
}
Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
               std::string_view reduce) {
  check(reduce == "add" || reduce == "multiply", "[scatter] expected the reduction \"add\" or ",
        "\"multiply\", found \"", std::string(reduce), "\"");
  return scatter_reduce(x, dim, index, source, reduce == "add" ? "sum" : "prod");
}
Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Scalar& value,
               std::string_view reduce) {
  return scatter(x, dim, index, full(index.sizes(), value, x.scalar_type()), reduce);
}

Tensor take_along_dim(const Tensor& x, const Tensor& indices, std::optional<std::int64_t> dim) {
  if (!dim) return gather(x.reshape({-1}), 0, indices.reshape({-1}));
  check<ShapeError>(x.dim() == indices.dim(), "[take_along_dim] expected indices of the rank of ",
                    "the input of shape ", x.sizes(), ", found ", indices.sizes());
  const std::size_t d = wrap_dim("take_along_dim", *dim, static_cast<std::size_t>(x.dim()));
  if (x.dim() == 0) return gather(x, 0, indices);
  Dims own(x.sizes()), wanted(indices.sizes());
  own[d] = wanted[d] = 1;
  Dims common = broadcast_shapes("take_along_dim", own, wanted);
  const auto stretched = [&](const Tensor& t) {
    common[d] = t.sizes()[d];
    return t.expand(common);
  };
  return gather(stretched(x), *dim, stretched(indices));
}

// ---------------------------------------------------------------- in place
Tensor& Tensor::scatter_(std::int64_t dim, const Tensor& index, const Tensor& source) const {
  return detail::write_in_place(
      "scatter_", *this, reel::scatter(detail::before_write(*this, false), dim, index, source));
}
Tensor& Tensor::scatter_(std::int64_t dim, const Tensor& index, const Scalar& value) const {
  return detail::write_in_place(
      "scatter_", *this, reel::scatter(detail::before_write(*this, false), dim, index, value));
}
Tensor& Tensor::scatter_(std::int64_t dim, const Tensor& index, const Tensor& source,
                         std::string_view reduce) const {
  return detail::write_in_place(
      "scatter_", *this,
      reel::scatter(detail::before_write(*this, true), dim, index, source, reduce));
}
Tensor& Tensor::scatter_(std::int64_t dim, const Tensor& index, const Scalar& value,
                         std::string_view reduce) const {
  return detail::write_in_place(
      "scatter_", *this,
      reel::scatter(detail::before_write(*this, true), dim, index, value, reduce));
}
Tensor& Tensor::scatter_reduce_(std::int64_t dim, const Tensor& index, const Tensor& source,
                                std::string_view reduce, bool include_self) const {
  return detail::write_in_place("scatter_reduce_", *this,
                                reel::scatter_reduce(detail::before_write(*this, true), dim, index,
                                                     source, reduce, include_self));
}
Tensor& Tensor::scatter_add_(std::int64_t dim, const Tensor& index, const Tensor& source) const {
  return detail::write_in_place(
      "scatter_add_", *this,
      reel::scatter_add(detail::before_write(*this, false), dim, index, source));
}

}  // namespace reel
