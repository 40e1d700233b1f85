# tsdb_room(<name> SOURCES ... [LINK ...] [PRIVATE ...])
# One static library for a room. LINK are rooms and libraries whose headers ours include; PRIVATE are
# third-party libraries that only the .cc files see. Sources are listed, and a file that no target
# lists fails the tidy test (tools/dev/tidy.py).
function(tsdb_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC tsdb_options ${ARG_LINK} PRIVATE ${ARG_PRIVATE})
endfunction()

# tsdb_test(<name> SOURCES ... [LINK ...] [LABELS ...] [ENVIRONMENT ...])
# One GoogleTest program; every TEST in it is a ctest case of its own.
function(tsdb_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS;ENVIRONMENT" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE tsdb_options ${ARG_LINK} GTest::gmock GTest::gtest_main)
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 DISCOVERY_MODE PRE_TEST
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT "${ARG_ENVIRONMENT}")
endfunction()

# tsdb_bench(<name> SOURCES ... [LINK ...]): a Google Benchmark program, skipped where the library is absent.
function(tsdb_bench name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  if(NOT TARGET benchmark::benchmark_main)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE tsdb_options ${ARG_LINK} benchmark::benchmark_main)
endfunction()

# The targets that need every source: format and checkheaders.
function(tsdb_finish)
  find_program(TSDB_CLANG_FORMAT NAMES clang-format-16 clang-format)
  if(TSDB_CLANG_FORMAT)
    add_custom_target(format
      COMMAND git ls-files -z "*.h" "*.cc" | xargs -0 ${TSDB_CLANG_FORMAT} -i
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} VERBATIM)
  endif()
endfunction()

include(GoogleTest)
