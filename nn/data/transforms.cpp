#include "transforms.hpp"

#include <algorithm>

#include "../../autograd/ops/creation.hpp"
#include "../../autograd/ops/ops.hpp"
#include "../packed_sequence.hpp"

namespace reel {
namespace data {
namespace transforms {

Tensor detail::broadcast_along(ArrayRef<double> values, std::int64_t dim) {
  check(!values.empty(), "[Normalize] expected at least one mean and one deviation");
  check(dim < 0, "[Normalize] dim counts from the end, so it must be negative, found ", dim);
  const Tensor t = tensor(values.vec(), kFloat64);
  if (values.size() == 1) return t.reshape({});
  Dims sizes(static_cast<std::size_t>(-dim), 1);
  sizes[0] = static_cast<std::int64_t>(values.size());
  return t.reshape(sizes);
}

namespace {
void check_not_empty(const char* op, std::size_t examples) {
  check(examples != 0, "[", op, "] the batch has no examples");
}
}  // namespace

Example<> Stack<Example<>>::apply_batch(std::vector<Example<>> examples) {
  check_not_empty("Stack", examples.size());
  std::vector<Tensor> data, targets;
  for (auto& e : examples) {
    data.push_back(std::move(e.data));
    targets.push_back(std::move(e.target));
  }
  return {stack(data), stack(targets)};
}

TensorExample Stack<TensorExample>::apply_batch(std::vector<TensorExample> examples) {
  check_not_empty("Stack", examples.size());
  std::vector<Tensor> data;
  for (auto& e : examples) data.push_back(std::move(e.data));
  return stack(data);
}

PaddedBatch Pad::apply_batch(std::vector<Example<>> examples) {
  check_not_empty("Pad", examples.size());
  for (const auto& e : examples) {
    check<ShapeError>(e.data.dim() > 0, "[Pad] expected sequences [L, ...], found data without ",
                      "dimensions");
    check<ShapeError>(!options.pad_target() || e.target.dim() > 0, "[Pad] pad_target expects ",
                      "targets [L, ...], found one without dimensions");
  }
  if (options.sort())
    std::stable_sort(examples.begin(), examples.end(),
                     [](const auto& a, const auto& b) { return a.data.size(0) > b.data.size(0); });
  std::vector<Tensor> data, targets;
  std::vector<std::int64_t> lengths;
  for (auto& e : examples) {
    lengths.push_back(e.data.size(0));
    data.push_back(std::move(e.data));
    targets.push_back(std::move(e.target));
  }
  using nn::utils::rnn::pad_sequence;
  return {pad_sequence(data, options.batch_first(), options.padding_value()),
          options.pad_target()
              ? pad_sequence(targets, options.batch_first(), options.target_padding_value())
              : stack(targets),
          tensor(lengths)};
}

}  // namespace transforms
}  // namespace data
}  // namespace reel
