# Writes a ctest file with one test for each test case of a doctest program, run after the program
# is built. Unlike doctest's own script it takes every name, brackets and semicolons too.
# In: EXECUTABLE, OUTPUT, TIMEOUT (seconds for one case).

execute_process(COMMAND "${EXECUTABLE}" --list-test-cases --no-intro --no-version
                OUTPUT_VARIABLE names COMMAND_ERROR_IS_FATAL ANY)

# Brackets and semicolons have a meaning in CMake's lists: they are spelled out until the end.
string(REPLACE "[" "<open>" names "${names}")
string(REPLACE "]" "<close>" names "${names}")
string(REPLACE ";" "<semicolon>" names "${names}")
string(REPLACE "\\" "<backslash>" names "${names}")
string(REPLACE "\n" ";" names "${names}")

set(script "")
foreach(name IN LISTS names)
  if(name STREQUAL "" OR name MATCHES "^<open>doctest<close>" OR name MATCHES "^=+$")
    continue()
  endif()
  # In doctest's filters a comma separates, a star and a question mark are wildcards.
  string(REGEX REPLACE "<open>|<close>|<semicolon>|<backslash>|[,*]" "?" filter "${name}")
  string(APPEND script
    "add_test([==[${name}]==] [==[${EXECUTABLE}]==] [==[--test-case=${filter}]==])\n"
    "set_tests_properties([==[${name}]==] PROPERTIES TIMEOUT ${TIMEOUT})\n")
endforeach()
if(script STREQUAL "")
  message(FATAL_ERROR "${EXECUTABLE} lists no test case")
endif()
string(REPLACE "<open>" "[" script "${script}")
string(REPLACE "<close>" "]" script "${script}")
string(REPLACE "<semicolon>" ";" script "${script}")
string(REPLACE "<backslash>" "\\" script "${script}")
file(WRITE "${OUTPUT}" "${script}")
