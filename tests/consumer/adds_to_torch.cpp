// A program that puts classes of its own into libtorch's namespaces, as some do.
#include <torch/torch.h>

#include <cstdio>

namespace torch {
namespace data {
using Pair = Example<std::pair<Tensor, Tensor>, Tensor>;
namespace datasets {
struct Pairs : Dataset<Pairs, Pair> {
  Pair get(size_t index) override {
    const auto x = torch::full({2}, static_cast<double>(index));
    return {{x, x + 1}, x.sum()};
  }
  torch::optional<size_t> size() const override { return 5; }
};
}  // namespace datasets
namespace transforms {
template <>
struct Stack<Pair> : Collation<Pair> {
  Pair apply_batch(std::vector<Pair> examples) override {
    std::vector<Tensor> first, second, target;
    for (const auto& e : examples) {
      first.push_back(e.data.first);
      second.push_back(e.data.second);
      target.push_back(e.target);
    }
    return {{torch::stack(first), torch::stack(second)}, torch::stack(target)};
  }
};
}  // namespace transforms
}  // namespace data
}  // namespace torch

int main() {
  auto loader = torch::data::make_data_loader<torch::data::samplers::SequentialSampler>(
      torch::data::datasets::Pairs().map(torch::data::transforms::Stack<torch::data::Pair>()), 2);
  double sum = 0;
  for (auto& batch : *loader)
    sum += (batch.data.second - batch.data.first).sum().item<double>() +
           batch.target.sum().item<double>();
  std::printf("sum %g\n", sum);
  return sum == 30 ? 0 : 1;
}
