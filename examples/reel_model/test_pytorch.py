"""state_dicts from PyTorch to reel and back: test_pytorch.py REEL_MODEL FOLDER_OF_reel_pytorch.

What PyTorch wrote must give PyTorch's outputs in reel, and come back equal to the bit from every
format. Ends with 77, which ctest counts as skipped, where there is no torch.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
try:
    import torch
except ImportError:
    print("skipped: no torch in", sys.executable)
    sys.exit(77)

program = os.path.abspath(sys.argv[1])
sys.path.insert(0, sys.argv[2])
import reel_pytorch as rp  # noqa: E402


def reel(*arguments, **options):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True,
                          **options).stdout


def same(a, b):
    """To the bit, in the same order."""
    assert list(a) == list(b), (list(a), list(b))
    for name in a:
        assert a[name].dtype == b[name].dtype and a[name].shape == b[name].shape, name
        bits = [t.detach().flatten().contiguous().view(torch.uint8) for t in (a[name], b[name])]
        assert torch.equal(*bits), name


class Net(torch.nn.Module):
    def __init__(self, recurrent, layers):
        super().__init__()
        self.rec = recurrent(3, 8, layers)
        self.lin = torch.nn.Linear(8, 2)

    def forward(self, x):
        return self.lin(self.rec(x)[0])


def check_model(net):
    x = torch.randn(50, 3)
    expected = net(x)
    rows = "\n".join(" ".join(repr(v) for v in row) for row in x.tolist())
    state = net.state_dict()
    rp.save_json(state, "own.json")
    rp.save_safetensors(state, "own.safetensors")
    with open("bare.json", "w") as out:
        json.dump({name: t.tolist() for name, t in state.items()}, out)
    for source in ("own.json", "own.safetensors", "bare.json"):
        lines = reel("run", source, input=rows).splitlines()
        found = torch.tensor([[float(v) for v in line.split()] for line in lines])
        error = (found - expected).abs().max().item()
        assert found.shape == expected.shape and error < 1e-6, (source, error)
        for target in ("to.json", "to.json.gz", "to.cbor", "to.msgpack", "to.safetensors"):
            reel("convert", source, target)
            reel("convert", target, "back.json")
            reel("convert", target, "back.safetensors")
            reel("convert", "--base64", target, "short.json")
            same(state, rp.load_json("back.json"))
            same(state, rp.load_json("short.json"))
            same(state, rp.load_safetensors("back.safetensors"))
        reel("convert", "--to", "pytorch", source, "back.json")
        with open("back.json") as file:
            same(state, {name: torch.tensor(v) for name, v in json.load(file).items()})
        again = Net(type(net.rec), net.rec.num_layers)
        again.load_state_dict(rp.load_json("short.json"))
        assert torch.equal(again(x), expected)


def check_edges():
    """Every dtype, and values at the edges of them."""
    bits = torch.randint(-2**31, 2**31, (20000,), dtype=torch.int64).to(torch.int32)
    floats = torch.cat([bits, torch.tensor([0x15AE43FD, -0x6A51BC03], dtype=torch.int32)])
    floats = floats.view(torch.float32)
    floats = floats[~floats.isnan()]
    infinity = float("inf")
    state = {"floats": floats, "scalar": torch.tensor(-0.0), "none": torch.empty(0, 3),
             "doubles": torch.tensor([[5e-324, 1.7976931348623157e308], [-infinity, 0.1]],
                                     dtype=torch.float64),
             "longs": torch.tensor([2**63 - 1, -2**63, 2**53 + 1]),
             "ints": torch.tensor([2**31 - 1, -2**31], dtype=torch.int32),
             "bytes": torch.tensor([0, 255], dtype=torch.uint8),
             "bools": torch.tensor([True, False])}
    for save, load, name in ((rp.save_json, rp.load_json, "edges.json"),
                             (rp.save_safetensors, rp.load_safetensors, "edges.safetensors")):
        save(state, name)
        same(state, load(name))
        for target in ("to.json", "to.safetensors"):
            reel("convert", name, target)
            back = rp.load_json(target) if target == "to.json" else rp.load_safetensors(target)
            same(state, back)
            reel("diff", name, target)


class Tied(torch.nn.Module):
    """A weight under two names."""
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(5, 3)
        self.head = torch.nn.Linear(3, 5)
        self.head.weight = self.embedding.weight


def check_tied():
    state = Tied().state_dict()
    assert "head.weight" in state
    by_name = lambda d: {name: d[name] for name in sorted(d)}
    for save, load, name in ((rp.save_json, rp.load_json, "tied.json"),
                             (rp.save_safetensors, rp.load_safetensors, "tied.safetensors")):
        save(state, name)
        assert "the same as embedding.weight" in reel("inspect", name), name
        for target in (name, "to.json", "to.safetensors", "to.cbor"):
            if target != name:
                reel("convert", name, target)
            reel("diff", name, target)
            if target == "to.cbor":
                continue
            back = (rp.load_json if target.endswith(".json") else rp.load_safetensors)(target)
            same(by_name(state), by_name(back))
            assert back["head.weight"].data_ptr() == back["embedding.weight"].data_ptr()
            again = Tied()
            again.load_state_dict(back)
            assert again.head.weight is again.embedding.weight
            assert torch.equal(again.head.weight, state["head.weight"])
        reel("convert", "--to", "pytorch", name, "both.json")
        with open("both.json") as file:
            same(by_name(state), by_name({k: torch.tensor(v) for k, v in json.load(file).items()}))


def check_notes():
    """Strings of other writers are notes, even where they read like a second name."""
    header = {"__metadata__": {"format": "pt", "author": "w"},
              "w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}
    text = json.dumps(header).encode()
    with open("notes.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"\7")
    reel("convert", "notes.safetensors", "notes.json")
    for found in (rp.load_json("notes.json"), rp.load_safetensors("notes.safetensors")):
        same(found, {"w": torch.tensor([7], dtype=torch.uint8)})
    # A tied name that reel's own strings take.
    w = torch.ones(2)
    state = {"w": w, "kind": w, "x": w}
    rp.save_safetensors(state, "kind.safetensors")
    reel("convert", "kind.safetensors", "kind.json")
    for found in (rp.load_json("kind.json"), rp.load_safetensors("kind.safetensors")):
        same({name: found[name] for name in state}, state)


def check_unaligned():
    """What other writers of safetensors may do: values at no multiple of their size."""
    header = {"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
              "b": {"dtype": "F64", "shape": [2], "data_offsets": [1, 17]},
              "c": {"dtype": "F32", "shape": [], "data_offsets": [17, 21]}}
    text = json.dumps(header).encode()
    text += b" " * (1 - len(text) % 2)  # the header's length is odd
    with open("odd.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + struct.pack("<Bddf", 7, 0.1, -0.0, 2.5))
    reel("convert", "odd.safetensors", "odd.json")
    found = rp.load_json("odd.json")
    same(found, {"a": torch.tensor([7], dtype=torch.uint8),
                 "b": torch.tensor([0.1, -0.0], dtype=torch.float64), "c": torch.tensor(2.5)})


torch.manual_seed(1)
with tempfile.TemporaryDirectory() as folder, torch.no_grad():
    os.chdir(folder)
    check_model(Net(torch.nn.LSTM, 2))
    check_model(Net(torch.nn.GRU, 1))
    check_edges()
    check_tied()
    check_notes()
    check_unaligned()
    os.chdir("/")
print("passed")
