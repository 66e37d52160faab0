// Products put off: the updates of one weight at many time steps become one product.
#include "gemm.hpp"
#include "kernels.hpp"
#include "ops/ops.hpp"
#include "ops/view.hpp"
#include "tape.hpp"

namespace reel {

PendingProduct::PendingProduct(Tensor rows, Tensor grads)
    : a(std::move(rows)), b(std::move(grads)) {
  b.impl()->storage->pin();
}
PendingProduct::~PendingProduct() {
  if (b.defined()) b.impl()->storage->unpin();
}
PendingProduct& PendingProduct::operator=(PendingProduct&& other) noexcept {
  std::swap(a, other.a);
  std::swap(b, other.b);
  return *this;
}

namespace {
// `second` continues `first`: same columns and row stride, its rows right behind in one storage.
bool follows(const Tensor& first, const Tensor& second) {
  const TensorImpl &x = *first.impl(), &y = *second.impl();
  return x.storage == y.storage && x.dtype == y.dtype && x.sizes[1] == y.sizes[1] &&
         x.strides[0] == y.strides[0] && x.strides[1] == y.strides[1] && x.strides[0] > 0 &&
         y.data ==
             x.data + x.sizes[0] * x.strides[0] * static_cast<std::int64_t>(element_size(x.dtype));
}
Tensor join(const Tensor& first, const Tensor& second) {
  return first.as_strided({first.size(0) + second.size(0), first.size(1)}, first.strides());
}
// The same where `second` may be changed: a window that nobody else holds is moved.
Tensor join_in_front(const Tensor& first, Tensor&& second) {
  TensorImpl& window = *second.impl();
  if (window.refs.load(std::memory_order_acquire) != 1) return join(first, second);
  window.sizes[0] += first.size(0);
  window.data = first.impl()->data;
  detail::finish_geometry(window);
  return std::move(second);
}

// Products of fewer rows than this wait for one another even where that takes copies of their
// operands, up to so many rows: each alone would read and write the whole gradient.
constexpr std::int64_t kFewRows = 64, kMostStaged = 512;

// The rows of `next` in front of those of `all`: where they do not lie there, by a copy, into
// memory that has room for more of them.
Tensor put_in_front(const Tensor& next, Tensor&& all) {
  if (follows(next, all)) return join_in_front(next, std::move(all));
  const std::int64_t rows = next.size(0) + all.size(0);
  const auto bytes = next.numel() * static_cast<std::int64_t>(element_size(all.scalar_type()));
  const auto* start = static_cast<const std::byte*>(all.impl()->storage->data());
  if (!detail::is_sole_owner(all) || !all.is_contiguous() || all.impl()->data - start < bytes) {
    Tensor room = empty({2 * rows, all.size(1)}, all.scalar_type());
    const Tensor place = room.narrow(0, 2 * rows - all.size(0), all.size(0));
    kernels::copy(place, all);
    room.impl()->data = place.impl()->data;
    room.impl()->sizes = place.impl()->sizes;
    all = std::move(room);
  }
  TensorImpl& window = *all.impl();
  window.data -= bytes;
  window.sizes[0] = rows;
  detail::finish_geometry(window);
  kernels::copy(all.narrow(0, 0, next.size(0)), next);
  return std::move(all);
}
}  // namespace

void PendingProduct::put_in_front(const Tensor& rows, const Tensor& grads) {
  const Ref<Storage> pinned = b.impl()->storage;
  Tensor all_rows = reel::put_in_front(rows, std::move(a));
  Tensor all_grads = reel::put_in_front(grads, std::move(b));
  a = b = Tensor();
  pinned->unpin();
  *this = PendingProduct(std::move(all_rows), std::move(all_grads));
}

void Backward::add_row_product(std::size_t i, const Tensor& a, const Tensor& b) {
  if (!needs(i)) return;
  if (recording()) return add(i, matmul(a.t(), b));
  const Edge& edge = current_->edges[i];
  PendingProduct& pending = slot(edge).gathered().pending;
  if (pending.a.defined()) {
    if (follows(pending.a, a) && follows(pending.b, b)) {
      pending = PendingProduct(join(pending.a, a), join(pending.b, b));
      return;
    }
    const bool in_front = follows(a, pending.a) && follows(b, pending.b);
    if (in_front || (a.size(0) < kFewRows && pending.a.size(0) < kMostStaged)) {
      pending.put_in_front(a, b);
      return;
    }
    flush_pending(slot(edge), edge);
  }
  pending = PendingProduct(a, b);
}

void Backward::flush_pending(GradSlot& s, const Edge& edge) {
  const PendingProduct product = std::exchange(s.gathering->pending, PendingProduct());
  const bool accumulate = s.sum.defined();
  if (accumulate) {
    make_owned(s);
  } else {
    s.sum = place(edge, 0);
    s.owned = true;
  }
  gemm(product.a.t(), product.b, s.sum, accumulate);
}

}  // namespace reel
