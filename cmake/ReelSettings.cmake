# How reel's own targets are compiled: warnings, sanitizers, build type, compiler cache.

if(PROJECT_IS_TOP_LEVEL)
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(NOT multi_config AND NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
  endif()
  if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
    find_program(REEL_CCACHE ccache)
    mark_as_advanced(REEL_CCACHE)
    if(REEL_CCACHE)
      set(CMAKE_CXX_COMPILER_LAUNCHER "${REEL_CCACHE}")
    endif()
  endif()
endif()

foreach(sanitizer IN LISTS REEL_SANITIZE)
  if(NOT sanitizer MATCHES "^(address|undefined|thread|leak|fuzzer-no-link)$")
    message(FATAL_ERROR "REEL_SANITIZE: '${sanitizer}' is not a known sanitizer; "
                        "use 'address;undefined' or 'thread'")
  endif()
endforeach()
list(JOIN REEL_SANITIZE "," reel_sanitizers)

# Warnings and sanitizers for one of reel's targets. They stay private to it: a project that
# adds reel as a subdirectory keeps its own.
function(reel_settings target)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_features(${target} PRIVATE cxx_std_17)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<BOOL:${REEL_WERROR}>:-Werror>)
  if(reel_sanitizers)
    # Instrumented, the standard library's own headers look uninitialised to g++.
    target_compile_options(${target} PRIVATE
      -fsanitize=${reel_sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer
      $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_link_options(${target} PRIVATE -fsanitize=${reel_sanitizers})
  endif()
endfunction()
