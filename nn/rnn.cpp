#include "rnn.hpp"

#include <utility>

#include "cell_rnn.hpp"
#include "recurrent.hpp"

namespace reel {
namespace nn {
namespace detail {

template <class Derived>
RNNImplBase<Derived>::RNNImplBase(const RNNOptionsBase& options) : options_base(options) {
  RNNImplBase<Derived>::reset();
}
template <class Derived>
void RNNImplBase<Derived>::reset() {
  RecurrentNet::add_parameters(*this, options_base);
  reset_parameters();
}
template <class Derived>
void RNNImplBase<Derived>::reset_parameters() {
  net().reset_parameters();
}
template <class Derived>
void RNNImplBase<Derived>::pretty_print(std::ostream& stream) const {
  net().pretty_print(stream);
}
template <class Derived>
RecurrentNet RNNImplBase<Derived>::net() const {
  return {options_base, this->parameters_, this->is_training()};
}

template class RNNImplBase<RNNImpl>;
template class RNNImplBase<LSTMImpl>;
template class RNNImplBase<GRUImpl>;
template class RNNImplBase<CellRNNImpl>;

namespace {
template <class Options>
RNNOptionsBase base_options(RecurrentKind kind, const Options& o) {
  return RNNOptionsBase(kind, o.input_size(), o.hidden_size())
      .num_layers(o.num_layers())
      .bias(o.bias())
      .batch_first(o.batch_first())
      .dropout(o.dropout())
      .bidirectional(o.bidirectional())
      .extras(o.extras());
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
  auto [output, last] = net().run(input, {std::move(hx), Tensor()});
  return {output, last.h};
}
std::tuple<utils::rnn::PackedSequence, Tensor> RNNImpl::forward_with_packed_input(
    const utils::rnn::PackedSequence& packed_input, Tensor hx) {
  auto [output, last] = net().run(packed_input, {std::move(hx), Tensor()});
  return {output, last.h};
}
std::tuple<Tensor, Tensor> RNNImpl::forward_with_lengths(const Tensor& input, const Tensor& lengths,
                                                         Tensor hx) {
  auto [output, last] = net().run(input, lengths, {std::move(hx), Tensor()});
  return {output, last.h};
}

LSTMImpl::LSTMImpl(const LSTMOptions& options_)
    : RNNImplBase(detail::base_options(detail::RecurrentKind::Lstm, options_)
                      .proj_size(options_.proj_size())),
      options(options_) {}
std::tuple<Tensor, std::tuple<Tensor, Tensor>> LSTMImpl::forward(
    const Tensor& input, std::optional<std::tuple<Tensor, Tensor>> hx_opt) {
  auto [output, last] = net().run(input, detail::given_state(hx_opt));
  return {output, {last.h, last.c}};
}
std::tuple<utils::rnn::PackedSequence, std::tuple<Tensor, Tensor>>
LSTMImpl::forward_with_packed_input(const utils::rnn::PackedSequence& packed_input,
                                    std::optional<std::tuple<Tensor, Tensor>> hx_opt) {
  auto [output, last] = net().run(packed_input, detail::given_state(hx_opt));
  return {output, {last.h, last.c}};
}
std::tuple<Tensor, std::tuple<Tensor, Tensor>> LSTMImpl::forward_with_lengths(
    const Tensor& input, const Tensor& lengths, std::optional<std::tuple<Tensor, Tensor>> hx_opt) {
  auto [output, last] = net().run(input, lengths, detail::given_state(hx_opt));
  return {output, {last.h, last.c}};
}

GRUImpl::GRUImpl(const GRUOptions& options_)
    : RNNImplBase(detail::base_options(options_.extras().reset_before()
                                           ? detail::RecurrentKind::GruResetBefore
                                           : detail::RecurrentKind::Gru,
                                       options_)),
      options(options_) {}
std::tuple<Tensor, Tensor> GRUImpl::forward(const Tensor& input, Tensor hx) {
  auto [output, last] = net().run(input, {std::move(hx), Tensor()});
  return {output, last.h};
}
std::tuple<utils::rnn::PackedSequence, Tensor> GRUImpl::forward_with_packed_input(
    const utils::rnn::PackedSequence& packed_input, Tensor hx) {
  auto [output, last] = net().run(packed_input, {std::move(hx), Tensor()});
  return {output, last.h};
}
std::tuple<Tensor, Tensor> GRUImpl::forward_with_lengths(const Tensor& input, const Tensor& lengths,
                                                         Tensor hx) {
  auto [output, last] = net().run(input, lengths, {std::move(hx), Tensor()});
  return {output, last.h};
}

CellRNNImpl::CellRNNImpl(const CellRNNOptions& options_)
    : RNNImplBase(detail::base_options(detail::RecurrentKind::Custom, options_)
                      .cell(std::make_shared<const RecurrentCell>(options_.cell()))),
      options(options_) {}
std::tuple<Tensor, std::tuple<Tensor, Tensor>> CellRNNImpl::forward(
    const Tensor& input, std::optional<std::tuple<Tensor, Tensor>> hx_opt) {
  auto [output, last] = net().run(input, detail::given_state(hx_opt));
  return {output, {last.h, last.c}};
}
std::tuple<utils::rnn::PackedSequence, std::tuple<Tensor, Tensor>>
CellRNNImpl::forward_with_packed_input(const utils::rnn::PackedSequence& packed_input,
                                       std::optional<std::tuple<Tensor, Tensor>> hx_opt) {
  auto [output, last] = net().run(packed_input, detail::given_state(hx_opt));
  return {output, {last.h, last.c}};
}
std::tuple<Tensor, std::tuple<Tensor, Tensor>> CellRNNImpl::forward_with_lengths(
    const Tensor& input, const Tensor& lengths, std::optional<std::tuple<Tensor, Tensor>> hx_opt) {
  auto [output, last] = net().run(input, lengths, detail::given_state(hx_opt));
  return {output, {last.h, last.c}};
}

}  // namespace nn
}  // namespace reel
