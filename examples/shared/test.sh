# What the tests of the programs share; read by their test.sh, which has set `program`, a full path.
# Works in a folder of its own and removes it.
set -u
name=$(basename "$program")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

fail() {
  echo "FAILED: $*" >&2
  for file in out err; do [ -f "$file" ] && sed "s/^/  $file: /" "$file" >&2; done
  exit 1
}
# expect CODE ARGUMENTS...: runs the program; its output goes to the files out and err.
expect() {
  local wanted=$1 got=0
  shift
  "$program" "$@" >out 2>err </dev/null || got=$?
  [ "$got" = "$wanted" ] || fail "exit code $got instead of $wanted: $name $*"
}
# refuse CODE PATTERN ARGUMENTS...: the program ends with CODE and a message that has PATTERN, prints
# nothing else and leaves every file as it was.
refuse() {
  local code=$1 pattern=$2 before
  shift 2
  before=$(contents)
  expect "$code" "$@"
  grep -q -e "$pattern" err || fail "no \"$pattern\" in the message of: $name $*"
  [ -s out ] && fail "output beside an error: $name $*"
  [ "$before" = "$(contents)" ] || fail "files changed: $name $*"
}
contents() { find . -type f ! -name out ! -name err -exec cksum {} + | sort; }
same() { cmp "$1" "$2" || fail "$1 and $2 differ"; }
differ() { cmp -s "$1" "$2" && fail "$1 and $2 are the same"; return 0; }
