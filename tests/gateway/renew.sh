#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# POST /v1/renew: the whole way from curl through sealringd and sealring-broker into the vault, each status, TLS, and a broker that is killed.
# shellcheck disable=SC2016,SC2119,SC2317 # awk and Perl; functions that helpers call; no arguments are none
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/daemon.sh"

renewal=$work/renew
renew() { # FILE [CURL-ARGUMENT...]: $code, $work/body, $work/headers
    credential=$1
    shift
    code=$(curl -s -m 60 -o "$work/body" -D "$work/headers" -w '%{http_code}' --unix-socket "$renewal" -X POST -H "$(bearer "$credential")" \
        "$@" http://x/v1/renew)
}
problem() { # what is fixed in a body of an error
    jq -c '[.status, .code]' "$work/body"
}
successor() { # FILE: keeps the successor
    jq -r .credential "$work/body" >"$1"
}
key_of() { # FILE
    cut -d _ -f 3 "$1"
}

must init
must ring create payments --prefix acme_live --renew bearer
must ring create closed --prefix acme_closed
must client add shop
for name in one two three four five six seven; do
    must issue payments --client shop --label "$name" --scope read --scope write --out "$work/$name"
done
mkdir "$work/many"
i=0
while [ $i -lt 40 ]; do
    must issue payments --client shop --label "many-$i" --scope read --out "$work/many/$i"
    i=$((i + 1))
done
must issue payments --client shop --label bound --scope read --from-addresses 192.0.2.0/24 --out "$work/bound"
must issue payments --client shop --label revoked --scope read --out "$work/revoked"
must revoke "$(key_of "$work/revoked")" --no-wait
must issue closed --client shop --scope read --out "$work/off"
sed 's/^\(.*_1_\).\{8\}/\1AAAAAAAA/' "$work/one" >"$work/typo"

# ---- Each status, by a broker that answers as the test demands ----

fake=$work/fake
echo 3 >"$work/demand"
python3 "$gateway_tests/broker_peer.py" fake "$fake" "$work/demand" &
fake_broker=$!
daemons="$daemons $fake_broker"
until_true test -S "$fake"
daemon_start --renew-listen "unix:$renewal" --broker "$fake" --address-header X-Real-IP
renewing() {
    request http://x/readyz
    [ "$(cat "$work/body")" = '{"renewal":true}' ]
}
demand() { # LINE...
    printf '%s\n' "$@" >"$work/demand.new" && mv "$work/demand.new" "$work/demand"
}
while read -r line wanted; do
    demand "$(echo "$line" | tr , ' ')"
    renew "$work/one"
    is "$(echo "$code $(header Retry-After) $(jq -c 'del(.type, .title, .status, .detail)' "$work/body" 2>/dev/null)" | sed "s/ *$//")" "$wanted" "answer $line"
    is "$(header Cache-Control)" no-store "nobody keeps it"
done <<'END'
0 503 10 {"code":"unavailable"}
0,3 503 3 {"code":"unavailable"}
1,0,credential,abc_def 200  {"credential":"abc_def","key_id":"0123456789abcdef","version":3,"expires":"2026-01-01T00:00:00Z","predecessor_until":null}
2,0,sealed,30820001ff 200  {"sealed":"MIIAAf8=","key_id":"0123456789abcdef","version":3,"expires":"2026-01-01T00:00:00Z","predecessor_until":null}
3 204  
4 401  {}
5 403  {"code":"address"}
6 403  {"code":"renewal-off"}
7 403  {"code":"renewal-age"}
8 409  {"code":"contested"}
9,190 429 190 {"code":"limited"}
END
demand "3"
renew "$work/one" -H 'X-Real-IP: 2001:db8::7' -H 'X-Forwarded-For: 192.0.2.1'
is "$(tail -n 1 "$work/demand.asked")" "6 20010db8000000000000000000000007 $(cat "$work/one")" "the broker gets credential and address"
renew "$work/one" -H 'X-Real-IP: 192.0.2.1' -H 'X-Real-IP: 192.0.2.1'
is "$(tail -n 1 "$work/demand.asked" | cut -d ' ' -f 1,2)" "0 00000000000000000000000000000000" "or that none is known"
request http://x/readyz
is "$code $(cat "$work/body")" '200 {"renewal":true}' "/readyz: the broker answers"
demand garbage
renew "$work/one"
is "$code $(problem)" '503 [503,"unavailable"]' "a broker that sends garbage"
ok "which is logged" grep -q 'malformed message' "$work/daemon.log"
demand close
renew "$work/one"
is "$code" 503 "one that closes the connection"
until_true renewing
demand close 3
renew "$work/one"
is "$code" 204 "one that loses the connection is asked again on the next one"
demand "9 5"
renew "$work/one"
is "$code" 429 "and one that is there again"

# ---- What reaches no broker ----

asked=$(wc -l <"$work/demand.asked")
for name in revoked typo; do
    renew "$work/$name"
    is "$code $(header WWW-Authenticate)" '401 Bearer realm="api", error="invalid_token"' "$name"
done
renew "$work/one" -H 'X-API-Key: other'
is "$code" 400 "two credentials"
code=$(curl -s -o "$work/body" -w '%{http_code}' --unix-socket "$renewal" -X POST http://x/v1/renew)
is "$code" 401 "none"
renew "$work/bound" -H 'X-Real-IP: 198.51.100.1'
is "$code $(problem)" '403 [403,"address"]' "a foreign address"
renew "$work/one" -X GET
is "$code $(header Allow)" "405 POST" "another method"
renew "$work/one" -H 'Content-Length: 1025' --data-binary "$(head -c 1025 /dev/zero | tr '\0' x)"
is "$code" 413 "a large body"
renew "$work/one" -H 'Transfer-Encoding: chunked' --data-binary x
is "$code" 413 "a body of unknown length"
for path in /v1/renew/ /v1/verify/read/- /healthz /readyz / '/v1/renew%00'; do
    code=$(curl -s -m 30 --path-as-is -o /dev/null -w '%{http_code}' --unix-socket "$renewal" -X POST -H "$(bearer "$work/one")" "http://x$path")
    is "$code" 404 "the listener for renewal has no $path"
done
is "$(wc -l <"$work/demand.asked")" "$asked" "none of these reached the broker"
request -X POST -H "$(bearer "$work/one")" http://x/v1/renew
is "$code" 404 "the other listener has no renewal"

# ---- Bytes of every kind ----

post='POST /v1/renew HTTP/1.1\r\nHost: x\r\n'
good="Authorization: Bearer $(cat "$work/one")\r\n"
answers() { # FORMAT: the status of each answer to these bytes
    # shellcheck disable=SC2059 # it is a format
    printf "$1" | perl "$gateway_tests/raw.pl" "$renewal" | grep -a -o 'HTTP/1.1 [0-9]*' | cut -d ' ' -f 2 | tr '\n' ' '
}
demand "3"
is "$(answers "$post$good\r\n${post}Authorization: Bearer x\r\n\r\n$post${good}Content-Length: 3\r\n\r\nabc$post${good}Connection: close\r\n\r\n")" "204 401 204 204 " \
    "four pipelined renewals, of which the second is none"
is "$(($(wc -l <"$work/demand.asked") - asked))" 3 "each good one was asked for once"
asked=$(wc -l <"$work/demand.asked")
while IFS='|' read -r name bytes wanted; do
    is "$(answers "$bytes" | cut -d ' ' -f 1)" "$wanted" "$name" # libmicrohttpd repeats the header of some errors
done <<END
a NUL in the credential|${post}Authorization: Bearer a\\000b\\r\\nConnection: close\\r\\n\\r\\n|401
bytes beyond ASCII|${post}Authorization: Bearer \\377\\376\\r\\nConnection: close\\r\\n\\r\\n|401
another scheme|${post}Authorization: Basic eDp4\\r\\nConnection: close\\r\\n\\r\\n|401
a length that is no number|${post}${good}Content-Length: 3x\\r\\nConnection: close\\r\\n\\r\\nabc|400
a negative length|${post}${good}Content-Length: -1\\r\\nConnection: close\\r\\n\\r\\n|400
a length beyond all numbers|${post}${good}Content-Length: 99999999999999999999999\\r\\nConnection: close\\r\\n\\r\\n|413
no HTTP|hello\\r\\n\\r\\n|
a record of TLS|\\026\\003\\001\\002\\000\\001\\000\\001\\374\\003\\003\\r\\n\\r\\n|
END
is "$(answers "${post}X-Large: $(head -c 40000 /dev/zero | tr '\0' x)\r\n\r\n")" "431 " "headers of 40,000 bytes"
is "$(wc -l <"$work/demand.asked")" "$asked" "none of them reached the broker"
perl -MIO::Socket::UNIX -e '
    my @slow = map { IO::Socket::UNIX->new(Peer => $ARGV[0]) or die } 1 .. 50;
    syswrite $_, "POST /v1/renew HTTP/1.1\r\nAuthor" for @slow;
    $| = 1;
    print "sent\n";
    select undef, undef, undef, 0.05 until -e $ARGV[1];' "$renewal" "$work/slow.end" >"$work/slow" &
slow=$!
until_true test -s "$work/slow"
renew "$work/one"
is "$code" 204 "beside fifty requests that do not end others are served"
: >"$work/slow.end"
wait $slow

demand "3"
renew "$work/one" --data-binary "$(head -c 1024 /dev/zero | tr '\0' x)"
is "$code" 204 "a small body is ignored"
demand hang
renew "$work/two" &
hanging=$!
asked_for_two() {
    grep -q "$(cat "$work/two")" "$work/demand.asked"
}
until_true asked_for_two
request -H "$(bearer "$work/one")" http://x/v1/verify/read/-
is "$code" 200 "verification goes on while the broker does not answer"
code=$(curl -s -m 60 -o "$work/body" -w '%{http_code}' --unix-socket "$renewal" -X POST -H "$(bearer "$work/three")" http://x/v1/renew)
is "$code $(problem)" '503 [503,"unavailable"]' "renewal does not, after a while"
wait $hanging
kill "$fake_broker"
wait "$fake_broker" 2>/dev/null
not_renewing() {
    request http://x/readyz
    [ "$(cat "$work/body")" = '{"renewal":false}' ]
}
ok "/readyz: the broker is away" until_true not_renewing
is "$code" 200 "which is no matter of verification"
renew "$work/one"
is "$code $(header Retry-After)" "503 10" "nobody renews"
daemon_stop
status_is 0 "it ends"

# ---- The whole way ----

broker_start
daemon_start --renew-listen "unix:$renewal" --broker "$broker_socket" --address-header X-Real-IP
until_true renewing
renew "$work/one"
is "$code $(header Sealring-Expires)" "204 never" "before a rotation nothing is due, and the answer has the credential's end"
must rotate payments
renew "$work/one" -H 'X-Real-IP: 203.0.113.5'
is "$code $(jq -r '"\(.key_id) \(.version)"' "$work/body")" "200 $(key_of "$work/one") 2" "after it the successor comes"
ok "with its end, and its predecessor's" jq -e '(.expires | fromdate) > (.predecessor_until | fromdate)' "$work/body"
successor "$work/one.next"
for name in one one.next; do
    request -H "$(bearer "$work/$name")" http://x/v1/verify/read,write/-
    is "$code $(header X-Sealring-Key-Id)" "200 $(key_of "$work/one")" "$name is accepted"
done
is "$(header X-Sealring-Version)" 2 "the new one by the new version"
renew "$work/one"
is "$(jq -r .credential "$work/body")" "$(cat "$work/one.next")" "a lost response costs nothing: the same successor comes again"
renew "$work/one.next"
is "$code" 204 "which has none"
must audit show --json
is "$(json '[.entries[] | select(.act == "key.renew")] | length')" 2 "each time it is handed over is in the audit log"
out_like '203\.0\.113\.5' "with the address"
renew "$work/bound" -H 'X-Real-IP: 192.0.2.8'
is "$code" 200 "a key that is bound to networks, from there"
renew "$work/bound" -H 'X-Real-IP: ::ffff:192.0.2.9'
is "$code" 200 "also if it is written as one of IPv6"
renew "$work/bound"
is "$code $(problem)" '403 [403,"address"]' "and not from an unknown address"
must rotate closed
renew "$work/off"
is "$code $(problem)" '403 [403,"renewal-off"]' "a ring that renews nothing"
must ring set closed --renew sealed
renew "$work/off"
is "$code $(problem)" '403 [403,"renewal-off"]' "a ring that encrypts, and a client without a certificate"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/client.key" -out "$work/client.pem" -subj /CN=client -days 30 2>/dev/null
must client set shop --certificate "$work/client.pem"
renew "$work/off"
is "$code $(jq -r '"\(.credential) \(.version)"' "$work/body")" "200 null 2" "with one it gets the successor encrypted"
opens() {
    jq -r .sealed "$work/body" | base64 -d | openssl cms -decrypt -inform DER -inkey "$work/client.key" -recip "$work/client.pem" 2>/dev/null |
        head -n 1 >"$1"
}
opens "$work/off.next"
request -H "$(bearer "$work/off.next")" http://x/v1/verify/read/-
is "$code" 200 "which openssl opens, and the verifier accepts"
renew "$work/off"
opens "$work/off.again"
ok "again the same one" cmp "$work/off.next" "$work/off.again"
must key suspend "$(key_of "$work/two")"
renew "$work/two"
is "$code" 401 "a suspended key"
must key resume "$(key_of "$work/two")"
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    renew "$work/three"
    echo "$code $(jq -r .credential "$work/body")"
done | sort | uniq -c | awk '{ print $1, $2 }' >"$work/out"
is "$(cat "$work/out")" "20 200" "twenty replicas of one key get one successor"
renew "$work/three"
is "$code $(problem)" '429 [429,"limited"]' "the next one comes later"
ok "in ten seconds" matches "$work/headers" '^Retry-After: ([1-9]|10).$'

# ---- One holder: a thief, after the owner's successor is in use ----

must issue payments --client shop --label single --holders one --scope read --out "$work/single"
single=$(key_of "$work/single")
must rotate payments
renew "$work/single" -H 'X-Real-IP: 203.0.113.5'
is "$code" 200 "one holder: the owner's renewal"
successor "$work/single.next"
renew "$work/single" -H 'X-Real-IP: 203.0.113.5'
is "$(jq -r .credential "$work/body")" "$(cat "$work/single.next")" "repeated before the successor is used, as its answer may be lost"
request -H "$(bearer "$work/single.next")" http://x/v1/verify/read/-
is "$code" 200 "the owner uses it"
use_is_known() {
    must usage payments --key "$single" --json
    [ "$(json '[.usage[] | select(.version == 3) | .accepted] | add // 0')" -gt 0 ]
}
until_true use_is_known
renew "$work/single" -H 'X-Real-IP: 198.51.100.66'
is "$code $(problem)" '409 [409,"contested"]' "a thief with the predecessor gets nothing"
ok "the broker's journal has an alarm with the thief's address" \
    grep -Eq "ALARM.*key $single of shop in ring payments is contested, from 198.51.100.66" "$work/broker.log"
renew "$work/single" -H 'X-Real-IP: 203.0.113.5'
is "$code $(problem)" '409 [409,"contested"]' "nor does the owner any more"
for name in single single.next; do
    request -H "$(bearer "$work/$name")" http://x/v1/verify/read/-
    is "$code" 200 "$name goes on"
done
for command in status 'run --once' doctor; do
    # shellcheck disable=SC2086 # words
    run $command
    out_like "API key $single of client shop is contested: .*203\.0\.113\.5.*198\.51\.100\.66" "$command names key, client and both addresses"
done
run retire payments 2 --overrule "the window may end"
status_is 5 "no version retires meanwhile"
err_like "1 API key is contested: $single of shop" "because of that key"
must usage payments --lagging --key "$single" --json
is "$(json '.lagging | length')" 1 "until the owner's last use is with the active version, the key lags"
is "$(json '[.lagging[0].renewal_errors[] | "\(.error) \(.count)"] | join(",")')" "contested 2" "with the errors of its renewals"
renewed_again() { # FILE
    renew "$1"
    [ "$code" = 200 ]
}
ok "who was limited is served later" until_true renewed_again "$work/three"
must usage payments --lagging --key "$(key_of "$work/three")" --json
ok "and how often is counted" jq -e '.lagging[0].renewal_errors[] | select(.error == "limited") | .count >= 1' "$work/out"
must key rekey "$single" --overlap 1h --out "$work/single.given"
run status
not_ok "rekey ends it" grep -q contested "$work/out"
accepted() { # FILE
    request -H "$(bearer "$1")" http://x/v1/verify/read/-
    [ "$code" = 200 ]
}
ok "the owner uses what it was given" until_true accepted "$work/single.given"
renew "$work/single" -H 'X-Real-IP: 198.51.100.66'
is "$code" 401 "what was stolen gets nothing any more"
run retire payments 2 --overrule "the window may end" --overrule-succession "as well"
succeeds "and versions retire again"

# ---- Two sealringd at one broker; the broker is killed in a batch ----

first=$daemon
first_socket=$socket
socket=$work/sealringd2
daemon_start --renew-listen "unix:$work/renew2" --broker "$broker_socket"
in_parallel() { # FILE SOCKET NAME
    curl -s -m 60 -o "$work/$3.body" -w '%{http_code}' --unix-socket "$2" -X POST -H "$(bearer "$1")" http://x/v1/renew >"$work/$3.code" &
}
waiting=
for i in 1 2 3 4; do
    in_parallel "$work/four" "$renewal" "a$i"
    waiting="$waiting $!"
    in_parallel "$work/four" "$work/renew2" "b$i"
    waiting="$waiting $!"
done
# shellcheck disable=SC2086 # a list
wait $waiting
is "$(cat "$work"/[ab][1-4].code)" 200200200200200200200200 "two daemons ask at the same time"
is "$(jq -r .credential "$work"/[ab][1-4].body | sort -u | wc -l)" 1 "for one successor"
daemon_stop
daemon=$first
socket=$first_socket

kills=0
differ=
renew "$work/five"
successor "$work/five.next"
while [ $kills -lt 6 ]; do
    in_parallel "$work/five" "$renewal" k1
    asking="$!"
    in_parallel "$work/six" "$renewal" k2
    asking="$asking $!"
    perl -e "select undef, undef, undef, 0.0$((kills + 1))"
    kill -9 "$broker"
    wait "$broker" 2>/dev/null
    broker_start
    # shellcheck disable=SC2086 # a list
    wait $asking
    kills=$((kills + 1))
    until_true renewing
    renew "$work/five"
    [ "$code $(jq -r .credential "$work/body")" = "200 $(cat "$work/five.next")" ] || differ="$differ $kills"
    for name in k1 k2; do
        case $(cat "$work/$name.code") in
        200 | 503) ;;
        *) differ="$differ $kills:$(cat "$work/$name.code")" ;;
        esac
        [ "$(cat "$work/$name.code")" != 200 ] || jq -r .credential "$work/$name.body" >>"$work/$name.all"
    done
done
is "$differ" "" "killed $kills times, the broker answers with the same successor each time"
renew "$work/six"
jq -r .credential "$work/body" >>"$work/k2.all"
is "$(sort -u "$work/k2.all" | wc -l)" 1 "also to who asked while it was killed"
must doctor
must audit verify

# ---- Many at once are one act; a revocation goes first ----

acts() {
    must audit show --json
    json '[.entries[] | select(.act == "key.renew")] | length'
}
before=$(acts)
waiting=
for file in "$work"/many/*; do
    in_parallel "$file" "$renewal" "many.$(basename "$file")"
    waiting="$waiting $!"
done
# shellcheck disable=SC2086 # a list
wait $waiting
is "$(cat "$work"/many.*.code | sed 's/200/&\n/g' | sort | uniq -c | tr -d ' \n')" "40200" "forty keys are renewed at the same time"
ok "by fewer acts" test $(($(acts) - before)) -lt 40
replica=0
: >"$work/renewed"
( # without a pause, one key after the other
    while [ ! -e "$work/enough" ]; do
        for file in "$work"/many/*; do
            echo "$(date +%s.%N) $(curl -s -m 60 -o "$work/of.$(basename "$file")" -w '%{http_code}' --unix-socket "$renewal" -X POST \
                -H "$(bearer "$file")" http://x/v1/renew) $(basename "$file")" >>"$work/renewed"
        done
    done
) &
renewing_all=$!
renewed_some() {
    [ "$(wc -l <"$work/renewed")" -ge $((replica + 10)) ]
}
until_true renewed_some
must revoke "$(key_of "$work/many/20")"
effective=$(date +%s.%N)
replica=$(($(wc -l <"$work/renewed") + 80))
until_true renewed_some
: >"$work/enough"
wait $renewing_all
is "$(awk -v after="$effective" '$1 > after && $3 == 20 && $2 == 200' "$work/renewed" | wc -l)" 0 "what is revoked meanwhile gets no successor after that was effective"
is "$(awk -v after="$effective" '$1 > after && $3 == 20 { print $2 }' "$work/renewed" | sort -u)" 401 "but is rejected"

# ---- Ends ----

in_parallel "$work/seven" "$renewal" last
last=$!
kill "$daemon"
wait $last
wait "$daemon"
is "$?" 0 "sealringd ends"
ok "and answers before" matches "$work/last.code" '^(200|000)$'
daemon_start --renew-listen "unix:$renewal" --broker "$broker_socket" --address-header X-Real-IP
until_true renewing

# ---- Start without a broker ----

broker_stop
renew "$work/seven"
is "$code" 503 "while the broker is away"
broker_start
until_true renewing
renew "$work/seven"
is "$code" 200 "it is found again"
broker_stop
daemon_stop
status_is 0 "both end"

# ---- TLS ----

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/tls.key" -out "$work/tls.crt" -days 2 -subj /CN=localhost \
    -addext 'subjectAltName=IP:127.0.0.1' 2>/dev/null || bail_out "no certificate"
refuses() { # WORDS REGEX ARGUMENT...
    words=$1 regex=$2
    shift 2
    timeout 20 "$SEALRINGD" --vault "$SEALRING_VAULT" "$@" >"$work/out" 2>"$work/err"
    status=$?
    { [ "$status" -eq 1 ] || [ "$status" -eq 2 ]; } && matches "$work/err" "$regex" && [ "$(wc -l <"$work/err")" -eq 1 ]
    report $? "$words"
}
refuses "clear text beyond loopback" 'renew-tls-certificate' --renew-listen 0.0.0.0:0
refuses "a certificate without its key" 'renew-tls-key is missing' --renew-listen 127.0.0.1:0 --renew-tls-certificate "$work/tls.crt"
refuses "a certificate that does not exist" 'cannot be used for TLS: No such file' --renew-listen 127.0.0.1:0 --renew-tls-certificate "$work/none" --renew-tls-key "$work/tls.key"
refuses "a file without a certificate" 'nothing in PEM' --renew-listen 127.0.0.1:0 --renew-tls-certificate "$work/one" --renew-tls-key "$work/tls.key"
broker_start
daemon_start --renew-listen 127.0.0.1:0 --renew-tls-certificate "$work/tls.crt" --renew-tls-key "$work/tls.key" --broker "$broker_socket" \
    --address-header X-Real-IP
until_true renewing
port=$(sed -n 's/.*renewing by TLS on 127.0.0.1:\([0-9]*\)$/\1/p' "$work/daemon.log")
tls() { # FILE [CURL-ARGUMENT...]
    credential=$1
    shift
    code=$(curl -s -m 60 -o "$work/body" -D "$work/headers" -w '%{http_code}' --cacert "$work/tls.crt" -X POST -H "$(bearer "$credential")" "$@" \
        "https://127.0.0.1:$port/v1/renew")
}
tls "$work/five"
is "$code $(jq -r .credential "$work/body")" "200 $(cat "$work/five.next")" "renewal by TLS"
tls "$work/five" --tlsv1.2 --tls-max 1.2
is "$code" 200 "also 1.2"
tls "$work/five" --tls-max 1.1
is "$code" 000 "and nothing older"
tls "$work/bound" -H 'X-Real-IP: 192.0.2.8'
is "$code $(problem)" '403 [403,"address"]' "what a client writes about its own address does not count"
is "$(curl -s -m 30 -o /dev/null -w '%{http_code}' -X POST -H "$(bearer "$work/five")" "http://127.0.0.1:$port/v1/renew")" 000 "clear text is not understood"
# Each address has limits of its own; of the others nothing is missing. One connection, so that it is quick.
asks_often() { # ADDRESS: how often each status came
    curl -s -m 60 -o /dev/null -w '%{http_code}\n' --cacert "$work/tls.crt" --interface "$1" -X POST -H 'Authorization: Bearer x' \
        "https://127.0.0.1:$port/v1/renew?[1-400]" | sort | uniq -c | awk '{ print $2, $1 }'
}
asks_often 127.0.0.2 >"$work/out"
ok "an address that asks 400 times at once gets answers" awk '$1 == 401 { found = $2 >= 200 } END { exit !found }' "$work/out"
ok "but not to all" awk '$1 == 429 { found = $2 > 0 } END { exit !found }' "$work/out"
tls "$work/five"
is "$code" 200 "another address is served meanwhile"
# 80 connections of one address, which say nothing: those that are accepted stay.
perl -MSocket -e '
    for my $i (1 .. 80) {
        socket $sockets[$i], AF_INET, SOCK_STREAM, 0 or die;
        bind $sockets[$i], sockaddr_in(0, inet_aton("127.0.0.3")) or die "$!";
        connect $sockets[$i], sockaddr_in($ARGV[0], inet_aton("127.0.0.1")) or die "$!";
    }
    my ($bits, $open) = ("", 80);
    vec($bits, fileno $sockets[$_], 1) = 1 for 1 .. 80;
    while ($open > 66) {
        my $ready = $bits;
        select $ready, undef, undef, 30 or last;
        for (1 .. 80) {
            next unless fileno $sockets[$_] and vec $ready, fileno $sockets[$_], 1;
            vec($bits, fileno $sockets[$_], 1) = 0;
            $open--;
        }
    }
    $| = 1;
    print "$open\n";
    select undef, undef, undef, 0.05 until -e $ARGV[1];' "$port" "$work/held" >"$work/open" &
holding=$!
until_true test -s "$work/open"
tls "$work/five"
is "$code" 200 "another address is served beside many idle connections"
: >"$work/held"
wait $holding
ok "of 80 connections of one address 64 are accepted, or two more" test "$(cat "$work/open")" -ge 64 -a "$(cat "$work/open")" -le 66
ok "which is logged" grep -q 'too many from one address' "$work/daemon.log"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/tls.key" -out "$work/tls.crt" -days 3 -subj /CN=second \
    -addext 'subjectAltName=IP:127.0.0.1' 2>/dev/null || bail_out "no certificate"
kill -HUP "$daemon"
tls_is_new() {
    tls "$work/five"
    [ "$code" = 200 ]
}
ok "SIGHUP reads a new certificate" until_true tls_is_new
echo nonsense >"$work/tls.crt.bad" && cp "$work/tls.crt" "$work/tls.crt.good" && cp "$work/tls.crt.bad" "$work/tls.crt"
kill -HUP "$daemon"
ok "one that cannot be used is reported" until_true grep -q 'nothing in PEM' "$work/daemon.log"
cp "$work/tls.crt.good" "$work/tls.crt"
tls "$work/five"
is "$code" 200 "and the other one stays"
daemon_stop
status_is 0 "it ends"
broker_stop

# ---- systemd ----

# As systemd passes sockets: descriptors from 3 on, with their names.
cat >"$work/activate.pl" <<'END'
use POSIX; use Socket;
my ($names, @sockets) = '';
while (my $word = shift) {
    last if $word eq '--';
    my ($name, $type, $path) = split /:/, $word;
    socket my $socket, AF_UNIX, $type eq 'stream' ? SOCK_STREAM : SOCK_SEQPACKET, 0 or die;
    bind $socket, sockaddr_un($path) and listen $socket, 100 or die "$path: $!";
    push @sockets, $socket;
    $names .= ($names eq '' ? '' : ':') . $name;
}
my @kept = map { fcntl $_, F_DUPFD, 100 or die } @sockets;
dup2($kept[$_], 3 + $_) for 0 .. $#kept;
@ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, scalar @kept, $names);
exec @ARGV or die;
END
BROKER_WITH="perl $work/activate.pl broker:packet:$work/passed.broker --"
DAEMON_WITH="perl $work/activate.pl sealringd.socket:stream:$work/passed renew:stream:$work/passed.renew --"
broker_start
daemon_start --broker "$work/passed.broker"
request http://x/healthz
until_true renewing
renewal=$work/passed.renew
renew "$work/five"
is "$code $(jq -r .credential "$work/body")" "200 $(cat "$work/five.next")" "sockets of systemd: the one with the name renew renews"
code=$(curl -s -m 30 -o /dev/null -w '%{http_code}' -H "$(bearer "$work/five")" --unix-socket "$work/passed" http://x/v1/verify/read/-)
is "$code" 200 "and the other one verifies"
kill -9 "$broker"
wait "$broker" 2>/dev/null
rm -f "$work/passed.broker"
broker_start
until_true renewing
renew "$work/five"
is "$code" 200 "a broker that is started again is found"
broker_stop
ok "a socket of systemd is not removed" test -S "$work/passed.broker"
daemon_stop
unset BROKER_WITH DAEMON_WITH
not_ok "no secret is in the messages" grep -q '_[12]_' "$work/daemon.log" "$work/broker.log"
done_testing
