#include <algorithm>
#include <limits>

#include "autograd/ops/ops.hpp"
#include "base64.hpp"
#include "document.hpp"
#include "first_names.hpp"
#include "json_text.hpp"
#include "json_writer.hpp"

namespace reel {
namespace files {

std::string quoted(const char* what, const std::string& text) {
  try {
    return json::quote(text);
  } catch (const json::Fault& fault) {
    throw FileError(detail::message("[save] ", what, " '", text, "' is ", fault.reason));
  }
}

Tensor saved_values(const std::string& name, const Tensor& tensor) {
  check<FileError>(tensor.defined(), "[save] tensor '", name, "' is undefined; leave it out");
  return tensor.detach().contiguous();
}

std::int64_t version_of(const StateFile& file) {
  const auto has_second_names = [](const NamedTensors& tensors) {
    FirstNames names;
    return std::any_of(tensors.begin(), tensors.end(), [&names](const auto& item) {
      return names.find_or_add(item.key(), item.value()) != nullptr;
    });
  };
  const bool any = has_second_names(file.tensors) ||
                   (file.probe && has_second_names(probe_tensors(*file.probe)));
  return any ? 2 : 1;
}

std::string metadata_json(const Metadata& metadata) {
  std::string text = "{";
  const char* separator = "";
  for (const auto& [key, value] : metadata.values()) {
    text += separator + quoted("the metadata key", key) + ":" + value;
    separator = ",";
  }
  return text + "}";
}

namespace {

// ---- JSON

void write_base64(json::Writer& out, const std::string& name, const Tensor& values, Stored stored) {
  std::string waiting;  // fewer bytes than make whole groups of three
  std::string text;
  out.text("\"");
  write_bytes(name, values, stored, [&](const char* data, std::size_t size) {
    constexpr std::size_t kPiece = 3 << 14;
    while (size > 0) {
      const std::size_t now = std::min(size, kPiece - waiting.size());
      waiting.append(data, now);
      data += now;
      size -= now;
      if (waiting.size() < kPiece) continue;
      text.clear();
      encode_base64(waiting.data(), waiting.size(), text);
      out.text(text);
      waiting.clear();
    }
  });
  text.clear();
  encode_base64(waiting.data(), waiting.size(), text);
  out.text(text + "\"");
}

void write_tensor(json::Writer& out, const std::string& name, const Tensor& tensor,
                  const SaveOptions& options) {
  const Tensor values = saved_values(name, tensor);
  const Stored stored = stored_as(values.dtype(), options.floats());
  out.text(quoted("the tensor name", name) + ":{\"dtype\":\"" + stored.name() + "\",\"shape\":");
  out.numbers(values.sizes().data(), values.dim());
  out.text(",\"data\":");
  if (options.base64())
    write_base64(out, name, values, stored);
  else if (stored.is_short())
    out.short_floats(name, values, stored);
  else
    dispatch(values.dtype(), [&](auto tag) {
      out.numbers(values.data_ptr<typename decltype(tag)::type>(), values.numel());
    });
  out.text("}");
}

void write_tensors(json::Writer& out, const NamedTensors& tensors, const SaveOptions& options) {
  const char* separator = "{\n";
  FirstNames names;
  for (const auto& item : tensors) {
    out.text(separator);
    if (const std::string* first = names.find_or_add(item.key(), item.value()))
      out.text(quoted("the tensor name", item.key()) +
               ":{\"same_as\":" + quoted("the tensor name", *first) + "}");
    else
      write_tensor(out, item.key(), item.value(), options);
    separator = ",\n";
  }
  out.text(tensors.is_empty() ? "{\n}" : "\n}");
}

// ---- CBOR and MessagePack

class BinaryWriter {
 public:
  BinaryWriter(FileFormat format, const Sink& sink) : format_(format), sink_(sink) {}

  void map(std::uint64_t size) { head(5, size, {0x80, 15, 0, 0xde, 0xdf}); }
  void array(std::uint64_t size) { head(4, size, {0x90, 15, 0, 0xdc, 0xdd}); }
  void text(const char* what, const std::string& value) {
    quoted(what, value);
    head(3, value.size(), {0xa0, 31, 0xd9, 0xda, 0xdb});
    small_ += value;
  }
  /// At least 0: sizes and versions.
  void integer(std::uint64_t value) {
    if (format_ == FileFormat::Cbor) return cbor_head(0, value);
    if (value < 0x80) return put(value, 1);
    small_ += '\xcf';
    put(value, 8);
  }
  /// A value given as JSON.
  void json(const std::string& value) {
    small_ += format_ == FileFormat::Cbor ? json::to_cbor(value) : json::to_message_pack(value);
  }
  void bytes(std::uint64_t size) { head(2, size, {0, -1, 0xc4, 0xc5, 0xc6}); }
  void raw(const char* data, std::size_t size) {
    flush();
    sink_(data, size);
  }
  void flush() {
    if (!small_.empty()) sink_(small_.data(), small_.size());
    small_.clear();
  }

 private:
  /// MessagePack's first bytes for a length: one that holds it if it is at most `most`, then those
  /// before 1, 2 and 4 bytes of it; 0: there is none.
  struct Codes {
    int fixed, most, one, two, four;
  };

  void put(std::uint64_t value, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
      small_ += static_cast<char>(value >> shift & 0xff);
  }
  void cbor_head(int major, std::uint64_t value) {
    const int first = major << 5;
    if (value < 24) return put(static_cast<std::uint64_t>(first) + value, 1);
    int info = 24;
    while (info < 27 && value >> (8 << (info - 24)) != 0) ++info;
    put(static_cast<std::uint64_t>(first + info), 1);
    put(value, 1 << (info - 24));
  }
  void head(int major, std::uint64_t size, Codes codes) {
    if (format_ == FileFormat::Cbor) return cbor_head(major, size);
    if (codes.most >= 0 && size <= static_cast<std::uint64_t>(codes.most))
      return put(static_cast<std::uint64_t>(codes.fixed) + size, 1);
    check<FileError>(size <= std::numeric_limits<std::uint32_t>::max(), "[save] MessagePack has ",
                     "no room for ", size, " bytes or items in one piece; save as .cbor or ",
                     ".safetensors");
    const bool one = codes.one != 0 && size < 0x100, two = size < 0x10000;
    put(static_cast<std::uint64_t>(one ? codes.one : two ? codes.two : codes.four), 1);
    put(size, one ? 1 : two ? 2 : 4);
  }

  FileFormat format_;
  const Sink& sink_;
  std::string small_;  // what waits for the sink
};

void write_tensors(BinaryWriter& out, const NamedTensors& tensors, const SaveOptions& options) {
  out.map(tensors.size());
  FirstNames names;
  for (const auto& item : tensors) {
    if (const std::string* first = names.find_or_add(item.key(), item.value())) {
      out.text("the tensor name", item.key());
      out.map(1);
      out.text("a key", "same_as");
      out.text("the tensor name", *first);
      continue;
    }
    const Tensor values = saved_values(item.key(), item.value());
    const Stored stored = stored_as(values.dtype(), options.floats());
    out.text("the tensor name", item.key());
    out.map(3);
    out.text("a key", "dtype");
    out.text("a dtype", stored.name());
    out.text("a key", "shape");
    out.array(values.sizes().size());
    for (const std::int64_t size : values.sizes()) out.integer(static_cast<std::uint64_t>(size));
    out.text("a key", "data");
    out.bytes(static_cast<std::uint64_t>(values.numel()) * stored.size());
    write_bytes(item.key(), values, stored,
                [&out](const char* data, std::size_t size) { out.raw(data, size); });
  }
}

}  // namespace

void write_json(const StateFile& file, const SaveOptions& options, const Sink& sink) {
  json::Writer out(sink);
  out.text(detail::message(
      "{\"format\":\"", kFormatWord, "\",\"format_version\":", version_of(file),
      ",\"kind\":", quoted("the kind", file.kind), ",\"metadata\":", metadata_json(file.metadata)));
  if (file.probe) {
    out.text(",\"probe\":");
    // A probe is compared with what the model computes: it is never shortened.
    write_tensors(out, probe_tensors(*file.probe), SaveOptions().base64(options.base64()));
  }
  out.text(",\"tensors\":");
  write_tensors(out, file.tensors, options);
  out.text("}\n");
  out.finish();
}

void write_binary(const StateFile& file, FileFormat format, const SaveOptions& options,
                  const Sink& sink) {
  BinaryWriter out(format, sink);
  out.map(file.probe ? 6 : 5);
  out.text("a key", "format");
  out.text("the format", kFormatWord);
  out.text("a key", "format_version");
  out.integer(static_cast<std::uint64_t>(version_of(file)));
  out.text("a key", "kind");
  out.text("the kind", file.kind);
  out.text("a key", "metadata");
  out.map(file.metadata.values().size());
  for (const auto& [key, value] : file.metadata.values()) {
    out.text("the metadata key", key);
    out.json(value);
  }
  if (file.probe) {
    out.text("a key", "probe");
    write_tensors(out, probe_tensors(*file.probe), SaveOptions());
  }
  out.text("a key", "tensors");
  write_tensors(out, file.tensors, options);
  out.flush();
}

}  // namespace files
}  // namespace reel
