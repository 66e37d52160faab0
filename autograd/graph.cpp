#include "graph.hpp"

#include <algorithm>
#include <sstream>
#include <unordered_map>

#include "tape.hpp"

namespace reel::autograd {
namespace {

/// The nodes behind a tensor, newest first, and the leaves in the order in which they are met.
struct Graph {
  std::vector<Ref<Node>> nodes;
  std::vector<Tensor> leaves;
  std::unordered_map<const TensorImpl*, std::size_t> leaf_index;

  explicit Graph(const Edge& root) {
    std::unordered_set<const Node*> seen;
    const auto visit = [&](const Edge& edge) {
      if (edge.node && seen.insert(edge.node.get()).second) nodes.push_back(edge.node);
    };
    visit(root);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const Ref<Node> node = nodes[i];
      for (const Edge& edge : node->edges) visit(edge);
    }
    std::sort(nodes.begin(), nodes.end(),
              [](const Ref<Node>& a, const Ref<Node>& b) { return a->number > b->number; });
    add_leaf(root);
    for (const auto& node : nodes)
      for (const Edge& edge : node->edges) add_leaf(edge);
  }

 private:
  void add_leaf(const Edge& edge) {
    if (edge.leaf.defined() && leaf_index.try_emplace(edge.leaf.impl(), leaves.size()).second)
      leaves.push_back(edge.leaf);
  }
};

void write_shapes(std::ostream& out, const Node& node) {
  for (std::size_t i = 0; i < node.num_outputs(); ++i)
    out << (i == 0 ? "" : ", ") << node.outputs[i].sizes;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string graph_text(const Tensor& tensor) {
  const Graph graph(gradient_edge(tensor));
  std::ostringstream out;
  if (graph.nodes.empty())
    out << (tensor.requires_grad() ? "leaf0 " : "constant ") << tensor.sizes() << "\n";
  for (const auto& node : graph.nodes) {
    out << "#" << node->number << " " << node->name() << " ";
    write_shapes(out, *node);
    out << " <- ";
    for (std::size_t i = 0; i < node->num_inputs(); ++i) {
      const Edge& edge = node->edges[i];
      if (i > 0) out << ", ";
      if (edge.node) {
        out << "#" << edge.node->number;
        if (edge.node->num_outputs() > 1) out << "." << edge.nr;
      } else if (edge.leaf.defined()) {
        out << "leaf" << graph.leaf_index.at(edge.leaf.impl()) << " " << edge.leaf.sizes();
      } else {
        out << "constant";
      }
    }
    if (node->released) out << " (freed)";
    out << "\n";
  }
  return out.str();
}

std::string graph_dot(const Tensor& tensor) {
  const Graph graph(gradient_edge(tensor));
  std::ostringstream out;
  out << "digraph reel {\n  node [shape=box];\n";
  for (std::size_t i = 0; i < graph.leaves.size(); ++i)
    out << "  leaf" << i << " [shape=ellipse, label=\"leaf" << i << "\\n"
        << graph.leaves[i].sizes() << "\"];\n";
  for (const auto& node : graph.nodes) {
    out << "  n" << node->number << " [label=\"" << escaped(node->name()) << "\\n";
    write_shapes(out, *node);
    out << "\"];\n";
    for (const Edge& edge : node->edges) {
      if (edge.node)
        out << "  n" << edge.node->number;
      else if (edge.leaf.defined())
        out << "  leaf" << graph.leaf_index.at(edge.leaf.impl());
      else
        continue;
      out << " -> n" << node->number << ";\n";
    }
  }
  out << "}\n";
  return out.str();
}

}  // namespace reel::autograd
