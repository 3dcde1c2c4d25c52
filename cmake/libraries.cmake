# SPDX-License-Identifier: Apache-2.0
# Every library is a Debian package (tools/deps). Each becomes a target lib::NAME; postern_module(LIBS …) names them.
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Boost 1.81 EXACT QUIET)   # header only; 1.81 is what the code was written against
find_package(Threads REQUIRED)

function(postern_library name)
  add_library(lib_${name} INTERFACE)
  target_link_libraries(lib_${name} INTERFACE ${ARGN})
  add_library(lib::${name} ALIAS lib_${name})
endfunction()

function(postern_pkg name package)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${package})
  postern_library(${name} PkgConfig::${name})
endfunction()

postern_pkg(sodium libsodium)
postern_pkg(fmt fmt)
postern_pkg(spdlog spdlog)
postern_pkg(xxhash libxxhash)
postern_pkg(zstd libzstd)
postern_pkg(sqlite sqlite3)
postern_pkg(sasl libsasl2)
postern_library(unbound unbound)         # its .pc file names libevent, which only its event API needs
postern_pkg(seccomp libseccomp)
postern_pkg(pugixml pugixml)
postern_pkg(psl libpsl)
postern_pkg(archive libarchive)
pkg_check_modules(icu REQUIRED IMPORTED_TARGET icu-uc icu-i18n)
postern_library(icu PkgConfig::icu)
postern_library(openssl OpenSSL::SSL OpenSSL::Crypto)
postern_library(prometheus prometheus-cpp-core)
postern_library(zxcvbn zxcvbn)
postern_library(crypt crypt)
postern_library(tomlplusplus)
postern_library(cli11)
postern_library(asio Threads::Threads)
