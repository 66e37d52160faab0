#!/usr/bin/env python3
"""Holds docs/format.schema.json against files that reel wrote, and against faulty ones.

Exits with 77 (skipped) where the package jsonschema is not installed.
"""
import copy
import glob
import json
import os
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
with open(os.path.join(root, "docs/format.schema.json")) as f:
    schema = json.load(f)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)

paths = glob.glob(os.path.join(root, "tests/fixtures/format_v1/*.json"))
assert len(paths) >= 8, paths
for path in paths:
    with open(path) as f:
        validator.validate(json.load(f))

with open(os.path.join(root, "tests/fixtures/format_v2/tied.json")) as f:
    validator.validate(json.load(f))

good = {"format": "reel", "format_version": 1, "kind": "x", "tensors": {
    "t": {"dtype": "float32", "shape": [2], "data": [1, "nan"]}}}
validator.validate(good)
faults = [(["format"], "other"), (["format_version"], 3), (["kind"], None), (["more"], 1),
          (["probe"], {}), (["tensors", "t", "dtype"], "float8"), (["tensors", "t", "shape"], [-1]),
          (["tensors", "t", "shape"], [1.5]), (["tensors", "t", "data"], [1, "NaN"]),
          (["tensors", "t", "data"], "AAA"), (["tensors", "t", "data"], [True, 1]),
          (["tensors", "t"], {"dtype": "bool", "shape": [1], "data": [2]}),
          (["tensors", "t"], {"dtype": "int64", "shape": [1], "data": ["nan"]}),
          (["tensors", "t"], {"dtype": "int64", "shape": [1]}),
          (["tensors", "t"], {"same_as": "u"}), (["tensors", "t", "same_as"], "u"),
          (["probe"], {"output.0": {"same_as": "u"}})]
for path, value in faults:
    bad = copy.deepcopy(good)
    at = bad
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    assert not validator.is_valid(bad), (path, value)
print(f"{len(paths)} files fit the schema, {len(faults)} faults do not")
