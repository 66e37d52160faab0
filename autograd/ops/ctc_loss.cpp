// Connectionist temporal classification: the forward recursion of Graves et al. 2006 over all
// samples at once. Its gradient follows from the steps on the tape.
#include <algorithm>

#include "autograd/pointwise.hpp"
#include "elementwise.hpp"
#include "loss.hpp"
#include "ops.hpp"
#include "reduced.hpp"

namespace reel {
namespace {

// The logarithm of nothing: finite, so that differences stay numbers, and far below any sum of
// logarithms that occurs.
constexpr double kNever = -1e30;

using Lengths = std::vector<std::int64_t>;

Lengths checked_lengths(const char* what, IntArrayRef lengths, std::int64_t count,
                        std::int64_t most) {
  check<ShapeError>(static_cast<std::int64_t>(lengths.size()) == count, "[ctc_loss] expected ",
                    count, " ", what, ", one for each sample, found ", lengths.size());
  for (const auto n : lengths)
    check<IndexError>(n >= 0 && n <= most, "[ctc_loss] expected ", what, " from 0 to ", most,
                      ", found ", n);
  return lengths.vec();
}

// Each target with a blank before, between and behind its labels: [N, 2 S + 1] classes. `jumps` is
// 0 where a path may come from two places before, over the blank between two different labels, and
// kNever elsewhere.
struct Extended {
  Tensor classes, jumps;

  Extended(const Tensor& targets, const Lengths& lengths, std::int64_t longest, std::int64_t blank,
           std::int64_t count, ScalarType dtype) {
    const auto samples = static_cast<std::int64_t>(lengths.size()), width = 2 * longest + 1;
    const Tensor labels = targets.to(kInt64).contiguous();
    classes = full({samples, width}, blank, kInt64);
    const Tensor free = full({samples, width}, kNever, kFloat64);
    const auto* from = labels.data_ptr<std::int64_t>();
    for (std::int64_t n = 0; n < samples; ++n) {
      const std::int64_t length = lengths[static_cast<std::size_t>(n)];
      const auto* label = targets.dim() == 2 ? from + n * targets.size(1) : from;
      auto* to = classes.data_ptr<std::int64_t>() + n * width;
      auto* jump = free.data_ptr<double>() + n * width;
      for (std::int64_t s = 0; s < length; ++s) {
        check<IndexError>(label[s] >= 0 && label[s] < count, "[ctc_loss] label ", label[s],
                          " at position ", s, " of target ", n, " is out of bounds for ", count,
                          " classes");
        to[2 * s + 1] = label[s];
        if (s == 0 || label[s] != label[s - 1]) jump[2 * s + 1] = 0;
      }
      if (targets.dim() == 1) from += length;
    }
    jumps = free.to(dtype);
  }
};

// log(e^stay + e^step + e^(jump + allowed)) + log_prob. The shift by the largest has no gradient.
Tensor advance(const Tensor& stay, const Tensor& step, const Tensor& jump, const Tensor& allowed,
               const Tensor& log_prob) {
  return pointwise(
      "CtcLossBackward0",
      [](auto a, auto b, auto c, auto free, auto log_p) {
        const auto d = c + free;
        const auto m = trunc(maximum(maximum(a, b), d));
        return log(exp(a - m) + exp(b - m) + exp(d - m)) + m + log_p;
      },
      stay, step, jump, allowed, log_prob);
}

// -log of the probability of each target, [N].
Tensor losses(const Tensor& log_probs, const Extended& target, const Lengths& input_lengths,
              const Lengths& target_lengths) {
  const std::int64_t steps = log_probs.size(0), samples = log_probs.size(1),
                     width = target.classes.size(1);
  const TensorOptions options(log_probs.scalar_type());
  const Tensor emitted = gather(log_probs.clamp_min(kNever), 2,
                                target.classes.unsqueeze(0).expand({steps, samples, width}));
  // Two more places in front: every path begins in the second.
  const Tensor front = full({samples, 2}, kNever, options);
  Tensor state = full({samples, width + 2}, kNever, options);
  state.select(1, 1).zero_();
  const std::int64_t last = *std::max_element(input_lengths.begin(), input_lengths.end());
  std::vector<Tensor> ends(input_lengths.size());
  for (std::int64_t t = 0;; ++t) {
    for (std::size_t n = 0; n < ends.size(); ++n)
      if (input_lengths[n] == t) ends[n] = state.select(0, static_cast<std::int64_t>(n));
    if (t == last) break;
    const Tensor next = advance(state.narrow(1, 2, width), state.narrow(1, 1, width),
                                state.narrow(1, 0, width), target.jumps, emitted.select(0, t));
    state = cat({front, next}, 1);
  }
  const Tensor final_places = empty({samples, 2}, kInt64);
  for (std::size_t n = 0; n < ends.size(); ++n) {
    auto* place = final_places.data_ptr<std::int64_t>() + 2 * n;
    place[0] = 2 * target_lengths[n] + 2;
    place[1] = 2 * target_lengths[n] + 1;
  }
  const Tensor cost = -logsumexp(gather(stack(ends), 1, final_places), 1);
  return cost.masked_fill(cost.detach() > -kNever / 2, std::numeric_limits<double>::infinity());
}

}  // namespace

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, IntArrayRef input_lengths,
                IntArrayRef target_lengths, std::int64_t blank, std::int64_t reduction,
                bool zero_infinity) {
  detail::check_floating("ctc_loss", log_probs);
  check<DtypeError>(is_integral(targets.scalar_type(), false),
                    "[ctc_loss] expected targets of integers, found ",
                    dtype_name(targets.scalar_type()));
  check<ShapeError>(log_probs.dim() == 3 || (log_probs.dim() == 2 && targets.dim() == 1),
                    "[ctc_loss] expected log_probs [T, N, C], or [T, C] with a target [S]; found ",
                    log_probs.sizes(), " and ", targets.sizes());
  if (log_probs.dim() == 2) {
    const Tensor cost = ctc_loss(log_probs.unsqueeze(1), targets, input_lengths, target_lengths,
                                 blank, reduction, zero_infinity);
    return reduction == Reduction::None ? cost.squeeze(0) : cost;
  }
  const std::int64_t samples = log_probs.size(1), count = log_probs.size(2);
  check<ShapeError>(
      samples > 0 && (targets.dim() == 1 || targets.dim() == 2),
      "[ctc_loss] expected at least one sample, and targets [N, S] or in a row; found ",
      log_probs.sizes(), " and ", targets.sizes());
  check<IndexError>(blank >= 0 && blank < count, "[ctc_loss] blank ", blank,
                    " is out of bounds for ", count, " classes");
  const Lengths inputs =
      checked_lengths("input_lengths", input_lengths, samples, log_probs.size(0));
  const Lengths wanted =
      checked_lengths("target_lengths", target_lengths, samples, targets.size(-1));
  std::int64_t total = 0;
  for (const auto n : wanted) total += n;
  check<ShapeError>(targets.dim() == 2 ? targets.size(0) == samples : targets.size(0) == total,
                    "[ctc_loss] targets of shape ", targets.sizes(), " do not fit ", samples,
                    " samples with ", total, " labels in all");
  const Extended target(targets, wanted, *std::max_element(wanted.begin(), wanted.end()), blank,
                        count, log_probs.scalar_type());
  Tensor cost = losses(log_probs, target, inputs, wanted);
  if (zero_infinity)
    cost = cost.masked_fill(cost.detach() == std::numeric_limits<double>::infinity(), 0);
  if (reduction != Reduction::Mean) return detail::reduced(cost, reduction);
  const Tensor divisors = empty({samples}, kInt64);
  for (std::size_t n = 0; n < wanted.size(); ++n)
    divisors.data_ptr<std::int64_t>()[n] = std::max<std::int64_t>(wanted[n], 1);
  return (cost / divisors.to(cost.scalar_type())).mean();
}

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, std::int64_t blank, std::int64_t reduction,
                bool zero_infinity) {
  const auto listed = [](const Tensor& lengths) {
    check<DtypeError>(is_integral(lengths.scalar_type(), false),
                      "[ctc_loss] expected lengths of integers, found ",
                      dtype_name(lengths.scalar_type()));
    const Tensor flat = lengths.to(kInt64).reshape({-1}).contiguous();
    return Lengths(flat.data_ptr<std::int64_t>(), flat.data_ptr<std::int64_t>() + flat.numel());
  };
  return ctc_loss(log_probs, targets, listed(input_lengths), listed(target_lengths), blank,
                  reduction, zero_infinity);
}

}  // namespace reel
