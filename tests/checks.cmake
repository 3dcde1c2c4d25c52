# SPDX-License-Identifier: Apache-2.0
# Checks of the tree itself: who includes whom, the budget with its nevers, and what the papers claim.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
foreach(check layers lint)
  add_test(NAME ${check} COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/${check})
  set_tests_properties(${check} PROPERTIES TIMEOUT 120 LABELS unit)
endforeach()
foreach(paper rfc man)  # docs/ against the tree, and the manual page against the sample
  add_test(NAME ${paper} COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/${paper} --check)
  set_tests_properties(${paper} PROPERTIES TIMEOUT 120 LABELS unit)
endforeach()
