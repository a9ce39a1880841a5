#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring-broker, asked directly: who may connect, messages of every shape, limits, slow peers, start, reload and end.
# shellcheck disable=SC2016,SC2119,SC2317 # Perl; functions that helpers call; no arguments are none
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/daemon.sh"
# shellcheck source=tests/gateway/slow_token.sh
. "$(dirname "$0")/slow_token.sh"

peer() { # ARGUMENT...: of broker_peer.py; what it prints is in $work/answers
    timeout 120 python3 "$gateway_tests/broker_peer.py" "$@" >"$work/answers" 2>"$work/err"
}
results() { # how often each result came: `COUNT RESULT`
    awk '{ print $2 }' "$work/answers" | sort | uniq -c | awk '{ printf "%s%s of %s", (NR > 1 ? ", " : ""), $1, $2 }'
}
logged() {
    grep -Eq -- "$1" "$work/broker.log"
}

must init
must ring create payments --prefix acme_live --renew bearer
must client add shop
for name in one two three four; do
    must issue payments --client shop --label "$name" --scope read --out "$work/$name"
done
must rotate payments
slow_token_use
sed 's/^\(.*_1_\).\{8\}/\1AAAAAAAA/' "$work/one" >"$work/typo"
broker_start

# ---- Answers ----

peer send "$broker_socket" ping "renew:$work/one" ping
is "$(cut -d ' ' -f 1,2 "$work/answers" | sort -n | tr '\n' ' ')" "1 pong 2 1 3 pong " "a renewal is answered, and pings meanwhile"
is "$(sed -n 's/^2 1 retry=0 version=2 .* key=\([A-Za-z0-9]*\) .*/\1/p' "$work/answers")" "$(cut -d _ -f 3 "$work/one")" "with the key's ID"
sed -n 's/^2 1 .* //p' "$work/answers" >"$work/one.successor"
run_with "$work/one.successor" verify
out_like accepted "the successor is accepted"
peer send "$broker_socket" "renew:$work/one"
is "$(sed 's/.* //' "$work/answers") $(results)" "$(cat "$work/one.successor") 1 of 2" "it is the same again"
peer send "$broker_socket" "renew:$work/one.successor"
is "$(results)" "1 of 3" "none is due for it"
peer send "$broker_socket" "renew:$work/typo"
is "$(results)" "1 of 6" "what is no credential of sealring's form is not renewed"
echo something >"$work/imported"
peer send "$broker_socket" "renew:$work/imported"
is "$(results)" "1 of 6" "as those of imported keys"

# ---- Messages of every shape ----

before=$(grep -c 'malformed' "$work/broker.log")
shapes=0
for shape in 00 0001000200000001ff 0002000200000001 0001000300000001 0001800200000001 00010002000000 \
    000100010000000104c000020700000000000000000000000000000000; do
    peer send "$broker_socket" "hex:$shape"
    [ "$(cat "$work/answers")" = closed ] && shapes=$((shapes + 1))
done
is "$shapes" 7 "seven malformed messages: each connection is closed"
peer send "$broker_socket" "hex:$(head -c 60000 /dev/zero | od -An -v -tx1 | tr -d ' \n')"
is "$(cat "$work/answers")" closed "so is one with 60,000 bytes"
ok "that is logged, once a second at most" test "$(grep -c 'malformed' "$work/broker.log")" -gt "$before"
peer send "$broker_socket" ping "hex:00" ping
is "$(cat "$work/answers")" "1 pong
closed" "what came before is answered"
peer send "$broker_socket" ping
is "$(cat "$work/answers")" "1 pong" "others are served"

# ---- Limits ----

peer send "$broker_socket" "renew:$work/two*3000"
is "$(wc -l <"$work/answers")" 3000 "3000 renewals in a row: each is answered"
is "$(awk '$2 != 9' "$work/answers" | wc -l)" 20 "twenty of one key are renewed"
is "$(awk '$2 == 1' "$work/answers" | wc -l)" 1 "into one successor"
is "$(awk '$2 != 9 { print $NF }' "$work/answers" | sort -u | wc -l)" 1 "which is the same for all"
ok "the others may come later" matches "$work/answers" '^[0-9]+ 9 retry=([1-9]|10) '
is "$(awk '{ print $1 }' "$work/answers" | sort -n | uniq -d | wc -l)" 0 "no answer came twice"
peer send "$broker_socket" "renew:$work/three"
is "$(results)" "1 of 1" "another key has a limit of its own"

# ---- Slow peers, and those that leave ----

python3 "$gateway_tests/broker_peer.py" stall "$broker_socket" "$work/two" 20000 >"$work/stalled" 2>/dev/null &
stalled=$!
daemons="$daemons $stalled"
peer_is_stalled() { # it cannot send any more: the broker reads nothing while its answers wait
    peer send "$broker_socket" ping && [ -s "$work/answers" ]
}
ok "a peer that reads no answers keeps nobody waiting" until_true peer_is_stalled
peer send "$broker_socket" "renew:$work/three" ping
is "$(results)" "1 of 2, 1 of pong" "others are renewed meanwhile"
ok "its connection is closed after a while" until_true logged 'does not read its answers'
kill $stalled 2>/dev/null
wait $stalled 2>/dev/null
perl -MSocket -e '
    for (1 .. 200) {
        socket my $peer, AF_UNIX, SOCK_SEQPACKET, 0 or die;
        connect $peer, sockaddr_un($ARGV[0]) or die "$!";
        local $/; open my $file, "<", $ARGV[1] or die; my $text = <$file>; $text =~ s/\s+$//;
        send $peer, pack("nnNCa16na102", 1, 1, 7, 0, "", length $text, $text), 0 for 1 .. 5;
    }' "$broker_socket" "$work/four"
peer send "$broker_socket" ping "renew:$work/three"
is "$(results)" "1 of 2, 1 of pong" "200 peers that leave without their answers do no harm"

# ---- Who may connect ----

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    chmod 711 "$work"
    chmod 666 "$broker_socket"
    setpriv --reuid=3001 --clear-groups perl -MSocket -e '
        socket my $peer, AF_UNIX, SOCK_SEQPACKET, 0 or die; connect $peer, sockaddr_un($ARGV[0]) or die "$!";
        send $peer, pack("nnN", 1, 2, 1), 0;
        my $text = ""; recv $peer, $text, 100, 0; print length $text ? "answered" : "closed"' "$broker_socket" >"$work/answers" 2>&1
    is "$(cat "$work/answers")" closed "another user is refused, even where the socket's permissions allow it"
    ok "which is logged" logged 'refused a connection of uid 3001'
fi

# ---- Token and vault ----

kill -HUP "$broker"
ok "it opens the vault again on SIGHUP" until_true logged 'opens .* again'
peer send "$broker_socket" "renew:$work/three"
is "$(results)" "1 of 2" "and goes on"
mv "$SEALRING_VAULT/sealring.conf" "$work/conf"
kill -HUP "$broker"
opened_twice() {
    [ "$(grep -c 'opens .* again' "$work/broker.log")" -eq 2 ]
}
until_true opened_twice
peer send "$broker_socket" "renew:$work/three"
is "$(sed 's/ version.*//' "$work/answers")" "1 0 retry=5" "without its configuration: later"
ok "which is logged" logged 'cannot be renewed now'
mv "$work/conf" "$SEALRING_VAULT/sealring.conf"
peer send "$broker_socket" "renew:$work/three"
is "$(results)" "1 of 2" "when it is there again, it goes on by itself"

token_is hang
peer send "$broker_socket" ping "renew:$work/three" >"$work/answers" &
asking=$!
pongs() {
    timeout 20 python3 "$gateway_tests/broker_peer.py" send "$broker_socket" ping >"$work/pong" && [ "$(cat "$work/pong")" = "1 pong" ]
}
ok "while the token hangs, messages are read" pongs
ok "and the renewal waits" kill -0 $asking
token_is ""
wait $asking
is "$(results)" "1 of 2, 1 of pong" "until the token answers"

# ---- End ----

broker_stop
queued() {
    grep -q pong "$work/answers"
}
ends_while_the_token_hangs() { # or before the batch began: then once more
    broker_start
    : >"$work/answers"
    peer send "$broker_socket" "renew:$work/three" ping &
    asking=$!
    until_true queued
    broker_stop
    wait "$asking"
    logged 'ends without closing the vault'
}
token_is hang
until_true ends_while_the_token_hangs
is "$status $(tail -n 1 "$work/answers")" "0 closed" "a token that hangs does not keep it from ending"
ok "which is reported" logged 'ends without closing the vault'
token_is ""
broker_start
peer send "$broker_socket" "renew:$work/three" "renew:$work/three"
peer send "$broker_socket" hex:00
broker_stop
status_is 0 "it ends on request"
is "$(sed -n "s/.*ends; //p" "$work/broker.log")" \
    "issued 0, again 2, not renewed 0, limited 0, unavailable 0; malformed messages 1, refused connections 0" "with what it has done"
not_ok "and removes its socket" test -e "$broker_socket"
not_ok "no secret is in its messages" grep -q '_1_' "$work/broker.log"
refuses() { # WORDS REGEX ARGUMENT...
    words=$1 regex=$2
    shift 2
    timeout 20 "$BROKER" "$@" >"$work/out" 2>"$work/err"
    status=$?
    { [ "$status" -eq 1 ] || [ "$status" -eq 2 ]; } && matches "$work/err" "$regex" && [ "$(wc -l <"$work/err")" -eq 1 ]
    report $? "$words"
}
refuses "no user" 'allow-user is required' --vault "$SEALRING_VAULT" --listen "unix:$work/x"
refuses "an unknown user" 'names no user' --vault "$SEALRING_VAULT" --allow-user nobody-of-this-name
refuses "a wrong number" 'allow-user is a number' --vault "$SEALRING_VAULT" --allow-user 12x
refuses "no vault" 'vault is required' --vault '' --allow-user 1
refuses "a vault that does not exist" 'there is no vault' --vault "$work/none" --allow-user 1 --listen "unix:$work/x"
refuses "an address" 'it is a Unix socket' --vault "$SEALRING_VAULT" --allow-user 1 --listen 127.0.0.1:0
refuses "nothing to listen on" 'nothing to listen on' --vault "$SEALRING_VAULT" --allow-user 1
refuses "an argument" 'no arguments' --vault "$SEALRING_VAULT" --allow-user 1 x
"$BROKER" --help >"$work/out"
out_like '^Usage: sealring-broker' "--help"
sed -n 's/^  --\([a-z-]*\) .*/\1/p; s/^  --help, --version$/help/p' "$work/out" | sort >"$work/offered"
sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p' "$top_srcdir/docs/man/sealring-broker.8" | sort >"$work/described"
ok "the man page describes every option" diff "$work/offered" "$work/described"
done_testing
