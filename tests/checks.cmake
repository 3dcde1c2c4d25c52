# SPDX-License-Identifier: Apache-2.0
# Checks of the tree itself: who includes whom, and the budget with its nevers.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
foreach(check layers lint)
  add_test(NAME ${check} COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/${check})
  set_tests_properties(${check} PROPERTIES TIMEOUT 120 LABELS unit)
endforeach()
