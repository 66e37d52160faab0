// A recurrent cell of your own: what it does in one time step. CellRNN (cell_rnn.hpp) runs it over
// layers, directions and time; formula_cell() (formula_cell.hpp) makes it of one formula.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "../autograd/arg.hpp"
#include "../autograd/tensor.hpp"

namespace reel {
namespace nn {

/// h, and c of a cell with two states.
struct RecurrentState {
  Tensor h, c;
};

/// What a cell is given at one time step, for B sequences, H hidden units, G gates.
struct CellStep {
  const Tensor& x;       // [B, G * H]: W_ih x_t + b_ih, plus W_hh h + b_hh unless the cell is apart
  const Tensor& hidden;  // [B, G * H]: W_hh h + b_hh of a cell that is apart, else undefined
  const Tensor& h;       // [B, H]: the state before this step
  const Tensor& c;       // [B, H] where the cell has two states, else undefined
  const Tensor& units;   // [U * H]: the parameters of each unit, undefined where U is 0
  const Tensor* place;   // where the new h may be written, to save a copy; null: nowhere
  // Nobody else reads the memory of x and hidden, if the step does not keep them: their gradients
  // may be written over them.
  bool given_up = false;
};

/// One step of a cell, as ops on the tape, and what the loop has to prepare for it. A layer has the
/// parameters weight_ih [G * H, I], weight_hh [G * H, H], bias_ih, bias_hh [G * H] and units
/// [U * H], all with the first values of nn::RNN.
struct RecurrentCell {
  using Step = std::function<RecurrentState(const CellStep&)>;
  RecurrentCell(std::string name, std::int64_t gates, Step step)
      : name_(std::move(name)), gates_(gates), step_(std::move(step)) {}
  /// In messages and when a module is printed.
  REEL_ARG(std::string, name);
  /// G: rows of the weights for each hidden unit.
  REEL_ARG(std::int64_t, gates);
  /// The states after the step, [B, H] each.
  REEL_ARG(Step, step);
  /// 1 (h) or 2 (h and c).
  REEL_ARG(std::int64_t, states) = 1;
  /// Whether the input's part of the gates and the hidden state's come as two tensors.
  REEL_ARG(bool, apart) = false;
  /// U: learned numbers for each hidden unit, such as the peepholes of an LSTM.
  REEL_ARG(std::int64_t, units) = 0;
};

}  // namespace nn
}  // namespace reel
