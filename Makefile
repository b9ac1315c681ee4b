# fastbal: a short front to CMake. The programs end up in build/bin/.
#
#   make          build                          make debug   unoptimised build in build-debug/
#   make demo     from nothing to a finished     make format  clang-format the C sources
#                 run on simulated quasars       make analyse gcc -fanalyzer, clang-tidy and cppcheck
#   make test     every test
#   make test-long  the long forms of tests that have one (kills, signals, ...): see CONTRIBUTING.md
#   make sanitize every test with the address and undefined behaviour sanitizers; make asan, ubsan and tsan (threads) with
#                 one of them; TESTS="-R find" for some tests
#   make install  PREFIX=/usr/local DESTDIR=       make reference  the C library's reference, with Doxygen
#   make train    train the built-in detector again: an hour, 2 GB in build/train; TRAIN="--trainings 1" for less
#   make clean    remove build/ and build-*/       make fuzz    fuzz targets, for tests/fuzz/run.sh
#   make bench    every figure beside its target: minutes, and 3 GB in build/bench; BENCH=--growth adds how time
#                 grows with rows, pixels, threads and ranks; make bench-short is a check in seconds
#
# "make demo" and "make test" first install the packages they need (see scripts/install-dependencies.sh); the others
# only say what is missing. JOBS=N sets how many things run at a time, TEST_JOBS=N how many tests:
# twice as many unless said otherwise.
#
# SPDX-License-Identifier: BSD-3-Clause

PREFIX ?= /usr/local
BUILD ?= build
JOBS ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# Many tests wait most of their time, for signals or ranks.
TEST_JOBS ?= $(shell echo $$((2 * $(JOBS))))
CMAKE_FLAGS ?=

configure = cmake -S . -DCMAKE_INSTALL_PREFIX=$(PREFIX) $(CMAKE_FLAGS)
compile = cmake --build
C_SOURCES = $(shell git ls-files '*.c' '*.h')

.PHONY: all analyse asan bench bench-short clean debug demo format fuzz install reference sanitize test test-long train tsan ubsan
.NOTPARALLEL:

all:
	@scripts/install-dependencies.sh --check build
	@$(configure) -B $(BUILD) >/dev/null
	@$(compile) $(BUILD) -j $(JOBS)

demo:
	@scripts/install-dependencies.sh demo
	@$(configure) -B $(BUILD) >/dev/null
	@echo "building"
	@$(compile) $(BUILD) -j $(JOBS) --target fastbal_program >$(BUILD)/demo.log 2>&1 || { cat $(BUILD)/demo.log; exit 1; }
	@scripts/demo.sh $(BUILD)/bin $(BUILD)/demo

test test-long:
	@scripts/install-dependencies.sh test
	@$(configure) -B $(BUILD) -DFASTBAL_REQUIRE_TESTS=ON >/dev/null
	@$(compile) $(BUILD) -j $(JOBS)
	@cd $(BUILD) && ctest --no-tests=error $(if $(filter test-long,$@),-C long -L long --verbose,--output-on-failure) -j $(TEST_JOBS)

bench bench-short: all
	@$(compile) $(BUILD) -j $(JOBS) --target bench_programs >/dev/null
	@python=$$(scripts/find-python.sh numpy astropy) || { echo "make $@: no Python with numpy and astropy" >&2; \
	exit 1; }; $$python -B bench/bench.py $(BUILD) $(if $(filter bench-short,$@),--short) $(BENCH)

train: all
	@$(compile) $(BUILD) -j $(JOBS) --target generate_samples >/dev/null
	@python=$$(scripts/find-python.sh numpy torch) || { echo "make $@: no Python with numpy and PyTorch;" \
	"on Debian: apt-get install python3-numpy python3-torch" >&2; exit 1; }; \
	$$python -B detector/train.py $(BUILD)/bin/generate_samples detector/builtin.c --folder $(BUILD)/train $(TRAIN)

reference:
	@mkdir -p build/reference
	@doxygen docs/Doxyfile
	@echo "build/reference/html/index.html"

install: all
	@cmake --install $(BUILD)

debug:
	@scripts/install-dependencies.sh --check build
	@$(configure) -B build-debug -DCMAKE_BUILD_TYPE=Debug >/dev/null
	@$(compile) build-debug -j $(JOBS)

sanitize: SANITIZERS = address;undefined
asan: SANITIZERS = address
ubsan: SANITIZERS = undefined
tsan: SANITIZERS = thread
sanitize asan ubsan tsan:
	@scripts/install-dependencies.sh test
	@$(configure) -B build-$@ -DCMAKE_BUILD_TYPE=Debug '-DFASTBAL_SANITIZE=$(SANITIZERS)' \
	-DFASTBAL_REQUIRE_TESTS=ON >/dev/null
	@$(compile) build-$@ -j $(JOBS)
	@cd build-$@ && ctest --no-tests=error --output-on-failure -j $(TEST_JOBS) $(TESTS)

# Without FUZZ_CFITSIO=FOLDER the system's CFITSIO is used, which libFuzzer can't see into (docs/reliability.md).
fuzz:
	@scripts/install-dependencies.sh fuzz
	@$(configure) -B build-fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O1 -g" \
	-DFASTBAL_FUZZ=ON -DFASTBAL_FUZZ_CFITSIO=$(FUZZ_CFITSIO) -DFASTBAL_MPI=OFF >/dev/null
	@$(compile) build-fuzz -j $(JOBS) --target fuzz
	@build-fuzz/tests/fuzz/fuzz_seeds build-fuzz/tests/fuzz/seeds

analyse:
	@scripts/install-dependencies.sh ci
	@scripts/analyse.sh build-analyse $(JOBS) $(TOOLS)

format:
	@clang-format -i $(filter-out templates/%,$(C_SOURCES))

clean:
	rm -rf $(BUILD) build-*
