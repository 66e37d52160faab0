#include "serialization.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <ostream>
#include <tuple>
#include <unordered_map>

#include "autograd/ops/ops.hpp"
#include "autograd/tape.hpp"
#include "json_file.hpp"
#include "json_reader.hpp"
#include "json_text.hpp"
#include "json_writer.hpp"
#include "optim/optim.hpp"

namespace reel {

namespace {

constexpr const char* kFormat = "reel";
constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMostDims = 64;

using Dict = Part::Dict;
using Problems = std::vector<std::string>;

// ---- writing

/// `text` as JSON; `what` is what a message calls it.
std::string quoted(const char* what, const std::string& text) {
  try {
    return json::quote(text);
  } catch (const json::Fault& fault) {
    throw FileError(detail::message("[save] ", what, " '", text, "' is ", fault.reason));
  }
}

void write_tensor(json::Writer& out, const std::string& name, const Tensor& tensor) {
  check<FileError>(tensor.defined(), "[save] tensor '", name, "' is undefined; leave it out");
  out.text(quoted("the tensor name", name) + ":{\"dtype\":\"" + dtype_name(tensor.dtype()) +
           "\",\"shape\":");
  out.numbers(tensor.sizes().data(), tensor.dim());
  out.text(",\"data\":");
  const Tensor flat = tensor.detach().contiguous();
  dispatch(flat.dtype(), [&](auto tag) {
    out.numbers(flat.data_ptr<typename decltype(tag)::type>(), flat.numel());
  });
  out.text("}");
}

void write_file(json::Writer& out, const StateFile& file) {
  out.text(detail::message("{\"format\":\"", kFormat, "\",\"format_version\":", kVersion,
                           ",\"kind\":", quoted("the kind", file.kind), ",\"metadata\":{"));
  const char* separator = "";
  for (const auto& [key, text] : file.metadata.values()) {
    out.text(separator + quoted("the metadata key", key) + ":" + text);
    separator = ",";
  }
  out.text("},\"tensors\":{");
  separator = "\n";
  for (const auto& item : file.tensors) {
    out.text(separator);
    write_tensor(out, item.key(), item.value());
    separator = ",\n";
  }
  out.text("\n}}\n");
  out.finish();
}

// ---- reading

Dims read_shape(json::Reader& in) {
  Dims shape;
  std::uint64_t count = 1;
  in.array([&] {
    const char* place = in.place();
    const std::int64_t size = in.integer();
    if (size < 0) in.fail(place, "expected a size of at least 0, found ", size);
    if (shape.size() == kMostDims) in.fail(place, "more than ", kMostDims, " dimensions");
    // Sizes of zero do not hide an absurd shape: strides are products too.
    if (__builtin_mul_overflow(count, std::max<std::uint64_t>(static_cast<std::uint64_t>(size), 1),
                               &count) ||
        count > std::uint64_t{1} << 60)
      in.fail(place, "the product of the sizes is out of range");
    shape.push_back(size);
  });
  return shape;
}

/// Reads the array at the reader's place. The memory is bounded by what is left of the text: a
/// number takes at least two bytes there, with its separator.
Tensor read_data(json::Reader& in, const char* shape_place, const Dims& shape, ScalarType dtype) {
  const std::int64_t count = count_elements(shape);
  if (static_cast<std::uint64_t>(count) > (in.left() + 1) / 2)
    in.fail(shape_place, "shape ", shape, " has ", count, " values, but only ", in.left(),
            " bytes follow: the file was cut off or the shape is wrong");
  Tensor tensor = empty(shape, TensorOptions(dtype));
  dispatch(dtype,
           [&](auto tag) { in.numbers(tensor.data_ptr<typename decltype(tag)::type>(), count); });
  return tensor;
}

Tensor read_tensor(json::Reader& in, const std::string& name) {
  const char* start = in.place();
  std::optional<ScalarType> dtype;
  std::optional<Dims> shape;
  Tensor tensor;
  const char* shape_place = nullptr;
  const char* data_place = nullptr;
  in.object([&](const std::string& key) {
    const char* place = in.place();
    if (key == "dtype") {
      const std::string text = in.string();
      try {
        dtype = dtype_from_name(text);
      } catch (const DtypeError&) {
        in.fail(place, "unknown dtype '", text, "' of tensor '", name, "'");
      }
    } else if (key == "shape") {
      shape_place = place;
      shape = read_shape(in);
    } else if (key == "data") {
      data_place = place;
      if (dtype && shape)
        tensor = read_data(in, shape_place, *shape, *dtype);
      else
        in.skip();
    } else {
      in.fail(place, "unknown key '", key, "' in tensor '", name,
              "'; expected dtype, shape and data");
    }
  });
  const char* end = in.place();
  for (const auto& [key, found] :
       {std::pair{"dtype", dtype.has_value()}, std::pair{"shape", shape.has_value()},
        std::pair{"data", data_place != nullptr}})
    if (!found) in.fail(start, "tensor '", name, "' has no ", key);
  if (!tensor.defined()) {
    in.return_to(data_place);
    tensor = read_data(in, shape_place, *shape, *dtype);
    in.return_to(end);
  }
  return tensor;
}

void read_metadata(json::Reader& in, Metadata& metadata) {
  in.object([&](const std::string& key) {
    const char* place = in.place();
    const std::string_view text = in.skip();
    try {
      json::check_value(text);
    } catch (const json::Fault& fault) {
      in.fail(place + fault.byte, "metadata '", key, "': ", fault.reason);
    }
    metadata.set_json(key, std::string(text));
  });
}

StateFile read_text(const std::string& text, const std::string& source) {
  json::Reader in(text, source);
  StateFile file;
  file.source = source;
  std::map<std::string, const char*> seen;
  in.object([&](const std::string& key) {
    const char* place = in.place();
    seen[key] = place;
    if (key == "format") {
      const std::string format = in.string();
      if (format != kFormat)
        in.fail(place, "unknown format '", format, "', expected '", kFormat, "'");
    } else if (key == "format_version") {
      const std::int64_t version = in.integer();
      if (version != kVersion)
        in.fail(place, "format_version is ", version, ", this reel reads ", kVersion,
                version > kVersion ? "; it was written by a newer reel" : "");
    } else if (key == "kind") {
      file.kind = in.string();
    } else if (key == "metadata") {
      read_metadata(in, file.metadata);
    } else if (key == "tensors") {
      in.object([&](const std::string& name) { file.tensors.insert(name, read_tensor(in, name)); });
    } else {
      in.fail(place, "unknown key '", key,
              "'; expected format, format_version, kind, metadata and tensors");
    }
  });
  in.finish();
  for (const char* key : {"format", "format_version", "kind", "tensors"})
    if (seen.count(key) == 0)
      in.fail(text.data(), "no key '", key, "': this is not a file that reel wrote");
  return file;
}

// ---- parts

Dict module_state(const nn::Module& module) { return module.state_dict().pairs(); }

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.sizes() == b.sizes() &&
         std::memcmp(a.contiguous().data_ptr(), b.contiguous().data_ptr(), a.nbytes()) == 0;
}

std::function<void()> prepare_module(nn::Module& module, const Dict& from, Problems& problems) {
  const std::size_t before = problems.size();
  const auto targets = module.state_dict();
  const std::unordered_map<std::string, Tensor> given(from.begin(), from.end());
  std::vector<std::pair<Tensor, Tensor>> copies;
  // A tensor under several names (tied weights) must find the same values under each.
  using Place = std::tuple<void*, std::vector<std::int64_t>, std::vector<std::int64_t>>;
  std::map<Place, std::string> names;
  for (const auto& item : targets) {
    const std::string& name = item.key();
    const Tensor& target = item.value();
    const auto found = given.find(name);
    if (found == given.end()) {
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
    const auto [first, is_new] =
        names.emplace(Place{target.data_ptr(), target.sizes().vec(), target.strides().vec()}, name);
    if (is_new || target.numel() == 0)
      copies.emplace_back(target, value.to(target.dtype()));
    else if (!same_bytes(value, given.at(first->second)))
      problems.push_back(detail::message(first->second, " and ", name,
                                         " are one tensor in the module but differ in the file"));
  }
  for (const auto& item : from)
    if (!targets.contains(item.first)) problems.push_back("unexpected " + item.first);
  if (problems.size() != before) return nullptr;
  return [copies] {
    const NoGradGuard no_grad;
    for (const auto& [target, value] : copies) target.copy_(value);
  };
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

void StateFile::write(const std::string& path) const {
  json::AtomicFile target(path);
  json::Writer out([&target](const char* text, std::size_t size) { target.write(text, size); });
  write_file(out, *this);
  target.commit();
}
void StateFile::write(std::ostream& stream) const {
  json::Writer out([&stream](const char* text, std::size_t size) {
    stream.write(text, static_cast<std::streamsize>(size));
    check<FileError>(static_cast<bool>(stream), "[save] <stream>: the stream refused the bytes");
  });
  write_file(out, *this);
  stream.flush();
  check<FileError>(static_cast<bool>(stream), "[save] <stream>: the stream refused the bytes");
}
StateFile StateFile::read(const std::string& path) {
  return read_text(json::read_file(path), path);
}
StateFile StateFile::read(std::istream& stream) {
  return read_text(json::read_stream(stream), "<stream>");
}

StateFile to_file(const Tensor& tensor) { return file_of("tensor", {{"tensor", tensor}}); }
StateFile to_file(const std::vector<Tensor>& tensors) {
  Dict dict;
  for (std::size_t i = 0; i < tensors.size(); ++i) dict.emplace_back(std::to_string(i), tensors[i]);
  return file_of("tensors", dict);
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
void from_file(const StateFile& file, nn::Module& module) {
  load_whole(file, "module", prepare_module, module);
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

}  // namespace reel
