// Datasets and transforms: mapping, stacking, padding, normalising.
#include <doctest/doctest.h>

#include "nn/data/data.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
using namespace reel::data;

namespace {

std::vector<Example<>> sequences(const std::vector<std::int64_t>& lengths, bool tagged) {
  std::vector<Example<>> all;
  for (const auto n : lengths)
    all.emplace_back(arange(n * 2, kFloat32).add(10 * n).view({n, 2}),
                     tagged ? arange(n).add(100 * n) : tensor(n));
  return all;
}

}  // namespace

TEST_CASE("datasets: tensors as datasets") {
  const Tensor x = arange(12, kFloat32).view({4, 3});
  datasets::TensorDataset rows(x);
  CHECK(*rows.size() == 4);
  CHECK(difference(rows.get(2).data, x[2]) == 0);
  const Tensor as_tensor = rows.get(1);
  CHECK(difference(as_tensor, x[1]) == 0);
  CHECK(difference(datasets::TensorDataset(std::vector<Tensor>{x, x}).get(1).data, x) == 0);
  CHECK(rows.get_batch(std::vector<std::size_t>{3, 0}).size() == 2);
  CHECK_THROWS_AS(rows.get(4), IndexError);
  CHECK(mentions(error_of<ShapeError>([] { datasets::TensorDataset(tensor(1)); }),
                 {"TensorDataset", "first dimension"}));

  datasets::TensorPairDataset pairs(x, arange(4));
  CHECK(pairs.get(3).target.item<int>() == 3);
  CHECK(difference(pairs.get(3).data, x[3]) == 0);
  CHECK(mentions(error_of<ShapeError>([&] { datasets::TensorPairDataset(x, arange(5)); }),
                 {"TensorPairDataset", "[4, 3]", "[5]"}));
  CHECK(mentions(
      error_of<Error>([] { datasets::SharedBatchDataset<datasets::TensorDataset> none(nullptr); }),
      {"SharedBatchDataset", "null"}));
}

TEST_CASE("transforms: a chain of maps applies them in order") {
  using Plain = Example<>;
  datasets::TensorPairDataset source(arange(4, kFloat32), arange(4, kFloat32));
  auto mapped =
      source.map(transforms::Lambda<Plain>([](Plain e) {
              return Plain{e.data + 1, e.target};
            }))
          .map(transforms::TensorLambda<>([](Tensor t) { return t * 2; }))
          .map(transforms::BatchLambda<std::vector<Plain>>([](std::vector<Plain> b) {
            b.pop_back();
            return b;
          }))
          .map(transforms::Stack<>());
  const auto batch = mapped.get_batch(std::vector<std::size_t>{0, 2, 3});
  CHECK(values(batch.data) == std::vector<double>{2, 6});
  CHECK(values(batch.target) == std::vector<double>{0, 2});
  CHECK(*mapped.size() == 4);
  CHECK(mapped.dataset().size() == 4);

  auto collated = datasets::TensorDataset(arange(3, kFloat32))
                      .map(transforms::Collate<double, std::vector<TensorExample>>(
                          [](std::vector<TensorExample> b) {
                            double sum = 0;
                            for (const auto& e : b) sum += e.data.item<double>();
                            return sum;
                          }));
  CHECK(collated.get_batch(std::vector<std::size_t>{1, 2}) == 3);
  const std::function<Tensor(Tensor)> none;
  CHECK(mentions(error_of<Error>([&] { transforms::TensorLambda<>{none}; }), {"TensorLambda"}));
  CHECK(mentions(error_of<Error>([&] { transforms::Lambda<Tensor>{none}; }), {"Lambda"}));
  CHECK(mentions(error_of<Error>([&] { transforms::BatchLambda<Tensor>{none}; }), {"BatchLambda"}));
}

TEST_CASE("transforms: Stack") {
  transforms::Stack<> stack;
  const auto batch = stack.apply_batch({{ones({2}), tensor(1)}, {zeros({2}), tensor(2)}});
  CHECK(batch.data.sizes() == IntArrayRef({2, 2}));
  CHECK(batch.target.dtype() == kInt64);
  CHECK(values(batch.target) == std::vector<double>{1, 2});
  CHECK(transforms::Stack<TensorExample>().apply_batch({ones({2}), ones({2})}).data.numel() == 4);
  CHECK(mentions(error_of<Error>([&] { stack.apply_batch({}); }), {"Stack", "no examples"}));
  CHECK_THROWS_AS(stack.apply_batch({{ones({2}), tensor(1)}, {ones({3}), tensor(1)}}), ShapeError);
}

TEST_CASE("transforms: Normalize") {
  const Tensor image = arange(24, kFloat32).view({2, 3, 4});
  const Tensor result = transforms::Normalize<>({1.0, 2.0}, {0.5, 4.0})(image);
  CHECK(difference(result[0], image[0].sub(1).div(0.5)) == 0);
  CHECK(difference(result[1], image[1].sub(2).div(4)) == 0);
  const Tensor sequence = arange(6, kFloat64).view({3, 2});
  const Tensor features = transforms::Normalize<>({1.0, 2.0}, {1.0, 4.0}, -1)(sequence);
  CHECK(values(features) == std::vector<double>{-1, -0.25, 1, 0.25, 3, 0.75});
  CHECK(features.dtype() == kFloat64);
  CHECK(transforms::Normalize<>(1.0, 2.0)(sequence).sizes() == sequence.sizes());
  CHECK(mentions(error_of<Error>([] {
                   transforms::Normalize<>({1.0, 2.0}, {1.0});
                 }),
                 {"Normalize", "2 and 1"}));
  CHECK(mentions(error_of<Error>([] {
                   transforms::Normalize<>({1.0, 2.0}, {1.0, 2.0}, 0);
                 }),
                 {"Normalize", "negative"}));
  CHECK(mentions(
      error_of<Error>([] { transforms::Normalize<>(ArrayRef<double>(), ArrayRef<double>()); }),
      {"Normalize", "at least one"}));
}

TEST_CASE("transforms: Pad") {
  using transforms::Pad;
  using transforms::PadOptions;
  auto batch = Pad().apply_batch(sequences({2, 3, 1}, false));
  CHECK(batch.data.sizes() == IntArrayRef({3, 3, 2}));
  CHECK(values(batch.lengths) == std::vector<double>{2, 3, 1});
  CHECK(batch.lengths.dtype() == kInt64);
  CHECK(values(batch.target) == std::vector<double>{2, 3, 1});
  CHECK(values(batch.data.select(1, 0)) == std::vector<double>{20, 21, 22, 23, 0, 0});

  batch = Pad(PadOptions().batch_first(true).padding_value(-7).pad_target(true).sort(true))
              .apply_batch(sequences({2, 3, 1}, true));
  CHECK(batch.data.sizes() == IntArrayRef({3, 3, 2}));
  CHECK(values(batch.lengths) == std::vector<double>{3, 2, 1});
  CHECK(values(batch.data[2]) == std::vector<double>{10, 11, -7, -7, -7, -7});
  CHECK(values(batch.target) ==
        std::vector<double>{300, 301, 302, 200, 201, -100, 100, -100, -100});

  CHECK(mentions(error_of<Error>([] { Pad().apply_batch({}); }), {"Pad", "no examples"}));
  CHECK(mentions(error_of<ShapeError>([] {
                   Pad().apply_batch({{tensor(1), tensor(1)}});
                 }),
                 {"Pad", "[L, ...]"}));
  CHECK(mentions(error_of<ShapeError>([] {
                   Pad(PadOptions().pad_target(true)).apply_batch({{ones({2}), tensor(1)}});
                 }),
                 {"pad_target"}));
  CHECK_THROWS_AS(Pad().apply_batch({{ones({2, 2}), tensor(1)}, {ones({2, 3}), tensor(1)}}),
                  ShapeError);
}
