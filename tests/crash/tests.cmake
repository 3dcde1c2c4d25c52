# SPDX-License-Identifier: Apache-2.0
# Kill-and-recover tests of the real binary. POSTERN_KILL_CYCLES sets how many kills one run makes (200 here; a long run
# takes 10000).
if(NOT POSTERN_SANITIZE AND NOT POSTERN_FUZZ AND TARGET postern)
  find_program(python3 python3 REQUIRED)
  add_test(NAME crash_kill9 COMMAND ${python3} kill9_test.py WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR})
  set_tests_properties(crash_kill9 PROPERTIES TIMEOUT 1800 SKIP_RETURN_CODE 77 LABELS crash
    ENVIRONMENT "POSTERN_BINARY=$<TARGET_FILE:postern>;PYTHONDONTWRITEBYTECODE=1")
endif()
