# SPDX-License-Identifier: Apache-2.0
# postern_module(name USES … LIBS …): the folder `name` as a static library. USES is the whole list of our modules
# whose headers its files may include; it is written to layers.txt, which tools/layers checks.
set_property(GLOBAL PROPERTY POSTERN_LAYERS "")
set(CMAKE_OPTIMIZE_DEPENDENCIES ON)   # a static library does not wait for those it will be linked with
add_library(postern_pch OBJECT cmake/pch.cc)
target_link_libraries(postern_pch PUBLIC postern_flags lib::fmt)
target_precompile_headers(postern_pch PRIVATE cmake/pch.h)

function(postern_module name)
  cmake_parse_arguments(arg "" "" "USES;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${name}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/(main|allocator)\\.cc$")
  list(TRANSFORM arg_LIBS PREPEND lib::)
  list(TRANSFORM arg_USES PREPEND postern_ OUTPUT_VARIABLE uses)
  if(sources)
    add_library(postern_${name} STATIC ${sources})
    target_link_libraries(postern_${name} PUBLIC postern_flags lib::fmt ${uses} ${arg_LIBS})
    target_precompile_headers(postern_${name} REUSE_FROM postern_pch)
  else()
    add_library(postern_${name} INTERFACE)
    target_link_libraries(postern_${name} INTERFACE postern_flags lib::fmt ${uses} ${arg_LIBS})
  endif()
  list(JOIN arg_USES " " line)
  set_property(GLOBAL APPEND_STRING PROPERTY POSTERN_LAYERS "${name}: ${line}\n")
  get_property(layers GLOBAL PROPERTY POSTERN_LAYERS)
  file(WRITE ${PROJECT_BINARY_DIR}/layers.txt "${layers}")
endfunction()

# postern_embeds(source pattern): the source #embeds these files. A compiler cache does not look into #embed, so their sum
# is on the command line.
function(postern_embeds source pattern)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${pattern})
  set(sums "")
  foreach(file ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(MD5 ${file} sum)
    string(APPEND sums ${sum})
  endforeach()
  string(MD5 sum "${sums}")
  set_source_files_properties(${source} PROPERTIES COMPILE_DEFINITIONS "POSTERN_EMBEDDED=${sum}" OBJECT_DEPENDS "${files}")
endfunction()

# postern_allocator(program): jemalloc, as daemon/allocator.cc sets it. Sanitizers bring their own.
function(postern_allocator name)
  if(NOT POSTERN_SANITIZE)
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/daemon/allocator.cc)
    target_link_libraries(${name} PRIVATE lib::jemalloc)
  endif()
endfunction()

# postern_program(name main): a program of all modules.
function(postern_program name main)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${main})
    add_executable(${name} ${main})
    target_link_libraries(${name} PRIVATE postern_daemon)
    postern_allocator(${name})
    target_precompile_headers(${name} REUSE_FROM postern_pch)
  endif()
endfunction()

# postern_tests(name): tests/<name>/*_test.cc as one program and one ctest case.
function(postern_tests name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${name}/*_test.cc)
  if(sources)
    add_executable(${name}_test ${sources})
    target_link_libraries(${name}_test PRIVATE postern_${name} test_support ${ARGN})
    target_precompile_headers(${name}_test REUSE_FROM test_pch)
    target_compile_definitions(${name}_test PRIVATE POSTERN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND ${name}_test --gtest_brief=1 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tests)
    set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS unit)
  endif()
endfunction()

# postern_fuzzer(name modules…): tests/fuzz/<name>.cc. With POSTERN_FUZZ a libFuzzer program; always a ctest case
# `seeds_<name>` that runs every file of tests/corpus/<name>/ through it once.
function(postern_fuzzer name)
  add_executable(fuzz_${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/${name}.cc)
  list(TRANSFORM ARGN PREPEND postern_ OUTPUT_VARIABLE uses)
  target_link_libraries(fuzz_${name} PRIVATE ${uses} test_support)
  if(POSTERN_FUZZ)
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/seed_main.cc)
    add_test(NAME seeds_${name} COMMAND fuzz_${name} ${PROJECT_SOURCE_DIR}/tests/corpus/${name})
    set_tests_properties(seeds_${name} PROPERTIES TIMEOUT 120 LABELS seeds)
  endif()
endfunction()
