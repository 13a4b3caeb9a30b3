# The verbs of the project. TYPE=Debug|Release|Asan|Tsan|Fuzz chooses the kind of build.
#
#   make build            build/tako-broker, build/tako-edge, build/takoctl
#   make run              broker, edge and the example app; prints where to look. Ctrl-C stops them
#   make test             Release, Asan (with UBSan) and, where threads meet, Tsan; TYPE=… for one
#   make soak             the crash loop, SOAK_ROUNDS (200) faults long; TAKO_LAW_SEED repeats a run
#   make lint             format, clang-tidy, include arrows, lone headers, documents against code
#   make fuzz             every target of tests/fuzz for FUZZ_SECONDS (60)
#   make bench            every benchmark of tests/bench
#   make package          build/package/tako-channels_<version>_<architecture>.deb
#   make clean            removes build/ and build-*/
MAKEFLAGS += --no-print-directory

test_types := $(if $(TYPE),$(TYPE),Release Asan Tsan)
TYPE ?= Release
FUZZ_SECONDS ?= 60
SOAK_ROUNDS ?= 200

types := Debug Release Asan Tsan Fuzz
$(if $(filter $(types),$(TYPE)),,$(error TYPE=$(TYPE) is none of: $(types)))

.PHONY: build run test soak lint fuzz bench package clean
.DEFAULT_GOAL := build

build:
	@deploy/install-deps.sh build
	@deploy/build.sh $(TYPE) programs

run: build
	@deploy/install-deps.sh sdk
	@deploy/build-example.sh
	@node deploy/run.mjs "$$(deploy/build.sh --folder $(TYPE))"

test:
	@deploy/install-deps.sh build deploy sdk browser
	@deploy/install-npm.sh
	@tests/run_suites.sh $(test_types)

soak: build
	@deploy/build.sh $(TYPE) soak_test
	@SOAK_ROUNDS=$(SOAK_ROUNDS) "$$(deploy/build.sh --folder $(TYPE))/soak_test"

lint:
	@deploy/install-deps.sh build lint sdk
	@deploy/install-npm.sh
	@deploy/build.sh Release lint_inputs
	@node tests/lint/lint.mjs

fuzz:
	@deploy/install-deps.sh build fuzz
	@deploy/build.sh Fuzz fuzz_targets
	@tests/fuzz/run.sh build-fuzz $(FUZZ_SECONDS)

bench: build
	@deploy/install-deps.sh bench
	@cmake "$$(deploy/build.sh --folder $(TYPE))" >/dev/null
	@deploy/build.sh $(TYPE) bench_targets
	@tests/bench/run.sh "$$(deploy/build.sh --folder $(TYPE))"

package:
	@deploy/install-deps.sh build package
	@deploy/build.sh Release package_inputs
	@cd build && cpack -G DEB -B package

clean:
	rm -rf build build-debug build-asan build-tsan build-fuzz
