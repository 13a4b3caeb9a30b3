#!/bin/bash
# Builds and runs all tests in each build type named; ends with one line: N passed, N failed.
#
#   tests/run_suites.sh Release|Debug|Asan|Tsan...
#
# Tsan builds and runs the tests labelled `threads` only: those where two threads meet.
# With TAKO_TALLY=FILE the counts are appended to FILE ("passed failed") instead of printed.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/tally.sh

export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/tests/tsan.supp}

run_ctest() {  # TYPE FOLDER
  local report=$PWD/$2/ctest.xml only=()
  [ "$1" = Tsan ] && only=(-L threads)
  rm -f "$report"
  ctest --test-dir "$2" "${only[@]}" -j "$(nproc)" --output-on-failure --no-tests=error \
    --output-junit "$report"
  local status=$?
  # One entry of CTest is one test; a skipped ("disabled") one is neither passed nor failed.
  local tests failures skipped disabled
  tests=$(junit_count "$report" tests) failures=$(junit_count "$report" failures)
  skipped=$(junit_count "$report" skipped) disabled=$(junit_count "$report" disabled)
  # ctest can also fail as a whole: no test found, a crash of its own.
  [ "$status" -ne 0 ] && [ "$failures" -eq 0 ] && failures=1 && tests=$((tests + 1))
  tally $((tests - failures - skipped - disabled)) "$failures"
}

run_browser_tests() {  # FOLDER
  compgen -G 'tests/browser/*.test.mjs' >/dev/null || return 0
  local output passed failed
  deploy/build-example.sh || {
    tally 0 1
    return
  }
  output=$(TAKO_BUILD_DIR=$PWD/$1 node --test --test-reporter=tap tests/browser/)
  local status=$?
  passed=$(tap_count "$output" pass) failed=$(tap_count "$output" fail)
  [ "$status" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1
  [ "$failed" -ne 0 ] && printf '%s\n' "$output"
  tally "$passed" "$failed"
}

run_sdk_tests() {  # FOLDER
  local report=$PWD/$1/sdk-tests.json
  rm -f "$report"
  (cd sdk && TAKO_BUILD_DIR=$OLDPWD/$1 npx vitest run --reporter=dot --reporter=json \
    --outputFile.json="$report")
  local status=$? passed failed
  passed=$(vitest_count "$report" numPassedTests) failed=$(vitest_count "$report" numFailedTests)
  # A file that does not even load fails no test.
  [ "$status" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1
  tally "$passed" "$failed"
}

for type in "$@"; do
  folder=$(deploy/build.sh --folder "$type") || exit 2
  target=all
  [ "$type" = Tsan ] && target=threads_tests
  echo "== $type"
  if ! deploy/build.sh "$type" "$target"; then
    tally 0 1
    continue
  fi
  run_ctest "$type" "$folder"
  [ "$type" = Release ] && run_sdk_tests "$folder"
  [ "$type" = Release ] && run_browser_tests "$folder"
done
finish_tally
