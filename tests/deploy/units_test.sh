#!/bin/bash
# The units are what systemd understands, and leave little open; its users and folders can be made.
#
#   tests/deploy/units_test.sh BUILD_FOLDER
set -u
cd "$(dirname "$0")/../.."
build=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

fail() {
  echo "FAILED $*"
  failed=1
}

# It looks whether the programs are there: those of this build are.
for unit in deploy/systemd/*.service deploy/systemd/*.socket; do
  sed "s#/usr/bin/tako-#$build/tako-#" "$unit" >"$folder/$(basename "$unit")"
done
(
  cd "$folder" || exit 1
  # Complaints about other units of this system are not ours.
  systemd-analyze verify --man=no --recursive-errors=no ./*.service ./*.socket
) >"$folder/log" 2>&1 || fail 'systemd-analyze verify'
if grep -i tako "$folder/log"; then fail 'systemd-analyze verify has something to say'; fi

# In tenths, as systemd-analyze has them.
exposure() {  # UNIT MAXIMUM
  systemd-analyze security --offline=true --threshold="$2" "$folder/$1" >"$folder/log" 2>&1 && return
  cat "$folder/log"
  fail "$1 leaves more open than $2 tenths"
}
exposure tako-broker.service 5
exposure tako-edge@.service 13

mkdir -p "$folder/root/etc"
systemd-sysusers --root="$folder/root" "$PWD/deploy/systemd/tako.sysusers" >"$folder/log" 2>&1 &&
  grep -q '^tako:' "$folder/root/etc/passwd" && grep -q '^tako-apps:' "$folder/root/etc/group" ||
  fail "sysusers: $(cat "$folder/log")"

exit $failed
