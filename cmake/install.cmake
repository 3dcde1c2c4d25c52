# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where; etc/ is installed as it stands, but never over the admin's own configuration.
include(GNUInstallDirs)
if(TARGET postern)
  install(TARGETS postern RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
  install(CODE "
    if(EXISTS \"\$ENV{DESTDIR}${CMAKE_INSTALL_FULL_SYSCONFDIR}/postern/postern.toml\")
      message(STATUS \"Kept: \$ENV{DESTDIR}${CMAKE_INSTALL_FULL_SYSCONFDIR}/postern/postern.toml\")
    else()
      file(INSTALL \"${PROJECT_SOURCE_DIR}/etc/postern.toml\" DESTINATION \"${CMAKE_INSTALL_FULL_SYSCONFDIR}/postern\")
    endif()")
  install(FILES etc/systemd/postern.service etc/systemd/postern-audit.service etc/systemd/postern-audit.timer
    DESTINATION lib/systemd/system)
  install(DIRECTORY etc/fail2ban DESTINATION ${CMAKE_INSTALL_DOCDIR})
  install(FILES etc/sysusers.d/postern.conf DESTINATION lib/sysusers.d)
  install(FILES etc/tmpfiles.d/postern.conf DESTINATION lib/tmpfiles.d)
  install(FILES docs/man/postern.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
  install(FILES docs/man/postern.toml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
endif()
