// Random tensors, from default_generator(). `manual_seed(seed)` restarts it.
#pragma once

#include "../random.hpp"
#include "../tensor.hpp"

namespace reel {

/// Uniform in [0, 1).
Tensor rand(IntArrayRef sizes, const TensorOptions& options = {});
Tensor rand_like(const Tensor& t, const TensorOptions& options = {});
/// Normal with mean 0 and variance 1.
Tensor randn(IntArrayRef sizes, const TensorOptions& options = {});
Tensor randn_like(const Tensor& t, const TensorOptions& options = {});
/// Integers uniform in [low, high); int64 unless a dtype is given.
Tensor randint(std::int64_t high, IntArrayRef sizes, const TensorOptions& options = {});
Tensor randint(std::int64_t low, std::int64_t high, IntArrayRef sizes,
               const TensorOptions& options = {});
/// A random order of 0 ... n - 1, int64.
Tensor randperm(std::int64_t n, const TensorOptions& options = {});
/// `num_samples` indices per row of nonnegative weights [C] or [N, C], each with a probability
/// proportional to its weight; int64. Without replacement, indices are distinct.
Tensor multinomial(const Tensor& weights, std::int64_t num_samples, bool replacement = false);
/// 1 with probability p (elementwise), else 0.
Tensor bernoulli(const Tensor& p);

}  // namespace reel
