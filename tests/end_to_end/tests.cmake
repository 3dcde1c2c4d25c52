# SPDX-License-Identifier: Apache-2.0
# End-to-end tests: the real binary with real clients and servers (tests/end_to_end/lab.py). Release build only; each file is
# one ctest case and brings up a laboratory of its own.
if(NOT POSTERN_SANITIZE AND NOT POSTERN_FUZZ AND TARGET postern)
  find_program(python3 python3 REQUIRED)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*_test.py)
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    string(REPLACE "_test" "" name ${name})
    add_test(NAME end_to_end_${name} COMMAND ${python3} ${file} WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR})
    set_tests_properties(end_to_end_${name} PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 77 LABELS end_to_end
      ENVIRONMENT "POSTERN_BINARY=$<TARGET_FILE:postern>;PYTHONDONTWRITEBYTECODE=1;POSTERN_BUILD=${PROJECT_BINARY_DIR}")
  endforeach()
  # They keep both cores of a small machine busy: nothing beside them.
  set_tests_properties(end_to_end_siege end_to_end_login_storm end_to_end_idle_crowd PROPERTIES RUN_SERIAL ON)
endif()
