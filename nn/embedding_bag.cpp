#include "embedding_bag.hpp"

#include <ostream>
#include <vector>

#include "autograd/autograd.hpp"
#include "embedding_rows.hpp"
#include "embedding_table.hpp"

namespace reel {
namespace nn {

namespace functional {
namespace {

Tensor as_tensor(const std::vector<std::int64_t>& list) {
  const Tensor t = empty({static_cast<std::int64_t>(list.size())}, kInt64);
  std::copy(list.begin(), list.end(), t.data_ptr<std::int64_t>());
  return t;
}

Tensor integers(const char* what, const Tensor& t) {
  check<DtypeError>(is_integral(t.scalar_type(), false), "[embedding_bag] expected ", what,
                    " of int64, found ", dtype_name(t.scalar_type()),
                    "; convert them with .to(reel::kInt64)");
  return t.to(kInt64).contiguous();
}

// Where each bag begins, and behind the last the number of indices.
std::vector<std::int64_t> bounds_of(const Tensor& input, const Tensor& offsets, bool with_last) {
  const std::int64_t count = input.numel();
  std::vector<std::int64_t> bounds;
  if (input.dim() == 2) {
    check(!offsets.defined(),
          "[embedding_bag] offsets are for a vector of indices; the rows of indices of shape ",
          input.sizes(), " are the bags");
    for (std::int64_t b = 0; b <= input.size(0); ++b) bounds.push_back(b * input.size(1));
    return bounds;
  }
  check<ShapeError>(input.dim() == 1 && offsets.defined() && offsets.dim() == 1,
                    "[embedding_bag] expected indices [B, length], or a vector of indices with a ",
                    "vector of offsets; found indices of shape ", input.sizes());
  const Tensor starts = integers("offsets", offsets);
  const auto* first = starts.data_ptr<std::int64_t>();
  bounds.assign(first, first + starts.numel());
  if (!with_last) bounds.push_back(count);
  check<IndexError>(!bounds.empty() && bounds.front() == 0 && bounds.back() == count,
                    "[embedding_bag] the offsets must begin with 0",
                    with_last ? " and end with the number of indices, " : "; there are ", count,
                    with_last ? "" : " indices");
  for (std::size_t b = 1; b < bounds.size(); ++b)
    check<IndexError>(bounds[b] >= bounds[b - 1],
                      "[embedding_bag] the offsets must rise up to the ",
                      "number of indices, found ", bounds[b], " after ", bounds[b - 1]);
  return bounds;
}

// The row of the largest element of each column of each bag; `bags` lists the bag of each row.
Tensor largest_rows(const Tensor& rows, const std::vector<std::int64_t>& bags, std::int64_t count) {
  const Tensor dense = rows.detach().contiguous();
  const std::int64_t width = rows.size(1);
  const Tensor best = full({count, width}, -1, kInt64);
  dispatch_float("embedding_bag", rows.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* values = dense.data_ptr<T>();
    for (std::size_t r = 0; r < bags.size(); ++r) {
      const auto row = static_cast<std::int64_t>(r);
      auto* leader = best.data_ptr<std::int64_t>() + bags[r] * width;
      for (std::int64_t j = 0; j < width; ++j)
        if (leader[j] < 0 || values[row * width + j] > values[leader[j] * width + j])
          leader[j] = row;
    }
  });
  return best;
}

}  // namespace

Tensor embedding_bag(const Tensor& input, const Tensor& weight,
                     const EmbeddingBagFuncOptions& options) {
  check(!options.scale_grad_by_freq(),
        "[embedding_bag] scale_grad_by_freq is not supported; leave it false");
  check(!options.sparse(),
        "[embedding_bag] sparse gradients are not supported; leave sparse false");
  check<ShapeError>(weight.dim() == 2,
                    "[embedding_bag] expected a weight [rows, dim], found shape ", weight.sizes());
  const Tensor factors = options.per_sample_weights();
  const bool sums = std::holds_alternative<enumtype::kSum>(options.mode());
  check(!factors.defined() || sums, "[embedding_bag] per_sample_weights need the mode kSum, found ",
        enumtype::get_enum_name(options.mode()));
  check<ShapeError>(!factors.defined() || factors.sizes() == input.sizes(),
                    "[embedding_bag] per_sample_weights must have the shape of the indices ",
                    input.sizes(), ", found ", factors.defined() ? factors.sizes() : IntArrayRef());
  const Tensor indices = integers("indices", input);
  const auto bounds = bounds_of(input, options.offsets(), options.include_last_offset());
  const auto bags = static_cast<std::int64_t>(bounds.size()) - 1, table = weight.size(0);
  std::int64_t padding = options.padding_idx().value_or(-1);
  if (options.padding_idx()) {
    check<IndexError>(padding >= -table && padding < table,
                      "[embedding_bag] padding_idx must be within [", -table, ", ", table,
                      "), the range of the weight's rows; found ", padding);
    if (padding < 0) padding += table;
  }
  if (options.max_norm())
    renormalise_rows(weight, indices, *options.max_norm(), options.norm_type());

  // The entries that count, with the row and the bag of each.
  std::vector<std::int64_t> entries, row_of, bag_of;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(bags), 0);
  for (std::int64_t b = 0; b < bags; ++b)
    for (auto i = bounds[static_cast<std::size_t>(b)]; i < bounds[static_cast<std::size_t>(b) + 1];
         ++i) {
      const std::int64_t row = indices.data_ptr<std::int64_t>()[i];
      check<IndexError>(row >= 0 && row < table, "[embedding_bag] indices must be within [0, ",
                        table, "), found ", row);
      if (row == padding) continue;
      entries.push_back(i);
      row_of.push_back(row);
      bag_of.push_back(b);
      ++counts[static_cast<std::size_t>(b)];
    }
  Tensor rows = reel::embedding(weight, as_tensor(row_of));
  if (std::holds_alternative<enumtype::kMax>(options.mode())) {
    // Through an empty sum, so that the result has a place on the tape.
    if (rows.numel() == 0) return zeros({bags, weight.size(1)}, weight.scalar_type()) + rows.sum();
    const Tensor best = largest_rows(rows, bag_of, bags);
    return rows.gather(0, best.clamp_min(0)).masked_fill(best < 0, 0);
  }
  if (factors.defined())
    rows = rows * factors.reshape({-1}).index_select(0, as_tensor(entries)).unsqueeze(1);
  const Tensor sum =
      zeros({bags, weight.size(1)}, rows.scalar_type()).index_add(0, as_tensor(bag_of), rows);
  if (sums) return sum;
  return sum / as_tensor(counts).clamp_min(1).to(sum.scalar_type()).unsqueeze(1);
}

}  // namespace functional

EmbeddingBagImpl::EmbeddingBagImpl(const EmbeddingBagOptions& options_) : options(options_) {
  EmbeddingBagImpl::reset();
}

void EmbeddingBagImpl::reset() { detail::reset_table("EmbeddingBag", *this); }

void EmbeddingBagImpl::reset_parameters() { detail::fill_table(*this); }

void EmbeddingBagImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::EmbeddingBag(num_embeddings=" << options.num_embeddings()
         << ", embedding_dim=" << options.embedding_dim();
  if (options.max_norm()) stream << ", max_norm=" << *options.max_norm();
  if (options.norm_type() != 2.0) stream << ", norm_type=" << options.norm_type();
  if (!std::holds_alternative<enumtype::kMean>(options.mode()))
    stream << ", mode=" << enumtype::get_enum_name(options.mode());
  if (options.include_last_offset()) stream << ", include_last_offset=true";
  if (options.padding_idx()) stream << ", padding_idx=" << *options.padding_idx();
  stream << ")";
}

Tensor EmbeddingBagImpl::forward(const Tensor& input, const Tensor& offsets,
                                 const Tensor& per_sample_weights) {
  return functional::embedding_bag(input, weight,
                                   functional::EmbeddingBagFuncOptions()
                                       .offsets(offsets)
                                       .max_norm(options.max_norm())
                                       .norm_type(options.norm_type())
                                       .mode(options.mode())
                                       .per_sample_weights(per_sample_weights)
                                       .include_last_offset(options.include_last_offset())
                                       .padding_idx(options.padding_idx()));
}

EmbeddingBag EmbeddingBag::from_pretrained(const Tensor& embeddings,
                                           const EmbeddingBagFromPretrainedOptions& options) {
  check<ShapeError>(
      embeddings.dim() == 2,
      "[EmbeddingBag::from_pretrained] expected a 2-D tensor (rows, dim), found shape ",
      embeddings.sizes());
  EmbeddingBag result(EmbeddingBagOptions(embeddings.size(0), embeddings.size(1))
                          ._weight(embeddings)
                          .max_norm(options.max_norm())
                          .norm_type(options.norm_type())
                          .scale_grad_by_freq(options.scale_grad_by_freq())
                          .mode(options.mode())
                          .sparse(options.sparse())
                          .include_last_offset(options.include_last_offset())
                          .padding_idx(options.padding_idx()));
  result->weight.set_requires_grad(!options.freeze());
  return result;
}

}  // namespace nn
}  // namespace reel
