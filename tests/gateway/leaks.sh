#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# POST /v1/leaks: GitHub's alerts about leaked credentials, through sealringd and sealring-broker into the vault; who does not sign achieves nothing.
# shellcheck disable=SC2119,SC2317 # functions that helpers call; no arguments are none
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/daemon.sh"

database=$SEALRING_VAULT/registry/sealring.db
alerts=$work/alerts
key_of() { # NAME
    cut -d _ -f 3 "$work/$1"
}
entries() { # ACT
    sqlite3 "$database" "SELECT count(*) FROM audit WHERE act = '$1'"
}
# Keys as GitHub publishes them; the first one is GitHub's own, of its documentation.
publish() { # FILE NAME...
    file=$1
    shift
    {
        printf '{"public_keys":[{"key_identifier":"bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c","key":"-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\\nAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==\\n-----END PUBLIC KEY-----\\n","is_current":false}'
        for name; do
            openssl pkey -in "$work/$name.pem" -pubout | jq -Rsc --arg id "id-$name" '{key_identifier: $id, key: ., is_current: true}' | sed 's/^/,/'
        done
        echo ']}'
    } >"$file"
}
post() { # BODY-FILE KEY [CURL-ARGUMENT...]: signed by that key
    body=$1
    signature=$(openssl dgst -sha256 -sign "$work/$2.pem" "$body" | base64 -w 0)
    identifier=id-$2
    shift 2
    send "$body" "$identifier" "$signature" "$@"
}
send() { # BODY-FILE IDENTIFIER SIGNATURE [CURL-ARGUMENT...]
    body=$1
    identifier=$2
    signature=$3
    shift 3
    code=$(curl -s -m 60 -o "$work/body" -D "$work/headers" -w '%{http_code}' --unix-socket "$alerts" -H 'Expect:' -H 'Content-Type: application/json' \
        -H "Github-Public-Key-Identifier: $identifier" -H "Github-Public-Key-Signature: $signature" --data-binary "@$body" "$@" http://x/v1/leaks)
}
labels() {
    jq -r '[.[].label] | join(" ")' "$work/body"
}
alert() { # NAME URL: one alert
    jq -Rsc --arg url "$2" '[{token: ., type: "acme_api_key", url: $url, source: "content"}]' "$work/$1"
}

must init
for policy in alarm suspend rekey; do
    must ring create $policy --prefix acme_$policy --leaks $policy
done
must client add shop
for name in alarm.a alarm.b suspend.a suspend.b rekey.a rekey.b suspend.killed; do
    must issue "${name%.*}" --client shop --label "${name#*.}" --scope read
    tr -d '\n' <"$work/out" >"$work/$name"
done
must issue suspend --client shop --label revoked
tr -d '\n' <"$work/out" >"$work/revoked"
must revoke "$(key_of revoked)"
sed 's/.$/_/' "$work/alarm.a" >"$work/typo"
sed 's/^acme_alarm_\(.\)/acme_alarm_Q/' "$work/alarm.a" >"$work/unknown"
for name in github stranger; do
    openssl ecparam -name prime256v1 -genkey -noout -out "$work/$name.pem"
done
openssl ecparam -name secp384r1 -genkey -noout -out "$work/other-curve.pem"

# ---- Keys: only a good list replaces the file
keys=$work/keys.json
publish "$work/list" github
"$SEALRINGD" --replace-leaks-keys "$keys" <"$work/list" 2>"$work/err"
is $? 0 "the first list"
ok "is the file" cmp "$work/list" "$keys"
bad=
for list in '' '{}' '{"public_keys":[]}' '{"public_keys":"x"}' '[1]' '{"public_keys":[{"key_identifier":"a","key":"b"}]}' '{"public_keys":[{"key":"b"}]}' nonsense; do
    printf '%s' "$list" | "$SEALRINGD" --replace-leaks-keys "$keys" 2>"$work/err" && bad="$bad $list"
done
publish "$work/bad" other-curve
"$SEALRINGD" --replace-leaks-keys "$keys" <"$work/bad" 2>"$work/err" && bad="$bad curve"
publish "$work/bad" github github
"$SEALRINGD" --replace-leaks-keys "$keys" <"$work/bad" 2>"$work/err" && bad="$bad twice"
err_like 'stays as it is: two keys have the same identifier' "a bad list is refused with its reason"
is "$bad" "" "each bad list is"
ok "and the file stays" cmp "$work/list" "$keys"
is "$(echo "$work"/keys.json.*)" "$work/keys.json.*" "no other file is left"

"$SEALRINGD" --vault "$SEALRING_VAULT" --leaks-listen "unix:$alerts" 2>"$work/err"
is $? 1 "without keys sealringd does not start"
err_like 'give --leaks-keys' "as it reports"

broker_start
daemon_start --leaks-listen "unix:$alerts" --leaks-keys "$keys" --broker "$broker_socket"

# ---- The sample of GitHub's documentation, byte for byte
printf '%s' '[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]' >"$work/sample"
sample_key=bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c
sample_signature='MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg=='
send "$work/sample" $sample_key "$sample_signature"
is "$code $(jq -c . "$work/body")" '200 [{"token_raw":"some_token","token_type":"some_type","label":"false_positive"}]' "GitHub's sample is verified and answered"
is "$(header Cache-Control) $(header Content-Type)" "no-store application/json" "nobody keeps it"

# ---- Who does not sign achieves nothing
alert suspend.a https://evil.example >"$work/alert"
post "$work/alert" stranger
is "$code" 403 "a key that is not listed"
signature=$(openssl dgst -sha256 -sign "$work/stranger.pem" "$work/alert" | base64 -w 0)
send "$work/alert" id-github "$signature"
is "$code" 403 "a stranger's signature under a listed identifier"
send "$work/alert" $sample_key "$sample_signature"
is "$code" 403 "the signature of another body"
signature=$(openssl dgst -sha256 -sign "$work/github.pem" "$work/alert" | base64 -w 0)
sed 's/evil/good/' "$work/alert" >"$work/changed"
send "$work/changed" id-github "$signature"
is "$code" 403 "a changed body"
for wrong in '' "$signature=" "x$signature" "${signature%????}" "$signature$signature" '////' '====' 'AAAA'; do
    send "$work/alert" id-github "$wrong"
    [ "$code" = 403 ] || bad="$bad '$wrong':$code"
done
is "$bad" "" "malformed signatures"
code=$(curl -s -m 60 -o "$work/body" -w '%{http_code}' --unix-socket "$alerts" --data-binary "@$work/alert" http://x/v1/leaks)
is "$code" 403 "no signature"
is "$(entries key.leak) $(entries key.suspend)" "0 0" "nothing was recorded or suspended"

# ---- Bodies: signed, but wrong
for body in '' '[]' '{}' 'x' '[1]' '[{}]' '[{"token":1}]' '[{"token":""}]' '[{"token":"x","url":5}]' '[{"token":"x"},{"type":"y"}]' '{"token":"x"}' '[{"token":"x\u0000y"}]' '[[[[' '[{"token":"a","token":"b"}]'; do
    printf '%s' "$body" >"$work/wrong"
    post "$work/wrong" github
    [ "$code" = 400 ] || bad="$bad $body:$code"
done
is "$bad" "" "each wrong body is a bad request"
is "$(header Content-Type)" application/problem+json "as RFC 9457 has it"
jq -cn '[range(501) | {token: "t\(.)"}]' >"$work/many"
post "$work/many" github
is "$code" 400 "too many alerts"
jq -cn '[range(500) | {token: "t\(.)", type: null}]' >"$work/many"
post "$work/many" github
is "$code $(jq length "$work/body")" "200 500" "as many as are allowed"
head -c 300000 /dev/zero | tr '\0' ' ' >"$work/huge"
post "$work/huge" github
is "$code" 413 "a huge body"
post "$work/huge" github -H 'Transfer-Encoding: chunked'
is "$code" 413 "a huge body that does not announce its size"
code=$(curl -s -m 60 -o "$work/body" -w '%{http_code}' --unix-socket "$alerts" http://x/v1/leaks)
is "$code" 405 "another method"
for path in / /v1/verify/- /v1/renew /v1/leaks/ /healthz; do
    code=$(curl -s -m 60 -o "$work/body" -w '%{http_code}' --unix-socket "$alerts" "http://x$path")
    [ "$code" = 404 ] || bad="$bad $path:$code"
done
is "$bad" "" "this listener has no other target"
request -X POST http://x/v1/leaks
is "$code" 404 "nor has another listener this one"

# ---- Each policy
url="https://git.example/$(printf '\033[31m\n')x?key=$(cat "$work/alarm.a")"
for name in alarm.a suspend.a rekey.a revoked typo unknown; do
    alert $name "$url"
done | jq -sc add >"$work/alert"
post "$work/alert" github
is "$code $(labels)" "200 true_positive true_positive true_positive true_positive false_positive false_positive" "six alerts"
is "$(jq -r '.[0].token_raw' "$work/body")" "$(cat "$work/alarm.a")" "answered in their order"
is "$(entries key.leak) $(entries key.suspend) $(entries key.rekey)" "3 1 1" "one entry for each valid credential, and the policies"
run_with "$work/alarm.a" verify
status_is 0 "alarm: it is accepted"
run_with "$work/suspend.a" verify
status_is 1 "suspend: it is rejected"
run_with "$work/rekey.a" verify
status_is 1 "rekey: it is rejected"
is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE instr(detail, '$(cut -d_ -f5 "$work/alarm.a")') > 0")" 0 \
    "a secret in the address is recorded nowhere"
is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE instr(detail, 'u001b') > 0")" 0 "nor are control characters"
run leaks list --json
is "$(jq -r '.leaks[0] | .source' "$work/out")" content "the source is"
not_ok "the journal has no control character of the address" grep -q "$(printf '\033')" "$work/broker.log"
not_ok "and no secret" grep -q "$(cut -d_ -f5 "$work/alarm.a")" "$work/broker.log" "$work/daemon.log"
ok "but the alarm" grep -q "a credential of shop in ring suspend was found somewhere (suspended)" "$work/broker.log"

# ---- Replay
send "$work/alert" "$identifier" "$signature"
is "$code $(labels)" "200 true_positive true_positive true_positive true_positive false_positive false_positive" "the same request once more"
must key resume "$(key_of suspend.a)"
send "$work/alert" "$identifier" "$signature"
is "$(entries key.leak) $(entries key.suspend) $(entries key.rekey)" "3 1 1" "does nothing, even after the key was resumed"
printf '%s' "$(alert alarm.b x | jq -c '[.[0], .[0], .[0]]')" >"$work/thrice"
post "$work/thrice" github
is "$code $(labels) $(entries key.leak)" "200 true_positive true_positive true_positive 4" "three times in one request"

# ---- The file of keys, while it runs
chmod 666 "$keys"
post "$work/thrice" github
is "$code" 503 "a file that others can write is not believed"
ok "as the journal reports" grep -q 'no alert can be verified: .*its owner alone' "$work/daemon.log"
chmod 644 "$keys"
publish "$work/list" stranger
"$SEALRINGD" --replace-leaks-keys "$keys" <"$work/list"
post "$work/thrice" stranger
is "$code" 200 "a new list counts at once"
post "$work/thrice" github
is "$code" 403 "and a key that it lacks counts no more"
publish "$work/list" github
"$SEALRINGD" --replace-leaks-keys "$keys" <"$work/list"

# ---- The broker is away, or killed
alert suspend.b https://git.example/b >"$work/alert"
broker_stop
is "$status" 0 "the broker ends"
post "$work/alert" github
is "$code $(header Retry-After)" "503 10" "without a broker: later"
run_with "$work/suspend.b" verify
status_is 0 "nothing happened"
post "$work/sample" github
is "$code $(labels)" "200 false_positive" "what a stranger wrote needs no broker"
kills=0
alert suspend.killed https://git.example/killed >"$work/alert"
while [ $kills -lt 4 ]; do
    broker_start
    post "$work/alert" github &
    perl -e "select undef, undef, undef, 0.0$((2 * kills + 1))"
    kill -9 "$broker"
    wait "$broker" 2>/dev/null
    wait $!
    kills=$((kills + 1))
done
broker_start
again() {
    post "$work/alert" github
    [ "$code" = 200 ]
}
ok "killed $kills times, the broker takes the alert in the end" until_true again
is "$(sqlite3 "$database" "SELECT act, count(*) FROM audit WHERE key_id = '$(key_of suspend.killed)' AND act <> 'key.issue' GROUP BY act ORDER BY act" | tr '\n' ' ')" \
    "key.leak|1 key.suspend|1 " "which suspended and recorded once"
broker_stop
daemon_stop
is "$status" 0 "sealringd ends"
must audit verify
done_testing
