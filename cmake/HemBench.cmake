# SPDX-License-Identifier: MIT
#
# The benchmarks. bench/NAME.c is a program; by its name it is linked with
#   floor_*   nothing: the bare machine
#   *_load    nothing: what loads a server
#   uv_*      libuv, which hem is compared with, where that is installed
#   hem_*     hem
# and those with `tls` in their names with OpenSSL as well, where hem is.
find_package(PkgConfig)
if(PKG_CONFIG_FOUND)
    pkg_check_modules(uv IMPORTED_TARGET libuv)
endif()

file(GLOB sources CONFIGURE_DEPENDS bench/*.c)
foreach(source IN LISTS sources)
    cmake_path(GET source STEM LAST_ONLY name)
    set(libraries Threads::Threads m)
    if(name MATCHES "tls")
        if(NOT TARGET hem_tls_static)
            continue()
        endif()
        list(APPEND libraries OpenSSL::SSL OpenSSL::Crypto)
    endif()
    if(name MATCHES "^uv_")
        if(NOT uv_FOUND)
            continue()
        endif()
        list(APPEND libraries PkgConfig::uv)
    elseif(name MATCHES "^hem_")
        if(name MATCHES "tls")
            list(PREPEND libraries hem_tls_static)
        endif()
        list(PREPEND libraries hem_static)
    endif()
    hem_add_program(${name} ${source} ${libraries})
endforeach()
