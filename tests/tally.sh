# Sourced by the test runners: counts passed and failed tests over several tools.
tally_passed=0
tally_failed=0

tally() {  # PASSED FAILED
  tally_passed=$((tally_passed + $1))
  tally_failed=$((tally_failed + $2))
}

# Prints the closing line, or leaves it to the caller who named a file. Fails if any test failed,
# or if none ran: a suite that runs nothing must not look green.
finish_tally() {
  if [ -n "${TAKO_TALLY:-}" ]; then
    echo "$tally_passed $tally_failed" >>"$TAKO_TALLY"
  else
    echo "$tally_passed passed, $tally_failed failed"
  fi
  [ "$tally_failed" -eq 0 ] && [ "$tally_passed" -gt 0 ]
}

junit_count() {  # REPORT ATTRIBUTE: the attribute of <testsuite>, 0 when there is none
  local count
  count=$(tr '\n\t' '  ' <"$1" 2>/dev/null | grep -o '<testsuite [^>]*>' |
    grep -o " $2=\"[0-9]*\"" | grep -o '[0-9]*' | head -n 1)
  echo "${count:-0}"
}

vitest_count() {  # REPORT MEMBER: of vitest's JSON report, 0 when there is none
  local count
  count=$(grep -o "\"$2\":[0-9]*" "$1" 2>/dev/null | grep -o '[0-9]*$' | head -n 1)
  echo "${count:-0}"
}

tap_count() {  # OUTPUT pass|fail: from the closing comments of node's test runner
  local count
  count=$(grep -o "^# $2 [0-9]*" <<<"$1" | grep -o '[0-9]*$' | tail -n 1)
  echo "${count:-0}"
}
