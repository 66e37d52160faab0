#include "functional.hpp"

#include "ops/ops.hpp"

namespace reel::autograd {
namespace {

// The inputs as func sees them: new leaves, or, so that results stay connected, views of the given.
variable_list fresh_inputs(const char* op, const variable_list& inputs, bool create_graph) {
  variable_list fresh;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    check<AutogradError>(inputs[i].defined() && inputs[i].is_floating_point(), "[", op, "] input ",
                         i, " must be a floating tensor to have a derivative");
    if (create_graph && inputs[i].requires_grad()) {
      fresh.push_back(inputs[i].expand(inputs[i].sizes()));
    } else {
      Tensor leaf = inputs[i].detach();
      leaf.requires_grad_();
      fresh.push_back(leaf);
    }
  }
  return fresh;
}

variable_list given(const variable_list& results, bool create_graph) {
  if (create_graph) return results;
  variable_list plain;
  for (const Tensor& t : results) plain.push_back(t.detach());
  return plain;
}

// `v` checked against `like`, or ones where it was left out and like is one element.
variable_list vectors(const char* op, const variable_list& v, const variable_list& like) {
  if (v.empty()) {
    check<ShapeError>(like.size() == 1 && like[0].numel() == 1, "[", op,
                      "] v may be left out for a single tensor of one element only");
    return {ones_like(like[0])};
  }
  check<ShapeError>(v.size() == like.size(), "[", op, "] ", v.size(), " tensors in v, expected ",
                    like.size());
  for (std::size_t i = 0; i < v.size(); ++i)
    check<ShapeError>(v[i].defined() && v[i].sizes() == like[i].sizes(), "[", op, "] v[", i,
                      "] has shape ", v[i].defined() ? v[i].sizes() : IntArrayRef(), ", expected ",
                      like[i].sizes());
  return v;
}

// autograd::grad where outputs may be constants; zeros, or an error, where nothing depends.
variable_list gradients(const char* op, const variable_list& outputs, const variable_list& inputs,
                        const variable_list& v, bool create_graph, bool strict) {
  variable_list ends, weights;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].requires_grad()) {
      check<AutogradError>(!strict, "[", op, "] output ", i,
                           " does not depend on the inputs, which strict forbids");
      continue;
    }
    ends.push_back(outputs[i]);
    weights.push_back(v[i]);
  }
  variable_list result = ends.empty() ? variable_list(inputs.size())
                                      : grad(ends, inputs, weights, true, create_graph, true);
  for (std::size_t i = 0; i < result.size(); ++i) {
    check<AutogradError>(result[i].defined() || !strict, "[", op,
                         "] the outputs do not depend on input ", i, ", which strict forbids");
    if (!result[i].defined()) result[i] = zeros_like(inputs[i]);
  }
  return result;
}

Tensor one_element(const char* op, const Tensor& out) {
  check<ShapeError>(out.numel() == 1, "[", op,
                    "] the function must return a single element, found shape ", out.sizes());
  return out.reshape({});
}

variable_list list_of(const Tensor& t) { return t.defined() ? variable_list{t} : variable_list{}; }
ListMap as_list(const TensorMap& func) {
  return [&func](const variable_list& x) { return variable_list{func(x[0])}; };
}
ScalarOfList as_scalar(const TensorMap& func) {
  return [&func](const variable_list& x) { return func(x[0]); };
}

}  // namespace

std::vector<variable_list> jacobian(const ListMap& func, const variable_list& inputs,
                                    bool create_graph, bool strict) {
  AutoGradMode on(true);
  const variable_list x = fresh_inputs("jacobian", inputs, create_graph);
  const variable_list outputs = func(x);
  std::vector<variable_list> result;
  for (const Tensor& out : outputs) {
    std::vector<variable_list> rows(x.size());  // per input, the gradient of each element of out
    const Tensor flat = out.reshape({-1});
    for (std::int64_t k = 0; k < out.numel(); ++k) {
      const variable_list g =
          gradients("jacobian", {flat[k]}, x, {ones({}, out.scalar_type())}, create_graph, strict);
      for (std::size_t i = 0; i < x.size(); ++i) rows[i].push_back(g[i]);
    }
    variable_list blocks;
    for (std::size_t i = 0; i < x.size(); ++i) {
      Dims shape(out.sizes());
      for (const std::int64_t n : x[i].sizes()) shape.push_back(n);
      blocks.push_back(rows[i].empty() ? zeros(shape, x[i].scalar_type())
                                       : stack(rows[i], 0).reshape(shape));
    }
    result.push_back(given(blocks, create_graph));
  }
  return result;
}
Tensor jacobian(const TensorMap& func, const Tensor& x, bool create_graph, bool strict) {
  return jacobian(as_list(func), variable_list{x}, create_graph, strict)[0][0];
}

std::vector<variable_list> hessian(const ScalarOfList& func, const variable_list& inputs,
                                   bool create_graph, bool strict) {
  const ListMap gradient = [&](const variable_list& x) {
    const Tensor out = one_element("hessian", func(x));
    return gradients("hessian", {out}, x, {ones_like(out)}, true, strict);
  };
  return jacobian(gradient, inputs, create_graph, strict);
}
Tensor hessian(const TensorMap& func, const Tensor& x, bool create_graph, bool strict) {
  return hessian(as_scalar(func), variable_list{x}, create_graph, strict)[0][0];
}

std::pair<variable_list, variable_list> vjp(const ListMap& func, const variable_list& inputs,
                                            const variable_list& v, bool create_graph,
                                            bool strict) {
  AutoGradMode on(true);
  const variable_list x = fresh_inputs("vjp", inputs, create_graph);
  const variable_list outputs = func(x);
  const variable_list result =
      gradients("vjp", outputs, x, vectors("vjp", v, outputs), create_graph, strict);
  return {given(outputs, create_graph), given(result, create_graph)};
}
std::pair<Tensor, Tensor> vjp(const TensorMap& func, const Tensor& x, const Tensor& v,
                              bool create_graph, bool strict) {
  const auto [out, result] = vjp(as_list(func), variable_list{x}, list_of(v), create_graph, strict);
  return {out[0], result[0]};
}

// u -> u^T J is linear, so that its own derivative by u, applied to v, is J v.
std::pair<variable_list, variable_list> jvp(const ListMap& func, const variable_list& inputs,
                                            const variable_list& v, bool create_graph,
                                            bool strict) {
  AutoGradMode on(true);
  const variable_list x = fresh_inputs("jvp", inputs, create_graph);
  const variable_list direction = vectors("jvp", v, x);
  const variable_list outputs = func(x);
  variable_list u;
  for (const Tensor& out : outputs) u.push_back(zeros_like(out).requires_grad_());
  const variable_list linear = gradients("jvp", outputs, x, u, true, strict);
  const variable_list result = gradients("jvp", linear, u, direction, create_graph, strict);
  return {given(outputs, create_graph), given(result, create_graph)};
}
std::pair<Tensor, Tensor> jvp(const TensorMap& func, const Tensor& x, const Tensor& v,
                              bool create_graph, bool strict) {
  const auto [out, result] = jvp(as_list(func), variable_list{x}, list_of(v), create_graph, strict);
  return {out[0], result[0]};
}

std::pair<Tensor, variable_list> hvp(const ScalarOfList& func, const variable_list& inputs,
                                     const variable_list& v, bool create_graph, bool strict) {
  AutoGradMode on(true);
  const variable_list x = fresh_inputs("hvp", inputs, create_graph);
  const variable_list direction = vectors("hvp", v, x);
  const Tensor out = func(x);
  const variable_list first =
      gradients("hvp", {one_element("hvp", out)}, x, {ones({}, out.scalar_type())}, true, strict);
  const variable_list result = gradients("hvp", first, x, direction, create_graph, strict);
  return {given({out}, create_graph)[0], given(result, create_graph)};
}
std::pair<Tensor, Tensor> hvp(const TensorMap& func, const Tensor& x, const Tensor& v,
                              bool create_graph, bool strict) {
  const auto [out, result] =
      hvp(as_scalar(func), variable_list{x}, list_of(v), create_graph, strict);
  return {out, result[0]};
}

}  // namespace reel::autograd
