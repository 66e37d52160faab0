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

// The same two in parts, for what comes between: an LSTM whose c is normalised where h is made of
// it, and a GRU whose reset gate scales h before the product.
inline constexpr auto kLstmCell = [](auto i, auto f, auto g, auto, auto c) {
  return sigmoid(f) * c + sigmoid(i) * tanh(g);
};
inline constexpr auto kLstmOut = [](auto, auto, auto, auto o, auto normed) {
  return sigmoid(o) * tanh(normed);
};
inline constexpr auto kGruReset = [](auto r, auto, auto h) { return sigmoid(r) * h; };
inline constexpr auto kGruOut = [](auto, auto z, auto a, auto h) {
  const auto n = tanh(a);
  return n + sigmoid(z) * (h - n);
};

}  // namespace detail
}  // namespace nn
}  // namespace reel
