#!/bin/bash
# Runs every fuzz target for the given time, from its kept corpus, as many at once as there are
# cores; each target is one test. Ends with one line: N passed, N failed.
#
#   tests/fuzz/run.sh BUILD_FOLDER SECONDS
#
# New inputs stay in BUILD_FOLDER/corpus; a finding is written to BUILD_FOLDER/findings. Mended, it
# goes to tests/fuzz/corpus/<target>/, where every `make test` replays it.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/tally.sh
folder=$1
seconds=$2
findings=$folder/findings
mkdir -p "$findings"

fuzz() {  # TARGET
  local target=$1 grown=$folder/corpus/$1 log=$findings/$1.log kept=() dictionary=()
  mkdir -p "$grown"
  [ -d "tests/fuzz/corpus/$target" ] && kept=("tests/fuzz/corpus/$target")
  [ -f "tests/fuzz/$target.dict" ] && dictionary=(-dict="tests/fuzz/$target.dict")
  if "$folder/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$findings/$target-" "${dictionary[@]}" \
    "$grown" "${kept[@]}" >"$log" 2>&1; then
    echo "ok     $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs in ${seconds} s"
    return 0
  fi
  tail -n 60 "$log"
  echo "FAILED $target; the input is in $findings"
  return 1
}

reap() {  # waits for one of the targets under way and counts it
  if wait -n; then tally 1 0; else tally 0 1; fi
}

running=0
for source in tests/fuzz/*_fuzz.cc; do
  if [ "$running" -ge "$(nproc)" ]; then
    reap
    running=$((running - 1))
  fi
  fuzz "$(basename "$source" .cc)" &
  running=$((running + 1))
done
for ((; running > 0; running--)); do reap; done
finish_tally
