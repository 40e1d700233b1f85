# Language, warnings, sanitizers and linker: everything that is the same for all of our targets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
# Programs lie at the top of the build folder: build/release/tsdbd.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

set(TSDB_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=, such as address,undefined or thread")
option(TSDB_DCHECK "Evaluate DCHECK (debug assertions)" OFF)
option(TSDB_FUZZ "Build libFuzzer binaries (clang only)" OFF)

find_program(TSDB_CCACHE ccache)
if(TSDB_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros ${TSDB_CCACHE})
endif()

find_program(TSDB_MOLD mold)
if(TSDB_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(tsdb_options INTERFACE)
target_include_directories(tsdb_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(tsdb_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(tsdb_options INTERFACE -Wthread-safety -Wno-sign-conversion)
elseif(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # With -O2, gcc 12 sees overlapping copies in every "text" + std::to_string(n) (its bug 105651).
  target_compile_options(tsdb_options INTERFACE -Wno-restrict)
  # It also takes the empty half of a std::optional or std::variant for a read of it (its bug 80635),
  # from -O2 on and with sanitizers.
  if(CMAKE_CXX_FLAGS MATCHES "-O2" OR TSDB_SANITIZE)
    target_compile_options(tsdb_options INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
if(TSDB_FUZZ)
  # What is fuzzed must tell libFuzzer where it has been, not the entry alone.
  target_compile_options(tsdb_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(TSDB_DCHECK)
  target_compile_definitions(tsdb_options INTERFACE TSDB_DCHECK_IS_ON=1)
endif()
if(TSDB_SANITIZE)
  target_compile_options(tsdb_options INTERFACE -fsanitize=${TSDB_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tsdb_options INTERFACE -fsanitize=${TSDB_SANITIZE})
  target_compile_definitions(tsdb_options INTERFACE _GLIBCXX_ASSERTIONS)
endif()
