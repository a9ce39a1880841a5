#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealringd under load: a token that is slow or hangs, revocation, restart and kill, and clients that mean harm while others are served.
# shellcheck disable=SC2119,SC2317 # functions that helpers call; no arguments are none
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/daemon.sh"

# shellcheck source=tests/gateway/slow_token.sh
. "$(dirname "$0")/slow_token.sh"
must init
must ring create payments --prefix acme_live
must client add shop
for name in one two three four five six seven revoked; do
    must issue payments --client shop --label "$name" --scope read --out "$work/$name"
done
slow_token_use
daemon_start

# ---- The token hangs: what is in memory is answered ----

request -H "$(bearer "$work/one")" http://x/v1/verify/read/-
is "$code" 200 "a credential enters the cache"
asks() { # FILE NAME: in the background; the status is in $work/NAME.code
    curl -s -m 60 -o /dev/null -w '%{http_code}' -H "$(bearer "$work/$1")" --unix-socket "$socket" http://x/v1/verify/read/- >"$work/$2.code" &
}
descriptors() {
    find "/proc/$daemon/fd" -mindepth 1 | wc -l
}
has_connection() {
    [ "$(descriptors)" -gt "$before" ]
}
not_accepting() { # it is about to end
    ! curl -s -m 1 -o /dev/null --unix-socket "$socket" http://x/healthz
}
asks_and_is_there() { # FILE NAME: the daemon has the connection, and reads it at once
    before=$(descriptors)
    asks "$1" "$2"
    until_true has_connection
    sleep 0.1
}
token_is hang
asks two waiting
waiting=$!
asks two other
other=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    request -m 2 -H "$(bearer "$work/one")" http://x/v1/verify/read/-
    echo "$code"
done >"$work/meanwhile"
is "$(sort "$work/meanwhile" | uniq -c | tr -s ' ')" " 20 200" "cached credentials are answered while another one waits for the token"
ok "which still waits" kill -0 $waiting
request -H "$(bearer "$work/one")x" http://x/v1/verify/read/-
is "$code" 401 "so is what is no credential"
token_is ""
wait $waiting $other
is "$(cat "$work/waiting.code") $(cat "$work/other.code")" "200 200" "and is let in when the token answers"
token_is hang
asks_and_is_there three gone
gone=$!
kill $gone
token_is ""
request -H "$(bearer "$work/three")" http://x/v1/verify/read/-
is "$code" 200 "a client that leaves meanwhile does no harm"
token_is hang
asks four never
request -m 20 -H "$(bearer "$work/four")" http://x/v1/verify/read/-
is "$code $(header Retry-After)" "503 1" "a token that hangs for long: no verdict"
wait $!
is "$(cat "$work/never.code")" 503 "also for the request that has called it"
request -H "$(bearer "$work/one")" http://x/v1/verify/read/-
is "$code" 200 "and the others go on"
token_is ""
four_is_in() {
    request -H "$(bearer "$work/four")" http://x/v1/verify/read/-
    [ "$code" = 200 ]
}
ok "until it answers again" until_true four_is_in

# ---- Revocation under load ----

load one "$work/one"
load revoked "$work/revoked"
until_true loaded revoked 100
must revoke "$(cut -d _ -f 3 "$work/revoked")"
effective=$(date +%s.%N)
seen=$(wc -l <"$work/revoked.load")
until_true loaded revoked $((seen + 100))
unload revoked
is "$(awk -v after="$effective" '$1 > after && $2 == 200' "$work/revoked.load" | wc -l)" 0 "no request that began after a revocation was effective is accepted"
is "$(statuses revoked)" "200 401 " "before it each is, after it none"

# ---- Rotation, reload ----

must rotate payments
must reissue "$(cut -d _ -f 3 "$work/two")" --out "$work/two.successor"
load successor "$work/two.successor"
token_is slow=20
for reload in 1 2 3; do
    kill -HUP "$daemon"
    reopened() {
        [ "$(grep -c reopened "$work/daemon.log")" -ge "$reload" ]
    }
    until_true reopened
done
token_is ""
ok "it was reopened three times" reopened
unload successor
unload one
is "$(statuses one)$(statuses successor)" "200 200 " "no valid request is refused through rotation and reloads"
ok "which were many ($(wc -l <"$work/one.load"))" test "$(wc -l <"$work/one.load")" -gt 300
cp "$SEALRING_VAULT/sealring.conf" "$work/kept.conf"
echo "nonsense = 1" >>"$SEALRING_VAULT/sealring.conf"
kill -HUP "$daemon"
ok "a configuration that is wrong is reported" until_true grep -q 'cannot be reopened.*nonsense' "$work/daemon.log"
request -H "$(bearer "$work/two.successor")" http://x/v1/verify/read/-
is "$code" 200 "and the open vault goes on"
cp "$work/kept.conf" "$SEALRING_VAULT/sealring.conf"

# ---- Stop, kill, start ----

load stopped "$work/one"
load ended "$work/seven"
answered_again ended 50
answered_again stopped 50
kill "$daemon"
wait "$daemon"
is $? 0 "it stops under load"
daemon_start
answered_again stopped 50
kill -9 "$daemon"
wait "$daemon" 2>/dev/null
must revoke "$(cut -d _ -f 3 "$work/seven")"
effective=$(date +%s.%N)
daemon_start
answered_again stopped 50
answered_again ended 50
unload stopped
unload ended
is "$(statuses stopped)" "200 away " "while it is away there is no answer, otherwise every one is right"
is "$(accepted_after ended "$effective") $(statuses ended)" "0 200 401 away " "a credential that was revoked meanwhile is accepted no more"
token_is hang
asks_and_is_there five last
last=$!
kill "$daemon"
until_true not_accepting
token_is ""
wait "$last"
wait "$daemon"
is "$? $(cat "$work/last.code")" "0 200" "a request that waits is answered before the end"
daemon_start
token_is hang
asks_and_is_there six stuck
stuck=$!
kill "$daemon"
wait "$stuck"
wait "$daemon"
is "$? $(cat "$work/stuck.code")" "0 503" "a token that hangs does not keep it from ending"
ok "which is reported" grep -q 'ends without closing the vault' "$work/daemon.log"
token_is ""

# ---- Clients that mean harm ----

# shellcheck disable=SC3045 # dash has it, as have all shells of Debian
limit=$(ulimit -n)
[ "$limit" != unlimited ] && [ "$limit" -lt 10800 ] && idle_connections=$((limit - 800)) || idle_connections=10000
daemon_start
resident() {
    awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status"
}
request -H "$(bearer "$work/one")" http://x/v1/verify/read/-
before=$(resident)
head -c 1048576 /dev/zero | tr '\0' A >"$work/million"
refused=
for header_of in 'X-API-Key: ' 'Authorization: Bearer ' 'X-Other: '; do
    answer=$({
        printf 'GET /v1/verify/read/- HTTP/1.1\r\nHost: x\r\n%s' "$header_of"
        cat "$work/million"
        printf '\r\n\r\n'
    } | raw | sed -n '1s,HTTP/1.1 \([0-9]*\).*,\1,p')
    refused="$refused $answer"
done
is "$refused" " 431 431 431" "headers of 1 MiB are refused"
answer=$({
    printf 'GET /v1/verify/read/-/'
    cat "$work/million"
    printf ' HTTP/1.1\r\nHost: x\r\n\r\n'
} | raw | sed -n '1s,HTTP/1.1 \([0-9]*\).*,\1,p')
is "$answer" 414 "so is a target of 1 MiB"
head -c 16000 "$work/million" >"$work/long"
request -H "X-API-Key: $(cat "$work/long")" http://x/v1/verify/read/-
is "$code" 401 "one of 16 KB is judged"
# Connections that say nothing, and some that say little, one byte at a time.
perl -MIO::Socket::UNIX -e '
    my ($path, $idle, $slow) = @ARGV;
    my @all = map { IO::Socket::UNIX->new(Peer => $path) or die "$path: $!" } 1 .. $idle + $slow;
    my @slow = @all[0 .. $slow - 1];
    my $text = "GET /v1/verify/read/- HTTP/1.1\r\nHost: x\r\nX-API-Key: " . "a" x 100000;
    $| = 1; print "connected\n";
    for my $i (0 .. length($text) - 1) { syswrite $_, substr($text, $i, 1) for @slow; select undef, undef, undef, 0.02 }' \
    "$socket" "$idle_connections" 200 >"$work/idle" 2>"$work/err" &
idle=$!
daemons="$daemons $idle"
ok "$idle_connections idle connections and 200 slow ones" until_true grep -q connected "$work/idle"
load among "$work/one"
until_true loaded among 300
unload among
is "$(statuses among)" "200 " "others are served meanwhile"
kill $idle
wait $idle 2>/dev/null
grown=$(($(resident) - before))
ok "memory grew by $grown KiB, less than 48 KiB for each" test $grown -lt $(((idle_connections + 200) * 48))
for smuggled in 'Content-Length: 5\r\nTransfer-Encoding: chunked' 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity' \
    'Content-Length: 5\r\nContent-Length: 6' 'Content-Length: +5' 'Transfer-Encoding : chunked' 'Content-Length: 0\r\nContent-Length: 50'; do
    {
        # shellcheck disable=SC2059 # escapes
        printf "POST /v1/verify/read/- HTTP/1.1\r\nHost: x\r\n$smuggled\r\n\r\n0\r\n\r\n"
        printf 'GET /v1/verify/read/- HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n\r\n' "$(cat "$work/one")"
    } | raw >"$work/out"
    not_ok "a body in disguise smuggles no request: $(printf %s "$smuggled" | sed 's/[\\]r[\\]n/, /')" grep -q '^HTTP/1.1 200' "$work/out"
done
request -H "$(bearer "$work/one")" http://x/v1/verify/read/-
is "$code" 200 "after all that it serves"
daemon_stop
status_is 0 "and ends"
done_testing
