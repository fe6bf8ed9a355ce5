# SPDX-License-Identifier: MIT
#
# The examples. examples/NAME.c is a program; so is the directory
# examples/NAME, whose main.c (or NAME.c, there or beside it) has main(). The
# rest of a directory is a library, for the tests too: hem_example_parts.
#
# Those called tls_* are for libhem-tls, and need it; their parts use OpenSSL.
#
# They are linked with the shared library, as users do: what the headers fail
# to export shows here.
set(hem_example_parts "")
file(GLOB entries LIST_DIRECTORIES true CONFIGURE_DEPENDS examples/*)
set(programs "")
foreach(entry IN LISTS entries)
    cmake_path(GET entry STEM LAST_ONLY name)
    set(is_tls FALSE)
    if(name MATCHES "^tls_")
        set(is_tls TRUE)
        if(NOT TARGET hem_tls_shared)
            continue()
        endif()
    endif()
    if(IS_DIRECTORY "${entry}")
        file(GLOB parts CONFIGURE_DEPENDS "${entry}/*.c")
        set(main ${parts})
        list(FILTER main INCLUDE REGEX "/${name}/(main|${name})\\.c$")
        list(FILTER parts EXCLUDE REGEX "/${name}/(main|${name})\\.c$")
        if(parts)
            add_library(${name}_parts STATIC EXCLUDE_FROM_ALL ${parts})
            target_include_directories(${name}_parts PUBLIC
                include examples "${entry}")
            target_link_libraries(${name}_parts PRIVATE hem_flags)
            if(is_tls)
                target_link_libraries(${name}_parts PRIVATE OpenSSL::Crypto)
            else()
                list(APPEND hem_example_parts ${name}_parts)
            endif()
        endif()
        if(main)
            set(main_of_${name} "${main}")
            list(APPEND programs ${name})
        endif()
    elseif(entry MATCHES "\\.c$")
        set(main_of_${name} "${entry}")
        list(APPEND programs ${name})
    endif()
endforeach()

if(HEM_BUILD_EXAMPLES)
    foreach(name IN LISTS programs)
        hem_add_program(${name} "${main_of_${name}}")
        if(TARGET ${name}_parts)
            target_link_libraries(${name} PRIVATE ${name}_parts)
        endif()
        if(name MATCHES "^tls_")
            target_link_libraries(${name} PRIVATE hem_tls_shared)
        endif()
        target_link_libraries(${name} PRIVATE hem_shared)
    endforeach()
endif()
