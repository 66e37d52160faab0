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
// A state given without a batch, or left out.
Tensor prepared(const char* op, const char* which, const Tensor& given, const Dims& expected,
                bool batched, const Tensor& input) {
  if (!given.defined()) return zeros(expected, input.scalar_type());
  Dims shown = expected;
  if (!batched) shown.erase(1);
  check<ShapeError>(given.sizes() == IntArrayRef(shown), "[", op, "] expected ", which, " of size ",
                    shown, ", got ", given.sizes());
  check<DtypeError>(given.scalar_type() == input.scalar_type(), "[", op, "] expected ", which,
                    " of the input's dtype ", dtype_name(input.scalar_type()), ", got ",
                    dtype_name(given.scalar_type()));
  return batched ? given : given.unsqueeze(1);
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
std::tuple<Tensor, RecurrentState> RNNImplBase<Derived>::run(const Tensor& given,
                                                             RecurrentState initial) const {
  const RNNOptionsBase& o = options_base;
  const char* name = kind_name(o.mode());
  check<ShapeError>(given.dim() == 2 || given.dim() == 3, "[", name,
                    "] expected input to be 2-D or 3-D but received a ", given.dim(),
                    "-D tensor of shape ", given.sizes());
  check<ShapeError>(given.size(-1) == o.input_size(), "[", name,
                    "] input.size(-1) must be equal to input_size. Expected ", o.input_size(),
                    ", got ", given.size(-1), " in an input of shape ", given.sizes());
  const bool batched = given.dim() == 3;
  const Tensor input = !batched          ? given.unsqueeze(1)
                       : o.batch_first() ? given.transpose(0, 1)
                                         : given;
  check<ShapeError>(input.size(0) > 0, "[", name,
                    "] expected sequence length to be larger than 0, found an input of shape ",
                    given.sizes());
  const auto& all = this->parameters_;
  const auto weight = [&](const std::string& key) {
    return all.contains(key) ? all[key] : Tensor();
  };
  check<DtypeError>(given.scalar_type() == weight("weight_ih_l0").scalar_type(), "[", name,
                    "] input is ", dtype_name(given.scalar_type()), " but the parameters are ",
                    dtype_name(weight("weight_ih_l0").scalar_type()),
                    "; convert one of them with .to()");
  const std::int64_t directions = o.bidirectional() ? 2 : 1, batch = input.size(1);
  const std::int64_t state = o.proj_size() > 0 ? o.proj_size() : o.hidden_size();
  const bool lstm = o.mode() == RecurrentKind::Lstm;
  const Tensor h0 = prepared(name, "hidden state", initial.h,
                             {o.num_layers() * directions, batch, state}, batched, input);
  Tensor c0;
  if (lstm)
    c0 = prepared(name, "cell state", initial.c,
                  {o.num_layers() * directions, batch, o.hidden_size()}, batched, input);

  std::vector<Tensor> last_h, last_c;
  Tensor layer_input = input;
  for (std::int64_t layer = 0; layer < o.num_layers(); ++layer) {
    std::vector<Tensor> outputs;
    for (std::int64_t d = 0; d < directions; ++d) {
      const std::string end = suffix(layer, d);
      const RecurrentWeights weights{weight("weight_ih" + end), weight("weight_hh" + end),
                                     weight("bias_ih" + end), weight("bias_hh" + end),
                                     weight("weight_hr" + end)};
      const std::int64_t at = layer * directions + d;
      const RecurrentState start{h0.select(0, at), lstm ? c0.select(0, at) : Tensor()};
      Direction result = run_direction(o.mode(), weights, layer_input, start, d == 1);
      outputs.push_back(std::move(result.output));
      last_h.push_back(result.last.h);
      last_c.push_back(result.last.c);
    }
    layer_input = directions == 1 ? outputs[0] : cat(outputs, 2);
    if (o.dropout() > 0 && layer + 1 < o.num_layers())
      layer_input = reel::dropout(layer_input, o.dropout(), this->is_training());
  }
  Tensor output = layer_input;
  RecurrentState last{stack(last_h), lstm ? stack(last_c) : Tensor()};
  if (!batched) {
    output = output.squeeze(1);
    last.h = last.h.squeeze(1);
    if (lstm) last.c = last.c.squeeze(1);
  } else if (o.batch_first()) {
    output = output.transpose(0, 1);
  }
  return {output, last};
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

LSTMImpl::LSTMImpl(const LSTMOptions& options_)
    : RNNImplBase(detail::base_options(detail::RecurrentKind::Lstm, options_)
                      .proj_size(options_.proj_size())),
      options(options_) {}
std::tuple<Tensor, std::tuple<Tensor, Tensor>> LSTMImpl::forward(
    const Tensor& input, std::optional<std::tuple<Tensor, Tensor>> hx_opt) {
  detail::RecurrentState initial;
  if (hx_opt) initial = {std::get<0>(*hx_opt), std::get<1>(*hx_opt)};
  auto [output, last] = run(input, initial);
  return {output, {last.h, last.c}};
}

GRUImpl::GRUImpl(const GRUOptions& options_)
    : RNNImplBase(detail::base_options(detail::RecurrentKind::Gru, options_)), options(options_) {}
std::tuple<Tensor, Tensor> GRUImpl::forward(const Tensor& input, Tensor hx) {
  auto [output, last] = run(input, {std::move(hx), Tensor()});
  return {output, last.h};
}

}  // namespace nn
}  // namespace reel
