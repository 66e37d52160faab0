#include "archive.hpp"

#include <algorithm>

namespace reel {
namespace serialize {

void OutputArchive::write(const std::string& key, const Tensor& tensor, bool) {
  check(tensor.defined(), "[OutputArchive] '", key, "' is an undefined tensor");
  file_.tensors.insert(key, tensor.detach());
}

void OutputArchive::write(const std::string& key, const IValue& value) {
  if (value.isTensor()) return write(key, value.toTensor());
  check(!file_.metadata.contains(key), "[OutputArchive] there is a '", key, "' already");
  if (value.isBool())
    file_.metadata.set(key, value.toBool());
  else if (value.isInt())
    file_.metadata.set(key, value.toInt());
  else if (value.isDouble())
    file_.metadata.set(key, value.toDouble());
  else if (value.isString())
    file_.metadata.set(key, value.toStringRef());
  else
    throw Error(detail::message("[OutputArchive] '", key, "' is a ", value.tagKind(),
                                ", which an archive does not hold; write its elements"));
}

void OutputArchive::write(const std::string& key, const OutputArchive& nested) {
  for (const auto& item : nested.file_.tensors) write(key + "." + item.key(), item.value());
  for (const auto& [name, json] : nested.file_.metadata.values())
    file_.metadata.set_json(key + "." + name, json);
}

void OutputArchive::save_to(const std::string& path) const {
  StateFile file = file_;
  file.kind = "module";
  file.write(path);
}
void OutputArchive::save_to(std::ostream& stream) const {
  StateFile file = file_;
  file.kind = "module";
  file.write(stream);
}

void InputArchive::load_from(const std::string& path, Device) {
  file_ = std::make_shared<const StateFile>(StateFile::read(path));
  prefix_.clear();
}
void InputArchive::load_from(std::istream& stream, Device) {
  file_ = std::make_shared<const StateFile>(StateFile::read(stream));
  prefix_.clear();
}

const StateFile& InputArchive::file() const {
  check(file_ != nullptr, "[InputArchive] nothing was loaded; call load_from() first");
  return *file_;
}
void InputArchive::require(bool found, const std::string& key) const {
  check<FileError>(found, "[InputArchive] ", file().source, " has no '", prefix_, key, "' of that ",
                   "type");
}

bool InputArchive::try_read(const std::string& key, Tensor& tensor, bool) const {
  const Tensor* found = file().tensors.find(prefix_ + key);
  if (found != nullptr) tensor = found->clone();
  return found != nullptr;
}
void InputArchive::read(const std::string& key, Tensor& tensor, bool is_buffer) const {
  require(try_read(key, tensor, is_buffer), key);
}

bool InputArchive::try_read(const std::string& key, IValue& value) const {
  const Metadata& metadata = file().metadata;
  const std::string name = prefix_ + key;
  if (!metadata.contains(name)) {
    Tensor tensor;
    if (!try_read(key, tensor)) return false;
    value = IValue(tensor);
    return true;
  }
  const std::string& json = metadata.json(name);
  if (json == "true" || json == "false")
    value = IValue(json == "true");
  else if (json.front() == '"')
    value = IValue(metadata.get<std::string>(name));
  else if (json.find_first_of("{[n") == 0)
    return false;
  else if (json.find_first_of(".eE") == std::string::npos)
    value = IValue(metadata.get<std::int64_t>(name));
  else
    value = IValue(metadata.get<double>(name));
  return true;
}
void InputArchive::read(const std::string& key, IValue& value) const {
  require(try_read(key, value), key);
}

bool InputArchive::try_read(const std::string& key, InputArchive& nested) const {
  const std::string prefix = prefix_ + key + ".";
  const auto inside = [&](const std::string& name) {
    return name.compare(0, prefix.size(), prefix) == 0;
  };
  bool found = false;
  for (const auto& item : file().tensors) found = found || inside(item.key());
  for (const auto& item : file().metadata.values()) found = found || inside(item.first);
  if (found) {
    nested.file_ = file_;
    nested.prefix_ = prefix;
  }
  return found;
}
void InputArchive::read(const std::string& key, InputArchive& nested) const {
  require(try_read(key, nested), key);
}

std::vector<std::string> InputArchive::keys() const {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (name.compare(0, prefix_.size(), prefix_) != 0) return;
    const std::string rest = name.substr(prefix_.size()), first = rest.substr(0, rest.find('.'));
    if (std::find(names.begin(), names.end(), first) == names.end()) names.push_back(first);
  };
  for (const auto& item : file().tensors) add(item.key());
  for (const auto& item : file().metadata.values()) add(item.first);
  return names;
}

}  // namespace serialize
}  // namespace reel
