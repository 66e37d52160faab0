# Runs char_lm as a user does, in a folder of its own: it must learn, write the same sample again
# from its checkpoint, resume as if it had not stopped, stop cleanly at Ctrl-C, and refuse bad
# input with a message and nothing half-written. In: CHAR_LM, TEXT (a file), WORK (a folder).

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")

set(model --cell lstm --hidden 64 --embedding 16 --batch 16 --length 32 --lr 1e-2 --every 50)

# Runs char_lm with the arguments; its standard output goes to the file OUT, its messages to the
# variable `messages`. The exit code must be the expected one.
function(char_lm expected out)
  execute_process(COMMAND ${before} "${CHAR_LM}" ${ARGN} WORKING_DIRECTORY "${WORK}"
                  RESULT_VARIABLE result OUTPUT_FILE "${WORK}/${out}" ERROR_VARIABLE messages)
  list(JOIN ARGN " " arguments)
  message(STATUS "char_lm ${arguments} -> ${result}\n${messages}")
  if(NOT result EQUAL expected)
    message(FATAL_ERROR "exit code ${result}, not ${expected}")
  endif()
  set(messages "${messages}" PARENT_SCOPE)
endfunction()

function(same first second)
  execute_process(COMMAND "${CMAKE_COMMAND}" -E compare_files "${WORK}/${first}" "${WORK}/${second}"
                  COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(must_exist)
  foreach(name IN LISTS ARGN)
    if(NOT EXISTS "${WORK}/${name}")
      message(FATAL_ERROR "${name} was not written")
    endif()
  endforeach()
endfunction()

# It learns more than pairs of characters, and writes its files.
char_lm(0 sample.txt "${TEXT}" ${model} --steps 300 --sample 200 --seed 7)
must_exist(char_lm.json char_lm.svg char_lm.jsonl)
file(STRINGS "${WORK}/char_lm.jsonl" metrics)
list(GET metrics -1 last)
string(JSON step GET "${last}" step)
string(JSON loss GET "${last}" validation_loss)
string(JSON bigram GET "${last}" bigram_loss)
if(NOT step EQUAL 300 OR NOT loss LESS bigram)
  message(FATAL_ERROR "step ${step}: validation loss ${loss}, bigram ${bigram}")
endif()
file(SIZE "${WORK}/sample.txt" size)
if(size LESS 200)
  message(FATAL_ERROR "the sample has ${size} bytes of 200")
endif()

# Another process writes the same text from the file.
char_lm(0 again.txt --resume char_lm.json --sample-only --sample 200 --seed 7)
same(sample.txt again.txt)

# Stopped and resumed is as not stopped.
char_lm(0 whole.txt "${TEXT}" ${model} --steps 100 --sample 100 --out whole)
char_lm(0 half.txt "${TEXT}" ${model} --steps 50 --sample 100 --out parts)
char_lm(0 parts.txt --resume parts/char_lm.json --steps 100 --sample 100)
same(whole.txt parts.txt)
same(whole/char_lm.json parts/char_lm.json)

# Ctrl-C: a checkpoint, from which training goes on.
find_program(timeout timeout)
if(timeout)
  set(before "${timeout}" --preserve-status --signal=INT 3)
  char_lm(130 stopped.txt "${TEXT}" ${model} --steps 100000000 --every 100000000 --out stopped)
  unset(before)
  must_exist(stopped/char_lm.json)
  char_lm(0 stopped_sample.txt --resume stopped/char_lm.json --sample-only --sample 10)
else()
  message(STATUS "no 'timeout' on this machine: Ctrl-C is not tried")
endif()

# Bad input: exit code, words that the message must have, arguments. Nothing may be written.
function(refuses expected words)
  char_lm(${expected} refused.txt ${ARGN} --out refused)
  if(NOT messages MATCHES "${words}")
    message(FATAL_ERROR "the message does not speak of '${words}'")
  endif()
  file(GLOB written "${WORK}/refused/*")
  file(SIZE "${WORK}/refused.txt" size)
  if(written OR NOT size EQUAL 0)
    message(FATAL_ERROR "refused, but wrote ${size} bytes of sample and ${written}")
  endif()
endfunction()

file(WRITE "${WORK}/empty.txt" "")
file(WRITE "${WORK}/short.txt" "too short")
string(ASCII 1 2 3 strange)
string(REPEAT "${strange}" 10000 strange)
file(WRITE "${WORK}/strange.txt" "${strange}")
refuses(1 "no_such_file" no_such_file.txt)
refuses(1 "empty" empty.txt)
refuses(1 "too short" short.txt)
refuses(1 "folder" "${WORK}")
refuses(2 "no-such-option" "${TEXT}" --no-such-option 1)
refuses(2 "cell" "${TEXT}" --cell transformer)
refuses(2 "steps" "${TEXT}" --steps -5)
refuses(1 "no_such.json" --resume no_such.json)
refuses(1 "hidden" --resume char_lm.json --steps 400 --hidden 65)
refuses(1 "never seen" strange.txt --resume char_lm.json --steps 400)
refuses(1 "400|300" --resume char_lm.json --steps 200)

# A checkpoint that is cut, or is something else.
file(SIZE "${WORK}/char_lm.json" size)
foreach(part IN ITEMS 0 1 40 400 2000 "${size} / 2" "${size} - 10000" "${size} - 100" "${size} - 2")
  math(EXPR part "${part}")
  execute_process(COMMAND head -c ${part} "${WORK}/char_lm.json" OUTPUT_FILE "${WORK}/cut.json"
                  COMMAND_ERROR_IS_FATAL ANY)
  refuses(1 "cut.json" --resume cut.json --steps 400)
endforeach()
file(WRITE "${WORK}/cut.json" "{\"format\": \"another\"}")
refuses(1 "cut.json" --resume cut.json --steps 400)
