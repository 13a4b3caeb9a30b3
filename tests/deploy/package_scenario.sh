#!/bin/bash
# A package's life on a machine with systemd: installed, used, upgraded, removed, purged.
#
# Runs inside tests/deploy/machine.sh, with the packages first.deb and second.deb (the same program,
# a later version) in /given. Ends with the number of the checks that failed as its status.
set -u

failed=0
streams=''
check() {  # WHAT COMMAND...: the command succeeds
  local what=$1
  shift
  if "$@" >/tmp/check.log 2>&1; then
    echo "ok     $what"
  else
    echo "FAILED $what: $*"
    cat /tmp/check.log
    failed=$((failed + 1))
  fi
}
within() {  # SECONDS COMMAND...: until it succeeds
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}
gives() {  # WANTED COMMAND...: the command prints exactly that
  local wanted=$1 got
  shift
  got=$("$@")
  [ "$got" = "$wanted" ] || { echo "got '$got', not '$wanted'" && return 1; }
}
state_of() { systemctl show --value --property="$1" "$2"; }
main_pid() { state_of MainPID "$1"; }

readonly app=/run/tako/app.sock
readonly publish_url=http://tako/v1/channels/news/messages
publish() {  # as the user $1: the status of the answer
  setpriv --reuid "$1" --regid nogroup --groups "$2" curl --silent --output /dev/null \
    --max-time 20 --write-out '%{http_code}' --unix-socket $app $publish_url \
    --json '{"type":"t","data":1}'
}
put_definitions() {
  curl --silent --fail --unix-socket $app -X PUT http://tako/v1/definitions --json \
    '{"definitions":[{"name":"news","auth":false,"transport":"sse"}]}'
}
is_edge_ready() { curl --silent --fail http://127.0.0.1:9090/readyz; }
are_edges_ready() {
  local port
  for port in 9090 9092 9093; do
    curl --silent --fail http://127.0.0.1:$port/readyz || return 1
  done
}
workers() { pgrep --parent "$(main_pid tako-edge@two)" | sort | tr '\n' ' '; }
no_worker_of() {  # PIDS: none of them runs any more, and two others do
  local pid
  for pid in $1; do
    if kill -0 "$pid"; then return 1; fi
  done
  [ "$(workers | wc -w)" -eq 2 ]
}
# A client of the edge at this port: what it gets is in /tmp/stream.PORT.
listen_at() {
  curl --silent --no-buffer --max-time 600 "http://127.0.0.1:$1/_tako/channels/news" \
    >"/tmp/stream.$1" 2>/dev/null &
  streams="$streams $!"
  check "a client listens at $1" within 30 grep -q ^id: "/tmp/stream.$1"
}

install_first() {
  check 'the first version installs' dpkg --install /given/first.deb
  check 'it tells its version' tako-broker --version
  check 'user and group are there' getent passwd tako
  check 'the group for apps is there' getent group tako-apps
  check 'the socket listens' gives active systemctl is-active tako-broker.socket
  check 'the broker runs' gives active systemctl is-active tako-broker.service
  check 'both are enabled' gives $'enabled\nenabled' \
    systemctl is-enabled tako-broker.socket tako-broker.service
  check 'the folder of sockets' gives '750 tako tako-apps' stat -c '%a %U %G' /run/tako
  check 'the app socket' gives '660 tako tako-apps' stat -c '%a %U %G' $app
  check 'the state folder' gives '700 tako tako' stat -c '%a %U %G' /var/lib/tako
  check 'the configuration' gives '640 root tako' stat -c '%a %U %G' /etc/tako/tako.toml
  check 'the secret' gives '440 tako tako-apps' stat -c '%a %U %G' /etc/tako/secret
  check 'the secret is one line of 64 digits' grep -Eqx '[0-9a-f]{64}' /etc/tako/secret
}

use_it() {
  check 'definitions are taken' put_definitions
  check 'a member of tako-apps publishes' gives 201 publish nobody tako-apps
  check 'others do not even connect' gives 000 publish nobody nogroup
  check 'the sandbox lets takoctl see it work' takoctl channels
  printf 'TAKO_LISTEN=127.0.0.1:8080\nTAKO_ADMIN=127.0.0.1:9090\n' >/etc/tako/edge-web.env
  printf 'TAKO_LISTEN=127.0.0.1:8082\nTAKO_WORKERS=2\nTAKO_ADMIN=127.0.0.1:9092\n' >/etc/tako/edge-two.env
  check 'an edge starts' systemctl start tako-edge@web
  check 'an edge of two workers starts' systemctl start tako-edge@two
  check 'they are linked' within 30 are_edges_ready
  check 'the edge knows how many files it may open' \
    bash -c 'curl -s http://127.0.0.1:9090/metrics | grep -q ^process_max_fds'
  for port in 8080 8082; do listen_at $port; done
  publish nobody tako-apps >/dev/null
  check 'and hears' within 30 grep -q '"type":"t"' /tmp/stream.8080
}

give_metrics() {
  systemctl stop tako-broker
  check 'the admin socket can be given' systemctl start tako-broker-admin.socket tako-broker
  check 'and serves metrics' bash -c 'curl -s http://127.0.0.1:9091/metrics | grep -q ^tako_build_info'
}

watchdog_restarts() {
  mkdir -p /run/systemd/system/tako-broker.service.d
  printf '[Service]\nWatchdogSec=1s\n' >/run/systemd/system/tako-broker.service.d/test.conf
  systemctl daemon-reload
  systemctl restart tako-broker
  local before
  before=$(main_pid tako-broker)
  kill -STOP "$before"
  check 'a stuck broker is started again' within 30 \
    bash -c "[ \$(systemctl show --value -p MainPID tako-broker) -gt $before ]"
  rm -r /run/systemd/system/tako-broker.service.d
  systemctl daemon-reload
  systemctl restart tako-broker
}

# As apps do: one after the other, never stopping.
keep_publishing() {
  while [ -e /tmp/publishing ]; do publish nobody tako-apps >>/tmp/statuses && echo >>/tmp/statuses; done
}

# The offsets that the client has got, behind the position where it began: each once, in order.
has_all_of_the_stream() {  # PORT PUBLISHED: the data of the last message
  within 30 grep -q "\"data\":$2" "/tmp/stream.$1" &&
    sed -n 's/^id: \([0-9]*\)-.*/\1/p' "/tmp/stream.$1" |
    awk 'NR > 1 && $1 != last + 1 { print "after " last " came " $1; bad = 1 } { last = $1 } END { exit bad }'
}

change_configuration() { echo '# ours' >>/etc/tako/tako.toml; }

replace_with() {  # PACKAGE: another version, while apps publish
  local broker edge old_workers
  broker=$(main_pid tako-broker) edge=$(main_pid tako-edge@web) old_workers=$(workers)
  : >/tmp/publishing
  : >/tmp/statuses
  keep_publishing &
  local publisher=$!
  check "$1 installs over what is there" dpkg --install "/given/$1"
  check 'the broker is another' bash -c "[ $broker -ne $(main_pid tako-broker) ]"
  check 'the edge is another' within 30 \
    bash -c "pid=\$(systemctl show --value -p MainPID tako-edge@web); [ \$pid -ne 0 -a \$pid -ne $edge ]"
  check 'the workers are others' within 30 no_worker_of "$old_workers"
  check 'the edges are ready' within 30 are_edges_ready
  rm /tmp/publishing
  wait $publisher
  check 'publishes were made meanwhile' [ "$(wc -l </tmp/statuses)" -gt 3 ]
  check 'each was accepted' bash -c '! grep -v ^201 /tmp/statuses'
  curl --silent --unix-socket $app $publish_url --json "{\"type\":\"t\",\"data\":\"with $1\"}" >/dev/null
  check 'the clients are on the same connections' kill -0 $streams
  for port in 8080 8082; do
    check "and have got every message once, at $port" has_all_of_the_stream $port "\"with $1\""
  done
  check 'the changed configuration is kept' grep -q '^# ours' /etc/tako/tako.toml
  check 'its mode too' gives '640 root tako' stat -c '%a %U %G' /etc/tako/tako.toml
  check 'systemd has the edge as running' gives active systemctl is-active tako-edge@web
  check 'the one with workers too' gives active systemctl is-active tako-edge@two
  check 'no unit failed' gives '' systemctl list-units --failed --plain --no-legend
}

# After a handoff the edge is no child of systemd's: it must be missed all the same.
kill_an_edge_that_took_over() {
  local edge
  edge=$(main_pid tako-edge@web)
  kill -KILL "$edge"
  check 'an edge that took over and died is started again' within 30 \
    bash -c "pid=\$(systemctl show --value -p MainPID tako-edge@web); [ \$pid -ne 0 -a \$pid -ne $edge ]"
  check 'and serves' within 30 is_edge_ready
}

remove_and_purge() {
  kill $streams 2>/dev/null
  check 'it can be removed' dpkg --remove tako-channels
  check 'nothing of it runs' bash -c '! pgrep tako'
  check 'the socket is gone' [ ! -e $app ]
  check 'the programs are gone' bash -c '! command -v tako-broker tako-edge takoctl'
  check 'the units are gone' gives '' systemctl list-units --plain --no-legend 'tako*'
  check 'configuration and secret stay' [ -e /etc/tako/tako.toml -a -e /etc/tako/secret ]
  rm -f /etc/tako/edge-web.env /etc/tako/edge-two.env
  check 'it can be purged' dpkg --purge tako-channels
  check 'nothing of it is left' bash -c '! ls -d /etc/tako /var/lib/tako /run/tako 2>/dev/null'
  check 'no unit is enabled' bash -c '! find /etc/systemd /var/lib/systemd -name "tako*" | grep .'
}

rm -f /usr/sbin/policy-rc.d  # A container's: it would forbid to start anything.
rm -f /var/lib/man-db/auto-update  # The index of all manual pages takes longer than all else here.
install_first
give_metrics
use_it
watchdog_restarts
change_configuration
replace_with second.deb
replace_with first.deb  # The way back.
kill_an_edge_that_took_over
remove_and_purge
exit $failed
