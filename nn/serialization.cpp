#include "serialization.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <sstream>
#include <unordered_map>

#include "autograd/ops/ops.hpp"
#include "autograd/tape.hpp"
#include "first_names.hpp"
#include "optim/optim.hpp"

namespace reel {

namespace {

using Dict = Part::Dict;
using Problems = std::vector<std::string>;

// ---- parts

Dict module_state(const nn::Module& module) { return module.state_dict().pairs(); }

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.sizes() == b.sizes() &&
         std::memcmp(a.contiguous().data_ptr(), b.contiguous().data_ptr(), a.nbytes()) == 0;
}

/// Where `left_out` is given, missing and unexpected names go there and are no problems. Where
/// `one_name_is_enough`, a name is not missing if `from` has its tensor under another.
std::function<void()> prepare_module_leaving(nn::Module& module, const Dict& from,
                                             Problems& problems, nn::IncompatibleKeys* left_out,
                                             bool one_name_is_enough) {
  const std::size_t before = problems.size();
  const auto targets = module.state_dict();
  const std::unordered_map<std::string, Tensor> given(from.begin(), from.end());
  std::vector<std::pair<Tensor, Tensor>> copies;
  // A tensor under several names (tied weights) must find the same values under each.
  files::FirstNames names, filled;
  if (one_name_is_enough)
    for (const auto& item : targets)
      if (given.count(item.key()) != 0) filled.find_or_add(item.key(), item.value());
  for (const auto& item : targets) {
    const std::string& name = item.key();
    const Tensor& target = item.value();
    const auto found = given.find(name);
    if (found == given.end()) {
      if (filled.contains(target)) continue;
      if (left_out != nullptr)
        left_out->missing_keys.push_back(name);
      else
        problems.push_back("missing " + name);
      continue;
    }
    const Tensor& value = found->second;
    if (value.sizes() != target.sizes()) {
      problems.push_back(
          detail::message(name, " has shape ", value.sizes(), ", expected ", target.sizes()));
      continue;
    }
    if (value.dtype() != target.dtype() &&
        !(value.is_floating_point() && target.is_floating_point())) {
      problems.push_back(detail::message(name, " is ", dtype_name(value.dtype()), ", expected ",
                                         dtype_name(target.dtype())));
      continue;
    }
    const std::string* first = names.find_or_add(name, target);
    if (first == nullptr)
      copies.emplace_back(target, value.to(target.dtype()));
    else if (!same_bytes(value, given.at(*first)))
      problems.push_back(detail::message(*first, " and ", name,
                                         " are one tensor in the module but differ in the file"));
  }
  for (const auto& item : from) {
    if (targets.contains(item.first)) continue;
    if (left_out != nullptr)
      left_out->unexpected_keys.push_back(item.first);
    else
      problems.push_back("unexpected " + item.first);
  }
  if (problems.size() != before) return nullptr;
  return [copies] {
    const NoGradGuard no_grad;
    for (const auto& [target, value] : copies) target.copy_(value);
  };
}

std::function<void()> prepare_module(nn::Module& module, const Dict& from, Problems& problems) {
  return prepare_module_leaving(module, from, problems, nullptr, false);
}

/// The two words of the state, by their bits.
Dict generator_state(const Generator& generator) {
  const Generator::State state = generator.state();
  return {{"seed", scalar_tensor(static_cast<std::int64_t>(state.seed), kInt64)},
          {"counter", scalar_tensor(static_cast<std::int64_t>(state.counter), kInt64)}};
}

std::function<void()> prepare_generator(Generator& generator, const Dict& from,
                                        Problems& problems) {
  const std::size_t before = problems.size();
  Generator::State state;
  std::map<std::string, std::uint64_t*> wanted{{"seed", &state.seed}, {"counter", &state.counter}};
  for (const auto& [name, value] : from) {
    const auto found = wanted.find(name);
    if (found == wanted.end()) {
      problems.push_back("unexpected " + name);
      continue;
    }
    if (value.dtype() == kInt64 && value.numel() == 1)
      *found->second = static_cast<std::uint64_t>(value.item<std::int64_t>());
    else
      problems.push_back(detail::message(name, " must be one int64, found ",
                                         dtype_name(value.dtype()), " of shape ", value.sizes()));
    wanted.erase(found);
  }
  for (const auto& item : wanted) problems.push_back("missing " + item.first);
  if (problems.size() != before) return nullptr;
  return [&generator, state] { generator.set_state(state); };
}

std::function<void()> prepare_optimizer(optim::Optimizer& optimizer, const Dict& from,
                                        Problems& problems) {
  return optimizer.prepare_load(from, problems);
}

std::function<void()> prepare_scheduler(optim::LRScheduler& scheduler, const Dict& from,
                                        Problems& problems) {
  return scheduler.prepare_load(from, problems);
}

/// The tensors of a part, without the part's name.
Dict section(const StateFile& file, const std::string& part) {
  Dict dict;
  const std::string prefix = part + ".";
  for (const auto& item : file.tensors)
    if (item.key().compare(0, prefix.size(), prefix) == 0)
      dict.emplace_back(item.key().substr(prefix.size()), item.value());
  return dict;
}

void refuse(const StateFile& file, const std::string& what, const Problems& problems) {
  if (problems.empty()) return;
  std::string text = "[load] " + file.source + ": " + what + ":";
  for (const auto& problem : problems) text += "\n  " + problem;
  throw FileError(text);
}

void check_kind(const StateFile& file, const char* kind) {
  check<FileError>(file.kind == kind, "[load] ", file.source, ": expected a file of kind '", kind,
                   "', found '", file.kind, "'",
                   file.kind == "checkpoint" ? "; StateFile::restore loads one part of it" : "");
}

template <class Thing>
using Prepare = std::function<void()> (*)(Thing&, const Dict&, Problems&);

template <class Thing>
auto bound(Prepare<Thing> prepare, Thing& thing) {
  return [prepare, &thing](const Dict& from, Problems& problems) {
    return prepare(thing, from, problems);
  };
}

/// Loads a file that holds nothing but `thing`.
template <class Thing>
void load_whole(const StateFile& file, const char* kind, Prepare<Thing> prepare, Thing& thing) {
  check_kind(file, kind);
  Problems problems;
  const auto commit = prepare(thing, file.tensors.pairs(), problems);
  refuse(file, std::string("it does not fit the ") + kind, problems);
  commit();
}

StateFile file_of(const char* kind, const Dict& dict) {
  StateFile file;
  file.kind = kind;
  for (const auto& [name, tensor] : dict) file.tensors.insert(name, tensor);
  return file;
}

}  // namespace

Part::Part(std::string name, nn::Module& module)
    : name_(std::move(name)), prepare_(bound(prepare_module, module)) {}
Part::Part(std::string name, optim::Optimizer& optimizer)
    : name_(std::move(name)), prepare_(bound(prepare_optimizer, optimizer)) {}
Part::Part(std::string name, optim::LRScheduler& scheduler)
    : name_(std::move(name)), prepare_(bound(prepare_scheduler, scheduler)) {}
Part::Part(std::string name, Generator& generator)
    : name_(std::move(name)), prepare_(bound(prepare_generator, generator)) {}

void StateFile::put_part(const std::string& part, const Dict& dict) {
  check(!part.empty() && part.find('.') == std::string::npos, "[StateFile::put] '", part,
        "' cannot name a part: a name must not be empty nor hold a dot");
  check(section(*this, part).empty(), "[StateFile::put] there is a part '", part, "' already");
  for (const auto& [name, tensor] : dict) tensors.insert(part + "." + name, tensor);
}
void StateFile::put(const std::string& part, const nn::Module& module) {
  put_part(part, module_state(module));
}
void StateFile::put(const std::string& part, const optim::Optimizer& optimizer) {
  put_part(part, optimizer.state_dict());
}
void StateFile::put(const std::string& part, const optim::LRScheduler& scheduler) {
  put_part(part, scheduler.state_dict());
}
void StateFile::put(const std::string& part, const Generator& generator) {
  put_part(part, generator_state(generator));
}

Part::Dict StateFile::get(const std::string& part) const {
  Dict dict = section(*this, part);
  check<FileError>(!dict.empty(), "[load] ", source, ": there is no part '", part, "'");
  return dict;
}

void StateFile::restore(const std::vector<Part>& parts) const {
  Problems problems;
  std::vector<std::function<void()>> commits;
  for (const auto& part : parts) {
    Problems here;
    commits.push_back(part.prepare_(section(*this, part.name_), here));
    for (const auto& problem : here) problems.push_back(part.name_ + ": " + problem);
  }
  refuse(*this, "its parts do not fit what is to be restored", problems);
  for (const auto& commit : commits) commit();
}

StateFile to_file(const Tensor& tensor) { return file_of("tensor", {{"tensor", tensor}}); }
StateFile to_file(const std::vector<Tensor>& tensors) {
  Dict dict;
  for (std::size_t i = 0; i < tensors.size(); ++i) dict.emplace_back(std::to_string(i), tensors[i]);
  return file_of("tensors", dict);
}
StateFile to_file(const OrderedDict<std::string, Tensor>& state_dict) {
  return file_of("module", state_dict.pairs());
}
StateFile to_file(const nn::Module& module) { return file_of("module", module_state(module)); }
StateFile to_file(const optim::Optimizer& optimizer) {
  return file_of("optimizer", optimizer.state_dict());
}
StateFile to_file(const optim::LRScheduler& scheduler) {
  return file_of("scheduler", scheduler.state_dict());
}
StateFile to_file(const Generator& generator) {
  return file_of("generator", generator_state(generator));
}

void from_file(const StateFile& file, Tensor& tensor) {
  check_kind(file, "tensor");
  const Tensor* found = file.tensors.find("tensor");
  check<FileError>(found != nullptr && file.tensors.size() == 1, "[load] ", file.source,
                   ": expected one tensor named 'tensor', found ", file.tensors.size(), " tensors");
  tensor = *found;
}
void from_file(const StateFile& file, std::vector<Tensor>& tensors) {
  check_kind(file, "tensors");
  std::vector<Tensor> found;
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const Tensor* tensor = file.tensors.find(std::to_string(i));
    check<FileError>(tensor != nullptr, "[load] ", file.source, ": expected tensors named 0 to ",
                     file.tensors.size() - 1, ", ", i, " is missing");
    found.push_back(*tensor);
  }
  tensors.insert(tensors.end(), found.begin(), found.end());
}
void from_file(const StateFile& file, OrderedDict<std::string, Tensor>& state_dict) {
  check_kind(file, "module");
  state_dict = file.tensors;
}
nn::IncompatibleKeys from_file(const StateFile& file, nn::Module& module, bool strict) {
  check_kind(file, "module");
  nn::IncompatibleKeys left_out;
  Problems problems;
  // Other writers of safetensors keep one name of a tied weight, and not where the rest went.
  const auto commit =
      prepare_module_leaving(module, file.tensors.pairs(), problems, strict ? nullptr : &left_out,
                             file.format == FileFormat::Safetensors);
  refuse(file, "it does not fit the module", problems);
  commit();
  return left_out;
}
void from_file(const StateFile& file, optim::Optimizer& optimizer) {
  load_whole(file, "optimizer", prepare_optimizer, optimizer);
}
void from_file(const StateFile& file, optim::LRScheduler& scheduler) {
  load_whole(file, "scheduler", prepare_scheduler, scheduler);
}
void from_file(const StateFile& file, Generator& generator) {
  load_whole(file, "generator", prepare_generator, generator);
}

namespace detail {

void refuse_null_module() { throw Error("[save/load] the pointer to the module is null"); }

}  // namespace detail
namespace detail {

void write_to(const SaveFunction& function, const StateFile& file) {
  std::ostringstream stream;
  file.write(stream);
  const std::string bytes = stream.str();
  function(bytes.data(), bytes.size());
}
StateFile read_from(const char* bytes, std::size_t size) {
  std::istringstream stream(std::string(bytes, size));
  return StateFile::read(stream);
}
StateFile read_from(const LoadFunction& function, const std::function<std::size_t()>& size) {
  std::string bytes(size(), '\0');
  const std::size_t got = function(0, bytes.data(), bytes.size());
  check<FileError>(got == bytes.size(), "[load] the reading function gave ", got, " bytes of ",
                   bytes.size());
  return read_from(bytes.data(), bytes.size());
}

}  // namespace detail

}  // namespace reel
