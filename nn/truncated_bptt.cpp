#include "truncated_bptt.hpp"

#include "autograd/ops/ops.hpp"

namespace reel {
namespace nn {
namespace detail {

namespace {
void check_set(bool set) {
  check(set,
        "[TruncatedBPTT] the window's state is not set; assign to window.state what forward() ",
        "gave, so that the next window can start from it");
}
}  // namespace

Tensor carried(const Tensor& state, const Tensor& before) {
  check_set(state.defined() && !state.is_same(before));
  return state.detach();
}
LSTMState carried(const LSTMState& state, const LSTMState& before) {
  check_set(state && std::get<0>(*state).defined() &&
            !(before && std::get<0>(*state).is_same(std::get<0>(*before))));
  const auto& [h, c] = *state;
  return std::make_tuple(h.detach(), c.defined() ? c.detach() : Tensor());
}
std::vector<Tensor> carried(const std::vector<Tensor>& state, const std::vector<Tensor>& before) {
  check_set(!state.empty());
  std::vector<Tensor> next;
  for (std::size_t i = 0; i < state.size(); ++i)
    next.push_back(carried(state[i], i < before.size() ? before[i] : Tensor()));
  return next;
}

std::int64_t steps_to_cut(const Tensor& input, const Tensor& target, std::int64_t length,
                          std::int64_t time) {
  check(length > 0, "[TruncatedBPTT] length must be greater than zero, found ", length);
  check<ShapeError>(input.dim() > time && input.size(time) > 0,
                    "[TruncatedBPTT] expected an input with time steps in dimension ", time,
                    ", found shape ", input.sizes());
  if (target.defined())
    check<ShapeError>(target.dim() > time && target.size(time) == input.size(time),
                      "[TruncatedBPTT] expected a target with ", input.size(time),
                      " time steps in dimension ", time, " as the input has, found shape ",
                      target.sizes());
  return input.size(time);
}

}  // namespace detail
}  // namespace nn
}  // namespace reel
