# SPDX-License-Identifier: Apache-2.0
# GCC below 13 destroys a temporary aggregate inside an expression with co_await twice: a double free
# that no review of ours can find. docs/decisions/0001-clang-19.md has the story.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR "GCC ${CMAKE_CXX_COMPILER_VERSION} destroys temporaries inside co_await expressions twice; "
                      "use clang-19 (apt-get install clang-19, then cmake --preset release) or GCC 13 and later.")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "clang ${CMAKE_CXX_COMPILER_VERSION} lacks std::expected with libstdc++ 12; use clang-19.")
endif()
