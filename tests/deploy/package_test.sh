#!/bin/bash
# Makes two versions of the package and lives through package_scenario.sh with them, on a machine of
# its own; lintian judges them where it is installed.
#
#   tests/deploy/package_test.sh BUILD_FOLDER
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

make_package() {  # NAME CPACK_OPTION...
  local name=$1
  shift
  (cd "$build" && cpack -G DEB -B "$folder/$name" "$@") >"$folder/log" 2>&1 ||
    { cat "$folder/log" && exit 1; }
  mv "$folder/$name"/*.deb "$folder/$name.deb"
  rm -rf "${folder:?}/$name"
}
make_package first
version=$(dpkg-deb --field "$folder/first.deb" Version)
make_package second -D "CPACK_PACKAGE_VERSION=$version.1"
cp tests/deploy/package_scenario.sh "$folder"

# debhelper's own scripts, which ours follow, call systemctl too.
if command -v lintian >/dev/null; then
  lintian --allow-root --fail-on error,warning \
    --suppress-tags maintainer-script-calls-systemctl "$folder/first.deb"
fi

status=0
tests/deploy/machine.sh --with "$folder" /given/package_scenario.sh || status=$?
exit $status
