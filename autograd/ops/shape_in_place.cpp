// Views in place: the tensor keeps its memory and its place, and is read in another shape.
#include "ops.hpp"
#include "view.hpp"

namespace reel {

Tensor& Tensor::transpose_(std::int64_t dim0, std::int64_t dim1) const {
  const Tensor before = detail::before_write(*this, false);
  return detail::change_geometry("transpose_", *this, before.transpose(dim0, dim1));
}
Tensor& Tensor::t_() const {
  return detail::change_geometry("t_", *this, detail::before_write(*this, false).t());
}
Tensor& Tensor::squeeze_() const {
  return detail::change_geometry("squeeze_", *this, detail::before_write(*this, false).squeeze());
}
Tensor& Tensor::squeeze_(std::int64_t dim) const {
  return detail::change_geometry("squeeze_", *this,
                                 detail::before_write(*this, false).squeeze(dim));
}
Tensor& Tensor::unsqueeze_(std::int64_t dim) const {
  return detail::change_geometry("unsqueeze_", *this,
                                 detail::before_write(*this, false).unsqueeze(dim));
}

}  // namespace reel
