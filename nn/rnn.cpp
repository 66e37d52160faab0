#include "rnn.hpp"

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
const char* kind_name(RecurrentKind kind) {
  return kind == RecurrentKind::Lstm ? "LSTM" : kind == RecurrentKind::Gru ? "GRU" : "RNN";
}
std::string suffix(std::int64_t layer, std::int64_t direction) {
  return "_l" + std::to_string(layer) + (direction == 1 ? "_reverse" : "");
}
}  // namespace

template <class Derived>
RNNImplBase<Derived>::RNNImplBase(const RNNOptionsBase& options) : options_base(options) {
  RNNImplBase<Derived>::reset();
}

template <class Derived>
void RNNImplBase<Derived>::reset() {
  const RNNOptionsBase& o = options_base;
  const char* name = kind_name(o.mode());
  check(o.input_size() > 0, "[", name, "] input_size must be greater than zero, found ",
        o.input_size());
  check(o.hidden_size() > 0, "[", name, "] hidden_size must be greater than zero, found ",
        o.hidden_size());
  check(o.num_layers() > 0, "[", name, "] num_layers must be greater than zero, found ",
        o.num_layers());
  check(o.dropout() >= 0 && o.dropout() <= 1, "[", name,
        "] dropout should be a number in range [0, 1] representing the probability of an element "
        "being zeroed, found ",
        o.dropout());
  check(o.proj_size() >= 0 && o.proj_size() < o.hidden_size(), "[", name,
        "] proj_size has to be at least 0 and smaller than hidden_size ", o.hidden_size(),
        ", found ", o.proj_size());
  if (o.dropout() > 0 && o.num_layers() == 1)
    std::cerr << "reel: " << name
              << ": dropout adds dropout after all but the last recurrent layer, so a dropout of "
              << o.dropout() << " has no effect with num_layers=1\n";
  const std::int64_t rows = gate_count(o.mode()) * o.hidden_size(),
                     directions = o.bidirectional() ? 2 : 1;
  const std::int64_t state = o.proj_size() > 0 ? o.proj_size() : o.hidden_size();
  for (std::int64_t layer = 0; layer < o.num_layers(); ++layer)
    for (std::int64_t d = 0; d < directions; ++d) {
      const std::string end = suffix(layer, d);
      this->register_parameter("weight_ih" + end,
                               empty({rows, layer == 0 ? o.input_size() : state * directions}));
      this->register_parameter("weight_hh" + end, empty({rows, state}));
      if (o.bias()) {
        this->register_parameter("bias_ih" + end, empty({rows}));
        this->register_parameter("bias_hh" + end, empty({rows}));
      }
      if (o.proj_size() > 0)
        this->register_parameter("weight_hr" + end, empty({state, o.hidden_size()}));
    }
  reset_parameters();
}

template <class Derived>
void RNNImplBase<Derived>::reset_parameters() {
  const double bound = 1.0 / std::sqrt(static_cast<double>(options_base.hidden_size()));
  for (Tensor& p : this->parameters(false)) init::uniform_(p, -bound, bound);
}

template <class Derived>
void RNNImplBase<Derived>::pretty_print(std::ostream& stream) const {
  const RNNOptionsBase& o = options_base;
  stream << "reel::nn::" << kind_name(o.mode()) << "(input_size=" << o.input_size()
         << ", hidden_size=" << o.hidden_size() << ", num_layers=" << o.num_layers()
         << ", bias=" << (o.bias() ? "true" : "false")
         << ", batch_first=" << (o.batch_first() ? "true" : "false") << ", dropout=" << o.dropout()
         << ", bidirectional=" << (o.bidirectional() ? "true" : "false");
  if (o.proj_size() > 0) stream << ", proj_size=" << o.proj_size();
  stream << ")";
}

template <class Derived>
void RNNImplBase<Derived>::check_input(const Tensor& given) const {
  const char* name = kind_name(options_base.mode());
  check<ShapeError>(given.size(-1) == options_base.input_size(), "[", name,
                    "] input.size(-1) must be equal to input_size. Expected ",
                    options_base.input_size(), ", got ", given.size(-1), " in an input of shape ",
                    given.sizes());
  const ScalarType expected = this->parameters_["weight_ih_l0"].scalar_type();
  check<DtypeError>(given.scalar_type() == expected, "[", name, "] input is ",
                    dtype_name(given.scalar_type()), " but the parameters are ",
                    dtype_name(expected), "; convert one of them with .to()");
}

template <class Derived>
std::tuple<Tensor, RecurrentState> RNNImplBase<Derived>::run(const Tensor& given,
                                                             const RecurrentState& initial) const {
  const RNNOptionsBase& o = options_base;
  const char* name = kind_name(o.mode());
  check<ShapeError>(given.dim() == 2 || given.dim() == 3, "[", name,
                    "] expected input to be 2-D or 3-D but received a ", given.dim(),
                    "-D tensor of shape ", given.sizes());
  check_input(given);
  const bool batched = given.dim() == 3;
  const Tensor input = !batched          ? given.unsqueeze(1)
                       : o.batch_first() ? given.transpose(0, 1)
                                         : given;
  const std::int64_t steps = input.size(0), batch = input.size(1);
  check<ShapeError>(steps > 0, "[", name,
                    "] expected sequence length to be larger than 0, found an input of shape ",
                    given.sizes());
  const std::vector<std::int64_t> batch_sizes(static_cast<std::size_t>(steps), batch);
  auto [rows, last] =
      run_layers(input.reshape({steps * batch, o.input_size()}), batch_sizes, initial, batched);
  Tensor output = rows.view({steps, batch, rows.size(1)});
  if (!batched) {
    output = output.squeeze(1);
    last.h = last.h.squeeze(1);
    if (last.c.defined()) last.c = last.c.squeeze(1);
  } else if (o.batch_first()) {
    output = output.transpose(0, 1);
  }
  return {output, last};
}

template <class Derived>
std::tuple<utils::rnn::PackedSequence, RecurrentState> RNNImplBase<Derived>::run(
    const utils::rnn::PackedSequence& input, const RecurrentState& initial) const {
  check<ShapeError>(input.data().defined() && input.data().dim() == 2, "[",
                    kind_name(options_base.mode()),
                    "] expected packed rows of shape [N, input_size], found ",
                    input.data().defined() ? input.data().sizes() : IntArrayRef());
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

template <class Derived>
std::tuple<Tensor, RecurrentState> RNNImplBase<Derived>::run(const Tensor& input,
                                                             const Tensor& lengths,
                                                             const RecurrentState& initial) const {
  const bool batch_first = options_base.batch_first();
  check<ShapeError>(input.dim() == 3, "[", kind_name(options_base.mode()),
                    "] lengths need a batched 3-D input, found shape ", input.sizes());
  auto [packed, last] =
      run(utils::rnn::pack_padded_sequence(input, lengths, batch_first, false), initial);
  return {std::get<0>(utils::rnn::pad_packed_sequence(packed, batch_first, 0.0,
                                                      input.size(batch_first ? 1 : 0))),
          last};
}

template <class Derived>
std::tuple<Tensor, RecurrentState> RNNImplBase<Derived>::run_layers(
    const Tensor& rows, const std::vector<std::int64_t>& batch_sizes, const RecurrentState& initial,
    bool batched) const {
  const RNNOptionsBase& o = options_base;
  const char* name = kind_name(o.mode());
  const auto& all = this->parameters_;
  const auto weight = [&](const std::string& key) {
    return all.contains(key) ? all[key] : Tensor();
  };
  const std::int64_t directions = o.bidirectional() ? 2 : 1, batch = batch_sizes[0];
  const std::int64_t state = o.proj_size() > 0 ? o.proj_size() : o.hidden_size();
  const bool lstm = o.mode() == RecurrentKind::Lstm;
  const Tensor h0 = prepared_state(name, "hidden state", initial.h,
                                   {o.num_layers() * directions, batch, state}, batched, 1, rows);
  Tensor c0;
  if (lstm)
    c0 = prepared_state(name, "cell state", initial.c,
                        {o.num_layers() * directions, batch, o.hidden_size()}, batched, 1, rows);

  std::vector<Tensor> last_h, last_c;
  Tensor layer_input = rows;
  for (std::int64_t layer = 0; layer < o.num_layers(); ++layer) {
    std::vector<Tensor> outputs;
    for (std::int64_t d = 0; d < directions; ++d) {
      const std::string end = suffix(layer, d);
      const RecurrentWeights weights{weight("weight_ih" + end), weight("weight_hh" + end),
                                     weight("bias_ih" + end), weight("bias_hh" + end),
                                     weight("weight_hr" + end)};
      const std::int64_t at = layer * directions + d;
      const RecurrentState start{h0.select(0, at), lstm ? c0.select(0, at) : Tensor()};
      Direction result = run_direction(o.mode(), weights, layer_input, batch_sizes, start, d == 1);
      outputs.push_back(std::move(result.output));
      last_h.push_back(result.last.h);
      last_c.push_back(result.last.c);
    }
    layer_input = directions == 1 ? outputs[0] : cat(outputs, 1);
    if (o.dropout() > 0 && layer + 1 < o.num_layers())
      layer_input = reel::dropout(layer_input, o.dropout(), this->is_training());
  }
  return {layer_input, {stack(last_h), lstm ? stack(last_c) : Tensor()}};
}

template class RNNImplBase<RNNImpl>;
template class RNNImplBase<LSTMImpl>;
template class RNNImplBase<GRUImpl>;

namespace {
template <class Options>
RNNOptionsBase base_options(RecurrentKind kind, const Options& o) {
  return RNNOptionsBase(kind, o.input_size(), o.hidden_size())
      .num_layers(o.num_layers())
      .bias(o.bias())
      .batch_first(o.batch_first())
      .dropout(o.dropout())
      .bidirectional(o.bidirectional());
}
}  // namespace
}  // namespace detail

RNNImpl::RNNImpl(const RNNOptions& options_)
    : RNNImplBase(
          detail::base_options(std::holds_alternative<enumtype::kTanh>(options_.nonlinearity())
                                   ? detail::RecurrentKind::RnnTanh
                                   : detail::RecurrentKind::RnnRelu,
                               options_)),
      options(options_) {}
std::tuple<Tensor, Tensor> RNNImpl::forward(const Tensor& input, Tensor hx) {
  auto [output, last] = run(input, {std::move(hx), Tensor()});
  return {output, last.h};
}
std::tuple<utils::rnn::PackedSequence, Tensor> RNNImpl::forward_with_packed_input(
    const utils::rnn::PackedSequence& packed_input, Tensor hx) {
  auto [output, last] = run(packed_input, {std::move(hx), Tensor()});
  return {output, last.h};
}
std::tuple<Tensor, Tensor> RNNImpl::forward_with_lengths(const Tensor& input, const Tensor& lengths,
                                                         Tensor hx) {
  auto [output, last] = run(input, lengths, {std::move(hx), Tensor()});
  return {output, last.h};
}

LSTMImpl::LSTMImpl(const LSTMOptions& options_)
    : RNNImplBase(detail::base_options(detail::RecurrentKind::Lstm, options_)
                      .proj_size(options_.proj_size())),
      options(options_) {}
namespace {
detail::RecurrentState given_state(const std::optional<std::tuple<Tensor, Tensor>>& hx) {
  return hx ? detail::RecurrentState{std::get<0>(*hx), std::get<1>(*hx)} : detail::RecurrentState();
}
}  // namespace
std::tuple<Tensor, std::tuple<Tensor, Tensor>> LSTMImpl::forward(
    const Tensor& input, std::optional<std::tuple<Tensor, Tensor>> hx_opt) {
  auto [output, last] = run(input, given_state(hx_opt));
  return {output, {last.h, last.c}};
}
std::tuple<utils::rnn::PackedSequence, std::tuple<Tensor, Tensor>>
LSTMImpl::forward_with_packed_input(const utils::rnn::PackedSequence& packed_input,
                                    std::optional<std::tuple<Tensor, Tensor>> hx_opt) {
  auto [output, last] = run(packed_input, given_state(hx_opt));
  return {output, {last.h, last.c}};
}
std::tuple<Tensor, std::tuple<Tensor, Tensor>> LSTMImpl::forward_with_lengths(
    const Tensor& input, const Tensor& lengths, std::optional<std::tuple<Tensor, Tensor>> hx_opt) {
  auto [output, last] = run(input, lengths, given_state(hx_opt));
  return {output, {last.h, last.c}};
}

GRUImpl::GRUImpl(const GRUOptions& options_)
    : RNNImplBase(detail::base_options(detail::RecurrentKind::Gru, options_)), options(options_) {}
std::tuple<Tensor, Tensor> GRUImpl::forward(const Tensor& input, Tensor hx) {
  auto [output, last] = run(input, {std::move(hx), Tensor()});
  return {output, last.h};
}
std::tuple<utils::rnn::PackedSequence, Tensor> GRUImpl::forward_with_packed_input(
    const utils::rnn::PackedSequence& packed_input, Tensor hx) {
  auto [output, last] = run(packed_input, {std::move(hx), Tensor()});
  return {output, last.h};
}
std::tuple<Tensor, Tensor> GRUImpl::forward_with_lengths(const Tensor& input, const Tensor& lengths,
                                                         Tensor hx) {
  auto [output, last] = run(input, lengths, {std::move(hx), Tensor()});
  return {output, last.h};
}

}  // namespace nn
}  // namespace reel
