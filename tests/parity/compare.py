#!/usr/bin/env python3
"""Compares what two programs print: texts must be equal, numbers equal to within a tolerance.

Usage: compare.py EXPECTED FOUND [--tolerance T], each a text file or a program to run.
"""
import argparse
import math
import os
import subprocess
import sys


def lines_of(path):
    if os.access(path, os.X_OK):
        run = subprocess.run([path], stdout=subprocess.PIPE, check=False)
        if run.returncode != 0:
            sys.exit(f"{path} ended with {run.returncode}")
        return run.stdout.decode().splitlines()
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def by_program(path):
    """The lines of each program, which begin behind "== name"."""
    programs, lines = {}, []
    for line in lines_of(path):
        if line.startswith("== "):
            lines = programs.setdefault(line[3:], [])
        else:
            lines.append(line)
    return programs


def number(word):
    try:
        return float(word)
    except ValueError:
        return None


def difference(expected, found):
    """None where both are the same text, or libtorch cannot do it; else |expected - found| / max(1, |expected|)."""
    if expected == found or expected == "unsupported":
        return None
    a, b = number(expected), number(found)
    if a is None or b is None:
        return math.inf
    if math.isnan(a) and math.isnan(b) or a == b:
        return None
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    return abs(a - b) / max(1, abs(a))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("expected")
    parser.add_argument("found")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()

    expected, found = by_program(options.expected), by_program(options.found)
    numbers, failures = 0, []
    for program in sorted(expected.keys() | found.keys()):
        wanted, got_lines = expected.get(program, []), found.get(program, [])
        largest = 0.0
        for i in range(max(len(wanted), len(got_lines))):
            want = wanted[i].split(" ") if i < len(wanted) else ["<nothing>"]
            got = got_lines[i].split(" ") if i < len(got_lines) else ["<nothing>"]
            worst = math.inf if len(want) != len(got) else 0.0
            for a, b in zip(want, got):
                numbers += number(a) is not None
                worst = max(worst, difference(a, b) or 0.0)
            largest = max(largest, worst)
            if worst > options.tolerance:
                failures.append(
                    f"{program}, line {i + 1}, difference {worst:.3g}\n"
                    f"  expected {' '.join(want)[:300]}\n  found    {' '.join(got)[:300]}")
        print(f"{program:24} {len(wanted):4} lines, largest difference {largest:.2g}")
    print(f"{len(expected)} programs, {numbers} numbers, tolerance {options.tolerance:g}")
    if failures:
        print(f"{len(failures)} lines differ:\n" + "\n".join(failures[:20]))
        sys.exit(1)


if __name__ == "__main__":
    main()
