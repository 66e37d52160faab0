// Convolution, pooling, batch normalisation, attention, CTC and the activations beside them: what
// the op table cannot say: errors, running statistics, random numbers, size.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/says.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

using Numbers = std::vector<double>;

Tensor leaf(IntArrayRef sizes) { return reel::randn(sizes, kFloat64).requires_grad_(); }
Tensor longs(const std::vector<std::int64_t>& v) { return reel::tensor(v, kInt64); }

}  // namespace

TEST_CASE("conv1d: errors") {
  const Tensor x = ones({2, 4, 6}), w = ones({6, 4, 3}), b = ones({6});
  CHECK_SAYS(ShapeError, conv1d(ones({4}), w), "[conv1d] expected an input [N, C, L] or [C, L]");
  CHECK_SAYS(ShapeError, conv1d(x, ones({6, 3, 3})), "[conv1d] a weight of shape [6, 3, 3]",
             "an input of 3 channels, found 4 in an input of shape [2, 4, 6]");
  CHECK_SAYS(ShapeError, conv1d(x, ones({6, 4})), "[conv1d] expected a weight");
  CHECK_SAYS(ShapeError, conv1d(x, ones({3, 2, 3}), {}, 1, 0, 1, 2), "divisible by groups 2");
  CHECK_SAYS(ShapeError, conv1d(x, w, {}, 1, 0, 1, 0), "[conv1d] groups must be at least 1");
  CHECK_SAYS(ShapeError, conv1d(x, w, ones({5})), "[conv1d] expected a bias of shape [6]");
  CHECK_SAYS(ShapeError, conv1d(x, w, b, 0), "[conv1d] stride must be at least 1, found 0");
  CHECK_SAYS(ShapeError, conv1d(x, w, b, 1, -1), "[conv1d] padding must be at least 0, found -1");
  CHECK_SAYS(ShapeError, conv1d(x, w, b, 1, 0, 0), "[conv1d] dilation must be at least 1");
  CHECK_SAYS(ShapeError, conv1d(x, w, b, {1, 1}), "[conv1d] expected one number for stride");
  CHECK_SAYS(ShapeError, conv1d(x, w, b, 1, 0, 3), "[conv1d] a window over 7 elements",
             "padded to 6");
  CHECK_SAYS(DtypeError, conv1d(x, w.to(kFloat64)), "[conv1d]", "float32", "float64");
  CHECK_SAYS(DtypeError, conv1d(x.to(kInt64), w.to(kInt64)), "[conv1d]", "Long");
  CHECK_SAYS(Error, conv1d(x, w, b, 1, "full"), "[conv1d] padding must be", "\"full\"");
  CHECK_SAYS(Error, conv1d(x, w, b, 2, "same"), "[conv1d] padding \"same\" needs stride 1");
  CHECK(conv1d(x, w, b, 1, "same").sizes() == IntArrayRef({2, 6, 6}));
  CHECK(conv1d(x, w).is_contiguous());
}

TEST_CASE("conv1d: as large as a product of matrices goes, the sum over windows is the same") {
  manual_seed(5);
  const Tensor x = reel::randn({3, 16, 50}, kFloat64), w = reel::randn({8, 16, 5}, kFloat64);
  const Tensor y = conv1d(x, w, {}, 2, 3, 2);
  const Tensor padded = constant_pad_nd(x, {3, 3});
  double worst = 0;
  for (std::int64_t l = 0; l < y.size(2); ++l) {
    const Tensor window = padded.slice(2, 2 * l, 2 * l + 9, 2);  // [3, 16, 5]
    const Tensor want = einsum("ncd,ocd->no", {window, w});
    worst = std::max(worst, difference(y.select(2, l), want));
  }
  CHECK(worst < 1e-12);
}

TEST_CASE("pooling: errors") {
  const Tensor x = ones({2, 3, 6});
  CHECK_SAYS(ShapeError, max_pool1d(ones({3}), 2), "[max_pool1d] expected an input [N, C, L]");
  CHECK_SAYS(ShapeError, max_pool1d(x, 0), "[max_pool1d] kernel_size must be at least 1, found 0");
  CHECK_SAYS(ShapeError, avg_pool1d(x, 2, 0), "[avg_pool1d] stride must be at least 1, found 0");
  CHECK_SAYS(ShapeError, max_pool1d(x, 2, {}, 2), "[max_pool1d] padding must be at most half");
  CHECK_SAYS(ShapeError, avg_pool1d(x, 7), "[avg_pool1d] a window over 7 elements does not fit");
  CHECK_SAYS(ShapeError, max_pool1d(x, 3, {}, 0, 3), "[max_pool1d] a window over 7 elements");
  CHECK_SAYS(ShapeError, max_pool1d(ones({1, 1}), 2, 1, 1, 2), "lies wholly in the padding");
  CHECK_SAYS(DtypeError, max_pool1d(x.to(kInt64), 2), "[max_pool1d]", "Long");
  CHECK_SAYS(DtypeError, avg_pool1d(x.to(kInt32), 2), "[avg_pool1d]", "Int");
  CHECK_SAYS(ShapeError, max_pool1d(x, {2, 2}), "[max_pool1d] expected one number for kernel_size");
}

TEST_CASE("batch_norm: running statistics") {
  manual_seed(6);
  const Tensor x = reel::randn({4, 3, 5}, kFloat64) * 3 + 1;
  const Tensor mean = reel::ones({3}, kFloat64), var = reel::full({3}, 2.0, kFloat64);
  batch_norm(x, {}, {}, mean, var, true, 0.25, 1e-5);
  const Tensor per_channel = x.transpose(0, 1).reshape({3, 20});
  CHECK(difference(mean, per_channel.mean(1) * 0.25 + 0.75) < 1e-12);
  CHECK(difference(var, per_channel.var(1) * 0.25 + 1.5) < 1e-12);
  // Evaluation leaves them alone.
  const Tensor before = mean.clone();
  batch_norm(x, {}, {}, mean, var, false, 0.25, 1e-5);
  CHECK(difference(mean, before) == 0);
  // Only the mean may be tracked.
  batch_norm(x, {}, {}, mean, {}, true, 1.0, 1e-5);
  CHECK(difference(mean, per_channel.mean(1)) < 1e-12);
}

TEST_CASE("batch_norm: errors") {
  const Tensor x = ones({4, 3}), c = ones({3});
  CHECK_SAYS(ShapeError, batch_norm(ones({3}), {}, {}, {}, {}, true, 0.1, 1e-5),
             "[batch_norm] expected an input [N, C, ...], found shape [3]");
  CHECK_SAYS(ShapeError, batch_norm(x, ones({4}), {}, {}, {}, true, 0.1, 1e-5),
             "[batch_norm] weight, bias and running statistics must have shape [3]", "[4]");
  CHECK_SAYS(Error, batch_norm(x, {}, {}, c, {}, false, 0.1, 1e-5),
             "[batch_norm] running_mean and running_var must be given");
  CHECK_SAYS(ShapeError, batch_norm(ones({0, 3}), {}, {}, {}, {}, true, 0.1, 1e-5),
             "[batch_norm] the mean over nothing");
  CHECK_SAYS(DtypeError, batch_norm(x.to(kInt64), {}, {}, {}, {}, true, 0.1, 1e-5), "[batch_norm]",
             "Long");
}

TEST_CASE("attention: dropout, scale and errors") {
  manual_seed(7);
  const Tensor q = leaf({2, 4, 8}), k = leaf({2, 4, 8}), v = reel::ones({2, 4, 8}, kFloat64);
  // The weights that remain are scaled up: sums of twice a share, on average 1.
  const Tensor y = scaled_dot_product_attention(q, k, v, {}, 0.5);
  CHECK(difference(y, v) > 0.1);
  CHECK(y.mean().item<double>() == doctest::Approx(1).epsilon(0.4));
  CHECK(difference(scaled_dot_product_attention(q, k, v, {}, 1.0), reel::zeros_like(v)) == 0);
  CHECK(difference(scaled_dot_product_attention(q, k, q, {}, 0, false, 0.5),
                   matmul(matmul(q, k.transpose(1, 2)).mul(0.5).softmax(-1), q)) < 1e-12);
  // A row that sees nothing.
  CHECK(std::isnan(values(scaled_dot_product_attention(q, k, v, zeros({4, 4}, kBool)))[0]));
  CHECK_SAYS(ShapeError, scaled_dot_product_attention(q, ones({2, 4, 7}, kFloat64), v),
             "[scaled_dot_product_attention] expected query [..., L, E]", "[2, 4, 7]");
  CHECK_SAYS(ShapeError, scaled_dot_product_attention(q[0][0], k, v), "expected query");
  CHECK_SAYS(Error, scaled_dot_product_attention(q, k, v, ones({4, 4}, kBool), 0, true),
             "either attn_mask or is_causal");
  CHECK_SAYS(ShapeError, scaled_dot_product_attention(q, k, v, ones({5, 4}, kBool)),
             "[scaled_dot_product_attention]", "[5, 4]");
  CHECK_SAYS(ShapeError, scaled_dot_product_attention(q, k, v, ones({3, 2, 4, 4}, kBool)),
             "does not broadcast to scores");
  CHECK_SAYS(DtypeError, scaled_dot_product_attention(q, k, v, ones({4, 4}, kInt64)),
             "expected a mask of bool", "int64");
  CHECK_SAYS(Error, scaled_dot_product_attention(q, k, v, {}, 1.5), "[dropout]");
}

TEST_CASE("ctc_loss: errors") {
  const Tensor p = reel::zeros({5, 2, 4}), labels = longs({1, 2, 3, 1}).reshape({2, 2});
  const auto loss = [&](const Tensor& targets, const std::vector<std::int64_t>& in,
                        const std::vector<std::int64_t>& out,
                        std::int64_t blank = 0) { return ctc_loss(p, targets, in, out, blank); };
  CHECK_SAYS(ShapeError, loss(labels, {5}, {2, 2}), "[ctc_loss] expected 2 input_lengths",
             "found 1");
  CHECK_SAYS(ShapeError, loss(labels, {5, 5}, {2}), "[ctc_loss] expected 2 target_lengths");
  CHECK_SAYS(IndexError, loss(labels, {5, 6}, {2, 2}), "input_lengths from 0 to 5, found 6");
  CHECK_SAYS(IndexError, loss(labels, {5, -1}, {2, 2}), "found -1");
  CHECK_SAYS(IndexError, loss(labels, {5, 5}, {2, 3}), "target_lengths from 0 to 2, found 3");
  CHECK_SAYS(IndexError, loss(longs({1, 4, 1, 1}).reshape({2, 2}), {5, 5}, {2, 2}),
             "[ctc_loss] label 4 at position 1 of target 0", "4 classes");
  CHECK_SAYS(IndexError, loss(labels, {5, 5}, {2, 2}, 4), "[ctc_loss] blank 4");
  CHECK_SAYS(ShapeError, loss(longs({1, 2, 3}), {5, 5}, {2, 2}), "[ctc_loss] targets of shape [3]",
             "4 labels in all");
  CHECK_SAYS(ShapeError, loss(longs({1, 2, 3, 1}).reshape({1, 4}), {5, 5}, {2, 2}),
             "[ctc_loss] targets of shape [1, 4]");
  CHECK_SAYS(ShapeError, ctc_loss(p[0], labels, {5}, {2}),
             "[ctc_loss] expected log_probs [T, N, C]");
  CHECK_SAYS(DtypeError, loss(labels.to(kFloat32), {5, 5}, {2, 2}),
             "[ctc_loss] expected targets of");
  CHECK_SAYS(DtypeError, ctc_loss(p.to(kInt64), labels, {5, 5}, {2, 2}), "[ctc_loss]", "Long");
  CHECK_SAYS(DtypeError, ctc_loss(p, labels, ones({2}), ones({2})),
             "[ctc_loss] expected lengths of");
}

TEST_CASE("ctc_loss: by log_probs themselves, and where there are no steps") {
  manual_seed(8);
  // The gradient by log_probs is the derivative itself, without a log_softmax before it.
  const Tensor p = leaf({6, 2, 3});
  const auto f = [](const Tensors& x) {
    return Tensors{
        ctc_loss(x[0], longs({1, 1, 2, 0}).reshape({2, 2}), {6, 4}, {2, 1}, 0, Reduction::None)};
  };
  CHECK(autograd::gradcheck(f, {p}));
  CHECK(autograd::gradgradcheck(f, {p}));
  const Tensor none = ctc_loss(p, longs({1, 2}), {0, 0}, {0, 2}, 0, Reduction::None);
  CHECK(values(none) == Numbers{0, std::numeric_limits<double>::infinity()});
  // Impossible targets get no gradient, and hand none on to others.
  Tensor q = reel::randn({2, 2, 3}, kFloat64).requires_grad_();
  ctc_loss(q, longs({1, 1, 2}), {2, 2}, {2, 1}, 0, Reduction::Sum).backward();
  CHECK(q.grad().select(1, 0).abs().max().item<double>() == 0);
  CHECK(q.grad().select(1, 1).abs().max().item<double>() > 0.1);
  CHECK(q.grad().isfinite().all().item<bool>());
}

TEST_CASE("ctc_loss: a long input in float32 keeps its digits") {
  manual_seed(9);
  const Tensor x = reel::randn({400, 4, 20});
  const Tensor targets = reel::randint(1, 20, {4, 40});
  const std::vector<std::int64_t> in{400, 400, 350, 300}, out{40, 30, 40, 20};
  const Tensor loss = ctc_loss(x.log_softmax(-1), targets, in, out, 0, Reduction::None);
  const Tensor exact =
      ctc_loss(x.to(kFloat64).log_softmax(-1), targets, in, out, 0, Reduction::None);
  CHECK(difference(loss.to(kFloat64), exact) < 2e-6);
}

TEST_CASE("activations: errors, and random slopes") {
  manual_seed(10);
  const Tensor x = reel::randn({4, 100}), i = reel::arange(4);
  CHECK_SAYS(ShapeError, glu(ones({2, 3})), "[glu] the size of dimension -1 must be even",
             "found 3");
  CHECK_SAYS(ShapeError, glu(reel::tensor(1.0)), "[glu]");
  CHECK_SAYS(Error, softshrink(x, -1), "[softshrink] lambd must not be negative, found -1");
  CHECK_SAYS(ShapeError, prelu(x, ones({3})), "[prelu] expected a weight of 1 or 100", "[3]");
  CHECK_SAYS(DtypeError, prelu(x, ones({1}, kFloat64)), "[prelu]", "float32", "float64");
  CHECK_SAYS(Error, rrelu(x, 0.5, 0.2), "[rrelu] lower must not exceed upper, found 0.5 and 0.2");
  CHECK_SAYS(DtypeError, hardswish(i), "[hardswish]", "Long");
  CHECK_SAYS(DtypeError, hardshrink(i), "[hardshrink]");
  CHECK_SAYS(DtypeError, softshrink(i), "[softshrink]");
  CHECK_SAYS(DtypeError, rrelu(i), "[rrelu]");
  const Tensor y = rrelu(x, 0.1, 0.3, true), slopes = (y / x).masked_select(x < 0);
  CHECK(slopes.min().item<double>() >= 0.1 - 1e-6);
  CHECK(slopes.max().item<double>() <= 0.3 + 1e-6);
  CHECK(slopes.mean().item<double>() == doctest::Approx(0.2).epsilon(0.1));
  CHECK(slopes.std().item<double>() > 0.03);
  CHECK(difference(y.masked_select(x > 0), x.masked_select(x > 0)) == 0);
  Tensor z = x.clone();
  rrelu_(z, 0.1, 0.3, true);
  CHECK(difference(z.masked_select(x > 0), x.masked_select(x > 0)) == 0);
  CHECK(difference(z, x) > 0.1);
}

TEST_CASE("sorting: stable in every form") {
  const Tensor x = reel::tensor({1, 0, 1, 0});
  CHECK(values(x.argsort(true, 0, true)) == Numbers{0, 2, 1, 3});
  CHECK(values(std::get<1>(x.sort(std::optional<bool>(), 0))) == Numbers{1, 3, 0, 2});
  CHECK(values(x.argsort(0)) == Numbers{1, 3, 0, 2});
}
