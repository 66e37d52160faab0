#!/bin/bash
# Tests of reel-model as a user runs it: test.sh PROGRAM FIXTURES CASE.
# Cases: inspect, convert, tied, diff, check, run, errors. Works in a folder of its own and removes it.
program=$(realpath "$1")
models=$(realpath "$2")
case=$3
# shellcheck source=../shared/test.sh
. "$(dirname "$0")/../shared/test.sh"

says() { grep -q -e "$1" out || fail "no \"$1\" in the output"; }
quiet() { [ -s err ] && fail "remarks where none are due"; return 0; }

own="json json.gz cbor msgpack safetensors"

case $case in
  inspect)
    expect 0 inspect "$models/lstm.nam"
    quiet
    for line in 'layout  *nam' 'size  *6060 bytes' "LSTM(2, 4, num_layers=2) 'rec', with a start" \
      'sample_rate: 48000' 'rec.weight_ih_l0  float32  \[16, 2\]  *32  -0.4277 to 0.4348' \
      '12 tensors, 309 values, 1236 bytes in memory'; do
      says "$line"
    done
    expect 0 inspect "$models/rtneural_gru.json"
    says "Linear(4, 5) 'layer1', then relu"
    says 'plus the first 1 feature of the input'
    expect 0 inspect "$models/pytorch_lstm.json"
    says "LSTM(6, 4, num_layers=2) 'net.second'"
    # Not a model that reel can run, but a file of tensors all the same.
    echo '{"conv.weight":[[[1,2.5]]],"a\u001b[31mb":[0]}' >other.json
    expect 0 inspect other.json
    says 'conv.weight  *float32  \[1, 1, 2\]  *2  1 to 2.5'
    grep -q "$(printf '\033')" out && fail "a control character reached the terminal"
    ;;

  convert)
    for model in guitarml_lstm.json pytorch_lstm.json rtneural_gru.json lstm.nam; do
      for format in $own; do
        expect 0 convert "$models/$model" "to.$format"
        quiet
        says "(reel, as $format)"
        expect 0 convert "to.$format" back.json
        expect 0 diff "$models/$model" back.json
        expect 0 diff --tolerance 0 "to.$format" "$models/$model"
        expect 0 check "to.$format"
        # The extension is only a default.
        expect 0 convert --to "$format" "$models/$model" plain
        expect 0 diff plain "to.$format"
      done
    done
    # Each layout to itself, and an LSTM with a linear layer to all.
    for pair in guitarml:guitarml_gru.json pytorch:pytorch_lstm.json rtneural:rtneural_lstm.json \
      nam:lstm.nam; do
      expect 0 convert --to "${pair%:*}" "$models/${pair#*:}" same.json
      says "(${pair%:*})"
      expect 0 diff same.json "$models/${pair#*:}"
    done
    printf '%s' '{"in_shape":[1],"layers":[{"type":"lstm","activation":"","shape":[1],"weights":[[[1,2,3,4]],[[0.5,0.25,-1,2]],[0,1,0.5,-0.5]]},{"type":"dense","activation":"","shape":[1],"weights":[[[0.75]],[0.125]]}]}' >tiny.json
    printf '0.5\n-1\n\n0.25\n2\n' >input
    "$program" run tiny.json input >expected || fail "cannot run tiny.json"
    [ "$(wc -l <expected)" = 4 ] || fail "4 rows expected"
    for first in guitarml rtneural nam pytorch json; do
      for second in guitarml rtneural nam pytorch cbor; do
        expect 0 convert --to $first tiny.json one
        expect 0 convert --to $second one two
        expect 0 run two input
        cmp out expected || fail "$first to $second changes the outputs"
      done
    done
    expect 0 convert tiny.json TINY.NAM
    says '(nam)'
    # Half the size, and the values rounded.
    expect 0 convert --floats float16 "$models/lstm.nam" half.safetensors
    expect 1 diff half.safetensors "$models/lstm.nam"
    expect 0 diff --tolerance 0.001 half.safetensors "$models/lstm.nam"
    expect 0 convert --base64 "$models/lstm.nam" base64.json
    expect 0 diff base64.json "$models/lstm.nam"
    # What has no place is named, and left out when asked.
    refuse 3 "start.*not zero" convert --to rtneural "$models/lstm.nam" cold.json
    expect 0 convert --to rtneural --drop-start-state "$models/lstm.nam" cold.json
    refuse 3 "names and values alone" convert --to pytorch "$models/guitarml_lstm.json" bare.json
    expect 0 convert --to pytorch --weights-only "$models/guitarml_lstm.json" bare.json
    expect 0 diff bare.json "$models/guitarml_lstm.json"
    expect 0 convert --to pytorch "$models/lstm.nam" bare.json
    grep -q "left out: sample_rate" err || fail "no remark on lost metadata"
    expect 0 convert bare.json warm.nam
    expect 0 diff --tolerance 1e-7 warm.nam "$models/lstm.nam"
    ;;

  tied)
    # One weight under two names goes through every format as one; PyTorch's has it twice.
    printf '%s' '{"format":"reel","format_version":2,"kind":"module","tensors":{"in.weight":{"dtype":"float32","shape":[2,2],"data":[1,2,3,-0.0]},"out.weight":{"same_as":"in.weight"}}}' >tied.json
    for format in $own; do
      expect 0 convert tied.json "to.$format"
      quiet
      expect 0 inspect "to.$format"
      says 'in.weight  *float32  \[2, 2\]  *4  -\?0 to 3'
      says 'out.weight  *float32  \[2, 2\]  *4  the same as in.weight'
      says '2 tensors, 4 values, 16 bytes in memory'
      expect 0 check "to.$format"
      expect 0 diff tied.json "to.$format"
      expect 0 convert "to.$format" back.json
      grep -q '"out.weight":{"same_as":"in.weight"}' back.json || fail "the tie is lost in $format"
    done
    expect 0 convert --to pytorch tied.json both.json
    grep -q '"out.weight":\[\[1,2\],\[3,-0.0\]\]' both.json || fail "out.weight has no values"
    expect 0 diff both.json tied.json
    # A tie that has come apart differs in one of the two.
    sed 's/"out.weight":\[\[1,/"out.weight":[[7,/' both.json >apart.json
    expect 1 diff tied.json apart.json
    says 'in.weight  *0  *0 of 4'
    says 'out.weight  *6  *1 of 4'
    sed 's/same_as":"in/same_as":"out/' tied.json >self.json
    sed 's/same_as":"in/same_as":"no/' tied.json >missing.json
    for command in inspect check; do
      refuse 3 "self.json: byte [0-9]*: tensor 'out.weight' is the same as 'out.weight'" $command self.json
      refuse 3 "missing.json: byte [0-9]*: tensor 'out.weight' is the same as 'no.weight'.*no tensor" $command missing.json
    done
    refuse 3 'self.json' convert self.json x.cbor
    refuse 3 'missing.json' diff tied.json missing.json
    ;;

  diff)
    expect 0 convert "$models/lstm.nam" a.json
    expect 0 diff a.json a.json
    quiet
    says 'rec.weight_hh_l1  *0  *0 of 64'
    says 'the same within 0'
    sed 's/"rec.bias_ih_l1":{"dtype":"float32","shape":\[16\],"data":\[[^,]*,/"rec.bias_ih_l1":{"dtype":"float32","shape":[16],"data":[0.75,/' a.json >b.json
    differ a.json b.json
    expect 1 diff a.json b.json
    says 'rec.bias_ih_l1  *[0-9.]*  *1 of 16'
    says 'rec.bias_ih_l0  *0  *0 of 16'
    says 'the models differ'
    expect 0 diff --tolerance 2 a.json b.json
    expect 1 diff a.json "$models/guitarml_lstm.json"
    says 'rec.weight_ih_l0 .*shape \[16, 2\] and \[20, 1\]'
    says 'rec.h_0 .*only in a.json'
    echo '{"x":[1],"y":[1]}' >x.json
    echo '{"x":["nan"],"z":[1]}' >z.json
    expect 1 diff x.json z.json
    says 'x  *inf  *1 of 1'
    says 'y .*only in x.json'
    says 'z .*only in z.json'
    # Integers beyond what a double holds.
    long='{"format":"reel","format_version":1,"kind":"x","tensors":{"n":{"dtype":"int64","shape":[2],"data":[9007199254740992,-9223372036854775808]}}}'
    echo "$long" >long.json
    echo "${long/9007199254740992/9007199254740993}" >next.json
    echo "${long/9007199254740992/9223372036854775807}" >far.json
    expect 0 diff long.json long.json
    expect 1 diff long.json next.json
    says 'n  *1  *1 of 2'
    expect 1 diff long.json far.json
    says 'n  *9.214e+18  *1 of 2'
    ;;

  check)
    for model in "$models"/*.json "$models"/*.nam; do
      [ "$(basename "$model")" = outputs.json ] && continue
      expect 0 check "$model"
      quiet
      says 'all is well'
      says 'runs: '
    done
    expect 0 convert --probe 20 "$models/lstm.nam" probed.json
    expect 0 inspect probed.json
    says 'probe  *1 input, 1 output'
    expect 0 check probed.json
    says 'probe: differs by 0$'
    # A weight that changed since the sample was taken.
    sed 's/"lin.bias":{"dtype":"float32","shape":\[1\],"data":\[[^]]*\]/"lin.bias":{"dtype":"float32","shape":[1],"data":[0.5]/' probed.json >changed.json
    differ probed.json changed.json
    expect 1 check changed.json
    says "FAILED: the probe's output differs by"
    expect 0 check --tolerance 1 changed.json
    sed 's/"lin.bias":{"dtype":"float32","shape":\[1\],"data":\[[^]]*\]/"lin.bias":{"dtype":"float32","shape":[1],"data":["nan"]/' probed.json >nan.json
    expect 1 check nan.json
    says 'FAILED: lin.bias has 1 value that are\? not finite'
    sed 's/output_size\\*":4/output_size":5/' probed.json >shape.json
    differ probed.json shape.json
    expect 1 check shape.json
    says 'FAILED: .*do not fit the layers'
    says "layer 0 'rec' (LSTM): rec.weight_hh_l1: expected shape"
    quiet
    head -c 900 probed.json >cut.json
    refuse 3 'cut.json: byte [0-9]*: ' check cut.json
    ;;

  run)
    printf '1 2\n0.5,-1\n' >input
    expect 0 run "$models/lstm.nam" input
    quiet
    [ "$(wc -l <out)" = 2 ] || fail "2 rows expected"
    cp out first
    "$program" run "$models/lstm.nam" <input >out 2>err || fail "cannot read standard input"
    cmp out first || fail "standard input gives something else than a file"
    echo '1 2 3' >wide
    echo '1 x' >word
    refuse 3 'line 1 .*expected 2 numbers, found 3' run "$models/lstm.nam" wide
    refuse 3 'line 1 .*expected a number, found "x"' run "$models/lstm.nam" word
    refuse 3 'cannot read "none"' run "$models/lstm.nam" none
    refuse 3 'cannot read "."' run "$models/lstm.nam" .
    printf '\0 1 2\n' >zero
    refuse 3 'line 1 .*expected a number' run "$models/lstm.nam" zero
    echo '{"x":[1]}' >x.json
    refuse 3 'does not describe its layers' run x.json input
    ;;

  errors)
    refuse 2 'subcommand is required' 
    refuse 2 'subcommand\|not expected' explode
    refuse 2 'file' inspect
    refuse 2 'not expected\|known' inspect --colour "$models/lstm.nam"
    refuse 2 'onnx' convert --to onnx "$models/lstm.nam" x
    refuse 2 'names no format' convert "$models/lstm.nam" model.bin
    refuse 2 'float8' convert --floats float8 "$models/lstm.nam" x.json
    refuse 2 'reel.s own formats' convert --base64 --to nam "$models/lstm.nam" x
    refuse 2 'guitarml and rtneural' convert --drop-start-state "$models/lstm.nam" x.json
    refuse 2 'for pytorch' convert --weights-only "$models/lstm.nam" x.json
    for tolerance in -1 nan inf 1x; do
      refuse 2 'tolerance' diff --tolerance $tolerance "$models/lstm.nam" "$models/lstm.nam"
      refuse 2 'tolerance' check --tolerance $tolerance "$models/lstm.nam"
    done
    echo '1 2' >input
    for command in inspect check run; do
      got=0
      "$program" $command "$models/lstm.nam" <input >/dev/full 2>err || got=$?
      [ $got = 3 ] || fail "exit code $got of $command into a full disk"
      grep -q 'standard output' err || fail "no word of standard output"
    done
    refuse 3 'none.json: cannot' inspect none.json
    refuse 3 'cannot' convert "$models/lstm.nam" no/such/folder/x.json
    refuse 3 'base64' convert --base64 "$models/lstm.nam" x.cbor
    sed 's/\[null, null, 4\]/[null, null, 3]/' "$models/rtneural_lstm.json" >bad.json
    for command in inspect check run; do
      refuse 3 'bad.json: byte [0-9]*: layer 1 (lstm): kernel: expected shape \[3, 12\].*found \[3, 16\]' \
        $command bad.json
    done
    refuse 3 'layer 1 (lstm)' convert bad.json good.json
    refuse 3 'layer 1 (lstm)' diff bad.json bad.json
    echo 'not a model' >words
    : >empty
    for file in words empty; do refuse 3 "$file: " inspect $file; done
    expect 0 --help
    says 'convert'
    for command in inspect convert diff run check; do
      expect 0 $command --help
      says "Usage: reel-model $command"
    done
    ;;

  *) fail "unknown case $case" ;;
esac
echo "passed: $case"
