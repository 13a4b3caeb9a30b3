#!/bin/bash
# Runs every fuzz target for the given time, from its kept corpus; stops at the first finding.
#
#   tests/fuzz/run.sh BUILD_FOLDER SECONDS
#
# New inputs stay in BUILD_FOLDER/corpus; a finding is written to BUILD_FOLDER/findings. Mended, it
# goes to tests/fuzz/corpus/<target>/, where every `make test` replays it.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$1
seconds=$2
findings=$folder/findings
mkdir -p "$findings"

for source in tests/fuzz/*_fuzz.cc; do
  [ -e "$source" ] || { echo 'no fuzz targets' >&2 && exit 1; }
  target=$(basename "$source" .cc)
  grown=$folder/corpus/$target
  mkdir -p "$grown"
  kept=()
  [ -d "tests/fuzz/corpus/$target" ] && kept=("tests/fuzz/corpus/$target")
  dictionary=()
  [ -f "tests/fuzz/$target.dict" ] && dictionary=(-dict="tests/fuzz/$target.dict")
  echo "== $target for ${seconds}s"
  if ! "$folder/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$findings/$target-" "${dictionary[@]}" \
    "$grown" "${kept[@]}" >"$findings/$target.log" 2>&1; then
    tail -n 60 "$findings/$target.log"
    echo "$target found something; the input is in $findings" >&2
    exit 1
  fi
  grep -E 'stat::(number_of_executed_units|average_exec_per_sec)' "$findings/$target.log"
done
