#include "view.hpp"

#include <algorithm>
#include <vector>

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

bool overlaps_itself(const Tensor& t) {
  if (t.is_contiguous() || t.numel() <= 1) return false;
  Dims strides, sizes;  // of the dimensions that matter, the smallest stride first
  for (std::size_t d = 0; d < t.sizes().size(); ++d) {
    if (t.sizes()[d] == 1) continue;
    if (t.strides()[d] == 0) return true;
    std::size_t at = strides.size();
    strides.push_back(0);
    sizes.push_back(0);
    for (; at > 0 && strides[at - 1] > t.strides()[d]; --at) {
      strides[at] = strides[at - 1];
      sizes[at] = sizes[at - 1];
    }
    strides[at] = t.strides()[d];
    sizes[at] = t.sizes()[d];
  }
  // Each step past all that the smaller steps reach: no two positions meet.
  std::int64_t reach = 0;
  bool apart = true;
  for (std::size_t d = 0; d < strides.size(); ++d) {
    apart = apart && strides[d] > reach;
    reach += (sizes[d] - 1) * strides[d];
  }
  if (apart) return false;
  // They may miss each other all the same: every element that is met is marked.
  std::vector<bool> met(static_cast<std::size_t>(reach) + 1);
  Dims index(sizes);
  for (auto& i : index) i = 0;
  std::int64_t offset = 0;
  for (;;) {
    if (met[static_cast<std::size_t>(offset)]) return true;
    met[static_cast<std::size_t>(offset)] = true;
    std::size_t d = 0;
    for (; d < sizes.size(); ++d) {
      offset += strides[d];
      if (++index[d] < sizes[d]) break;
      offset -= strides[d] * sizes[d];
      index[d] = 0;
    }
    if (d == sizes.size()) return false;
  }
}

Tensor beside(const char* name, const Tensor& x, const Tensor& y) {
  if (!needs_record(x)) return y;
  Tensor out = y.detach();
  record(name, {&x, &y}, {&out},
         [sizes = Dims(x.sizes()), dtype = x.scalar_type()](Backward& pass) {
           if (pass.needs(0)) pass.add(0, zeros(sizes, dtype), true);
           if (pass.needs(1)) pass.pass_on(1);
         });
  return out;
}

}  // namespace reel::detail
