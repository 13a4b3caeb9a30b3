#!/bin/sh
# Installs the Debian 12 packages that the named groups need and the system lacks.
#
#   deploy/install-deps.sh [run] [build] [sdk] [lint] [fuzz] [browser] [package] [deploy] [bench]  (default: build)
#
# Costs a few milliseconds when nothing is missing. Uses sudo unless run as root.
set -eu

run_packages='libuv1 libnng1 libwslay1 libcjson1 libprotobuf-lite32 libspdlog1.10
  libprometheus-cpp-core1.0 libre2-9 zlib1g libssl3 libcurl4 libsystemd0 libxxhash0
  libsqlite3-0 nodejs curl'
build_packages='build-essential cmake ninja-build ccache pkg-config libuv1-dev node-llhttp nodejs
  libwslay-dev libnng-dev libprotobuf-dev protobuf-compiler libcjson-dev doctest-dev libspdlog-dev
  libtomlplusplus-dev libcli11-dev prometheus-cpp-dev libre2-dev zlib1g-dev libssl-dev
  libcurl4-openssl-dev libsystemd-dev libxxhash-dev libsqlite3-dev curl'
lint_packages='clang-19 clang-tidy-19 clang-format-19 git nodejs'
fuzz_packages='clang-19 libclang-rt-19-dev'
package_packages='dpkg-dev file'
# What the tests of deploy/ run: units, a package on a machine of its own, proxies for HTTPS.
deploy_packages="$package_packages systemd iproute2 procps util-linux caddy nginx openssl nodejs"
# The SDK and the example app, which is made with it.
sdk_packages='nodejs npm'
browser_packages="chromium $sdk_packages"
bench_packages='libsqlite3-dev'

fail() {
  printf 'install-deps: %s\n' "$*" >&2
  exit 1
}

wanted=''
for group in "${@:-build}"; do
  case $group in
    run) wanted="$wanted $run_packages" ;;
    build) wanted="$wanted $build_packages" ;;
    sdk) wanted="$wanted $sdk_packages" ;;
    lint) wanted="$wanted $lint_packages" ;;
    fuzz) wanted="$wanted $fuzz_packages" ;;
    package) wanted="$wanted $package_packages" ;;
    deploy) wanted="$wanted $deploy_packages" ;;
    browser) wanted="$wanted $browser_packages" ;;
    bench) wanted="$wanted $bench_packages" ;;
    *) fail "unknown group '$group': use run, build, sdk, lint, fuzz, browser, package, deploy or bench" ;;
  esac
done

command -v dpkg-query >/dev/null || fail "this is not a Debian system; it needs what these packages give:
 $(echo $wanted)"

# A half-removed or merely suggested package is known to dpkg too, so ask for the status, and with
# both ends marked: "not-installed" is no "installed".
present=$(dpkg-query -W -f=':${db:Status-Status}:${Package}:\n' $wanted 2>/dev/null || true)
missing=''
for package in $(printf '%s\n' $wanted | sort -u); do
  case $present in *":installed:$package:"*) continue ;; esac
  # A Node.js that came in another way serves as well, and has npm with it.
  [ "$package" = nodejs ] && command -v node >/dev/null && continue
  [ "$package" = npm ] && command -v npm >/dev/null && continue
  missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "install-deps: installing$missing"
as_root=''
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail "not root and no sudo here. As root, run:
  apt-get update && apt-get install --no-install-recommends$missing"
  as_root=sudo
fi

install_missing() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
}

# A fresh system has no package lists, and old lists name versions that are gone: ask anew only then.
install_missing || { $as_root apt-get update -qq && install_missing; } ||
  fail "apt-get could not install:$missing
Its message above says why. Debian 12 (bookworm) has all of them in its main section."
