#!/usr/bin/env python3
"""Runs the benchmark programs and prints the tables of docs/performance.md, each under the command
that makes it.

    benchmarks/tables.py [--programs FOLDER] [--seconds S] [--results FOLDER] [--update] [TABLE...]

With --update they replace the tables in docs/performance.md too. With --results the programs' JSON
is kept there, and a table whose file is there already comes from it without running anything.
"""

import argparse
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
parser.add_argument("--programs", default="build/release/benchmarks")
parser.add_argument("--seconds", type=float, default=1.0, help="time for each case")
parser.add_argument("--results", help="folder for the programs' JSON")
parser.add_argument("--update", action="store_true", help="write docs/performance.md")
parser.add_argument("tables", nargs="*", metavar="TABLE")
args = parser.parse_args()


def run(name, program, options):
    """The program's JSON, from its file or from running it; and the command, for the reader."""
    folder = args.results or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name + ".json")
    command = [os.path.join(args.programs, program), *options.split()]
    if not os.path.exists(path):
        timed = [] if "--seconds" in options else ["--seconds", str(args.seconds)]
        subprocess.run([*command, *timed, "--json", path], check=True, stdout=sys.stderr)
    with open(path) as file:
        result = json.load(file)
    shown = " ".join(["build/release/benchmarks/" + program, *options.split()])
    return result, f"```sh\n{shown}\n```\n"


def table(head, rows):
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in [head, *rows]]
    lines.insert(1, "|" + " --- |" * len(head))
    return "\n".join(lines) + "\n"


def ratio(rival, of):
    return lambda row: f"{row['seconds'][rival]['median'] / row['seconds'][of]['median']:.2f}"


def spread(row, name, unit):
    t = row["seconds"][name]
    return f"{t['median'] / unit:.3g} ({t['low'] / unit:.3g}-{t['high'] / unit:.3g})"


def pivot(rows, across, value, label):
    """A line per label, a column per value of `across`."""
    columns = sorted({row[across] for row in rows})
    lines = {}
    for row in rows:
        lines.setdefault(label(row), {})[row[across]] = value(row)
    return table(["", *[f"{across[0].upper()}={c}" for c in columns]],
                 [[name, *[cells.get(c, "") for c in columns]] for name, cells in lines.items()])


def size(row):
    extra = ""
    if row["steps"] != 50:
        extra += f" T={row['steps']}"
    if row["layers"] != 1:
        extra += f" {row['layers']} layers"
    if row["directions"] != 1:
        extra += " both directions"
    return f"{row['cell'].upper()} H={row['hidden']}{extra}"


def means(result):
    return "".join(f"{name}: geometric mean {m['geometric_mean']:.2f}, least "
                   f"{m['least']:.2f}.\n" for name, m in result.get("ratios", {}).items())


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


# The grid, as options of one program after the other: the plain sizes of each cell, then longer and
# shorter sequences, two layers, and both directions.
GRID = [
    ("lstm", "--cell lstm --hidden 32,64,128,256,512 --batch 1,16,32,64"),
    ("gru", "--cell gru --hidden 32,64,128,256,512 --batch 1,16,64"),
    ("rnn", "--cell rnn --hidden 32,64,128,256,512 --batch 1,16,64"),
    ("large", "--cell lstm,gru,rnn --hidden 1024 --batch 1,16,64"),
    ("steps", "--cell lstm,gru,rnn --hidden 128 --batch 1,16,64 --steps 25,100"),
    ("layers", "--cell lstm,gru,rnn --hidden 128 --batch 1,16,64 --layers 2"),
    ("both", "--cell lstm,gru,rnn --hidden 128 --batch 1,16,64 --directions 2"),
]


def over_grid(program, rivals):
    text, ratios = "", {rival: [] for rival in rivals}
    for name, options in GRID:
        result, command = run(f"{program}_{name}", program, options)
        text += command + "\n"
        for rival in rivals:
            if rival not in result["rows"][0]["seconds"]:
                continue
            for row in result["rows"]:
                t = row["seconds"]
                ratios[rival].append(t[rival]["median"] / t["reel"]["median"])
            text += f"{rival} / reel:\n\n"
            text += pivot(result["rows"], "batch", ratio(rival, "reel"), size) + "\n"
    for rival, values in ratios.items():
        if values:
            text += (f"{rival} over the whole grid ({len(values)} sizes): geometric mean "
                     f"{geometric_mean(values):.2f}, least {min(values):.2f}.\n")
    return text


def char_lm():
    return over_grid("char_lm_step", ["libtorch"])


def module():
    return over_grid("recurrent_module", ["oneDNN", "libtorch"])


def inference():
    result, command = run("inference", "inference",
                          "--cell lstm --hidden 32,128,512 --batch 1,16,64")
    text = command + "\n"
    for rival in ["oneDNN", "libtorch"]:
        if rival in result["rows"][0]["seconds"]:
            text += f"{rival} / reel:\n\n"
            text += pivot(result["rows"], "batch", ratio(rival, "reel"), size) + "\n"
    return text + means(result)


def gemm_bound():
    result, command = run("gemm_bound", "gemm_bound",
                          "--hidden 128,256,512,1024 --batch 16,32,64")
    share = ratio("products", "step")
    speed = lambda row: f"{row['gflop'] / row['seconds']['products']['median']:.0f}"
    return (command + "\nproducts / step:\n\n" + pivot(result["rows"], "batch", share, size) +
            "\nGFLOP/s of the products alone:\n\n" + pivot(result["rows"], "batch", speed, size))


def streaming():
    result, command = run("streaming_step", "streaming_step", "--hidden 40,128,256,512")
    rows = []
    for row in result["rows"]:
        t = row["seconds"]
        times = [spread(row, name, 1e-6) if name in t else "" for name in
                 ["reel", "read weights", "oneDNN", "libtorch"]]
        over = t["reel"]["median"] / t["read weights"]["median"]
        rows.append([f"LSTM({row['hidden']})", *times, f"{over:.2f}"])
    return command + "\n" + table(
        ["µs", "reel", "reading the weights", "oneDNN", "libtorch", "reel / reading"], rows)


def optimizer():
    result, command = run("optimizer_step", "optimizer_step", "--parameters 10000000")
    rows = []
    for row in result["rows"]:
        t = row["seconds"]
        times = [spread(row, name, 1e-3) if name in t else "" for name in
                 ["reel", "memory", "libtorch"]]
        rows.append([row["optimizer"], row["bytes_per_parameter"], *times,
                     f"{t['reel']['median'] / t['memory']['median']:.2f}"])
    return command + "\n" + table(
        ["", "bytes / parameter", "reel ms", "memory ms", "libtorch ms", "reel / memory"], rows)


def user_cell():
    result, command = run("user_cell", "user_cell", "--hidden 32,128,512 --batch 1,16,64")
    text = command
    for name in result["ratios"]:
        text += f"\n{name} / nn::LSTM:\n\n" + pivot(
            result["rows"], "batch", ratio(name, "nn::LSTM"), lambda row: f"H={row['hidden']}")
    return text + "\n" + means(result)


def memory():
    result, command = run("step_memory", "step_memory", "--cell lstm,gru,rnn "
                          "--hidden 32,128,512 --batch 1,16,64")
    keys = ["reel_tensors_mb", "libtorch_tensors_mb", "reel_resident_mb", "libtorch_resident_mb"]
    rows = [[f"{size(row)} B={row['batch']}", *[f"{row[k]:.1f}" if k in row else "" for k in keys]]
            for row in result["rows"]]
    return command + "\n" + table(["MB", "reel: tensors", "libtorch: tensors", "reel: resident",
                                   "libtorch: resident"], rows)


def threads():
    result, command = run("thread_speedup", "thread_speedup",
                          "--cell lstm,gru,rnn --hidden 32,128,512,1024 --batch 1,16,64")
    return (command + "\n1 thread / 2 threads:\n\n" +
            pivot(result["rows"], "batch", ratio("1 thread", "2 threads"), size) +
            f"\nSame bits: {all(row['same_bits'] for row in result['rows'])}.\n")


def denormals():
    result, command = run("denormals", "denormals", "")
    names = list(result["rows"][0]["seconds"])
    return command + "\n" + table(["ms", *names], [
        [row["what"], *[spread(row, name, 1e-3) for name in names]] for row in result["rows"]])


def ops():
    result, command = run("ops", "op_cost", "--seconds 0.015 --large 65536")
    rows = result["rows"]
    sizes = sorted({row["elements"] for row in rows if row["what"] == "record"})
    found = {(row["op"], row["what"], row["elements"]): row["seconds"] for row in rows}

    def nanoseconds(op, elements, library):
        times = [found.get((op, what, elements)) for what in ("record", "backward")]
        return " + ".join(f"{t[library]['median'] * 1e9:.0f}" for t in times if t)

    shown = ["x + y", "x * x", "tanh", "gelu", "x < y", "sum", "sum last", "max with index last",
             "softmax last", "layer_norm", "matmul", "select", "cat last", "gather last"]
    libraries = list(rows[0]["seconds"])
    text = command + "\n" + table(
        ["record + backward, ns", *[f"{n}: {name}" for n in sizes for name in libraries]],
        [[op, *[nanoseconds(op, n, name) for n in sizes for name in libraries]] for op in shown])
    if "libtorch" not in libraries:
        return text
    families = []
    for family in dict.fromkeys(row["family"] for row in rows):
        cells = []
        for n in sorted({row["elements"] for row in rows if row["what"] == "forward"}):
            ratios = sorted((float(ratio("libtorch", "reel")(row)), row["op"]) for row in rows
                            if row["family"] == family and row["elements"] == n
                            and row["what"] == "forward")
            mean = geometric_mean([value for value, _ in ratios])
            least = ", ".join(f"{op} {value:.2f}" for value, op in ratios[:3])
            cells += [f"{len(ratios)}: {mean:.2f}", least]
        families.append([family, *cells])
    large = sorted({row["elements"] for row in rows if row["what"] == "forward"})
    heads = [head for n in large for head in (f"{n} elements, ops: ratio", "least")]
    return text + "\nRatio: libtorch's time over reel's, geometric mean.\n\n" + table(
        ["", *heads], families)


TABLES = {f.__name__: f for f in [char_lm, module, inference, gemm_bound, streaming, optimizer,
                                  user_cell, memory, threads, denormals, ops]}
document = pathlib.Path(__file__).resolve().parent.parent / "docs" / "performance.md"
for wanted in args.tables or TABLES:
    if wanted not in TABLES:
        sys.exit(f"no table {wanted}; there are {', '.join(TABLES)}")
    text = TABLES[wanted]().strip()
    print(f"## {wanted}\n\n{text}\n", flush=True)
    if args.update:
        old = document.read_text()
        new, found = re.subn(f"(?s)(<!-- table {wanted} -->\n).*?(<!-- end -->)",
                             lambda m: f"{m[1]}{text}\n{m[2]}", old)
        if not found:
            sys.exit(f"{document} has no place for the table {wanted}")
        document.write_text(new)
