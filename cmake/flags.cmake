# SPDX-License-Identifier: Apache-2.0
# How everything of ours is compiled. POSTERN_SANITIZE is a list for -fsanitize (address,undefined / thread).
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(POSTERN_SANITIZE "" CACHE STRING "sanitizers to build with, for example address,undefined")
option(POSTERN_COVERAGE "instrument for llvm-cov" OFF)
option(POSTERN_FUZZ "build the libFuzzer programs" OFF)
option(POSTERN_BENCH "build the load programs and micro benchmarks" OFF)

option(POSTERN_CCACHE "compile through ccache when it is installed" OFF)
find_program(ccache ccache)
if(POSTERN_CCACHE AND ccache)
  # The precompiled header is part of what ccache compares; its time stamp is not (-fno-pch-timestamp below).
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${ccache})
endif()

add_library(postern_flags INTERFACE)
target_compile_options(postern_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Werror -Wno-missing-field-initializers
  -fPIC -fstack-protector-strong -ftrivial-auto-var-init=zero)   # -fPIC everywhere: programs and libraries share one precompiled header
target_compile_definitions(postern_flags INTERFACE
  _GLIBCXX_ASSERTIONS BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_ERROR_CODE_HEADER_ONLY SPDLOG_FMT_EXTERNAL)
target_include_directories(postern_flags INTERFACE ${PROJECT_SOURCE_DIR})
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(postern_flags INTERFACE -Wthread-safety -Xclang -fno-pch-timestamp)
  target_link_options(postern_flags INTERFACE -fuse-ld=lld)
endif()
if(POSTERN_SANITIZE)
  target_compile_options(postern_flags INTERFACE -fsanitize=${POSTERN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(postern_flags INTERFACE -fsanitize=${POSTERN_SANITIZE})
  target_compile_definitions(postern_flags INTERFACE POSTERN_SANITIZED)
else()
  # security.md D109: hardening that sanitizers would fight with.
  target_compile_options(postern_flags INTERFACE -fcf-protection=full $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
  target_link_options(postern_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(POSTERN_COVERAGE)
  target_compile_options(postern_flags INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(postern_flags INTERFACE -fprofile-instr-generate)
endif()
