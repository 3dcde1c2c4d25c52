# SPDX-License-Identifier: Apache-2.0
# Crash and fault tests of the real binary (docs/operations.md tells how to run the long ones). Release build only; each file is
# one ctest case with the counts of a CI run. Those that need root, loop devices or strace say "skipped" and why.
if(NOT POSTERN_SANITIZE AND NOT POSTERN_FUZZ AND TARGET postern)
  find_program(python3 python3 REQUIRED)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*_test.py)
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    string(REPLACE "_test" "" name ${name})
    add_test(NAME crash_${name} COMMAND ${python3} ${file} WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR})
    set_tests_properties(crash_${name} PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 77 LABELS crash
      ENVIRONMENT "POSTERN_BINARY=$<TARGET_FILE:postern>;PYTHONDONTWRITEBYTECODE=1")
  endforeach()
endif()
