# fastbal: a short front to CMake. The programs end up in build/bin/.
#
#   make          build                          make debug   unoptimised build in build-debug/
#   make demo     from nothing to a finished     make asan    address sanitizer build, unit tests and broken files
#                 run on simulated quasars       make ubsan   the same with the undefined behaviour sanitizer
#   make test     every test                     make format  clang-format the C sources
#   make test-long  the long forms of tests that have one (kills, signals, ...): see CONTRIBUTING.md
#   make install  PREFIX=/usr/local DESTDIR=     make tsan    thread sanitizer build, and the pipeline with it
#   make clean    remove build/ and build-*/       make fuzz    fuzz targets, for tests/fuzz/run.sh
#   make bench    every figure beside its target: minutes, and 3 GB in build/bench; BENCH=--growth adds how time
#                 grows with rows, pixels, threads and ranks; make bench-short is a check in seconds
#
# "make demo" and "make test" first install the packages they need (see scripts/install-dependencies.sh); the others
# only say what is missing. JOBS=N sets how many things run at a time.
#
# SPDX-License-Identifier: BSD-3-Clause

PREFIX ?= /usr/local
BUILD ?= build
JOBS ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
CMAKE_FLAGS ?=

configure = cmake -S . -DCMAKE_INSTALL_PREFIX=$(PREFIX) $(CMAKE_FLAGS)
compile = cmake --build
C_SOURCES = $(shell git ls-files '*.c' '*.h')

.PHONY: all bench bench-short demo test test-long install debug asan ubsan tsan format fuzz clean
.NOTPARALLEL:

all:
	@scripts/install-dependencies.sh --check build
	@$(configure) -B $(BUILD) >/dev/null
	@$(compile) $(BUILD) -j $(JOBS)

demo:
	@scripts/install-dependencies.sh demo
	@$(MAKE) --no-print-directory all
	@scripts/demo.sh $(BUILD)/bin $(BUILD)/demo

test test-long:
	@scripts/install-dependencies.sh test
	@$(configure) -B $(BUILD) -DFASTBAL_REQUIRE_TESTS=ON >/dev/null
	@$(compile) $(BUILD) -j $(JOBS)
	@ctest --test-dir $(BUILD) $(if $(filter test-long,$@),-C long -L long --verbose,--output-on-failure) -j $(JOBS)

bench bench-short: all
	@$(compile) $(BUILD) -j $(JOBS) --target bench_programs >/dev/null
	@python=$$(scripts/find-python.sh numpy astropy) || { echo "make $@: no Python with numpy and astropy" >&2; \
	exit 1; }; $$python -B bench/bench.py $(BUILD) $(if $(filter bench-short,$@),--short) $(BENCH)

install: all
	@cmake --install $(BUILD)

debug:
	@scripts/install-dependencies.sh --check build
	@$(configure) -B build-debug -DCMAKE_BUILD_TYPE=Debug >/dev/null
	@$(compile) build-debug -j $(JOBS)

asan: SANITIZER = address
ubsan: SANITIZER = undefined
asan ubsan:
	@scripts/install-dependencies.sh test
	@$(configure) -B build-$@ -DCMAKE_BUILD_TYPE=Debug -DFASTBAL_SANITIZE=$(SANITIZER) >/dev/null
	@$(compile) build-$@ -j $(JOBS)
	@ctest --test-dir build-$@ -L 'unit|fuzz' --output-on-failure -j $(JOBS)

tsan:
	@scripts/install-dependencies.sh --check build
	@$(configure) -B build-tsan -DFASTBAL_SANITIZE=thread -DBUILD_TESTING=OFF >/dev/null
	@$(compile) build-tsan -j $(JOBS)
	@scripts/pipeline.sh build-tsan/bin build-tsan/pipeline

# Without FUZZ_CFITSIO=FOLDER the system's CFITSIO is used, which libFuzzer can't see into (docs/reliability.md).
fuzz:
	@scripts/install-dependencies.sh fuzz
	@$(configure) -B build-fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O1 -g" \
	-DFASTBAL_FUZZ=ON -DFASTBAL_FUZZ_CFITSIO=$(FUZZ_CFITSIO) -DFASTBAL_MPI=OFF >/dev/null
	@$(compile) build-fuzz -j $(JOBS) --target fuzz
	@build-fuzz/tests/fuzz/fuzz_seeds build-fuzz/tests/fuzz/seeds

format:
	@clang-format -i $(filter-out templates/%,$(C_SOURCES))

clean:
	rm -rf $(BUILD) build-*
