# SPDX-License-Identifier: MIT
#
# How hem's own code is compiled and linked, and which context switch it gets.
#
# Provides:
#   hem_flags                 an interface library for everything of hem's
#   hem_link_options          the link options of hem_flags
#   hem_user_compile_options  what programs that use hem should be compiled and
#   hem_user_link_options     linked with
#   hem_switch                name of the file in src/coro
#   hem_uring                 name of the file in src/io
#   hem_add_program(name source libraries...)
include(CheckCCompilerFlag)
include(CheckSymbolExists)

# A frame larger than a guard region must touch it: a task's stack is small.
set(CMAKE_REQUIRED_FLAGS -Werror)
check_c_compiler_flag(-fstack-clash-protection HEM_HAVE_STACK_CLASH)
unset(CMAKE_REQUIRED_FLAGS)
if(HEM_HAVE_STACK_CLASH)
    set(hem_user_compile_options
        $<$<COMPILE_LANGUAGE:C,CXX>:-fstack-clash-protection>)
endif()

# Resolving a symbol lazily takes 3 KB of the stack of the task that calls it.
set(hem_user_link_options LINKER:-z,now)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$"
        AND CMAKE_SIZEOF_VOID_P EQUAL 8)
    set(hem_switch switch_x86_64.S)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(hem_switch switch_aarch64.S)
else()
    set(hem_switch switch_ucontext.c)
endif()
if(HEM_UCONTEXT)
    set(hem_switch switch_ucontext.c)
endif()

set(hem_uring uring_none.c)
if(NOT HEM_URING STREQUAL OFF)
    check_symbol_exists(IORING_FEAT_RW_CUR_POS linux/io_uring.h
        HEM_HAVE_IO_URING)
    if(HEM_HAVE_IO_URING)
        set(hem_uring uring.c)
    elseif(HEM_URING STREQUAL ON)
        message(FATAL_ERROR "HEM_URING=ON needs linux/io_uring.h of Linux 5.6.")
    endif()
endif()

add_library(hem_flags INTERFACE)
set(hem_link_options LINKER:-z,now LINKER:-z,relro LINKER:-z,noexecstack)

# Paths in messages, and in what is built, begin at the root of the project.
set(hem_c_options -ffile-prefix-map=${CMAKE_CURRENT_SOURCE_DIR}/=
    -std=c17 -UNDEBUG -Wall -Wextra -Wpedantic -Wshadow
    -Wconversion ${hem_user_compile_options})
if(HEM_WERROR)
    list(APPEND hem_c_options -Werror)
endif()

if(HEM_SANITIZE)
    list(APPEND hem_c_options -fsanitize=${HEM_SANITIZE}
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    list(APPEND hem_link_options -fsanitize=${HEM_SANITIZE})
    if(HEM_SANITIZE MATCHES memory)
        list(APPEND hem_c_options -fsanitize-memory-track-origins)
    endif()
    if(CMAKE_C_COMPILER_ID STREQUAL GNU)
        # False under the sanitizers, says gcc's manual.
        list(APPEND hem_c_options -Wno-maybe-uninitialized
            -Wno-stringop-overread)
    endif()
endif()
if(HEM_FUZZ)
    list(APPEND hem_c_options -fsanitize=fuzzer-no-link)
endif()
if(NOT HEM_SANITIZE AND NOT HEM_FUZZ)
    set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
    list(APPEND hem_c_options
        $<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=2>)
endif()

target_compile_options(hem_flags INTERFACE
    "$<$<COMPILE_LANGUAGE:C>:${hem_c_options}>")
target_compile_definitions(hem_flags INTERFACE
    _GNU_SOURCE
    $<$<BOOL:${HEM_TORTURE}>:HEM_TORTURE=1>
    $<$<STREQUAL:${hem_switch},switch_ucontext.c>:HEM_UCONTEXT=1>)
target_link_options(hem_flags INTERFACE ${hem_link_options})

function(hem_add_program name source)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE hem_flags ${ARGN})
endfunction()
