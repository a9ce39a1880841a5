#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# POST /v1/claim: the whole way through sealringd and sealring-broker into the vault, each status, and what strangers reach.
# shellcheck disable=SC2119,SC2317 # functions that helpers call; no arguments are none
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/daemon.sh"

claims=$work/renew
post() { # BODY-FILE [CURL-ARGUMENT...]: $code, $work/body, $work/headers
    sent=$1
    shift
    code=$(curl -s -m 60 -o "$work/body" -D "$work/headers" -w '%{http_code}' --unix-socket "$claims" -X POST --data-binary "@$sent" "$@" \
        http://x/v1/claim)
}
make_key() { # NAME: a key pair and its certificate
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -days 30 -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null ||
        bail_out "openssl makes no certificate"
}
claim() { # CODE-FILE NAME [CURL-ARGUMENT...]
    jq -n --arg code "$(cat "$1")" --rawfile certificate "$work/$2.pem" '{code: $code, certificate: $certificate}' >"$work/request"
    name=$2
    shift 2
    post "$work/request" "$@"
}
problem() {
    jq -c '[.status, .code]' "$work/body"
}
opened() { # NAME: the credential in the answer
    jq -r .sealed "$work/body" | base64 -d | openssl cms -decrypt -inform DER -inkey "$work/$1.key" -recip "$work/$1.pem" 2>/dev/null | head -n 1
}
key_of() { # CODE-FILE
    cut -d _ -f 2 "$1"
}

must init
must ring create payments --prefix acme_live
must client add shop
for name in one two three; do
    must issue payments --client shop --label "$name" --scope read --claim --out "$work/$name"
done
must issue payments --client shop --label bound --scope read --from-addresses 192.0.2.0/24 --claim --out "$work/bound"
must issue payments --client shop --label suspended --scope read --claim --out "$work/suspended"
must key suspend "$(key_of "$work/suspended")" --no-wait
make_key owner
make_key thief
must backup "$work/backup"
broker_start
daemon_start --renew-listen "unix:$claims" --broker "$broker_socket" --address-header X-Real-IP
renewing() {
    request http://x/readyz
    [ "$(cat "$work/body")" = '{"renewal":true}' ]
}
until_true renewing

# ---- one client, and another ----

claim "$work/one" owner -H 'X-Real-IP: 192.0.2.1'
is "$code $(header Cache-Control) $(jq -r .key_id "$work/body")" "200 no-store $(key_of "$work/one")" "the code is traded"
credential=$(opened owner)
echo "$credential" >"$work/credential"
run_with "$work/credential" verify
succeeds "for the credential"
claim "$work/one" owner -H 'X-Real-IP: 192.0.2.2'
is "$code $(opened owner)" "200 $credential" "the same key gets the same answer"
claim "$work/one" thief -H 'X-Real-IP: 198.51.100.7'
is "$code $(problem)" '409 [409,"claim-taken"]' "another key gets nothing"
claim "$work/one" thief -H 'X-Real-IP: 198.51.100.7'
is "$code" 409 "however often"
must claim list --json
is "$(jq -c '.claims[] | select(.state == "contested") | [.first_peer, .second_peer]' "$work/out")" '["192.0.2.1","198.51.100.7"]' "both addresses are on record"
run status
out_like "the claim of API key $(key_of "$work/one") of client shop is contested: 192.0.2.1 has taken it, 198.51.100.7" "status names them"
run doctor
out_like "key-contested|is contested: it was taken from 192.0.2.1" "so does doctor"
ok "and the broker's log" grep -q "the claim of key $(key_of "$work/one") of shop .* is contested" "$work/broker.log"

# ---- each error ----

claim "$work/bound" owner -H 'X-Real-IP: 198.51.100.7'
is "$code $(problem)" '403 [403,"address"]' "a foreign address"
claim "$work/bound" owner -H 'X-Real-IP: 192.0.2.9'
is "$code" 200 "a right one"
claim "$work/suspended" owner
is "$code $(problem)" '403 [403,"claim-closed"]' "a suspended key"
printf 'no certificate' >"$work/odd.pem"
claim "$work/two" odd
is "$code $(problem)" '400 [400,"claim-certificate"]' "no certificate"
must claim cancel "$(key_of "$work/two")"
claim "$work/two" owner
is "$code $(problem)" '404 [404,"claim-unknown"]' "a canceled code"

# ---- what reaches no broker ----

before=$(grep -c . "$work/broker.log")
sed 's/.\{8\}$/AAAAAAAA/' "$work/three" >"$work/typo"
claim "$work/typo" owner
is "$code $(problem)" '404 [404,"claim-unknown"]' "a code with a typo"
for body in '' '{' '[]' 'null' '{"code":1,"certificate":"x"}' '{"code":"x"}' '{"certificate":"x"}' '{"code":"a","code":"b","certificate":"x"}'; do
    printf '%s' "$body" >"$work/request"
    post "$work/request"
    is "$code $(problem)" '400 [400,"claim-malformed"]' "body $body"
done
for body in '{"code":"","certificate":"x"}' '{"code":"claim_\u00e9","certificate":"x"}'; do
    printf '%s' "$body" >"$work/request"
    post "$work/request"
    is "$code" 404 "body $body"
done
head -c 3000 /dev/zero | tr '\0' x >"$work/odd.pem"
claim "$work/three" odd
is "$code $(problem)" '400 [400,"claim-certificate"]' "a long certificate"
head -c 8193 /dev/zero | tr '\0' ' ' >"$work/request"
post "$work/request"
is "$code" 413 "a large body"
post "$work/request" -H 'Transfer-Encoding: chunked'
is "$code" 413 "a body of unknown length"
code=$(curl -s -m 30 -o "$work/body" -w '%{http_code}' --unix-socket "$claims" http://x/v1/claim)
is "$code" 405 "GET"
request -X POST http://x/v1/claim
is "$code" 404 "the other listener has no claims"
is "$(grep -c . "$work/broker.log")" "$before" "the broker has seen none of it"

# ---- too often ----

limited=0
while [ "$limited" -lt 40 ] && [ "$code" != 429 ]; do
    claim "$work/one" thief
    limited=$((limited + 1))
done
is "$code $(problem)" '429 [429,"limited"]' "the same code too often"
ok "with a time to wait" test "$(header Retry-After)" -gt 0

# ---- the broker is killed before the answer ----

kill -KILL "$broker"
wait "$broker" 2>/dev/null
claim "$work/three" owner
is "$code $(problem)" '503 [503,"unavailable"]' "no broker"
broker_start
until_true renewing
claim "$work/three" owner
is "$code" 200 "and then there is one"
third=$(opened owner)
claim "$work/three" owner
is "$code $(opened owner)" "200 $third" "a lost answer costs nothing"
broker_stop
daemon_stop
must audit verify
"$SEALRING" audit export >"$work/export"
must restore "$work/backup" --log "$work/export"
must claim list --json
is "$(jq -c '[.claims[].state] | sort' "$work/out")" '["contested","open","taken","taken"]' "the log contains all of it"
must audit verify
done_testing
