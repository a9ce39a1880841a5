# SPDX-License-Identifier: Apache-2.0
# Sourced after tests/cli/lib.sh: sealring-client, and a server that renews (renewal_server.py) unless RENEW_URL names a real one.
#
#   client ARGUMENT...       runs sealring-client: $status, $work/out, $work/err
#   server_start unix|https  sets $url; its files are in $served
#   chain TEXT...            each is the successor of the one before it
#   fault WORD...            the next request without one
# shellcheck shell=sh disable=SC2034,SC2154

: "${top_builddir:=$PWD}"
CLIENT=${SEALRING_CLIENT:-$top_builddir/.libs/sealring-client}
LD_LIBRARY_PATH=$(dirname "$CLIENT")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
# pyenv and similar tools shadow Debian's by settings in the home directory: HOME is the test's own here.
PATH=/usr/bin:/bin:$PATH
for program in python3 openssl; do
    command -v $program >/dev/null || bail_out "$program is missing: sh tools/packages.sh test"
done
served=$work/served
server=
# Also of daemon.sh, whose own trap ends them. (In a trap of dash `jobs -p` finds nothing.)
daemons=
trap 'kill $daemons $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
first=acme_live_AAAABBBBCCCCDDDD_1_1111111111111111111111111111111111111111111
second=acme_live_AAAABBBBCCCCDDDD_2_2222222222222222222222222222222222222222222
third=acme_live_AAAABBBBCCCCDDDD_3_3333333333333333333333333333333333333333333

client() {
    "$CLIENT" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

server_listens() {
    [ -f "$served/address" ]
}

# A certificate for localhost, which signs itself.
make_certificate() { # NAME HOST
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN="$2" \
        -addext "subjectAltName=DNS:$2" -keyout "$served/key$1" -out "$served/certificate$1" 2>/dev/null
}

server_start() { # unix|https
    mkdir -p "$served"
    rm -f "$served/address" "$served/socket" "$served/requests"
    [ "$1" = unix ] || [ -f "$served/certificate" ] || make_certificate '' localhost
    python3 -I "$top_srcdir/tests/client/renewal_server.py" "$served" "$1" 2>"$served/errors" &
    server=$!
    daemons="$daemons $server"
    until_true server_listens || bail_out "the server does not start: $(cat "$served/errors")"
    url=$(cat "$served/address")
}

server_stop() {
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    server=
}

chain() { # TEXT...
    before=
    : >"$served/successors.new"
    for text in "$@"; do
        [ -z "$before" ] || echo "$before $text" >>"$served/successors.new"
        before=$text
    done
    echo "$before" >>"$served/successors.new"
    mv "$served/successors.new" "$served/successors"
}

fault() {
    echo "$*" >>"$served/faults"
}

no_faults() {
    rm -f "$served/faults"
}

requests() { # REGEX: how many there were
    grep -c "$1" "$served/requests" 2>/dev/null
}

# A file with a credential, and nothing known about it.
fresh() { # FILE TEXT
    rm -f "$1" "$1.state" "$1.lock" "$1.new" "$1.state.new"
    (umask 077 && echo "$2" >"$1")
}

contains() { # FILE TEXT: exactly this line
    [ "$(cat "$1" 2>/dev/null)" = "$2" ]
}
