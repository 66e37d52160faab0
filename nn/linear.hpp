// Linear, Bilinear, Identity, Flatten.
#pragma once

#include <cstdint>
#include <iosfwd>

#include "cloneable.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

struct LinearOptions {
  LinearOptions(std::int64_t in_features, std::int64_t out_features)
      : in_features_(in_features), out_features_(out_features) {}
  REEL_ARG(std::int64_t, in_features);
  REEL_ARG(std::int64_t, out_features);
  REEL_ARG(bool, bias) = true;
};

/// y = x weight^T + bias; x [..., in], y [..., out], weight [out, in], bias [out].
/// Weight and bias start as U(-1/sqrt(in), 1/sqrt(in)). Throws ShapeError where x does not end in
/// `in`, or a size is negative.
/// https://pytorch.org/docs/stable/generated/torch.nn.Linear.html
class LinearImpl : public Cloneable<LinearImpl> {
 public:
  LinearImpl(std::int64_t in_features, std::int64_t out_features)
      : LinearImpl(LinearOptions(in_features, out_features)) {}
  explicit LinearImpl(const LinearOptions& options);
  void reset() override;
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);

  LinearOptions options;
  Tensor weight;
  Tensor bias;
};
REEL_MODULE(Linear);

struct BilinearOptions {
  BilinearOptions(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features)
      : in1_features_(in1_features), in2_features_(in2_features), out_features_(out_features) {}
  REEL_ARG(std::int64_t, in1_features);
  REEL_ARG(std::int64_t, in2_features);
  REEL_ARG(std::int64_t, out_features);
  REEL_ARG(bool, bias) = true;
};

/// y = x1^T weight x2 + bias; x1 [..., in1], x2 [..., in2], y [..., out], weight [out, in1, in2],
/// bias [out], which start as U(-1/sqrt(in1), 1/sqrt(in1)). Throws ShapeError.
/// https://pytorch.org/docs/stable/generated/torch.nn.Bilinear.html
class BilinearImpl : public Cloneable<BilinearImpl> {
 public:
  BilinearImpl(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features)
      : BilinearImpl(BilinearOptions(in1_features, in2_features, out_features)) {}
  explicit BilinearImpl(const BilinearOptions& options);
  void reset() override;
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input1, const Tensor& input2);

  BilinearOptions options;
  Tensor weight;
  Tensor bias;
};
REEL_MODULE(Bilinear);

/// Returns its input.
/// https://pytorch.org/docs/stable/generated/torch.nn.Identity.html
class IdentityImpl : public Cloneable<IdentityImpl> {
 public:
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input) { return input; }
};
REEL_MODULE(Identity);

struct FlattenOptions {
  REEL_ARG(std::int64_t, start_dim) = 1;
  REEL_ARG(std::int64_t, end_dim) = -1;
};

/// Joins the dimensions from start_dim to end_dim into one.
/// https://pytorch.org/docs/stable/generated/torch.nn.Flatten.html
class FlattenImpl : public Cloneable<FlattenImpl> {
 public:
  explicit FlattenImpl(const FlattenOptions& options_ = {}) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);

  FlattenOptions options;
};
REEL_MODULE(Flatten);

struct UnflattenOptions {
  UnflattenOptions(std::int64_t dim, std::vector<std::int64_t> sizes)
      : dim_(dim), sizes_(std::move(sizes)) {}
  REEL_ARG(std::int64_t, dim);
  /// One of them may be -1: what is left.
  REEL_ARG(std::vector<std::int64_t>, sizes);
};

/// Splits the dimension `dim` into dimensions of these sizes. Throws ShapeError where they do not
/// make up its size.
/// https://pytorch.org/docs/stable/generated/torch.nn.Unflatten.html
class UnflattenImpl : public Cloneable<UnflattenImpl> {
 public:
  UnflattenImpl(std::int64_t dim, std::vector<std::int64_t> sizes)
      : UnflattenImpl(UnflattenOptions(dim, std::move(sizes))) {}
  explicit UnflattenImpl(UnflattenOptions options_) : options(std::move(options_)) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);

  UnflattenOptions options;
};
REEL_MODULE(Unflatten);

}  // namespace nn
}  // namespace reel
