#include "loss.hpp"

#include <cmath>

#include "autograd/kernels.hpp"
#include "ops.hpp"
#include "reduced.hpp"
#include "row_math.hpp"
#include "view.hpp"

namespace reel {

using detail::reduced;

namespace {

// Class indices as contiguous int64, checked against C.
Tensor classes_of(const char* op, const Tensor& target, std::int64_t count,
                  std::int64_t ignore_index) {
  check<DtypeError>(target.scalar_type() == kInt64 || target.scalar_type() == kInt32 ||
                        target.scalar_type() == kUInt8,
                    "[", op, "] expected class indices of dtype int64, found ",
                    dtype_name(target.scalar_type()));
  const Tensor own = target.detach().to(kInt64).contiguous();
  // Who lent the memory may write other classes to it before backward.
  const Tensor classes = own.impl()->storage->owned() ? own : own.clone();
  const auto* p = classes.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < classes.numel(); ++i)
    check<IndexError>((p[i] >= 0 && p[i] < count) || p[i] == ignore_index, "[", op, "] target ",
                      p[i], " at position ", i, " is out of bounds for ", count, " classes");
  return classes;
}

// A class that was checked when the loss was computed; who holds a pointer to it may have written
// another one since.
std::int64_t checked_class(std::int64_t at, std::int64_t count) {
  check<IndexError>(at >= 0 && at < count, "[nll_loss] target ", at, " is out of bounds for ",
                    count, " classes: it was overwritten after the loss was computed");
  return at;
}

// x[i][target[i]] for x [N, C]; 0 where the target is ignored. Its adjoint is spread().
Tensor pick(const Tensor& x, const Tensor& classes, std::int64_t ignore_index);
Tensor spread(const Tensor& g, const Tensor& classes, std::int64_t count,
              std::int64_t ignore_index) {
  const Tensor dense = g.detach().contiguous();
  Tensor out = zeros({classes.numel(), count}, g.scalar_type());
  const auto* p = classes.data_ptr<std::int64_t>();
  dispatch_float("nll_loss", g.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < classes.numel(); ++i)
      if (p[i] != ignore_index)
        out.data_ptr<T>()[i * count + checked_class(p[i], count)] = dense.data_ptr<T>()[i];
  });
  if (needs_record(g))
    record("NllLossBackwardBackward0", {&g}, {&out},
           [classes = Saved(classes), ignore_index](Backward& pass) {
             pass.add(0, pick(pass.grad(), classes.value(pass), ignore_index));
           });
  return out;
}
Tensor pick(const Tensor& x, const Tensor& classes, std::int64_t ignore_index) {
  const Tensor dense = x.detach().contiguous();
  const std::int64_t count = x.size(1);
  Tensor out = empty({classes.numel()}, x.scalar_type());
  const auto* p = classes.data_ptr<std::int64_t>();
  dispatch_float("nll_loss", x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < classes.numel(); ++i)
      out.data_ptr<T>()[i] =
          p[i] == ignore_index ? T(0) : dense.data_ptr<T>()[i * count + checked_class(p[i], count)];
  });
  if (needs_record(x))
    record("NllLossBackward0", {&x}, {&out},
           [classes = Saved(classes), count, ignore_index](Backward& pass) {
             pass.add(0, spread(pass.grad(), classes.value(pass), count, ignore_index), true);
           });
  return out;
}

// The weight of each target's class, 0 where it is ignored.
Tensor target_weights(const Tensor& classes, const Tensor& weight, std::int64_t ignore_index,
                      ScalarType dtype) {
  const Tensor out = empty({classes.numel()}, dtype);
  const Tensor w = weight.defined() ? weight.detach().to(dtype).contiguous() : Tensor();
  const auto* p = classes.data_ptr<std::int64_t>();
  dispatch_float("nll_loss", dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < classes.numel(); ++i)
      out.data_ptr<T>()[i] = p[i] == ignore_index ? T(0)
                             : w.defined()        ? w.data_ptr<T>()[checked_class(p[i], w.numel())]
                                                  : T(1);
  });
  return out;
}

// Input as [N, C] rows, and the shape of the unreduced loss.
struct Rows {
  Tensor input;
  Dims shape;
};
Rows rows_of(const char* op, const Tensor& input) {
  check<ShapeError>(input.dim() >= 1, "[", op,
                    "] expected an input with a class dimension, found shape ", input.sizes());
  if (input.dim() == 1) return {input.unsqueeze(0), {}};
  Dims shape(input.sizes());
  const std::int64_t count = input.size(1);
  shape.erase(1);
  if (input.dim() == 2) return {input, shape};
  return {input.movedim({1}, {-1}).reshape({count_elements(shape), count}), shape};
}
void check_target(const char* op, const Tensor& input, const Tensor& target, const Dims& shape,
                  const Tensor& weight) {
  check<ShapeError>(target.sizes() == IntArrayRef(shape), "[", op, "] input of shape ",
                    input.sizes(), " expects a target of shape ", shape, ", found ",
                    target.sizes());
  const std::int64_t count = input.size(input.dim() == 1 ? 0 : 1);
  check<ShapeError>(!weight.defined() || (weight.dim() == 1 && weight.size(0) == count), "[", op,
                    "] weight should be defined for all ", count, " classes, found shape ",
                    weight.defined() ? weight.sizes() : IntArrayRef());
}

// Softmax and the loss in one pass over [N, C], and its gradient (softmax - onehot) g / n in one.
Tensor fused_cross_entropy(const Tensor& x, const Tensor& classes, std::int64_t reduction,
                           std::int64_t ignore_index) {
  const Tensor dense = x.detach().contiguous();
  const std::int64_t rows = x.size(0), count = x.size(1);
  const Tensor shares = empty({rows, 2}, x.scalar_type());  // largest, sum of e^(x - largest)
  Tensor out = empty({}, x.scalar_type());
  std::int64_t counted = 0;
  const auto* p = classes.data_ptr<std::int64_t>();
  dispatch_float("cross_entropy_loss", x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Tensor scratch = empty({count}, x.scalar_type());
    double total = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      const T* in = dense.data_ptr<T>() + i * count;
      const T top = row::max(in, count);
      const T sum = row::exp_minus(in, top, scratch.data_ptr<T>(), count);
      shares.data_ptr<T>()[2 * i] = top;
      shares.data_ptr<T>()[2 * i + 1] = sum;
      if (p[i] == ignore_index) continue;
      total += static_cast<double>(std::log(sum) + (top - in[p[i]]));
      ++counted;
    }
    *out.data_ptr<T>() =
        static_cast<T>(reduction == Reduction::Mean ? total / static_cast<double>(counted) : total);
  });
  if (needs_record(x))
    record("CrossEntropyBackward0", {&x}, {&out},
           [=, x = Saved(x), classes = Saved(classes)](Backward& pass) {
             const Tensor& target = classes.value(pass);
             const double scale =
                 reduction == Reduction::Mean ? 1.0 / static_cast<double>(counted) : 1.0;
             const Tensor input = x.get(pass);
             if (pass.recording()) {
               const Tensor keep =
                   target_weights(target, Tensor(), ignore_index, input.scalar_type()).unsqueeze(1);
               const Tensor one_hot =
                   spread(ones({rows}, input.scalar_type()), target, count, ignore_index);
               pass.add(0, (softmax(input, 1) - one_hot) * keep * (pass.grad() * scale));
               return;
             }
             const Tensor logits = input.contiguous();
             const Tensor g = empty({rows, count}, input.scalar_type());
             dispatch_float("cross_entropy_loss", input.scalar_type(), [&](auto tag) {
               using T = typename decltype(tag)::type;
               const T factor =
                   static_cast<T>(static_cast<double>(*pass.grad().template data_ptr<T>()) * scale);
               for (std::int64_t i = 0; i < rows; ++i) {
                 T* to = g.data_ptr<T>() + i * count;
                 if (target.data_ptr<std::int64_t>()[i] == ignore_index) {
                   std::fill(to, to + count, T(0));
                   continue;
                 }
                 const T* share = shares.data_ptr<T>() + 2 * i;
                 row::exp_minus(logits.data_ptr<T>() + i * count, share[0], to, count);
                 row::scale(to, factor / share[1], count);
                 to[checked_class(target.data_ptr<std::int64_t>()[i], count)] -= factor;
               }
             });
             pass.add(0, g, true);
           });
  return out;
}

}  // namespace

Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight,
                std::int64_t reduction, std::int64_t ignore_index) {
  const Rows rows = rows_of("nll_loss", input);
  check_target("nll_loss", input, target, rows.shape, weight);
  const Tensor classes =
      classes_of("nll_loss", target.reshape({-1}), rows.input.size(1), ignore_index);
  const Tensor weights = target_weights(classes, weight, ignore_index, input.scalar_type());
  const Tensor losses = -(pick(rows.input, classes, ignore_index) * weights);
  if (reduction == Reduction::None) return losses.reshape(rows.shape);
  return reduction == Reduction::Mean ? losses.sum() / weights.sum() : reduced(losses, reduction);
}

Tensor cross_entropy_loss(const Tensor& input, const Tensor& target, const Tensor& weight,
                          std::int64_t reduction, std::int64_t ignore_index,
                          double label_smoothing) {
  check(label_smoothing >= 0.0 && label_smoothing <= 1.0,
        "[cross_entropy_loss] label_smoothing must be between 0.0 and 1.0, found ",
        label_smoothing);
  const std::int64_t dim = input.dim() == 1 ? 0 : 1;
  if (target.is_floating_point()) {  // class probabilities
    check<ShapeError>(target.sizes() == input.sizes(),
                      "[cross_entropy_loss] class probabilities must have the input's shape ",
                      input.sizes(), ", found ", target.sizes());
    const double count = static_cast<double>(input.size(dim));
    Tensor weighted =
        log_softmax(input, dim) *
        (label_smoothing > 0 ? target * (1.0 - label_smoothing) + label_smoothing / count : target);
    if (weight.defined()) {
      Dims shape(static_cast<std::size_t>(input.dim()), 1);
      shape[static_cast<std::size_t>(dim)] = -1;
      weighted = weighted * weight.reshape(shape);
    }
    if (reduction == Reduction::None) return -weighted.sum(dim);
    if (reduction == Reduction::Sum) return -weighted.sum();
    return -weighted.sum() / (static_cast<double>(input.numel()) / count);
  }
  const Rows rows = rows_of("cross_entropy_loss", input);
  check_target("cross_entropy_loss", input, target, rows.shape, weight);
  const std::int64_t count = rows.input.size(1);
  const Tensor classes =
      classes_of("cross_entropy_loss", target.reshape({-1}), count, ignore_index);
  if (!weight.defined() && label_smoothing == 0.0 && reduction != Reduction::None &&
      rows.input.numel() != 0)
    return fused_cross_entropy(rows.input, classes, reduction, ignore_index);

  const Tensor log_probs = log_softmax(rows.input, 1);
  const Tensor weights = target_weights(classes, weight, ignore_index, input.scalar_type());
  Tensor losses = -(pick(log_probs, classes, ignore_index) * weights);
  if (label_smoothing > 0.0) {
    const Tensor keep = target_weights(classes, Tensor(), ignore_index, input.scalar_type());
    const Tensor smooth = -(weight.defined() ? log_probs * weight : log_probs).sum(1) * keep;
    losses =
        losses * (1.0 - label_smoothing) + smooth * (label_smoothing / static_cast<double>(count));
  }
  if (reduction == Reduction::None) return losses.reshape(rows.shape);
  return reduction == Reduction::Mean ? losses.sum() / weights.sum() : reduced(losses, reduction);
}

Tensor mse_loss(const Tensor& input, const Tensor& target, std::int64_t reduction) {
  if (input.sizes() != target.sizes())  // an error names this op and not the difference
    broadcast_shapes("mse_loss", input.sizes(), target.sizes());
  return reduced(square(input - target), reduction);
}

}  // namespace reel
