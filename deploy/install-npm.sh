#!/bin/sh
# Installs the npm packages of sdk/ as its lock file has them, when they are missing or it changed.
#
#   deploy/install-npm.sh
#
# Costs a few milliseconds when nothing is to be done.
set -eu
cd "$(dirname "$0")/../sdk"

# npm leaves this copy of the lock file when it has installed everything.
installed=node_modules/.package-lock.json
[ -e "$installed" ] && [ -z "$(find package-lock.json -newer "$installed")" ] && exit 0

echo 'install-npm: npm ci in sdk/'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
npm ci >"$log" 2>&1 || {
  cat "$log" >&2
  echo 'install-npm: npm ci failed; its message above says why' >&2
  exit 1
}
touch "$installed"
