// A classifier of sequences as one Sequential, fed by data loaders: a dataset of its own, mapped
// and stacked, a sampler, worker threads, a last batch that is smaller.
#include "support.hpp"

namespace {
namespace classifier {

struct Waves : torch::data::datasets::Dataset<Waves> {
  explicit Waves(int64_t count) : count_(count) {}
  torch::data::Example<> get(size_t index) override {
    const double i = static_cast<double>(index);
    const int64_t kind = static_cast<int64_t>(index) % 3;
    const auto t = torch::arange(10, torch::kFloat);
    return {torch::sin(t * (0.4 + 0.5 * static_cast<double>(kind)) + i) + 3.0, torch::tensor(kind)};
  }
  torch::optional<size_t> size() const override { return static_cast<size_t>(count_); }

 private:
  int64_t count_;
};

}  // namespace classifier
}  // namespace

PARITY_PROGRAM(classifier) {
  using namespace classifier;
  namespace data = torch::data;
  torch::nn::Sequential net(
      torch::nn::Linear(10, 16), torch::nn::LayerNorm(torch::nn::LayerNormOptions({16})),
      torch::nn::Tanh(), torch::nn::Linear(torch::nn::LinearOptions(16, 12).bias(false)),
      torch::nn::Functional(torch::relu), torch::nn::Dropout(0.0), torch::nn::Linear(12, 3),
      torch::nn::LogSoftmax(/*dim=*/1));
  parity::fill(*net, 0.4);

  auto train = Waves(43)
                   .map(data::transforms::Lambda<data::Example<>>([](data::Example<> e) {
                     e.data = e.data - 3.0;
                     return e;
                   }))
                   .map(data::transforms::Stack<>());
  auto loader = data::make_data_loader<data::samplers::SequentialSampler>(
      std::move(train), data::DataLoaderOptions().batch_size(8).workers(2));
  torch::optim::Adam optimizer(net->parameters(), 1e-2);
  int step = 0;
  for (int epoch = 0; step < 50; ++epoch)
    for (auto& batch : *loader) {
      if (step == 50) break;
      const auto output = net->forward(batch.data);
      const auto loss = torch::nll_loss(output, batch.target);
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      std::printf("epoch %d step %d size %lld loss %.10g\n", epoch, step,
                  static_cast<long long>(batch.data.size(0)), loss.item<double>());
      ++step;
    }

  auto test = data::make_data_loader(Waves(21).map(data::transforms::Stack<>()),
                                     data::samplers::SequentialSampler(21),
                                     data::DataLoaderOptions(4).drop_last(true));
  torch::NoGradGuard no_grad;
  net->eval();
  int64_t right = 0, seen = 0;
  for (const auto& batch : *test) {
    const auto guess = net->forward(batch.data - 3.0).argmax(1);
    right += guess.eq(batch.target).sum().item<int64_t>();
    seen += batch.target.numel();
  }
  std::printf("right %lld of %lld\n", static_cast<long long>(right), static_cast<long long>(seen));

  // Every index once, in an order that is the generator's own.
  auto shuffled = data::make_data_loader(data::datasets::TensorDataset(torch::arange(10))
                                             .map(data::transforms::Stack<data::TensorExample>()),
                                         3);
  auto all = torch::zeros({10}, torch::kLong);
  std::vector<int64_t> sizes;
  for (auto& batch : *shuffled) {
    sizes.push_back(batch.data.size(0));
    for (int64_t i = 0; i < batch.data.size(0); ++i) all[batch.data[i].item<int64_t>()] += 1;
  }
  parity::print("times seen", all);
  parity::print("batches", torch::tensor(sizes));
  auto iterator = shuffled->begin();
  std::printf("first batch has %lld, the loader's is %zu\n",
              static_cast<long long>((*iterator).data.numel()), shuffled->options().batch_size);

  auto distributed = data::samplers::DistributedSequentialSampler(10, 3, 1);
  while (const auto indices = distributed.next(3)) {
    for (const auto i : *indices) std::printf(" %zu", i);
    std::printf("\n");
  }
}
