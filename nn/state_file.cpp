#include "state_file.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "document.hpp"

namespace reel {

namespace {

struct FormatName {
  FileFormat format;
  const char* name;
};
// A longer extension before one that it ends with.
constexpr FormatName kFormats[] = {{FileFormat::JsonGz, "json.gz"},
                                   {FileFormat::Json, "json"},
                                   {FileFormat::Cbor, "cbor"},
                                   {FileFormat::MessagePack, "msgpack"},
                                   {FileFormat::Safetensors, "safetensors"}};

void write_as(FileFormat format, const StateFile& file, const SaveOptions& options,
              const files::Sink& sink) {
  const bool json = format == FileFormat::Json || format == FileFormat::JsonGz;
  check<FileError>(json || !options.base64(), "[save] base64 is for JSON; ", format_name(format),
                   " keeps bytes as they are");
  if (json)
    files::write_json(file, options, sink);
  else if (format == FileFormat::Safetensors)
    files::write_safetensors(file, options, sink);
  else
    files::write_binary(file, format, options, sink);
}

FileFormat chosen(FileFormat asked, FileFormat suggested) {
  if (asked != FileFormat::Automatic) return asked;
  return suggested != FileFormat::Automatic ? suggested : FileFormat::Json;
}

StateFile read_from(files::Input in, const LoadOptions& options) {
  StateFile file = files::read_document(in);
  file.rename(options.rename(), options.rename_prefix());
  return file;
}

}  // namespace

const char* format_name(FileFormat format) {
  for (const FormatName& known : kFormats)
    if (known.format == format) return known.name;
  return "automatic";
}

FileFormat format_of_path(const std::string& path) {
  std::string lower = path;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const FormatName& known : kFormats) {
    const std::string extension = std::string(".") + known.name;
    if (lower.size() >= extension.size() &&
        lower.compare(lower.size() - extension.size(), extension.size(), extension) == 0)
      return known.format;
  }
  return FileFormat::Automatic;
}

void StateFile::rename(const LoadOptions::Names& names, const LoadOptions::Prefixes& prefixes) {
  if (names.empty() && prefixes.empty()) return;
  for (const auto& [from, to] : names)
    check<FileError>(tensors.contains(from), "[load] ", source, ": no tensor '", from,
                     "' to be renamed to '", to, "'");
  OrderedDict<std::string, Tensor> renamed{"Tensor"};
  std::map<std::string, std::string> old_names;
  for (const auto& item : tensors) {
    std::string name = item.key();
    const auto whole = names.find(name);
    const auto prefix = std::find_if(prefixes.begin(), prefixes.end(), [&name](const auto& rule) {
      return name.compare(0, rule.first.size(), rule.first) == 0;
    });
    if (whole != names.end())
      name = whole->second;
    else if (prefix != prefixes.end())
      name = prefix->second + name.substr(prefix->first.size());
    const auto [other, is_new] = old_names.emplace(name, item.key());
    check<FileError>(is_new, "[load] ", source, ": tensors '", other->second, "' and '", item.key(),
                     "' would both be named '", name, "'");
    renamed.insert(name, item.value());
  }
  tensors = std::move(renamed);
}

void StateFile::write(const std::string& path, const SaveOptions& options) const {
  const FileFormat form = chosen(options.format(), format_of_path(path));
  files::write_whole(path, form == FileFormat::JsonGz, options.sync(),
                     [&](const files::Sink& sink) { write_as(form, *this, options, sink); });
}
void StateFile::write(std::ostream& stream, const SaveOptions& options) const {
  const FileFormat form = chosen(options.format(), FileFormat::Automatic);
  files::write_whole(stream, form == FileFormat::JsonGz,
                     [&](const files::Sink& sink) { write_as(form, *this, options, sink); });
}
StateFile StateFile::read(const std::string& path, const LoadOptions& options) {
  return read_from(files::open_input(path, options), options);
}
StateFile StateFile::read(std::istream& stream, const LoadOptions& options) {
  return read_from(files::open_input(stream, options), options);
}

}  // namespace reel
