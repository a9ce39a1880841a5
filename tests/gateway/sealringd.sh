#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealringd, asked by curl: what it answers to whom, its targets and sockets, reload and restart under load, and clients that mean harm.
# shellcheck disable=SC2317 # functions that helpers call
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/daemon.sh"

must init
must ring create payments --prefix acme_live
must client add shop
for name in one two three; do
    must issue payments --client shop --label "$name" --scope read --scope write --out "$work/$name"
done
must issue payments --client shop --label narrow --scope read --out "$work/narrow"
must issue payments --client shop --label bound --scope read --from-addresses 192.0.2.0/24 --out "$work/bound"
must issue payments --client shop --label revoked --scope read --out "$work/revoked"
must revoke "$(cut -d _ -f 3 "$work/revoked")" --no-wait
sed 's/.$/!/' "$work/one" >"$work/malformed"
sed 's/^\(.*_1_\).\{8\}/\1AAAAAAAA/' "$work/one" >"$work/typo"
daemon_start

# ---- Answers ----

request -H "$(bearer "$work/one")" http://x/v1/verify/read/-/orders?scope=admin
is "$code" 200 "a valid credential is accepted"
is "$(header X-Sealring-Verdict) $(header X-Sealring-Client) $(header X-Sealring-Key-Id) $(header X-Sealring-Ring) $(header X-Sealring-Version)" \
    "accepted shop $(cut -d _ -f 3 "$work/one") payments 1" "the response identifies the client"
is "$(header X-Sealring-Scopes)" "read write" "with its scopes"
is "$(tr -d '\r' <"$work/headers" | grep -ci '^x-sealring-')" 7 "seven headers"
is "$(tr -d '\r' <"$work/headers" | grep -i '^x-sealring-sunset:' | tr -d ' ')" "X-Sealring-Sunset:" "also one that is empty"
is "$(header Cache-Control)" no-store "nobody keeps an answer"
is "$(wc -c <"$work/body")" 0 "there is no body"
request -H "X-API-Key: $(cat "$work/one")" http://x/v1/verify/read/-
is "$code" 200 "X-API-Key is the same"
request -X POST -H "$(bearer "$work/one")" -H 'Content-Length: 0' http://x/v1/verify/read/-/orders
is "$code" 200 "whatever the method"
request -d body -H "$(bearer "$work/one")" http://x/v1/verify/read/-/orders
is "$code $(header Connection)" "200 close" "a body is not read: the connection ends"
request -I -H "$(bearer "$work/one")" http://x/v1/verify/read/-/orders
is "$code" 200 "HEAD is answered"

request http://x/v1/verify/read/-
is "$code $(header WWW-Authenticate)" '401 Bearer realm="api"' "without a credential"
is "$(header Content-Type) $(jq -c '[.type, .title, .status]' "$work/body")" \
    'application/problem+json ["about:blank","Unauthorized",401]' "the body is RFC 9457"
request -H 'Authorization: Basic YWJjOmRlZg==' http://x/v1/verify/read/-
is "$code $(header WWW-Authenticate)" '401 Bearer realm="api"' "another scheme is no credential"
rm -f "$work/bodies"
sed 's/_[A-Za-z0-9]*_1_/_AAAAAAAAAAAAAAAA_1_/' "$work/one" >"$work/unknown"
for name in revoked malformed typo unknown; do
    request -H "$(bearer "$work/$name")" http://x/v1/verify/read/-
    is "$code $(header WWW-Authenticate)" '401 Bearer realm="api", error="invalid_token"' "$name"
    ok "$name: no header about it" test -z "$(header 'X-Sealring-[A-Za-z-]*')"
    tr -d '\r' <"$work/headers" | grep -v '^Date' | cat - "$work/body" | cksum >>"$work/bodies"
done
is "$(sort -u "$work/bodies" | wc -l)" 1 "all of these responses are equal"
request -H "$(bearer "$work/narrow")" http://x/v1/verify/read,write/-
is "$code $(header WWW-Authenticate)" '403 Bearer realm="api", error="insufficient_scope", scope="read write"' "a scope is missing"
is "$(jq .status "$work/body")" 403 "with its body"
request -H "$(bearer "$work/one")" -H "X-API-Key: $(cat "$work/two")" http://x/v1/verify/read/-
is "$code $(header WWW-Authenticate)" '400 Bearer realm="api", error="invalid_request"' "two different credentials"
request -H "X-API-Key: $(cat "$work/one")" -H "X-API-Key: $(cat "$work/two")" http://x/v1/verify/read/-
is "$code" 400 "also in the same header"
request -H "$(bearer "$work/one")" -H "X-API-Key: $(cat "$work/one")" -H 'Authorization: Basic YWJj' http://x/v1/verify/read/-
is "$code" 200 "two equal ones are one"
request -H "$(bearer "$work/narrow")" -H 'X-Sealring-Scopes: write' -H 'X-Sealring-Client: other' -H 'X-Forwarded-Uri: /v1/verify/read/-' \
    http://x/v1/verify/read/-
is "$code $(header X-Sealring-Scopes) $(header X-Sealring-Client)" "200 read shop" "a client's own headers do not matter"

must rotate payments
sunset_is_there() {
    request -H "$(bearer "$work/one")" http://x/v1/verify/read/-
    [ -n "$(header Sealring-Sunset)" ]
}
ok "a successor is due after a rotation" until_true sunset_is_there
is "$code $(header X-Sealring-Sunset)" "200 $(header Sealring-Sunset)" "the upstream server learns it, too"
ok "as an HTTP date" matches "$work/headers" '^Sealring-Sunset: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] [A-Z][a-z][a-z] 20[0-9][0-9] [0-9:]{8} GMT'

# ---- Targets ----

# With a credential that may read and not write: it is never let in for `write`, nor for a target that is not understood.
tricks=0
let_in=
while read -r path; do
    tricks=$((tricks + 1))
    request -H "$(bearer "$work/narrow")" "http://x$path"
    case $code in
    403 | 404 | 400) ;;
    *) let_in="$let_in $path:$code" ;;
    esac
done <<'END'
/v1/verify/write/-
/v1/verify/write/-/v1/verify/read/-
/v1/verify/write/-/../read/-
/v1/verify/write/-/%2e%2e/read/-
/v1/verify/write/-?/v1/verify/read/-
/v1/verify/write,read/-
/v1/verify/read/write/-
/v1/verify/read//-
/v1/verify//read/-
/v1/verify/read;write/-
/v1/verify/read%2fwrite/-
/v1/verify/read%00/-
/v1/verify/read%2c/-
/v1/verify/%72ead/-
/v1/verify/./read/-
/v1/verify/../verify/read/-
/v1/verify/read?/-
/v1/verify/read
/v1/verify/-
/v1/verify/-/read/-
/v1/verify//-
/v1/verify/
/v1/verify
/../v1/verify/read/-
//v1/verify/read/-
/%761/verify/read/-
/
END
is "$let_in" "" "$tricks paths that lead nowhere else"
target() { # TARGET: the status of a request with it, byte for byte
    printf "GET $1 HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nConnection: close\r\n\r\n" "$(cat "$work/narrow")" | raw | sed -n '1s/HTTP.1.1 \([0-9]*\).*/\1/p'
}
is "$(target '/v1/verify/read/-')" 200 "as bytes"
not_ok "a NUL in the scopes lets nobody in" test "$(target '/v1/verify/write\000/read/-')" = 200
not_ok "nor before them" test "$(target '/v1/verify/\000read/-')" = 200
not_ok "nor an absolute target" test "$(target 'http://x/v1/verify/read/-')" = 200
not_ok "nor a tabulator" test "$(target '/v1/verify/read\t/-')" = 200
request -H "$(bearer "$work/one")" http://x/v1/verify/-
is "$code" 404 "no scope at all is not offered"

# ---- Responses are kept, for some of the credentials ----

{
    echo client,scopes
    seq 1500 | sed 's/.*/client&,read tenant:&/'
} >"$work/clients.csv"
must issue payments --from "$work/clients.csv" --out "$work/issued.csv"
awk -F, 'NR > 1 { split($8, parts, "_"); print 200, "client" NR - 1, parts[3], "read tenant:" NR - 1 }' "$work/issued.csv" >"$work/expected"
for reader in 1 2 3; do # each twice, one after the other
    awk -F, -v socket="$socket" 'NR > 1 { for (times = 1; times <= 2; times++) {
        if (begun++) print "next"
        printf "unix-socket = \"%s\"\nurl = http://x/v1/verify/read/-\nheader = \"X-API-Key: %s\"\noutput = /dev/null\nsilent\nmax-time = 60\n", socket, $8
        print "write-out = \"%{http_code} %header{x-sealring-client} %header{x-sealring-key-id} %header{x-sealring-scopes}\\n\"" } }' \
        "$work/issued.csv" >"$work/reader$reader"
    curl -K "$work/reader$reader" >"$work/read$reader" &
    readers="${readers-} $!"
done
# shellcheck disable=SC2086 # a list
wait $readers
for reader in 1 2 3; do
    uniq "$work/read$reader" >"$work/once"
    ok "1500 clients, at the same time: each response is about its own" cmp -s "$work/once" "$work/expected"
done

daemon_stop
status_is 0 "it ends"
not_ok "and removes its socket" test -e "$socket"
daemon_start --allow-any
request -H "$(bearer "$work/narrow")" http://x/v1/verify/-/orders
is "$code" 200 "unless that is allowed"
request -H "$(bearer "$work/revoked")" http://x/v1/verify/-/orders
is "$code" 401 "for valid credentials"

# ---- States, sockets ----

request http://x/healthz
is "$code" 200 "it is alive"
request http://x/readyz
is "$code" 200 "it is ready"
is "$(mode_of "$socket")" 660 "its socket is for the group"
refuses() { # WORDS REGEX ARGUMENT...
    words=$1 regex=$2
    shift 2
    timeout 20 "$SEALRINGD" "$@" >"$work/out" 2>"$work/err"
    status=$?
    { [ "$status" -eq 1 ] || [ "$status" -eq 2 ]; } && matches "$work/err" "$regex" && [ "$(wc -l <"$work/err")" -eq 1 ]
    report $? "$words"
}
refuses "a socket that somebody listens to" 'cannot listen on unix:.*in use' --vault "$SEALRING_VAULT" --listen "unix:$socket"
kill -9 "$daemon"
wait "$daemon" 2>/dev/null
ok "a killed one leaves its socket" test -S "$socket"
daemon_start --socket-mode 0600
is "$(mode_of "$socket")" 600 "which the next one replaces, with the mode that was given"
request http://x/healthz
is "$code" 200 "and answers"
daemon_stop
refuses "another address than a loopback one" 'no loopback address' --vault "$SEALRING_VAULT" --listen 0.0.0.0:0
refuses "or that in IPv6" 'no loopback address' --vault "$SEALRING_VAULT" --listen '[::]:0'
refuses "a name" 'cannot listen on localhost:0' --vault "$SEALRING_VAULT" --listen localhost:0
refuses "an address without a port" 'ADDRESS:PORT' --vault "$SEALRING_VAULT" --listen 127.0.0.1
refuses "nothing to listen on" 'nothing to listen on' --vault "$SEALRING_VAULT"
refuses "no vault" '--vault is required' --vault '' --listen "unix:$work/x"
refuses "a vault that does not exist" 'there is no vault' --vault "$work/none" --listen "unix:$work/x"
refuses "a wrong number of threads" '--threads is a number from 1 to 64' --vault "$SEALRING_VAULT" --threads 0
refuses "a wrong mode" '--socket-mode is an octal number' --vault "$SEALRING_VAULT" --socket-mode 9
refuses "a wrong name of a header" '--address-header is the name' --vault "$SEALRING_VAULT" --address-header 'a b'
refuses "an argument" 'no arguments' --vault "$SEALRING_VAULT" x
"$SEALRINGD" --help >"$work/out" 2>"$work/err"
out_like '^Usage: sealringd' "--help"
sed -n 's/^  --\([a-z-]*\) .*/\1/p; s/^  --help, --version$/help/p' "$work/out" | sort >"$work/offered"
sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p' "$top_srcdir/docs/man/sealringd.8" | sort >"$work/described"
ok "the man page describes every option" diff "$work/offered" "$work/described"
ok "which are seventeen" test "$(wc -l <"$work/offered")" -eq 17
daemon_start --listen 127.0.0.1:0 --address-header X-Real-IP
port=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$work/daemon.log")
code=$(curl -s -m 30 -o /dev/null -w '%{http_code}' -H "$(bearer "$work/one")" -H 'X-Real-IP: 192.0.2.1' "http://127.0.0.1:$port/v1/verify/read/-/")
is "$code" 200 "a loopback address, on a port that the system chose"
for address in 192.0.2.1 ::ffff:192.0.2.1; do
    request -H "$(bearer "$work/bound")" -H "X-Real-IP: $address" http://x/v1/verify/read/-/
    is "$code" 200 "a key that is bound to networks gets in from $address"
done
for address in 198.51.100.1 192.0.2.1,198.51.100.1 nonsense; do
    request -H "$(bearer "$work/bound")" -H "X-Real-IP: $address" http://x/v1/verify/read/-/
    is "$code $(header WWW-Authenticate)" '403 ' "and not from $address"
done
request -H "$(bearer "$work/bound")" -H 'X-Real-IP: 192.0.2.1' -H 'X-Real-IP: 192.0.2.1' http://x/v1/verify/read/-/
is "$code" 403 "nor with two addresses"
request -H "$(bearer "$work/bound")" -H 'X-Forwarded-For: 192.0.2.1' http://x/v1/verify/read/-/
is "$code" 403 "nor by another header"
daemon_stop

# ---- systemd ----

perl -MIO::Socket::UNIX -MSocket -e '
    my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die;
    $| = 1; while (sysread $socket, my $text, 4096) { print "$text\n" }' "$work/notify" >"$work/notified" 2>/dev/null &
daemons="$daemons $!"
until_true test -S "$work/notify"
notified() {
    grep -q "$1" "$work/notified"
}
# As systemd passes a socket: descriptor 3 of the process that it starts.
cat >"$work/activate.pl" <<'END'
use IO::Socket::UNIX; use POSIX;
my $path = shift;
my $socket = IO::Socket::UNIX->new(Local => $path, Listen => 100) or die "$path: $!";
dup2(fileno $socket, 3) if fileno $socket != 3;
fcntl(*{$socket}, 2, 0); # not closed by exec
@ENV{qw(LISTEN_PID LISTEN_FDS NOTIFY_SOCKET WATCHDOG_PID WATCHDOG_USEC)} = ($$, 1, shift, $$, 300000);
exec @ARGV or die;
END
DAEMON_WITH="perl $work/activate.pl $work/activated $work/notify"
daemon_start
unset DAEMON_WITH
code=$(curl -s -m 30 -o /dev/null -w '%{http_code}' -H "$(bearer "$work/one")" --unix-socket "$work/activated" http://x/v1/verify/read/-/)
is "$code" 200 "a socket that systemd made is served"
ok "systemd is notified that it is ready" until_true notified '^READY=1'
ok "that it is alive" until_true notified '^WATCHDOG=1'
: >"$work/notified"
kill -HUP "$daemon"
ok "that it reloads" until_true notified '^MONOTONIC_USEC='
ok "that it has" until_true notified '^READY=1'
ok "and logs it" until_true grep -q 'reopened' "$work/daemon.log"
daemon_stop
status_is 0 "it ends on request"
ok "which systemd is notified of" until_true notified '^STOPPING=1'
ok "a socket of systemd is not removed" test -S "$work/activated"
not_ok "its own is" test -e "$socket"
done_testing
