# Installs reel into an empty prefix and builds and runs the consumer with it: through
# find_package, through pkg-config, and (configured only) as a subdirectory.

function(run)
  list(JOIN ARGN " " command)
  message(STATUS "${command}")
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${command}")
  endif()
endfunction()

set(here "${CMAKE_CURRENT_LIST_DIR}")
set(prefix "${WORK}/prefix")
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")

run("${CMAKE_COMMAND}" --install "${REEL_BUILD}" --config "${CONFIG}" --prefix "${prefix}")

# The prefix moves after the installation: nothing in the package may remember where it was.
file(RENAME "${prefix}" "${WORK}/moved")
set(prefix "${WORK}/moved")
set(ENV{LD_LIBRARY_PATH} "${prefix}/${LIBDIR}")

set(configure "${CMAKE_COMMAND}" -S "${here}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
              "-DCMAKE_BUILD_TYPE=${CONFIG}" --log-level=WARNING)
run(${configure} -B "${WORK}/build" "-DCMAKE_PREFIX_PATH=${prefix}"
    -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF)
file(STRINGS "${WORK}/build/CMakeCache.txt" found REGEX "^reel_DIR:")
if(NOT found MATCHES "=${prefix}/")
  message(FATAL_ERROR "the consumer found another reel: ${found}")
endif()
run("${CMAKE_COMMAND}" --build "${WORK}/build" --config "${CONFIG}")
foreach(program IN ITEMS consumer written_for_libtorch adds_to_torch)
  find_program(${program} ${program} REQUIRED NO_DEFAULT_PATH
               PATHS "${WORK}/build" "${WORK}/build/${CONFIG}")
  run("${CMAKE_COMMAND}" -E chdir "${WORK}/build" "${${program}}")
endforeach()

find_program(pkg_config NAMES pkg-config pkgconf)
if(pkg_config)
  set(ENV{PKG_CONFIG_PATH} "${prefix}/${LIBDIR}/pkgconfig")
  execute_process(COMMAND "${pkg_config}" --cflags --libs reel OUTPUT_VARIABLE flags
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  run("${COMPILER}" -std=c++17 -O1 "${here}/main.cpp" -o "${WORK}/with_pkg_config" ${flags})
  run("${CMAKE_COMMAND}" -E chdir "${WORK}" "${WORK}/with_pkg_config")
else()
  message(STATUS "no pkg-config on this machine: reel.pc is not tried")
endif()

run(${configure} -B "${WORK}/subdirectory" "-DREEL_SOURCE_DIR=${REEL_SOURCE}")
