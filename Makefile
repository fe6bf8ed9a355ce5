# SPDX-License-Identifier: MIT
#
# Front end to CMakeLists.txt and to tools/. `make help` lists the targets; each
# first installs what it lacks (tools/bootstrap). Builds lie in build/.

PREFIX ?= /usr/local
BUILD = build/release
# As many compilers at once as -j says, or there are processors.
JOBS = $(or $(patsubst -j%,%,$(filter -j%,$(MAKEFLAGS))),$(shell nproc))
MAKEFLAGS += --no-print-directory

all:            ## build the library, the examples and the benchmarks
demo:           ## build and run the demonstration
test:           ## all tests: release, sanitizers, orders of tasks; minutes
bench:          ## run the benchmarks
docs:           ## check the documents against the tree
install:        ## install in PREFIX (/usr/local), under DESTDIR if set
sanitize:       ## all tests by each sanitizer, compiler and level
fuzz:           ## ten seconds of each fuzz target
test-aarch64:   ## the unit tests for 64-bit ARM, under qemu
check-all:      ## everything above, fault injection and 50 orders of tasks
clean:          ## remove build/
help:           ## this list

.PHONY: all demo test bench docs install sanitize fuzz test-aarch64 check-all \
	clean help bootstrap
.NOTPARALLEL:

bootstrap:
	@tools/bootstrap demo

# The first configuration leaves the tests out, which need more than the rest;
# `make test` adds them.
$(BUILD)/Makefile: | bootstrap
	@CC=gcc cmake -S . -B $(BUILD) -DHEM_BUILD_TESTS=OFF

all: $(BUILD)/Makefile
	@cmake --build $(BUILD) -j $(JOBS)

demo: $(BUILD)/Makefile
	@echo "building ..."
	@cmake --build $(BUILD) -j $(JOBS) --target demo http_server http_load \
		>$(BUILD)/demo.log 2>&1 || { cat $(BUILD)/demo.log; exit 1; }
	@$(BUILD)/bin/demo

test:
	@tools/bootstrap test
	@tools/matrix release asan seeds 2

bench:
	@tools/bootstrap bench
	@$(MAKE) all
	@HEM_BUILD_DIR=$(BUILD) bench/run
	@HEM_BUILD_DIR=$(BUILD) bench/outside

docs:
	@tools/check-docs

install: $(BUILD)/Makefile
	@cmake --build $(BUILD) -j $(JOBS) --target hem_libraries
	@cmake --install $(BUILD) --prefix $(PREFIX)
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

sanitize:
	@tools/bootstrap test
	@tools/matrix asan asan-gcc tsan valgrind ucontext O0 O3 clang

fuzz:
	@tools/bootstrap fuzz
	@tools/matrix fuzz

test-aarch64:
	@tools/bootstrap aarch64
	@tools/matrix aarch64

check-all: test sanitize fuzz test-aarch64
	@tools/matrix torture evil seeds 50

clean:
	rm -rf build

help:
	@sed -n 's/^\([a-z0-9-]*:\) *## /\1\t/p' Makefile | expand -t 16
