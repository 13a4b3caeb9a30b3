#!/bin/bash
# Runs every benchmark of a build folder, one after the other.
#
#   tests/bench/run.sh BUILD_FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."

echo '# nanoseconds of CPU per operation: the median of 5 rounds, and the fastest'
for benchmark in "$1"/bench/*_bench; do "$benchmark"; done
