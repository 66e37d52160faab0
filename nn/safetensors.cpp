// Safetensors: eight bytes with the header's length, the header as JSON, the values.
// https://huggingface.co/docs/safetensors
#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "autograd/ops/creation.hpp"
#include "document.hpp"
#include "first_names.hpp"
#include "json_text.hpp"
#include "json_writer.hpp"

namespace reel {
namespace files {

namespace {

constexpr const char* kMetadataKey = "__metadata__";
constexpr const char* kProbePrefix = "__probe__.";
/// The other keys of reel's metadata are second names, as safetensors.torch.save_model writes them.
/// In a file by others they are nothing but metadata: what is a name there, no reader can know.
constexpr std::string_view kOwnKeys[] = {"format", "format_version", "kind", "metadata"};
bool is_own_key(const std::string& key) {
  return std::find(std::begin(kOwnKeys), std::end(kOwnKeys), key) != std::end(kOwnKeys);
}

/// The format's own bound.
constexpr std::uint64_t kLongestHeader = 100'000'000;

struct Name {
  const char* text;
  Stored stored;
};
const Name kNames[] = {{"F32", {kFloat32}},
                       {"F64", {kFloat64}},
                       {"I64", {kInt64}},
                       {"I32", {kInt32}},
                       {"U8", {kUInt8}},
                       {"BOOL", {kBool}},
                       {"F16", {kFloat32, StoredFloats::Float16}},
                       {"BF16", {kFloat32, StoredFloats::BFloat16}}};

const char* name_of(Stored stored) {
  for (const Name& name : kNames)
    if (name.stored.dtype == stored.dtype && name.stored.floats == stored.floats) return name.text;
  throw FileError("[save] safetensors has no such dtype");
}

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

// ---- reading

using NamedTexts = std::map<std::string, std::string>;

struct Entry {
  std::string name;
  std::uint64_t place = 0;  // in the file, of its description
  std::optional<Stored> stored;
  std::optional<Dims> shape;
  std::int64_t begin = -1;
  std::int64_t end = -1;
  Tensor values;
};

Entry read_entry(json::Reader& in, const std::string& name) {
  Entry entry;
  entry.name = name;
  entry.place = in.place();
  in.object([&](const std::string& key) {
    const std::uint64_t place = in.place();
    if (key == "dtype") {
      const std::string dtype = in.string();
      for (const Name& known : kNames)
        if (dtype == known.text) entry.stored = known.stored;
      if (!entry.stored)
        in.fail(place, "dtype '", dtype, "' of tensor '", name,
                "', which reel does not have; it reads F64, F32, F16, BF16, I64, I32, U8 and BOOL");
    } else if (key == "shape") {
      entry.shape = read_shape(in);
    } else if (key == "data_offsets") {
      std::vector<std::int64_t> offsets;
      in.array([&] {
        if (offsets.size() == 2) in.fail(place, "more than two data_offsets");
        offsets.push_back(in.integer());
      });
      if (offsets.size() != 2 || offsets[0] < 0 || offsets[1] < offsets[0])
        in.fail(place, "data_offsets of tensor '", name,
                "' must be two numbers, 0 <= begin <= end");
      entry.begin = offsets[0];
      entry.end = offsets[1];
    } else {
      in.fail(place, "unknown key '", key, "' in tensor '", name,
              "'; expected dtype, shape and data_offsets");
    }
  });
  for (const auto& [key, found] :
       {std::pair{"dtype", entry.stored.has_value()}, std::pair{"shape", entry.shape.has_value()},
        std::pair{"data_offsets", entry.begin >= 0}})
    if (!found) in.fail(entry.place, "tensor '", name, "' has no ", key);
  return entry;
}

/// What the header's strings mean: in reel's own files the parts of the document, elsewhere free
/// metadata. Returns the second names of tensors; those in `names` have values.
std::vector<SecondName> read_strings(json::Reader& in, const NamedTexts& texts, std::uint64_t place,
                                     const std::set<std::string>& names, StateFile& file,
                                     bool& ours) {
  const auto found = [&texts](const char* key) {
    const auto at = texts.find(key);
    return at == texts.end() ? std::string() : at->second;
  };
  ours = found("format") == kFormatWord;
  if (!ours) {
    for (const auto& [key, text] : texts) file.metadata.set(key, text);
    return {};
  }
  std::vector<SecondName> seconds;
  for (const auto& [key, text] : texts) {
    if (is_own_key(key)) continue;
    if (names.count(key) != 0)
      in.fail(place, "tensor '", key, "' is the same as '", text,
              "' and has values beside that; expected one or the other");
    seconds.push_back({key, text, place});
  }
  const std::string version = found("format_version");
  if (version != "1" && version != std::to_string(kNewestVersion))
    in.fail(place, "format_version is ", version.empty() ? "missing" : "'" + version + "'",
            ", this reel reads 1 to ", kNewestVersion);
  if (version == "1" && !seconds.empty())
    in.fail(place, "unknown key '", seconds.front().name, "' in the metadata of format_version 1");
  file.kind = found("kind");
  if (texts.count("metadata") == 0) return seconds;
  Input text(found("metadata"), in.name() + " (text of its metadata)");
  json::Reader free(text);
  free.object([&](const std::string& name) {
    file.metadata.set_json(name, free.value("metadata '" + name + "'"));
  });
  free.finish();
  return seconds;
}

/// Throws unless the entries, by their places, follow each other from 0 on without gap or overlap,
/// and end within `size` bytes.
void check_offsets(json::Reader& in, const std::vector<Entry*>& entries, std::uint64_t size) {
  std::int64_t filled = 0;
  for (const Entry* entry : entries) {
    const auto values = static_cast<std::uint64_t>(count_elements(*entry->shape));
    const auto fail = [&](const auto&... parts) {
      in.fail(entry->place, "data_offsets of tensor '", entry->name, "', ", entry->begin, " to ",
              entry->end, ", ", parts...);
    };
    if (static_cast<std::uint64_t>(entry->end) > size)
      fail("are out of range: only ", size, " bytes follow the header");
    const std::uint64_t expected = values * entry->stored->size();
    if (static_cast<std::uint64_t>(entry->end - entry->begin) != expected)
      fail("do not fit shape ", *entry->shape, " of ", entry->stored->name(), ", which takes ",
           expected, " bytes");
    if (entry->begin < filled) fail("overlap those before, which end at ", filled);
    if (entry->begin > filled) fail("leave a gap: those before end at ", filled);
    filled = entry->end;
  }
}

}  // namespace

StateFile read_safetensors(Input& in) {
  unsigned char length_bytes[8];
  in.read(reinterpret_cast<char*>(length_bytes), sizeof(length_bytes));
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | length_bytes[i];
  if (length > kLongestHeader)
    in.fail(0, "a header of ", length, " bytes; at most ", kLongestHeader, " are allowed");
  if (length > in.left())
    in.fail(0, "a header of ", length, " bytes, but only ", in.left(), " follow: it was cut off");

  const std::uint64_t header_place = in.place();
  Input header_text(in.take(length), in.name(), header_place);
  json::Reader header(header_text);
  StateFile file;
  std::vector<Entry> entries;
  NamedTexts texts;
  std::uint64_t texts_place = header_place;
  std::set<std::string> names;
  header.object([&](const std::string& name) { return names.insert(name).second; },
                [&](const std::string& name) {
                  if (name != kMetadataKey) return entries.push_back(read_entry(header, name));
                  texts_place = header.place();
                  header.object([&](const std::string& key) { texts[key] = header.string(); });
                });
  header.finish();
  names.erase(kMetadataKey);
  file.kind = "module";
  bool ours = false;
  const auto seconds = read_strings(header, texts, texts_place, names, file, ours);
  names.clear();

  std::vector<Entry*> order;
  for (Entry& entry : entries) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  check_offsets(header, order, in.left());

  for (Entry* entry : order) {
    const std::uint64_t place = in.place();
    entry->values = empty(*entry->shape, TensorOptions(entry->stored->dtype));
    const char* wrong = read_bytes(entry->values, *entry->stored,
                                   [&](char* into, std::size_t size) { in.read(into, size); });
    if (wrong != nullptr) in.fail(place, "tensor '", entry->name, "': ", wrong);
  }
  if (!in.at_end()) in.fail(in.place(), "expected the end of the file, found more");

  NamedTensors all{"Tensor"}, probe{"Tensor"};
  for (Entry& entry : entries) all.insert(std::move(entry.name), std::move(entry.values));
  entries = {};
  for (const SecondName& second : seconds) all.insert(second.name, Tensor());
  share(header, all, seconds);
  const auto of_probe = [ours](const auto& item) {
    return ours && starts_with(item.key(), kProbePrefix);
  };
  if (std::none_of(all.begin(), all.end(), of_probe)) {
    file.tensors = std::move(all);
  } else {
    for (const auto& item : all)
      if (of_probe(item))
        probe.insert(item.key().substr(std::string(kProbePrefix).size()), item.value());
      else
        file.tensors.insert(item.key(), item.value());
    const std::string wrong = probe_from(probe, file.probe);
    if (!wrong.empty()) in.fail(header_place, wrong);
  }
  return file;
}

void write_safetensors(const StateFile& file, const SaveOptions& options, const Sink& sink) {
  struct Item {
    std::string name;
    Tensor values;
    Stored stored;
    std::uint64_t begin = 0;
    std::uint64_t size() const {
      return static_cast<std::uint64_t>(values.numel()) * stored.size();
    }
  };
  std::vector<Item> items;
  FirstNames first_names;
  std::string seconds;
  const auto add = [&](const std::string& name, const Tensor& tensor, StoredFloats floats) {
    const std::string* first = first_names.find_or_add(name, tensor);
    // A name that is taken in the metadata gets values of its own.
    if (first != nullptr && !is_own_key(name)) {
      seconds += "," + quoted("the tensor name", name) + ":" + quoted("the tensor name", *first);
      return;
    }
    const Tensor values = saved_values(name, tensor);
    items.push_back({name, values, stored_as(values.dtype(), floats)});
  };
  for (const auto& entry : file.tensors) {
    check<FileError>(entry.key() != kMetadataKey && !starts_with(entry.key(), kProbePrefix),
                     "[save] safetensors keeps the name '", entry.key(),
                     "' for itself; rename the tensor");
    add(entry.key(), entry.value(), options.floats());
  }
  first_names = {};  // a probe keeps its own values: it is never shortened
  if (file.probe)
    for (const auto& entry : probe_tensors(*file.probe))
      add(kProbePrefix + entry.key(), entry.value(), StoredFloats::Full);

  // Large items first, so that each begins at a multiple of its values' size.
  std::vector<Item*> order;
  for (Item& item : items) order.push_back(&item);
  std::stable_sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
    return a->stored.size() > b->stored.size();
  });
  std::uint64_t filled = 0;
  for (Item* item : order) {
    item->begin = filled;
    filled += item->size();
  }

  std::string header = detail::message(
      "{\"", kMetadataKey, "\":{\"format\":\"", kFormatWord, "\",\"format_version\":\"",
      version_of(file), "\",\"kind\":", quoted("the kind", file.kind),
      ",\"metadata\":", quoted("the metadata", metadata_json(file.metadata)), seconds, "}");
  for (const Item& item : items) {
    header += "," + quoted("the tensor name", item.name) + ":{\"dtype\":\"" + name_of(item.stored) +
              "\",\"shape\":[";
    const char* separator = "";
    for (const std::int64_t size : item.values.sizes()) {
      header += separator + std::to_string(size);
      separator = ",";
    }
    header +=
        detail::message("],\"data_offsets\":[", item.begin, ",", item.begin + item.size(), "]}");
  }
  header += "}";
  // Spaces, so that the values begin at a multiple of eight.
  header.resize((header.size() + 7) / 8 * 8, ' ');
  check<FileError>(header.size() <= kLongestHeader, "[save] the header would have ", header.size(),
                   " bytes; safetensors allows ", kLongestHeader);
  char length[8];
  for (int i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  header.insert(0, length, sizeof(length));
  sink(header.data(), header.size());
  for (const Item* item : order) write_bytes(item->name, item->values, item->stored, sink);
}

}  // namespace files
}  // namespace reel
