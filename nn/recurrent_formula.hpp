// What one time step does with the gates: the formulas of the recurrent family, in one place for
// the tape and for the streaming runner.
#pragma once

#include <tuple>

#include "../autograd/formula.hpp"

namespace reel {
namespace nn {
namespace detail {

inline constexpr auto kRnnTanh = [](auto a) { return tanh(a); };
inline constexpr auto kRnnRelu = [](auto a) { return relu(a); };
inline constexpr auto kLstm = [](auto i, auto f, auto g, auto o, auto c) {
  const auto next = sigmoid(f) * c + sigmoid(i) * tanh(g);
  return std::make_tuple(sigmoid(o) * tanh(next), next);
};
// x: the input's part of the gates, h: the hidden state's
inline constexpr auto kGru = [](auto xr, auto xz, auto xn, auto hr, auto hz, auto hn, auto h) {
  const auto n = tanh(xn + sigmoid(xr + hr) * hn);
  return n + sigmoid(xz + hz) * (h - n);
};

}  // namespace detail
}  // namespace nn
}  // namespace reel
