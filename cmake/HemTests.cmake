# SPDX-License-Identifier: MIT
#
# The tests, and their labels:
#   unit    tests/test_*.c, tests/peers/test_*.c, tests/http/test_*.c and, if
#           libhem-tls is built, tests/tls/test_*.c, each a cmocka program
#   scale   tests/scale/*.c, larger ones
#   torture tests/torture/test_*.c, where every call fails once (HEM_TORTURE)
#   evil    those that move bytes or wait for the outside, under evil I/O, in the
#           torture build; HEM_EVIL_SEEDS says under how many seeds, or 3
#   conformance  programs whose traces are those of asyncio and aiotools
#   system  tests/*.sh and tests/http/*.sh, which run programs from outside
#   check   the project's own checks of its sources and documents
# and the fuzz targets, which are run by tools/matrix.

file(GLOB fuzz_sources CONFIGURE_DEPENDS tests/fuzz/*.c)
if(HEM_FUZZ)
    foreach(source IN LISTS fuzz_sources)
        cmake_path(GET source STEM LAST_ONLY name)
        hem_add_program(${name} ${source} ${hem_example_parts} hem_static)
        target_include_directories(${name} PRIVATE src)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        set_target_properties(${name} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
    endforeach()
endif()
if(NOT HEM_BUILD_TESTS)
    return()
endif()

find_package(PkgConfig)
if(PKG_CONFIG_FOUND)
    pkg_check_modules(cmocka IMPORTED_TARGET cmocka)
endif()
if(NOT cmocka_FOUND)
    message(FATAL_ERROR "The tests need cmocka and pkg-config: "
        "run tools/bootstrap test, or configure with -DHEM_BUILD_TESTS=OFF.")
endif()

# HEM_SEED is inherited from the environment of ctest.
set(test_environment
    ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=0
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    TSAN_OPTIONS=halt_on_error=1
    "HEM_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
    "HEM_BUILD_DIR=${PROJECT_BINARY_DIR}")
separate_arguments(test_wrapper UNIX_COMMAND "${HEM_TEST_WRAPPER}")
if(CMAKE_CROSSCOMPILING_EMULATOR)
    list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
    list(APPEND test_environment "HEM_TEST_EMULATOR=${emulator}")
endif()

# What the test programs share.
add_library(hem_test INTERFACE)
target_include_directories(hem_test INTERFACE src tests/support)
target_link_libraries(hem_test INTERFACE
    hem_static Threads::Threads PkgConfig::cmocka m)
file(GLOB sources CONFIGURE_DEPENDS tests/support/*.c)
if(sources)
    add_library(hem_test_support STATIC ${sources})
    target_link_libraries(hem_test_support PRIVATE hem_flags PUBLIC hem_test)
else()
    add_library(hem_test_support ALIAS hem_test)
endif()

# Describe the test `name` to ctest: its label and its limit in seconds. Exit
# status 77 skips it.
function(hem_describe_test name label seconds)
    math(EXPR seconds "${seconds} * ${HEM_TEST_PATIENCE}")
    set_tests_properties(${name} PROPERTIES
        LABELS ${label}
        TIMEOUT ${seconds}
        SKIP_RETURN_CODE 77
        ENVIRONMENT "${test_environment}")
endfunction()

function(hem_add_test name source label seconds)
    hem_add_program(${name} ${source} ${ARGN} hem_test_support)
    if(test_wrapper)
        add_test(NAME ${name} COMMAND ${test_wrapper} $<TARGET_FILE:${name}>)
    else()
        add_test(NAME ${name} COMMAND ${name})
    endif()
    hem_describe_test(${name} ${label} ${seconds})
endfunction()

# What other libraries' event loops are in hem's is tested where they are.
find_package(CURL QUIET)
if(CMAKE_CROSSCOMPILING OR HEM_SANITIZE MATCHES memory)
    set(CURL_FOUND FALSE) # made for another machine, or not instrumented
endif()

file(GLOB sources CONFIGURE_DEPENDS tests/test_*.c tests/peers/test_*.c)
if(NOT CURL_FOUND)
    list(FILTER sources EXCLUDE REGEX "/test_fd_curl\\.c$")
endif()
foreach(source IN LISTS sources)
    cmake_path(GET source STEM LAST_ONLY name)
    hem_add_test(${name} ${source} unit 120)
endforeach()
if(TARGET test_fd_curl)
    target_link_libraries(test_fd_curl PRIVATE CURL::libcurl)
endif()

file(GLOB sources CONFIGURE_DEPENDS tests/scale/*.c)
foreach(source IN LISTS sources)
    cmake_path(GET source STEM LAST_ONLY name)
    hem_add_test(${name} ${source} scale 240)
endforeach()

# Of the files in tests/torture, test_* are programs; the others are their parts.
if(HEM_TORTURE)
    file(GLOB sources CONFIGURE_DEPENDS tests/torture/test_*.c)
    file(GLOB parts CONFIGURE_DEPENDS tests/torture/*.c)
    list(REMOVE_ITEM parts ${sources})
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM LAST_ONLY name)
        hem_add_test(${name} ${source} torture 300)
        target_sources(${name} PRIVATE ${parts})
    endforeach()
endif()

# The resolver that is not the system's has a server of names to ask.
if(HEM_CARES)
    hem_add_test(test_resolve_cares tests/cares/test_resolve_cares.c unit 120)
    target_sources(test_resolve_cares PRIVATE tests/cares/dns.c)
endif()

# Of the files in tests/tls, test_* are programs; the others are their parts.
if(TARGET hem_tls_static)
    file(GLOB sources CONFIGURE_DEPENDS tests/tls/test_*.c)
    file(GLOB parts CONFIGURE_DEPENDS tests/tls/*.c)
    list(REMOVE_ITEM parts ${sources})
    add_library(hem_test_tls STATIC ${parts})
    target_link_libraries(hem_test_tls
        PRIVATE hem_flags PUBLIC hem_tls_static hem_test_support)
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM LAST_ONLY name)
        hem_add_test(${name} ${source} unit 120 hem_test_tls)
    endforeach()
endif()

# Of the programs in tests/http, test_* are tests; the others are used by them.
file(GLOB sources CONFIGURE_DEPENDS tests/http/*.c)
foreach(source IN LISTS sources)
    cmake_path(GET source STEM LAST_ONLY name)
    if(name MATCHES "^test_")
        hem_add_test(${name} ${source} unit 120 ${hem_example_parts})
    else()
        hem_add_program(${name} ${source}
            ${hem_example_parts} hem_test_support)
    endif()
endforeach()

# Again, under evil I/O.
set(evil_programs
    accept address admin agent call child connect datagram drain echo fd file fork happy
    hostile http interrupt layer left_open lane listen path peers pipe post prefork
    proxy raw resolve run serve sig sock stdio stream subprocess suspension
    thread tls transport unix watch
    cancel_everywhere_admin cancel_everywhere_connect cancel_everywhere_datagram cancel_everywhere_file
    cancel_everywhere_listen cancel_everywhere_names cancel_everywhere_raw cancel_everywhere_resolve
    cancel_everywhere_serve cancel_everywhere_signal cancel_everywhere_stream
    cancel_everywhere_subprocess cancel_everywhere_thread cancel_everywhere_tls)
list(JOIN evil_programs "|" evil_programs)
if(HEM_TORTURE)
    get_property(names DIRECTORY PROPERTY TESTS)
    list(FILTER names INCLUDE REGEX "^test_(${evil_programs})")
    foreach(name IN LISTS names)
        get_test_property(${name} LABELS label)
        if(label STREQUAL "unit")
            add_test(NAME evil_${name} COMMAND ${test_wrapper}
                "${PROJECT_SOURCE_DIR}/tests/evil/seeds" $<TARGET_FILE:${name}>)
            hem_describe_test(evil_${name} evil 600)
        endif()
    endforeach()
endif()

file(GLOB sources CONFIGURE_DEPENDS tests/conformance/*.c)
hem_add_program(hem-trace "${sources}" hem_static)
target_compile_definitions(hem-trace PRIVATE
    "HEM_DIFFERENCES=\"${PROJECT_SOURCE_DIR}/tests/conformance/differences\"")
add_test(NAME conformance COMMAND ${test_wrapper} $<TARGET_FILE:hem-trace>
    --check "${PROJECT_SOURCE_DIR}/tests/conformance/corpus")
hem_describe_test(conformance conformance 600)

# In twenty orders of the ready tasks, some to a test so that they run side by
# side; sanitizers and valgrind see the first order.
if(NOT HEM_SANITIZE AND NOT test_wrapper AND NOT HEM_TORTURE)
    foreach(first RANGE 1 16 5)
        math(EXPR last "${first} + 4")
        set(name conformance_seeds_${first}_to_${last})
        add_test(NAME ${name} COMMAND
            "${PROJECT_SOURCE_DIR}/tests/conformance/seeds"
            $<TARGET_FILE:hem-trace> ${first} ${last})
        hem_describe_test(${name} conformance 300)
    endforeach()
endif()

file(GLOB sources CONFIGURE_DEPENDS tests/*.sh tests/http/*.sh)
foreach(source IN LISTS sources)
    cmake_path(GET source STEM LAST_ONLY name)
    add_test(NAME ${name} COMMAND ${source})
    hem_describe_test(${name} system 120)
endforeach()

foreach(name IN ITEMS layers headers format seam docs)
    add_test(NAME ${name} COMMAND "${PROJECT_SOURCE_DIR}/tools/check-${name}")
    hem_describe_test(${name} check 120)
endforeach()
