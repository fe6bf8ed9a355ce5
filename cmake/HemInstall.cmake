# SPDX-License-Identifier: MIT
#
# Libraries, headers, and what pkg-config and find_package(hem) read. All of it
# may be moved after the installation.
include(CMakePackageConfigHelpers)

install(TARGETS hem_static hem_shared ${hem_tls_libraries} EXPORT hemTargets)
install(DIRECTORY include/ TYPE INCLUDE FILES_MATCHING PATTERN "*.h")

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/hem")
install(EXPORT hemTargets NAMESPACE hem:: DESTINATION "${package_dir}")
configure_package_config_file(cmake/hemConfig.cmake.in hemConfig.cmake
    INSTALL_DESTINATION "${package_dir}"
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(hemConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/hemConfig.cmake"
    "${PROJECT_BINARY_DIR}/hemConfigVersion.cmake"
    DESTINATION "${package_dir}")

# hem.pc and hem-tls.pc name their directories by where they lie themselves.
set(pc_dir "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig")
set(prefix "${CMAKE_INSTALL_PREFIX}")
cmake_path(RELATIVE_PATH prefix
    BASE_DIRECTORY "${pc_dir}" OUTPUT_VARIABLE HEM_PC_PREFIX)
foreach(dir IN ITEMS LIBDIR INCLUDEDIR)
    cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_${dir}
        BASE_DIRECTORY "${prefix}" OUTPUT_VARIABLE HEM_PC_${dir})
endforeach()
set(HEM_PC_CFLAGS "")
if(HEM_HAVE_STACK_CLASH)
    set(HEM_PC_CFLAGS " -fstack-clash-protection")
endif()
set(HEM_PC_LIBS_PRIVATE "-pthread")
if(HEM_CARES)
    string(APPEND HEM_PC_LIBS_PRIVATE " -lcares")
endif()
set(pc_names hem)
if(hem_tls_libraries)
    list(APPEND pc_names hem-tls)
endif()
foreach(name IN LISTS pc_names)
    configure_file(packaging/${name}.pc.in ${name}.pc @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/${name}.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()

# Units for the example of a service: to be copied, and changed.
install(DIRECTORY packaging/systemd
    DESTINATION "${CMAKE_INSTALL_DATADIR}/hem"
    FILES_MATCHING PATTERN "*.service" PATTERN "*.socket")
