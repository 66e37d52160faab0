#include "rnn_cell.hpp"

#include <cmath>
#include <ostream>

#include "autograd/ops/ops.hpp"
#include "init.hpp"
#include "recurrent.hpp"

namespace reel {
namespace nn {
namespace detail {

namespace {
const char* cell_name(RecurrentKind kind) {
  return kind == RecurrentKind::Lstm  ? "LSTMCell"
         : kind == RecurrentKind::Gru ? "GRUCell"
                                      : "RNNCell";
}
}  // namespace

template <class Derived>
RNNCellImplBase<Derived>::RNNCellImplBase(const RNNCellOptionsBase& options)
    : options_base(options) {
  RNNCellImplBase<Derived>::reset();
}

template <class Derived>
void RNNCellImplBase<Derived>::reset() {
  const RNNCellOptionsBase& o = options_base;
  const char* name = cell_name(o.mode());
  check(o.input_size() > 0, "[", name, "] input_size must be greater than zero, found ",
        o.input_size());
  check(o.hidden_size() > 0, "[", name, "] hidden_size must be greater than zero, found ",
        o.hidden_size());
  const std::int64_t rows = cell_of(o.mode()).gates() * o.hidden_size();
  weight_ih = this->register_parameter("weight_ih", empty({rows, o.input_size()}));
  weight_hh = this->register_parameter("weight_hh", empty({rows, o.hidden_size()}));
  // Without bias the names are registered as undefined, as in libtorch.
  bias_ih = this->register_parameter("bias_ih", o.bias() ? empty({rows}) : Tensor());
  bias_hh = this->register_parameter("bias_hh", o.bias() ? empty({rows}) : Tensor());
  reset_parameters();
}

template <class Derived>
void RNNCellImplBase<Derived>::reset_parameters() {
  const double bound = 1.0 / std::sqrt(static_cast<double>(options_base.hidden_size()));
  for (Tensor& p : this->parameters(false)) init::uniform_(p, -bound, bound);
}

template <class Derived>
void RNNCellImplBase<Derived>::pretty_print(std::ostream& stream) const {
  const RNNCellOptionsBase& o = options_base;
  stream << "reel::nn::" << cell_name(o.mode()) << "(" << o.input_size() << ", " << o.hidden_size();
  if (!o.bias()) stream << ", bias=false";
  if (o.mode() == RecurrentKind::RnnRelu) stream << ", nonlinearity=kReLU";
  stream << ")";
}

template <class Derived>
RecurrentState RNNCellImplBase<Derived>::step(const Tensor& given,
                                              const RecurrentState& state) const {
  const RNNCellOptionsBase& o = options_base;
  const char* name = cell_name(o.mode());
  check(given.defined(), "[", name, "] the input is an undefined tensor");
  check<ShapeError>(given.dim() == 1 || given.dim() == 2, "[", name,
                    "] expected input to be 1-D or 2-D but received a ", given.dim(),
                    "-D tensor of shape ", given.sizes());
  check<ShapeError>(given.size(-1) == o.input_size(), "[", name,
                    "] input.size(-1) must be equal to input_size. Expected ", o.input_size(),
                    ", got ", given.size(-1), " in an input of shape ", given.sizes());
  check<DtypeError>(given.scalar_type() == weight_ih.scalar_type(), "[", name, "] input is ",
                    dtype_name(given.scalar_type()), " but the parameters are ",
                    dtype_name(weight_ih.scalar_type()), "; convert one of them with .to()");
  const bool batched = given.dim() == 2;
  const Tensor input = batched ? given : given.unsqueeze(0);
  const Dims sizes{input.size(0), o.hidden_size()};
  RecurrentState start;
  start.h = prepared_state(name, "hidden state", state.h, sizes, batched, 0, input);
  if (o.mode() == RecurrentKind::Lstm)
    start.c = prepared_state(name, "cell state", state.c, sizes, batched, 0, input);
  RecurrentState next =
      run_direction(o.mode(), cell_of(o.mode()), {weight_ih, weight_hh, bias_ih, bias_hh}, input,
                    {input.size(0)}, start, false)
          .last;
  if (!batched) {
    next.h = next.h.squeeze(0);
    if (next.c.defined()) next.c = next.c.squeeze(0);
  }
  return next;
}

template class RNNCellImplBase<RNNCellImpl>;
template class RNNCellImplBase<LSTMCellImpl>;
template class RNNCellImplBase<GRUCellImpl>;

}  // namespace detail

RNNCellImpl::RNNCellImpl(const RNNCellOptions& options_)
    : RNNCellImplBase({std::holds_alternative<enumtype::kTanh>(options_.nonlinearity())
                           ? detail::RecurrentKind::RnnTanh
                           : detail::RecurrentKind::RnnRelu,
                       options_.input_size(), options_.hidden_size(), options_.bias()}),
      options(options_) {}
Tensor RNNCellImpl::forward(const Tensor& input, Tensor hx) {
  return step(input, {std::move(hx), Tensor()}).h;
}

LSTMCellImpl::LSTMCellImpl(const LSTMCellOptions& options_)
    : RNNCellImplBase({detail::RecurrentKind::Lstm, options_.input_size(), options_.hidden_size(),
                       options_.bias()}),
      options(options_) {}
std::tuple<Tensor, Tensor> LSTMCellImpl::forward(const Tensor& input,
                                                 std::optional<std::tuple<Tensor, Tensor>> hx_opt) {
  RecurrentState state;
  if (hx_opt) state = {std::get<0>(*hx_opt), std::get<1>(*hx_opt)};
  const RecurrentState next = step(input, state);
  return {next.h, next.c};
}

GRUCellImpl::GRUCellImpl(const GRUCellOptions& options_)
    : RNNCellImplBase({detail::RecurrentKind::Gru, options_.input_size(), options_.hidden_size(),
                       options_.bias()}),
      options(options_) {}
Tensor GRUCellImpl::forward(const Tensor& input, Tensor hx) {
  return step(input, {std::move(hx), Tensor()}).h;
}

}  // namespace nn
}  // namespace reel
