// Truncated back-propagation through time: long sequences, cut into windows.
//
//   reel::nn::TruncatedBPTT<reel::nn::LSTMState> windows(text, next, 35);   // [T, B, *]
//   for (auto& window : windows) {
//     auto [output, state] = lstm(window.input, window.state);
//     loss(output, window.target).backward();
//     optimizer.step();
//     window.state = state;  // handed on to the next window, detached
//   }
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "../autograd/tensor.hpp"

namespace reel {
namespace nn {

/// What the forward() of an LSTM and of a CellRNN takes as its states. That of RNN and GRU is a
/// Tensor.
using LSTMState = std::optional<std::tuple<Tensor, Tensor>>;

namespace detail {
/// `state` without history. Throws Error where it is still `before` (or was never set): the loop's
/// body forgot to hand a state on.
Tensor carried(const Tensor& state, const Tensor& before);
LSTMState carried(const LSTMState& state, const LSTMState& before);
std::vector<Tensor> carried(const std::vector<Tensor>& state, const std::vector<Tensor>& before);
/// Number of time steps; throws for what TruncatedBPTT's constructor names.
std::int64_t steps_to_cut(const Tensor& input, const Tensor& target, std::int64_t length,
                          std::int64_t time);
}  // namespace detail

/// Cuts input and target along their time dimension into windows of `length` steps (the last one
/// may be shorter) and carries a state from each window to the next, detached, so that gradients
/// stop at the window's start (Williams & Peng, 1990). `State` is Tensor, LSTMState or
/// std::vector<Tensor>. For range-for; one pass at a time.
template <class State>
class TruncatedBPTT {
 public:
  struct Window {
    Tensor input, target;  // views of the time steps [start, start + length)
    State state;           // what to start from; set it to what forward() gave
    std::int64_t start = 0;
  };

  /// `target` may be undefined. The time is dimension 0, or 1 with batch_first. `initial` starts
  /// the first window. Throws ShapeError where input and target differ in their number of steps or
  /// have none, Error where length is not positive.
  TruncatedBPTT(Tensor input, Tensor target, std::int64_t length, bool batch_first = false,
                State initial = State())
      : input_(std::move(input)),
        target_(std::move(target)),
        length_(length),
        time_(batch_first ? 1 : 0),
        steps_(detail::steps_to_cut(input_, target_, length, time_)),
        initial_(std::move(initial)) {}

  class Iterator {
   public:
    Window& operator*() { return owner_->window_; }
    /// Throws Error where the window's state was not set.
    Iterator& operator++() {
      owner_->advance();
      at_ = owner_->window_.start;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    friend class TruncatedBPTT;
    Iterator(TruncatedBPTT* owner, std::int64_t at) : owner_(owner), at_(at) {}
    TruncatedBPTT* owner_;
    std::int64_t at_;
  };
  /// The first window, from the initial state.
  Iterator begin() {
    window_.state = before_ = initial_;
    cut(0);
    return Iterator(this, 0);
  }
  Iterator end() { return Iterator(this, steps_); }
  /// Number of windows.
  std::int64_t size() const { return (steps_ + length_ - 1) / length_; }

 private:
  void cut(std::int64_t start) {
    window_.start = start;
    const std::int64_t end = start + length_ < steps_ ? start + length_ : steps_;
    if (start == end) return;
    window_.input = input_.slice(time_, start, end);
    if (target_.defined()) window_.target = target_.slice(time_, start, end);
  }
  void advance() {
    const std::int64_t next = window_.start + length_;
    if (next < steps_) window_.state = before_ = detail::carried(window_.state, before_);
    cut(next < steps_ ? next : steps_);
  }

  Tensor input_, target_;
  std::int64_t length_, time_, steps_;
  State initial_, before_;
  Window window_;
};

}  // namespace nn
}  // namespace reel
