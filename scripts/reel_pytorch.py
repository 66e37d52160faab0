"""state_dicts of PyTorch as files of reel (JSON) and as safetensors, and back, to the bit.

    import reel_pytorch as rp
    rp.save_json(model.state_dict(), "model.json")         # reel::load(model, "model.json")
    model.load_state_dict(rp.load_json("model.json"))      # reel::save(model, "model.json")

and likewise save_safetensors and load_safetensors. Needs nothing but torch.
"""
import base64
import json
import math
import struct

import torch

NAMES = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64",
         "int32": "I32", "uint8": "U8", "bool": "BOOL"}


def save_json(state, path, metadata={}):
    firsts = first_names(state)

    def tensor(name, t):
        if firsts[name] != name:
            return {"same_as": firsts[name]}
        values = (t.int() if t.dtype == torch.bool else t).flatten().tolist()
        return {"dtype": str(t.dtype)[6:], "shape": list(t.shape),
                "data": [v if math.isfinite(v) else str(v) for v in values]}
    version = 1 if all(name == first for name, first in firsts.items()) else 2
    file = {"format": "reel", "format_version": version, "kind": "module", "metadata": metadata,
            "tensors": {name: tensor(name, t) for name, t in state.items()}}
    with open(path, "w") as out:
        json.dump(file, out, separators=(",", ":"))


def load_json(path):
    def tensor(dtype, shape, data):
        dtype = getattr(torch, dtype)
        if isinstance(data, str):
            return from_bytes(base64.b64decode(data), dtype, shape)
        real = dtype.is_floating_point
        values = [float(v) if real else v for v in data]  # "nan", "inf" and "-inf" are words
        return torch.tensor(values, dtype=torch.float64 if real else torch.int64) \
            .to(dtype).reshape(shape)
    with open(path) as file:
        tensors = json.load(file, parse_int=integer)["tensors"]
    made = {name: tensor(**t) for name, t in tensors.items() if "same_as" not in t}
    return {name: made[t.get("same_as", name)] for name, t in tensors.items()}


def first_names(state):
    """Of each name the first one of the same tensor: its own, but for tied weights."""
    firsts = {}
    return {name: firsts.setdefault((t.data_ptr(), t.dtype, t.shape, t.stride()), name)
            if t.numel() else name for name, t in state.items()}


def integer(text):
    return -0.0 if text == "-0" else int(text)


def save_safetensors(state, path):
    header, parts, end = {}, [], 0
    firsts = first_names(state)
    # What the header's strings say of the file is no name: such a tensor has values of its own.
    marks = {"format": "reel", "format_version": "2", "kind": "module", "metadata": "{}"}
    firsts.update((name, name) for name in marks if name in firsts)
    once = {name: t for name, t in state.items() if firsts[name] == name}
    # Wide values first, so that all lie at multiples of their size.
    for name, t in sorted(once.items(), key=lambda item: -item[1].element_size()):
        parts.append(bytes(t.detach().flatten().contiguous().view(torch.uint8).tolist()))
        header[name] = {"dtype": NAMES[str(t.dtype)[6:]], "shape": list(t.shape),
                        "data_offsets": [end, end := end + len(parts[-1])]}
    seconds = {name: first for name, first in firsts.items() if first != name}
    text = json.dumps({**({"__metadata__": {**marks, **seconds}} if seconds else {}),
                       **{name: header[name] for name in once}}).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def load_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    dtypes = {short: getattr(torch, name) for name, short in NAMES.items()}
    strings = header.pop("__metadata__", {})
    made = {name: from_bytes(data[slice(*t["data_offsets"])], dtypes[t["dtype"]], t["shape"])
            for name, t in header.items()}
    # Only reel's files have names there; others have notes.
    return {**made, **{name: made[first] for name, first in strings.items()
                       if strings.get("format") == "reel" and first in made and name not in made}}


def from_bytes(data, dtype, shape):
    if not data:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)
