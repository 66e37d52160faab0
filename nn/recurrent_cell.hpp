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
  // A step that reads x and hidden once, in one formula, may write over their memory what backward
  // needs, and their gradients: see Chunked.
  bool given_up = false;
};

class RecurrentCell;
template <int Gates, int Units = 0, bool Apart = false, class F>
RecurrentCell formula_cell(const char* name, const F& f);  // formula_cell.hpp

/// One step of a cell, as ops on the tape, and what the loop has to prepare for it. A layer has the
/// parameters weight_ih [G * H, I], weight_hh [G * H, H], bias_ih, bias_hh [G * H] and units
/// [U * H], all with the first values of nn::RNN.
class RecurrentCell {
 public:
  using Step = std::function<RecurrentState(const CellStep&)>;
  RecurrentCell(std::string name, std::int64_t gates, Step step)
      : name_(std::move(name)), gates_(gates), step_(std::move(step)) {}
  /// The states after the step, [B, H] each.
  const Step& step() const noexcept { return step_; }
  RecurrentCell& step(Step value) {
    step_ = std::move(value);
    is_formula_ = false;
    return *this;
  }
  /// Whether the step is one formula and reads the gates nowhere else, as formula_cell() makes it.
  bool is_formula() const noexcept { return is_formula_; }
  /// In messages and when a module is printed.
  REEL_ARG(std::string, name);
  /// G: rows of the weights for each hidden unit.
  REEL_ARG(std::int64_t, gates);
  /// 1 (h) or 2 (h and c).
  REEL_ARG(std::int64_t, states) = 1;
  /// Whether the input's part of the gates and the hidden state's come as two tensors.
  REEL_ARG(bool, apart) = false;
  /// U: learned numbers for each hidden unit, such as the peepholes of an LSTM.
  REEL_ARG(std::int64_t, units) = 0;

 private:
  template <int Gates, int Units, bool Apart, class F>
  friend RecurrentCell formula_cell(const char* name, const F& f);
  Step step_;
  bool is_formula_ = false;
};

}  // namespace nn
}  // namespace reel
