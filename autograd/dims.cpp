#include "dims.hpp"

#include <algorithm>
#include <ostream>

#include "error.hpp"

namespace reel {

void Dims::require_fits(std::size_t n) {
  check<ShapeError>(n <= kMost, "a tensor has at most ", kMost, " dimensions, asked for ", n);
}

std::ostream& operator<<(std::ostream& out, IntArrayRef values) {
  out << '[';
  for (std::size_t i = 0; i < values.size(); ++i) out << (i ? ", " : "") << values[i];
  return out << ']';
}

std::int64_t count_elements(IntArrayRef sizes) {
  std::int64_t count = 1;
  bool overflow = false;
  bool zero = false;
  for (const auto size : sizes) {
    check<ShapeError>(size >= 0, "sizes must not be negative, found ", size, " in ", sizes);
    zero = zero || size == 0;
    overflow = overflow || __builtin_mul_overflow(count, size, &count);
  }
  if (zero) return 0;
  check<ShapeError>(!overflow, "the product of the sizes ", sizes, " does not fit 64 bits");
  return count;
}

Dims contiguous_strides(IntArrayRef sizes) {
  Dims strides;
  strides.resize(sizes.size());
  // Unsigned: beside a size of zero the others may multiply to more than 63 bits.
  std::uint64_t step = 1;
  for (std::size_t i = sizes.size(); i-- > 0;) {
    strides[i] = static_cast<std::int64_t>(step);
    step *= static_cast<std::uint64_t>(std::max<std::int64_t>(sizes[i], 1));
  }
  return strides;
}

Dims broadcast_shapes(const char* op, IntArrayRef a, IntArrayRef b) {
  if (a == b) return Dims(a);
  const std::size_t rank = std::max(a.size(), b.size());
  Dims result;
  result.resize(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t x = i + a.size() >= rank ? a[i + a.size() - rank] : 1;
    const std::int64_t y = i + b.size() >= rank ? b[i + b.size() - rank] : 1;
    check<ShapeError>(x == y || x == 1 || y == 1, "[", op, "] shapes ", a, " and ", b,
                      " do not broadcast: sizes ", x, " and ", y, " at dimension ", i,
                      " of the result must be equal, or one of them 1");
    result[i] = x == 1 ? y : x;
  }
  return result;
}

std::size_t detail::wrap_dim_from_end(const char* op, std::int64_t dim, std::size_t rank) {
  const auto n = static_cast<std::int64_t>(std::max<std::size_t>(rank, 1));
  check<IndexError>(dim >= -n && dim < n, "[", op, "] dimension out of range (expected to be in [",
                    -n, ", ", n - 1, "], but got ", dim, ")");
  return static_cast<std::size_t>(dim < 0 ? dim + n : dim);
}

std::size_t detail::existing_dim_from_end(const char* op, std::int64_t dim, std::size_t rank) {
  check<IndexError>(rank > 0, "[", op, "] dimension specified as ", dim,
                    " but the tensor has no dimensions");
  return wrap_dim(op, dim, rank);
}

}  // namespace reel
