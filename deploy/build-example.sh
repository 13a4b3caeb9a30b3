#!/bin/sh
# Builds the SDK and the example app, what of them is older than its sources.
#
#   deploy/build-example.sh
#
# Costs a few milliseconds when nothing is to be done.
set -eu
cd "$(dirname "$0")"
./install-npm.sh
cd ../sdk
example=examples/rooms

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Compares a build's stamp with the files that decide over it.
is_older() { # STAMP SOURCE...
  stamp=$1
  shift
  [ ! -e "$stamp" ] || [ -n "$(find "$@" -type f -newer "$stamp" -print -quit)" ]
}

# Says something only when it fails: then all that was said.
build() { # NAME STAMP COMMAND...
  echo "build-example: $1"
  stamp=$2
  shift 2
  "$@" >"$log" 2>&1 || {
    cat "$log" >&2
    echo "build-example: '$*' failed; its message above says why" >&2
    exit 1
  }
  touch "$stamp"
}

if is_older dist/.built src package.json package-lock.json tsconfig.json tsconfig.build.json; then
  build 'the SDK' dist/.built npm run build
fi
if is_older $example/dist/.built dist/.built $example/src $example/server $example/channels $example/shared \
  $example/index.html $example/package.json $example/vite.config.ts; then
  build 'the example app' $example/dist/.built npm run build --workspace $example
fi
