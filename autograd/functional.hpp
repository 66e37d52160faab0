// Whole derivatives of functions of tensors.
// https://pytorch.org/docs/stable/autograd.html#functional-higher-level-api
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "tape.hpp"

namespace reel::autograd {

using TensorMap = std::function<Tensor(const Tensor&)>;
using ListMap = std::function<variable_list(const variable_list&)>;
using ScalarOfList = std::function<Tensor(const variable_list&)>;

// In all of them `create_graph` keeps the results on the tape, so that they can be differentiated
// again by the inputs; without it results have no history. Where an output does not depend on an
// input its derivative is zero, or, with `strict`, AutogradError is thrown.

/// d func(x)_i / d x_j, of shape [func(x)'s..., x's...].
Tensor jacobian(const TensorMap& func, const Tensor& x, bool create_graph = false,
                bool strict = false);
/// [output][input] of those.
std::vector<variable_list> jacobian(const ListMap& func, const variable_list& inputs,
                                    bool create_graph = false, bool strict = false);

/// d2 func(x) / dx_i dx_j, of shape [x's..., x's...], for a func with one element. Throws
/// ShapeError for more.
Tensor hessian(const TensorMap& func, const Tensor& x, bool create_graph = false,
               bool strict = false);
/// [input][input] of those.
std::vector<variable_list> hessian(const ScalarOfList& func, const variable_list& inputs,
                                   bool create_graph = false, bool strict = false);

/// func(x), and v^T J; v has the shape of func(x), and may be left out where that is one element.
std::pair<Tensor, Tensor> vjp(const TensorMap& func, const Tensor& x, const Tensor& v = Tensor(),
                              bool create_graph = false, bool strict = false);
std::pair<variable_list, variable_list> vjp(const ListMap& func, const variable_list& inputs,
                                            const variable_list& v = {}, bool create_graph = false,
                                            bool strict = false);

/// func(x), and J v; v has the shape of x, and may be left out where that is one element.
std::pair<Tensor, Tensor> jvp(const TensorMap& func, const Tensor& x, const Tensor& v = Tensor(),
                              bool create_graph = false, bool strict = false);
std::pair<variable_list, variable_list> jvp(const ListMap& func, const variable_list& inputs,
                                            const variable_list& v = {}, bool create_graph = false,
                                            bool strict = false);

/// func(x) of one element, and its Hessian times v, which has the shape of x.
std::pair<Tensor, Tensor> hvp(const TensorMap& func, const Tensor& x, const Tensor& v = Tensor(),
                              bool create_graph = false, bool strict = false);
std::pair<Tensor, variable_list> hvp(const ScalarOfList& func, const variable_list& inputs,
                                     const variable_list& v = {}, bool create_graph = false,
                                     bool strict = false);

}  // namespace reel::autograd
