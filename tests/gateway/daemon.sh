# SPDX-License-Identifier: Apache-2.0
# Sourced after tests/cli/lib.sh: sealringd on sockets in the scratch directory, and requests to it.
#
#   daemon_start [OPTION...]   starts it on unix:$work/sealringd; its process is $daemon; $DAEMON_WITH is a command before it
#   daemon_stop                and waits for its end; $status
#   request ARGUMENT...        curl to it; $code, $work/body and $work/headers are the response
#   broker_start [OPTION...]   starts sealring-broker on unix:$work/broker for this user; its process is $broker; $BROKER_WITH is a command before it
#   broker_stop                and waits for its end; $status
#   load, unload and others    see load.sh
# shellcheck shell=sh disable=SC2154,SC2034

gateway_tests=$top_srcdir/tests/gateway
socket=$work/sealringd
SEALRINGD=${SEALRINGD:-$(dirname "$SEALRING")/sealringd}
BROKER=${BROKER:-$(dirname "$SEALRINGD")/sealring-broker}
broker_socket=$work/broker
[ -x "$SEALRINGD" ] || bail_out "there is no daemon $SEALRINGD: make"
command -v curl >/dev/null || bail_out "curl is missing: sh tools/packages.sh test"
code=
daemon=
broker=
daemons=

# shellcheck source=tests/gateway/load.sh
. "$gateway_tests/load.sh"

trap 'for process in $daemons $(jobs -p); do kill "$process" 2>/dev/null; done; rm -rf "$work"' EXIT

daemon_listens() {
    grep -q 'listening on unix:' "$work/daemon.log" || ! kill -0 "$daemon" 2>/dev/null
}
daemon_start() {
    : >"$work/daemon.log"
    # shellcheck disable=SC2086 # a command and its arguments, or none
    ${DAEMON_WITH-} "$SEALRINGD" --vault "$SEALRING_VAULT" --listen "unix:$socket" "$@" 2>"$work/daemon.log" &
    daemon=$!
    daemons="$daemons $daemon"
    until_true daemon_listens
    kill -0 "$daemon" 2>/dev/null || {
        sed 's/^/# /' "$work/daemon.log"
        bail_out "sealringd does not start"
    }
}
daemon_stop() {
    kill "$daemon"
    wait "$daemon"
    status=$?
}

broker_listens() {
    grep -q 'listening on unix:' "$work/broker.log" || ! kill -0 "$broker" 2>/dev/null
}
broker_start() {
    : >"$work/broker.log"
    # shellcheck disable=SC2086 # a command and its arguments, or none
    ${BROKER_WITH-} "$BROKER" --vault "$SEALRING_VAULT" --listen "unix:$broker_socket" --allow-user "$(id -u)" "$@" 2>"$work/broker.log" &
    broker=$!
    daemons="$daemons $broker"
    until_true broker_listens
    kill -0 "$broker" 2>/dev/null || {
        sed 's/^/# /' "$work/broker.log"
        bail_out "sealring-broker does not start"
    }
}
broker_stop() {
    kill "$broker"
    wait "$broker"
    status=$?
}

request() { # CURL-ARGUMENT...: with a URL whose host does not matter
    code=$(curl -s -m 30 --path-as-is -o "$work/body" -D "$work/headers" -w '%{http_code}' --unix-socket "$socket" "$@")
}
header() { # NAME: of the last response
    tr -d '\r' <"$work/headers" | sed -n "s/^$1: *//Ip"
}
bearer() { # FILE
    printf 'Authorization: Bearer %s' "$(cat "$1")"
}
raw() { # bytes on standard input, to the daemon as they are; the response is on standard output
    perl "$gateway_tests/raw.pl" "$socket"
}
