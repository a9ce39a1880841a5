# SPDX-License-Identifier: Apache-2.0
# Sourced after tests/cli/lib.sh: a receiver of webhooks or mail, and what sends to it.
#
#   server_start PROGRAM ARGUMENT...   sets $server and $address (HOST:PORT); its files are in $served
#   make_certificate NAME HOST         $served/NAME.pem, $served/NAME.key
#   send KIND ARGUMENT...              runs send_messages: $status, $work/out, $work/err
# shellcheck shell=sh disable=SC2034,SC2154
: "${top_builddir:=$PWD}"
# Debian's, whose modules the servers need: pyenv and similar tools shadow it.
PATH=/usr/bin:/bin:$PATH
for program in python3 openssl; do
    command -v $program >/dev/null || bail_out "$program is missing: sh tools/packages.sh test"
done
sender=$top_builddir/send_messages
[ ! -x "$top_builddir/.libs/send_messages" ] || sender=$top_builddir/.libs/send_messages
[ -x "$sender" ] || bail_out "there is no $sender: make send_messages"
served=$work/served
mkdir "$served"
daemons=
trap 'kill $daemons 2>/dev/null; rm -rf "$work"' EXIT

make_certificate() { # NAME HOST
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN="$2" \
        -addext "subjectAltName=$(case $2 in [0-9]*) echo "IP:$2" ;; *) echo "DNS:$2" ;; esac)" \
        -keyout "$served/$1.key" -out "$served/$1.pem" 2>/dev/null
}

server_listens() {
    [ -s "$served/address" ]
}

server_start() { # PROGRAM ARGUMENT...
    rm -f "$served/address"
    program=$1
    shift
    python3 -I -B "$top_srcdir/tests/notify/$program" "$served" "$@" 2>>"$served/errors" &
    server=$!
    daemons="$daemons $server"
    until_true server_listens || bail_out "the server does not start: $(cat "$served/errors")"
    address=$(cat "$served/address")
}

send() { # KIND ARGUMENT...
    "$sender" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

sent() { # TEXT NAME: the only line of the output
    is "$(cat "$work/out")" "$1" "$2"
}
