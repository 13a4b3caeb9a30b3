#!/bin/bash
# A throw-away machine: this one's files under an overlay, in namespaces of its own, with a systemd of
# its own as process 1 and nothing but a loopback. What happens in it leaves no trace outside.
#
#   tests/deploy/machine.sh [--with FOLDER] COMMAND...   runs COMMAND in it as root; its exit status
#
# FOLDER is seen inside at /given. Exit status 77: this system does not let us make one (it takes
# root, and mounts).
set -u

readonly kCannot=77

# ---- Inside the namespaces, before systemd: make the file system, then become it.
boot() {  # GIVEN READY: READY is made when systemd is about to start
  set -e
  mount --make-rprivate /
  scratch=$(mktemp -d)
  mount -t tmpfs tmpfs "$scratch"
  mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
  mount -t overlay overlay "$scratch/root" \
    -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work"
  cd "$scratch/root"
  mkdir -p given .outside
  if [ -n "$1" ]; then mount --bind "$1" given; fi
  mount --rbind /dev dev
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount -t tmpfs tmpfs run
  mount -t tmpfs tmpfs tmp
  mkdir -p run/lock run/systemd/system
  mount -t tmpfs tmpfs sys/fs/cgroup
  mkdir sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
  # Nothing of this system is started, only what the command asks for.
  printf '[Unit]\nDescription=nothing\nDefaultDependencies=no\n' >run/systemd/system/empty.target
  ip link set lo up
  : >"$2"
  pivot_root . .outside
  umount -l /.outside
  export container=tako-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  exec /lib/systemd/systemd --system --unit=empty.target --log-target=null --show-status=no
}

if [ "${1:-}" = --boot ]; then
  boot "$2" "$3"
fi

given=''
if [ "${1:-}" = --with ]; then
  given=$(realpath "$2")
  shift 2
fi
[ "$(id -u)" -eq 0 ] || exit $kCannot
for tool in unshare nsenter ip systemctl; do
  command -v $tool >/dev/null || exit $kCannot
done

state=$(mktemp -d)
# Process 1 of the namespace takes all others with it.
trap 'kill -9 "${systemd:-}" 2>/dev/null; wait 2>/dev/null; rm -rf "$state"' EXIT
unshare --mount --pid --fork --kill-child --uts --ipc --net --cgroup \
  "$0" --boot "$given" "$state/ready" >"$state/log" 2>&1 &
outer=$!

within() {  # SECONDS COMMAND...: until it succeeds
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] && kill -0 "$outer" 2>/dev/null || return 1
    sleep 0.05
  done
}
inside() { nsenter --target "$systemd" --mount --pid --uts --ipc --net --cgroup --root --wd "$@"; }
is_up() {
  systemd=$(pgrep --parent "$outer" | head -n 1) && [ -n "$systemd" ] &&
    [ "$(inside systemctl is-system-running 2>/dev/null)" = running ]
}

if ! within 10 test -e "$state/ready"; then
  echo "machine.sh: no namespaces or mounts here:" >&2
  cat "$state/log" >&2
  exit $kCannot
fi
if ! within 30 is_up; then
  echo "machine.sh: systemd does not come up" >&2
  cat "$state/log" >&2
  exit 1
fi
inside env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
  LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
