# SPDX-License-Identifier: Apache-2.0
find_package(GTest REQUIRED)
add_library(test_pch OBJECT support/pch.cc)
target_link_libraries(test_pch PUBLIC postern_flags lib::fmt GTest::gtest)
target_precompile_headers(test_pch PRIVATE support/pch.h)

file(GLOB support CONFIGURE_DEPENDS support/*.cc)
list(FILTER support EXCLUDE REGEX "(seed_main|pch)\\.cc$")
add_library(test_support STATIC ${support})
target_link_libraries(test_support PUBLIC GTest::gtest postern_net postern_async postern_mail postern_base)
target_precompile_headers(test_support REUSE_FROM test_pch)

foreach(room base mail mime config async net dns http store auth policy queue outbound smtp submission imap pop3 web transfer audit admin daemon)
  postern_tests(${room})
endforeach()

include(fuzz/targets.cmake)
include(checks.cmake)          # layers, lint and other checks of the tree itself
