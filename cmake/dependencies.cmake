# Every third-party library, as Debian 12 packages it (the package list is in `dev`). Linked statically where
# Debian ships an archive, so that the program needs nothing beside it but glibc. Each enters the house by one door.

function(glmgate_need variable package)
  if(NOT ${variable})
    message(FATAL_ERROR "${variable} not found\n\n  hint: apt-get install ${package}, or run ./dev build, which does it")
  endif()
endfunction()

# Boost.JSON -> src/base/json.h
find_path(BOOST_INCLUDE boost/json.hpp)
find_library(BOOST_JSON_ARCHIVE libboost_json.a)
glmgate_need(BOOST_INCLUDE "libboost-json1.81-dev or libboost-json-dev")
glmgate_need(BOOST_JSON_ARCHIVE "libboost-json1.81-dev or libboost-json-dev")
add_library(boost_json INTERFACE)
target_include_directories(boost_json SYSTEM INTERFACE ${BOOST_INCLUDE})
target_link_libraries(boost_json INTERFACE ${BOOST_JSON_ARCHIVE})

# llhttp -> src/net. Debian 13 has an archive; Debian 12 only the C source, in node-llhttp.
find_library(LLHTTP_ARCHIVE libllhttp.a)
find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include/llhttp)
glmgate_need(LLHTTP_INCLUDE "libllhttp-dev or node-llhttp")
if(LLHTTP_ARCHIVE)
  add_library(llhttp INTERFACE)
  target_link_libraries(llhttp INTERFACE ${LLHTTP_ARCHIVE})
  target_include_directories(llhttp SYSTEM INTERFACE ${LLHTTP_INCLUDE})
else()
  find_path(LLHTTP_SOURCE llhttp.c PATHS /usr/share/llhttp)
  glmgate_need(LLHTTP_SOURCE node-llhttp)
  add_library(llhttp STATIC ${LLHTTP_SOURCE}/llhttp.c ${LLHTTP_SOURCE}/api.c ${LLHTTP_SOURCE}/http.c)
  target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
  target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
  target_compile_options(llhttp PRIVATE -O2 -w)
endif()

# OpenSSL -> src/net (TLS) and src/accounts (HMAC)
find_library(SSL_ARCHIVE libssl.a)
find_library(CRYPTO_ARCHIVE libcrypto.a)
glmgate_need(SSL_ARCHIVE libssl-dev)
find_package(Threads REQUIRED)
add_library(openssl INTERFACE)
target_link_libraries(openssl INTERFACE ${SSL_ARCHIVE} ${CRYPTO_ARCHIVE} Threads::Threads ${CMAKE_DL_LIBS})

# zlib and zstd -> src/net (request and answer bodies)
find_library(Z_ARCHIVE libz.a)
find_library(ZSTD_ARCHIVE libzstd.a)
glmgate_need(Z_ARCHIVE zlib1g-dev)
glmgate_need(ZSTD_ARCHIVE libzstd-dev)
add_library(compression INTERFACE)
target_link_libraries(compression INTERFACE ${Z_ARCHIVE} ${ZSTD_ARCHIVE})

# SQLite -> src/accounts/ledger_sqlite.cpp
find_library(SQLITE_ARCHIVE libsqlite3.a)
glmgate_need(SQLITE_ARCHIVE libsqlite3-dev)
add_library(sqlite INTERFACE)
target_link_libraries(sqlite INTERFACE ${SQLITE_ARCHIVE} Threads::Threads ${CMAKE_DL_LIBS} m)

# spdlog with fmt, both header-only: Debian ships no archive -> src/base/log.cpp
find_path(SPDLOG_INCLUDE spdlog/spdlog.h)
glmgate_need(SPDLOG_INCLUDE libspdlog-dev)
find_path(FMT_INCLUDE fmt/format.h)
glmgate_need(FMT_INCLUDE libfmt-dev)
add_library(spdlog_door INTERFACE)
target_compile_definitions(spdlog_door INTERFACE SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY)

# toml++ -> src/cli/config.cpp;  CLI11 -> src/cli/main.cpp  (header-only)
find_path(TOML_INCLUDE toml++/toml.h)
glmgate_need(TOML_INCLUDE libtomlplusplus-dev)
add_library(tomlplusplus INTERFACE)
find_path(CLI11_INCLUDE CLI/CLI.hpp)
glmgate_need(CLI11_INCLUDE libcli11-dev)
add_library(cli11 INTERFACE)

if(GLMGATE_TESTS OR GLMGATE_FUZZ)
  find_package(GTest REQUIRED)
endif()
