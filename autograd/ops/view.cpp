#include "view.hpp"

#include <algorithm>

#include "ops.hpp"

namespace reel::detail {

std::optional<MemoryOrder> memory_order(const Tensor& t) {
  MemoryOrder m{{}, Dims(t.sizes()), t.is_contiguous()};
  if (m.sorted) return m;
  for (std::int64_t d = 0; d < t.dim(); ++d) m.order.push_back(d);
  std::stable_sort(m.order.begin(), m.order.end(),
                   [&](std::int64_t a, std::int64_t b) { return t.stride(a) > t.stride(b); });
  std::int64_t step = 1;
  for (std::size_t i = m.order.size(); i-- > 0;) {
    const std::int64_t d = m.order[i], size = t.size(d);
    if (size != 1 && t.stride(d) != step) return std::nullopt;
    step *= size;
    m.inverse[static_cast<std::size_t>(d)] = static_cast<std::int64_t>(i);
  }
  return m;
}

}  // namespace reel::detail
