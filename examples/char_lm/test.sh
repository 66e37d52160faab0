#!/bin/bash
# Tests of char_lm as a user runs it: test.sh PROGRAM CASE.
# Cases: learns, resumes, samples, interrupt, errors. Works in a folder of its own and removes it.
program=$(realpath "$1")
case=$2
# shellcheck source=../shared/test.sh
. "$(dirname "$0")/../shared/test.sh"

for i in $(seq 1 400); do echo "cat $i sat on mat $((i * 7 % 100)) and saw rat $((i % 9))."; done >text
loud=(--hidden 16 --embedding 8 --batch 4 --length 16 --every 5 --sample 60)
small=("${loud[@]}" --quiet)

case $case in
  learns)
    expect 0 text --hidden 32 --embedding 16 --batch 8 --length 32 --lr 0.01 --epochs 4 --every 20 \
      --sample 100 --out results
    [ "$(wc -c <out)" = 101 ] || fail "the sample is not 100 characters and a line's end"
    for file in results/char_lm.{json,svg,jsonl}; do [ -s $file ] || fail "$file is missing"; done
    [ "$(find results -type f | wc -l)" = 3 ] || fail "files left behind: $(ls results)"
    grep -q '^step 20/' err || fail "no line for step 20"
    awk '
      function value(name) { sub(".*\"" name "\":", ""); return $0 + 0 }
      !/^\{"step":[0-9]+,.*\}$/ { print "bad line: " $0; exit 1 }
      { line = $0; loss = value("validation_loss"); $0 = line; bigram = value("bigram_loss") }
      NR == 1 { first = loss }
      END {
        print NR " lines, validation loss from " first " to " loss ", bigram " bigram
        exit !(NR >= 5 && bigram > 0.5 && loss < 0.8 * bigram && loss < first)
      }' results/char_lm.jsonl || fail "the model did not learn"
    head -c 4 results/char_lm.svg | grep -q '<svg' || fail "the plot is no SVG"
    grep -q '^</svg>$' results/char_lm.svg || fail "the plot is cut"
    [ "$(grep -c '<circle' results/char_lm.svg)" = \
      $(($(wc -l <results/char_lm.jsonl) + 1)) ] || fail "the plot lacks validations"
    expect 0 "${small[@]}" --steps 5 --sample 0 text
    cat out err >all
    [ -s all ] && fail "--quiet --sample 0 writes something"
    ;;

  resumes)
    for model in "lstm --layers 2 --dropout 0.2" "gru --dropout 0.1" "rnn --layers 2"; do
      # shellcheck disable=SC2086
      train=(text --cell $model "${small[@]}")
      expect 0 "${train[@]}" --steps 20 --checkpoint straight.json
      mv out straight.out
      expect 0 "${train[@]}" --steps 10 --checkpoint parts.json
      differ parts.json straight.json
      expect 0 --resume parts.json --steps 20 --sample 60 --quiet
      same parts.json straight.json
      same parts.svg straight.svg
      same out straight.out
      [ "$(grep -c '"step":' parts.jsonl)" = 4 ] || fail "metrics lost or doubled on resume"
    done
    # A goal between two validations: the steps after it are still the same.
    expect 0 "${train[@]}" --steps 8 --checkpoint parts.json
    expect 0 --resume parts.json --steps 20 --quiet
    same parts.json straight.json
    # A new learning rate is taken, not ignored.
    expect 0 "${train[@]}" --steps 10 --checkpoint parts.json
    expect 0 --resume parts.json --steps 20 --lr 0.01 --quiet
    differ parts.json straight.json
    ;;

  samples)
    prompt="cat's 7"
    cp text quotes && echo "$prompt" >>quotes
    expect 0 quotes "${loud[@]}" --steps 30 --checkpoint "my model.json" --prompt "$prompt"
    mv out trained.out
    command=$(sed -n 's/^sample .* by: //p' err)
    eval "$command" >again.out || fail "cannot run: $command"
    same again.out trained.out
    [ "$(head -c 7 again.out)" = "$prompt" ] || fail "the sample does not begin with the prompt"
    [ "$(wc -c <again.out)" = 68 ] || fail "the sample has a wrong length"
    for other in "--seed 2" "--temperature 3"; do
      # shellcheck disable=SC2086
      expect 0 --resume "my model.json" --sample-only --sample 60 --prompt "$prompt" $other
      differ out trained.out
    done
    ;;

  interrupt)
    train=(text "${loud[@]}")
    "$program" "${train[@]}" --steps 100000000 --checkpoint stopped.json >out 2>err &
    child=$!
    for _ in $(seq 100); do grep -q '^step 10/' err && break; sleep 0.05; done
    kill -INT $child
    got=0
    wait $child || got=$?
    [ $got = 130 ] || fail "exit code $got after an interrupt"
    [ -s out ] && fail "a sample after an interrupt"
    steps=$(sed -n 's/^stopped after step \([0-9]*\);.*/\1/p' err)
    [ "${steps:-0}" -ge 10 ] || fail "no word of the step"
    expect 0 --resume stopped.json --steps $((steps + 3)) --quiet
    expect 0 "${train[@]}" --steps $((steps + 3)) --checkpoint straight.json --quiet
    same stopped.json straight.json
    ;;

  errors)
    expect 0 text "${small[@]}" --steps 5 --checkpoint good.json
    : >empty
    head -c 60 text >short
    tr c Z <text >other
    head -c 300 good.json >cut.json
    head -c "$(($(wc -c <good.json) - 2))" good.json >cut_late.json
    echo "not JSON" >words.json
    echo "{}" >object.json
    sed 's/"hidden": *"[0-9]*"/"hidden":"17"/; s/"hidden": *[0-9]*/"hidden":17/' good.json >lies.json
    differ lies.json good.json

    refuse 1 "cannot read \"missing\"" missing
    refuse 1 "is a folder" .
    refuse 1 "is empty" empty
    refuse 1 "too short" short
    refuse 2 "nknown\|not expected" text --no-such-option
    refuse 2 "hidden" text --hidden 0
    refuse 2 "hidden" text --hidden many
    refuse 2 "lr" text --lr nan
    refuse 2 "lr" text --lr -1
    refuse 2 "cell" text --cell transformer
    refuse 2 "epochs" text --epochs 1 --steps 5
    refuse 2 "resume" --sample-only
    refuse 1 "different files" text --plot same --metrics same
    refuse 1 "prompt" text "${small[@]}" --steps 5 --prompt ZZZ

    refuse 1 "missing.json" --resume missing.json
    refuse 1 "byte 90" other --resume good.json --steps 10
    refuse 1 "too short" short --resume good.json --steps 10
    refuse 1 "larger --steps" --resume good.json
    for change in "--hidden 32" "--cell gru" "--layers 2" "--embedding 9" "--batch 5" "--length 7"; do
      # shellcheck disable=SC2086
      refuse 1 "^char_lm: ${change% *} is" --resume good.json --steps 10 $change
    done
    for broken in cut cut_late words object lies; do
      refuse 1 "$broken.json" --resume $broken.json --steps 10
      refuse 1 "$broken.json" --resume $broken.json --sample-only
    done
    refuse 1 "prompt" --resume good.json --sample-only --prompt ZZZ

    refuse 1 "cannot" text "${small[@]}" --steps 5 --checkpoint no/such/folder/model.json
    refuse 1 "is a folder" text "${small[@]}" --steps 5 --plot /
    refuse 1 "cannot" text "${small[@]}" --steps 5 --out text/folder
    refuse 1 "device" text "${small[@]}" --steps 5 --metrics /dev/null
    refuse 1 "cannot" text "${small[@]}" --steps 5 --checkpoint /proc/model.json
    [ -c /dev/null ] || fail "/dev/null was replaced"
    for file in m.jsonl m.svg m.json; do echo "of someone else" | tee $file.tmp >$file.0.tmp; done
    find . -name "m.*" -exec cksum {} + | sort >before
    expect 0 text "${small[@]}" --steps 5 --metrics m.jsonl --plot m.svg --checkpoint m.json
    [ -s m.jsonl ] && [ -s m.svg ] || fail "no metrics or no plot"
    find . -name "m.*.tmp" -exec cksum {} + | sort >after
    same before after
    refuse 1 "diverged" --resume good.json --steps 50 --lr 1e38 --every 100
    ;;

  *) fail "unknown case $case" ;;
esac
echo "passed: $case"
