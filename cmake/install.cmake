# SPDX-License-Identifier: Apache-2.0
include(GNUInstallDirs)
if(TARGET postern)
  install(TARGETS postern RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
endif()
