# SPDX-License-Identifier: MIT
#
# libhem-tls: src/tls, over libhem's public headers and OpenSSL 3. HEM_TLS says
# whether it is built. Provides, if it is:
#   hem_tls_static  hem_tls_shared
set(hem_tls_libraries "")
if(NOT HEM_TLS)
    return()
endif()
find_package(OpenSSL 3.0)
if(NOT OPENSSL_FOUND)
    if(NOT HEM_TLS STREQUAL "AUTO")
        message(FATAL_ERROR "HEM_TLS needs OpenSSL 3 (Debian: libssl-dev).")
    endif()
    message(STATUS "Found no OpenSSL 3: libhem-tls is not built")
    return()
endif()

file(GLOB sources CONFIGURE_DEPENDS src/tls/*.c)
add_library(hem_tls_objects OBJECT ${sources})
set_target_properties(hem_tls_objects PROPERTIES
    POSITION_INDEPENDENT_CODE ON
    C_VISIBILITY_PRESET hidden)
target_include_directories(hem_tls_objects PRIVATE include src)
target_link_libraries(hem_tls_objects PRIVATE hem_flags OpenSSL::SSL)

add_library(hem_tls_static STATIC $<TARGET_OBJECTS:hem_tls_objects>)
add_library(hem_tls_shared SHARED $<TARGET_OBJECTS:hem_tls_objects>)
add_library(hem::hem_tls_static ALIAS hem_tls_static)
add_library(hem::hem_tls ALIAS hem_tls_shared)
set_target_properties(hem_tls_static PROPERTIES OUTPUT_NAME hem-tls)
set_target_properties(hem_tls_shared PROPERTIES
    OUTPUT_NAME hem-tls
    EXPORT_NAME hem_tls
    INSTALL_RPATH "$ORIGIN" # libhem lies beside it
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}
    LINK_DEPENDS "${PROJECT_SOURCE_DIR}/packaging/hem-tls.map")
target_link_options(hem_tls_shared PRIVATE
    "LINKER:--version-script=${PROJECT_SOURCE_DIR}/packaging/hem-tls.map"
    ${hem_link_options})
if(NOT HEM_SANITIZE AND NOT HEM_FUZZ)
    target_link_options(hem_tls_shared PRIVATE LINKER:-z,defs)
endif()
target_link_libraries(hem_tls_static
    PUBLIC hem_static OpenSSL::SSL OpenSSL::Crypto)
target_link_libraries(hem_tls_shared
    PUBLIC hem_shared PRIVATE OpenSSL::SSL OpenSSL::Crypto)
set(hem_tls_libraries hem_tls_static hem_tls_shared)
