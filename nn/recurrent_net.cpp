// The recurrent modules' parameters, checks, and loop over layers and directions.
#include <cmath>
#include <iostream>
#include <ostream>

#include "autograd/ops/ops.hpp"
#include "autograd/tape.hpp"
#include "init.hpp"
#include "recurrent.hpp"

namespace reel {
namespace nn {
namespace detail {

namespace {

const RecurrentCell& cell_in(const RNNOptionsBase& o) {
  return o.mode() == RecurrentKind::Custom ? *o.cell() : cell_of(o.mode());
}
const char* name_of(const RNNOptionsBase& o) {
  switch (o.mode()) {
    case RecurrentKind::RnnTanh:
    case RecurrentKind::RnnRelu:
      return "RNN";
    case RecurrentKind::Lstm:
      return "LSTM";
    case RecurrentKind::Gru:
    case RecurrentKind::GruResetBefore:
      return "GRU";
    case RecurrentKind::Custom:
      break;
  }
  return o.cell()->name().c_str();
}
std::string suffix(std::int64_t layer, std::int64_t direction) {
  return "_l" + std::to_string(layer) + (direction == 1 ? "_reverse" : "");
}
std::int64_t state_size(const RNNOptionsBase& o) {
  return o.proj_size() > 0 ? o.proj_size() : o.hidden_size();
}
std::int64_t direction_count(const RNNOptionsBase& o) { return o.bidirectional() ? 2 : 1; }

void check_probability(const char* name, const char* option, double p) {
  check(p >= 0 && p <= 1, "[", name, "] ", option,
        " should be a number in range [0, 1] representing the probability of an element being "
        "zeroed, found ",
        p);
}

void check_extras(const char* name, const RNNOptionsBase& o) {
  const RecurrentExtras& extras = o.extras();
  check_probability(name, "input_dropout", extras.input_dropout());
  check_probability(name, "hidden_dropout", extras.hidden_dropout());
  const bool gru = o.mode() == RecurrentKind::Gru || o.mode() == RecurrentKind::GruResetBefore;
  check(gru || !extras.reset_before(), "[", name, "] reset_before is an option of a GRU, which ",
        "alone has a reset gate");
  check(!extras.reset_before() || !extras.layer_norm(), "[", name, "] layer_norm is not there for ",
        "a GRU with reset_before; turn one of them off");
  check(o.mode() == RecurrentKind::Lstm || !extras.forget_bias(), "[", name,
        "] forget_bias is an option of an LSTM, which alone has a forget gate");
  check(o.bias() || !extras.forget_bias(), "[", name, "] forget_bias needs bias = true");
}

void check_cell(const RNNOptionsBase& o) {
  const RecurrentCell& cell = *o.cell();
  check(!cell.name().empty(), "[RecurrentCell] a cell needs a name");
  check(cell.gates() > 0, "[", cell.name(), "] a cell has at least one gate, found ", cell.gates());
  check(cell.states() == 1 || cell.states() == 2, "[", cell.name(),
        "] a cell has one state or two, found ", cell.states());
  check(cell.units() >= 0, "[", cell.name(), "] units must not be negative, found ", cell.units());
  check(cell.step() != nullptr, "[", cell.name(), "] this cell has no step function");
}

// 0 or 1 / (1 - p) for each element; what dropout multiplies by.
Tensor dropout_mask(const Tensor& like, IntArrayRef sizes, double p) {
  return reel::dropout(ones(sizes, like.scalar_type()), p, true);
}
// For each row of all time steps, which sequence it belongs to.
Tensor sequence_of_rows(std::int64_t rows, const std::vector<std::int64_t>& batch_sizes) {
  const Tensor which = empty({rows}, kInt64);
  auto* next = which.data_ptr<std::int64_t>();
  for (const std::int64_t size : batch_sizes)
    for (std::int64_t b = 0; b < size; ++b) *next++ = b;
  return which;
}

}  // namespace

RecurrentState given_state(const std::optional<std::tuple<Tensor, Tensor>>& hx) {
  return hx ? RecurrentState{std::get<0>(*hx), std::get<1>(*hx)} : RecurrentState();
}

void RecurrentNet::add_parameters(Module& module, const RNNOptionsBase& o) {
  if (o.mode() == RecurrentKind::Custom) check_cell(o);
  const char* name = name_of(o);
  check(o.input_size() > 0, "[", name, "] input_size must be greater than zero, found ",
        o.input_size());
  check(o.hidden_size() > 0, "[", name, "] hidden_size must be greater than zero, found ",
        o.hidden_size());
  check(o.num_layers() > 0, "[", name, "] num_layers must be greater than zero, found ",
        o.num_layers());
  check_probability(name, "dropout", o.dropout());
  check(o.proj_size() >= 0 && o.proj_size() < o.hidden_size(), "[", name,
        "] proj_size has to be at least 0 and smaller than hidden_size ", o.hidden_size(),
        ", found ", o.proj_size());
  check_extras(name, o);
  if (o.dropout() > 0 && o.num_layers() == 1)
    std::cerr << "reel: " << name
              << ": dropout adds dropout after all but the last recurrent layer, so a dropout of "
              << o.dropout() << " has no effect with num_layers=1\n";
  const RecurrentCell& cell = cell_in(o);
  const std::int64_t hidden = o.hidden_size(), rows = cell.gates() * hidden;
  const std::int64_t state = state_size(o), directions = direction_count(o);
  const RecurrentExtras& extras = o.extras();
  for (std::int64_t layer = 0; layer < o.num_layers(); ++layer) {
    for (std::int64_t d = 0; d < directions; ++d) {
      const auto add = [&, end = suffix(layer, d)](const char* which, IntArrayRef sizes) {
        module.register_parameter(which + end, empty(sizes));
      };
      add("weight_ih", {rows, layer == 0 ? o.input_size() : state * directions});
      add("weight_hh", {rows, state});
      if (o.bias()) {
        add("bias_ih", {rows});
        add("bias_hh", {rows});
      }
      if (o.proj_size() > 0) add("weight_hr", {state, hidden});
      if (cell.units() > 0) add("units", {cell.units() * hidden});
      if (!extras.layer_norm()) continue;
      add("norm_ih", {rows});
      add("norm_hh", {rows});
      if (o.mode() != RecurrentKind::Lstm) continue;
      add("norm_c", {hidden});
      add("norm_c_bias", {hidden});
    }
    if (layer == 0 || extras.connection() != LayerConnection::Highway) continue;
    const std::int64_t width = state * directions;
    module.register_parameter("highway_weight" + suffix(layer, 0), empty({width, width}));
    module.register_parameter("highway_bias" + suffix(layer, 0), empty({width}));
  }
}

Tensor RecurrentNet::parameter(const std::string& name) const {
  return parameters_.contains(name) ? parameters_[name] : Tensor();
}

void RecurrentNet::reset_parameters() const {
  const double bound = 1.0 / std::sqrt(static_cast<double>(o_.hidden_size()));
  const auto starts = [](const std::string& name, const char* with) {
    return name.rfind(with, 0) == 0;
  };
  for (const auto& entry : parameters_) {
    const std::string& name = entry.key();
    const Tensor& p = entry.value();
    if (!p.defined()) continue;
    if (starts(name, "norm_c_bias"))
      init::zeros_(p);
    else if (starts(name, "norm_"))
      init::ones_(p);
    else if (starts(name, "highway_bias"))
      init::constant_(p, -1);
    else
      init::uniform_(p, -bound, bound);
    if (!o_.extras().forget_bias() || !starts(name, "bias_")) continue;
    const NoGradGuard no_grad;
    const bool of_input = starts(name, "bias_ih");
    p.narrow(0, o_.hidden_size(), o_.hidden_size())
        .fill_(of_input ? *o_.extras().forget_bias() : 0.0);
  }
}

void RecurrentNet::pretty_print(std::ostream& stream) const {
  if (o_.mode() == RecurrentKind::Custom)
    stream << "reel::nn::CellRNN(cell=" << o_.cell()->name() << ", ";
  else
    stream << "reel::nn::" << name_of(o_) << "(";
  stream << "input_size=" << o_.input_size() << ", hidden_size=" << o_.hidden_size()
         << ", num_layers=" << o_.num_layers() << ", bias=" << (o_.bias() ? "true" : "false")
         << ", batch_first=" << (o_.batch_first() ? "true" : "false")
         << ", dropout=" << o_.dropout()
         << ", bidirectional=" << (o_.bidirectional() ? "true" : "false");
  if (o_.proj_size() > 0) stream << ", proj_size=" << o_.proj_size();
  const RecurrentExtras& extras = o_.extras();
  if (extras.layer_norm()) stream << ", layer_norm=true";
  if (extras.input_dropout() > 0) stream << ", input_dropout=" << extras.input_dropout();
  if (extras.hidden_dropout() > 0) stream << ", hidden_dropout=" << extras.hidden_dropout();
  if (extras.connection() == LayerConnection::Residual) stream << ", connection=residual";
  if (extras.connection() == LayerConnection::Highway) stream << ", connection=highway";
  if (extras.reset_before()) stream << ", reset_before=true";
  stream << ")";
}

void RecurrentNet::check_input(const Tensor& given) const {
  const char* name = name_of(o_);
  check<ShapeError>(given.size(-1) == o_.input_size(), "[", name,
                    "] input.size(-1) must be equal to input_size. Expected ", o_.input_size(),
                    ", got ", given.size(-1), " in an input of shape ", given.sizes());
  const ScalarType expected = parameters_["weight_ih_l0"].scalar_type();
  check<DtypeError>(given.scalar_type() == expected, "[", name, "] input is ",
                    dtype_name(given.scalar_type()), " but the parameters are ",
                    dtype_name(expected), "; convert one of them with .to()");
}

std::tuple<Tensor, RecurrentState> RecurrentNet::run(const Tensor& given,
                                                     const RecurrentState& initial) const {
  const char* name = name_of(o_);
  check(given.defined(), "[", name, "] the input is an undefined tensor");
  check<ShapeError>(given.dim() == 2 || given.dim() == 3, "[", name,
                    "] expected input to be 2-D or 3-D but received a ", given.dim(),
                    "-D tensor of shape ", given.sizes());
  check_input(given);
  const bool batched = given.dim() == 3;
  const Tensor input = !batched           ? given.unsqueeze(1)
                       : o_.batch_first() ? given.transpose(0, 1)
                                          : given;
  const std::int64_t steps = input.size(0), batch = input.size(1);
  check<ShapeError>(steps > 0, "[", name,
                    "] expected sequence length to be larger than 0, found an input of shape ",
                    given.sizes());
  const std::vector<std::int64_t> batch_sizes(static_cast<std::size_t>(steps), batch);
  auto [rows, last] =
      run_layers(input.reshape({steps * batch, o_.input_size()}), batch_sizes, initial, batched);
  Tensor output = rows.view({steps, batch, rows.size(1)});
  if (!batched) {
    output = output.squeeze(1);
    last.h = last.h.squeeze(1);
    if (last.c.defined()) last.c = last.c.squeeze(1);
  } else if (o_.batch_first()) {
    output = output.transpose(0, 1);
  }
  return {output, last};
}

std::tuple<utils::rnn::PackedSequence, RecurrentState> RecurrentNet::run(
    const utils::rnn::PackedSequence& input, const RecurrentState& initial) const {
  check(input.data().defined(), "[", name_of(o_), "] the PackedSequence is empty; make one with ",
        "pack_padded_sequence() or pack_sequence()");
  check<ShapeError>(input.data().dim() == 2, "[", name_of(o_),
                    "] expected packed rows of shape [N, input_size], found ",
                    input.data().sizes());
  check_input(input.data());
  const auto reordered = [](const Tensor& t, const Tensor& order) {
    return t.defined() && order.defined() ? t.index_select(1, order) : t;
  };
  const Tensor sizes = input.batch_sizes().contiguous();
  const auto* size = sizes.data_ptr<std::int64_t>();
  // A state of another shape goes on as it is, to be refused with a message that shows it.
  const auto sorted = [&](const Tensor& t) {
    const bool fits = t.defined() && t.dim() == 3 && t.size(1) == size[0];
    return fits ? reordered(t, input.sorted_indices()) : t;
  };
  auto [rows, last] = run_layers(input.data(), {size, size + sizes.numel()},
                                 {sorted(initial.h), sorted(initial.c)}, true);
  last = {reordered(last.h, input.unsorted_indices()), reordered(last.c, input.unsorted_indices())};
  return {utils::rnn::PackedSequence(rows, input.batch_sizes(), input.sorted_indices(),
                                     input.unsorted_indices()),
          last};
}

std::tuple<Tensor, RecurrentState> RecurrentNet::run(const Tensor& input, const Tensor& lengths,
                                                     const RecurrentState& initial) const {
  const bool batch_first = o_.batch_first();
  check(input.defined() && lengths.defined(), "[", name_of(o_),
        "] the input or the lengths are an undefined tensor");
  check<ShapeError>(input.dim() == 3, "[", name_of(o_),
                    "] lengths need a batched 3-D input, found shape ", input.sizes());
  auto [packed, last] =
      run(utils::rnn::pack_padded_sequence(input, lengths, batch_first, false), initial);
  return {std::get<0>(utils::rnn::pad_packed_sequence(packed, batch_first, 0.0,
                                                      input.size(batch_first ? 1 : 0))),
          last};
}

Tensor RecurrentNet::connected(std::int64_t layer, const Tensor& input,
                               const Tensor& output) const {
  if (layer == 0 || o_.extras().connection() == LayerConnection::None) return output;
  if (o_.extras().connection() == LayerConnection::Residual) return output + input;
  const Tensor gate = sigmoid(linear(input, parameter("highway_weight" + suffix(layer, 0)),
                                     parameter("highway_bias" + suffix(layer, 0))));
  return input + gate * (output - input);
}

std::tuple<Tensor, RecurrentState> RecurrentNet::run_layers(
    const Tensor& rows, const std::vector<std::int64_t>& batch_sizes, const RecurrentState& initial,
    bool batched) const {
  const char* name = name_of(o_);
  const RecurrentCell& cell = cell_in(o_);
  const RecurrentExtras& extras = o_.extras();
  const std::int64_t directions = direction_count(o_), batch = batch_sizes[0];
  const std::int64_t state = state_size(o_), layers = o_.num_layers();
  const bool two = cell.states() == 2;
  const Tensor h0 = prepared_state(name, "hidden state", initial.h,
                                   {layers * directions, batch, state}, batched, 1, rows);
  Tensor c0;
  if (two)
    c0 = prepared_state(name, "cell state", initial.c,
                        {layers * directions, batch, o_.hidden_size()}, batched, 1, rows);
  else
    check(!initial.c.defined(), "[", name, "] this cell has one state; leave c out");
  const Tensor sequence = training_ && extras.input_dropout() > 0
                              ? sequence_of_rows(rows.size(0), batch_sizes)
                              : Tensor();

  std::vector<Tensor> last_h, last_c;
  Tensor layer_input = rows;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    Tensor input = layer_input;
    if (sequence.defined())
      input = input * dropout_mask(input, {batch, input.size(1)}, extras.input_dropout())
                          .index_select(0, sequence);
    std::vector<Tensor> outputs;
    for (std::int64_t d = 0; d < directions; ++d) {
      const auto weight = [&, end = suffix(layer, d)](const char* which) {
        return parameter(which + end);
      };
      const RecurrentWeights weights{weight("weight_ih"),  weight("weight_hh"), weight("bias_ih"),
                                     weight("bias_hh"),    weight("weight_hr"), weight("units"),
                                     weight("norm_ih"),    weight("norm_hh"),   weight("norm_c"),
                                     weight("norm_c_bias")};
      Tensor mask;
      if (training_ && extras.hidden_dropout() > 0)
        mask = dropout_mask(rows, {batch, state}, extras.hidden_dropout());
      const std::int64_t at = layer * directions + d;
      const RecurrentState start{h0.select(0, at), two ? c0.select(0, at) : Tensor()};
      Direction result =
          run_direction(o_.mode(), cell, weights, input, batch_sizes, start, d == 1, mask);
      outputs.push_back(std::move(result.output));
      last_h.push_back(result.last.h);
      last_c.push_back(result.last.c);
    }
    const Tensor output = directions == 1 ? outputs[0] : cat(outputs, 1);
    layer_input = connected(layer, layer_input, output);
    if (o_.dropout() > 0 && layer + 1 < layers)
      layer_input = reel::dropout(layer_input, o_.dropout(), training_);
  }
  return {layer_input, {stack(last_h), two ? stack(last_c) : Tensor()}};
}

}  // namespace detail
}  // namespace nn
}  // namespace reel
