#!/usr/bin/env python3
"""Measures what reel costs its users and fails when a limit is passed."""

import argparse
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

MB = 1e6


def check(what, found, limit, unit):
    print(f"{what}: {found:.2f} {unit} (limit {limit:g})")
    if found >= limit:
        sys.exit(f"{what} is over its limit")


# A file whose compile time tells how fast the machine is at the moment: no line of it is reel's.
YARDSTICK = """#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <random>
int main(int argc, char** argv) {
  std::map<std::string, std::function<double(double)>> table;
  std::mt19937_64 numbers(std::random_device{}());
  std::normal_distribution<double> normal;
  for (int i = 1; i < argc; ++i)
    table[argv[i]] = [shift = normal(numbers)](double x) { return x + shift; };
  std::vector<double> values;
  for (const auto& [name, function] : table) values.push_back(function(name.size()));
  std::sort(values.begin(), values.end());
  for (const double value : values) std::cout << value;
}
"""
YARDSTICK_SECONDS = 0.75  # on an otherwise idle machine, where the model takes 2.6


def compile_cost(args):
    """Processor time and peak memory. Neighbours on a machine slow a compiler down even in
    processor time, so the yardstick is compiled in turn and a slow one stretches the limit."""
    environment = dict(os.environ, CCACHE_DISABLE="1")
    with tempfile.TemporaryDirectory() as folder:
        yardstick = os.path.join(folder, "yardstick.cpp")
        pathlib.Path(yardstick).write_text(YARDSTICK)

        def compile_time(source):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([args.compiler, "-std=c++17", "-O2", "-c", source,
                            f"-I{args.include}", "-o", os.path.join(folder, "out.o")],
                           check=True, env=environment)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        times = [(compile_time(args.source), compile_time(yardstick)) for _ in range(3)]
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # the larger one's: ours
    found, slowness = min(times, key=lambda t: t[0] / max(t[1], YARDSTICK_SECONDS))
    print(f"yardstick: {slowness:.2f} s ({YARDSTICK_SECONDS:g} on an idle machine)")
    check("compile time", found, args.seconds * max(1, slowness / YARDSTICK_SECONDS), "s")
    check("peak memory", peak * 1024 / MB, args.megabytes, "MB")


def stripped_size(binary):
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, "stripped")
        subprocess.run(["strip", "-o", stripped, binary], check=True)
        return os.path.getsize(stripped) / MB


def program_size(args):
    check("stripped program", stripped_size(args.binary), args.megabytes, "MB")


def library_size(args):
    """A static library is linked into a shared one first; its objects are position independent."""
    library = pathlib.Path(args.library)
    with tempfile.TemporaryDirectory() as folder:
        if library.suffix == ".a":
            shared = os.path.join(folder, "libreel.so")
            subprocess.run([args.compiler, "-shared", "-o", shared, "-Wl,--no-undefined",
                            "-Wl,--whole-archive", library, "-Wl,--no-whole-archive",
                            *args.link, "-pthread"], check=True)
        else:
            shared = library
        check("stripped shared library", stripped_size(shared), args.megabytes, "MB")


def hidden(args):
    """No public header may drag a dependency's headers into a user's file."""
    source = "#include <reel/reel.hpp>\n"
    listed = subprocess.run([args.compiler, "-std=c++17", f"-I{args.include}",
                             "-M", "-x", "c++", "-"],
                            input=source, check=True, capture_output=True, text=True).stdout
    headers = listed.replace("\\\n", " ").split()
    if not any(name.endswith("nn/rnn.hpp") for name in headers):
        sys.exit("reel.hpp does not include nn/rnn.hpp: the list of headers is not what it was")
    seen = [name for name in headers
            if any(f"/{folder}/" in name for folder in args.folders)]
    if seen:
        sys.exit("reel.hpp includes headers of its dependencies:\n" + "\n".join(seen[:20]))
    print(f"reel.hpp includes {len(headers)} headers, none of {', '.join(args.folders)}")


def readme(args):
    """The README's model must be, to the letter, the one that is compiled and run here."""
    model = pathlib.Path(args.source).read_text().strip()
    blocks = re.findall(r"```cpp\n(.*?)```", pathlib.Path(args.readme).read_text(), re.DOTALL)
    if model not in [block.strip() for block in blocks]:
        sys.exit(f"no ```cpp block of {args.readme} is equal to {args.source}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("compile")
    command.add_argument("compiler")
    command.add_argument("source")
    command.add_argument("include")
    command.add_argument("--seconds", type=float, required=True)
    command.add_argument("--megabytes", type=float, required=True)
    command.set_defaults(run=compile_cost)

    command = commands.add_parser("program")
    command.add_argument("binary")
    command.add_argument("--megabytes", type=float, required=True)
    command.set_defaults(run=program_size)

    command = commands.add_parser("library")
    command.add_argument("library")
    command.add_argument("compiler")
    command.add_argument("link", nargs="*")
    command.add_argument("--megabytes", type=float, required=True)
    command.set_defaults(run=library_size)

    command = commands.add_parser("hidden")
    command.add_argument("compiler")
    command.add_argument("include")
    command.add_argument("folders", nargs="+")
    command.set_defaults(run=hidden)

    command = commands.add_parser("readme")
    command.add_argument("source")
    command.add_argument("readme")
    command.set_defaults(run=readme)

    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
