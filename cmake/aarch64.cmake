# SPDX-License-Identifier: MIT
#
# Cross build for 64-bit ARM on Debian, tested under qemu's user emulation.
# `tools/bootstrap aarch64` installs what it needs.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)

# Libraries for the target lie in Debian's directory for its architecture.
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig)

# Programs run with the target's libraries of the system, where cmocka is: the
# dynamic linker of /usr/aarch64-linux-gnu would find libc there too, which may
# be of another version; then they fail, or hang in pthread_create().
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64;-L;/)
