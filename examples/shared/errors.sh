#!/bin/bash
# What the small programs say to arguments that make no sense: errors.sh FOLDER_OF_PROGRAMS TABLE.
programs=$(realpath "$1")
table=$(realpath "$2")
program=$programs/names
# shellcheck source=test.sh
. "$(dirname "$0")/test.sh"

# CLI11 has an exit code for each kind of mistake; all are above 100.
wrong() {
  local got=0
  "$program" "$@" >out 2>err </dev/null || got=$?
  [ "$got" -gt 100 ] && [ "$got" -lt 128 ] || fail "exit code $got: $program $*"
  [ -s out ] && fail "output beside an error: $program $*"
  grep -q -e "${1#--}" err || fail "no word of $1: $program $*"
}

for name in adding_problem copy_memory temporal_order names vanishing_gradient formula_cell \
  stream_filter own_cell; do
  program=$programs/$name
  expect 0 --help
  cp out help
  grep -q "Usage: $name " help || fail "the help of $name has no usage"
  wrong --no-such-option
  for option in hidden length batch steps every; do
    grep -q -e "--$option " help || continue
    wrong --$option 0
    wrong --$option -1
    wrong --$option many
    wrong --$option 99999999999999
  done
  for option in rate clip limit; do
    grep -q -e "--$option " help || continue
    wrong --$option -1
    wrong --$option nan
  done
done
for name in adding_problem copy_memory temporal_order; do
  program=$programs/$name
  wrong --cell transformer
  wrong --length 1
done
program=$programs/copy_memory
wrong --symbols 3x
# No option is taken and then ignored.
program=$programs/names
for option in cell length every; do wrong --$option 2; done
program=$programs/vanishing_gradient
for option in cell every limit; do wrong --$option 2; done
program=$programs/formula_cell
wrong --cell lstm

program=$programs/names
refuse 1 'cannot read the table of names ""' --steps 1
echo "train	0	x" >broken.tsv
refuse 1 'broken.tsv, line 1: expected train or test' --table broken.tsv
: >empty.tsv
refuse 1 'empty.tsv: expected names to train on' --table empty.tsv
expect 1 --table "$table" --steps 1 --hidden 2 --limit 0
program=$programs/vanishing_gradient
expect 1 --steps 1 --length 4 --hidden 2 --plot no/such/folder.svg
grep -q 'cannot write the plot to "no/such/folder.svg"' err || fail "no word of the plot"
program=$programs/stream_filter
expect 1 --steps 1 --hidden 2 --out no/such/folder.json
grep -q 'no/such/folder.json' err || fail "no word of the model's file"
echo "passed"
