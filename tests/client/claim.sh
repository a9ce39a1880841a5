#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring-client claim: from a code to a file with the credential, at the real sealringd and sealring-broker; lost answers, and a second claimant.
# shellcheck disable=SC2154,SC2317,SC2119 # what other scripts set; functions that helpers call; no arguments are none
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/../gateway/daemon.sh"

must init
must ring create payments --prefix acme_live
must client add shop
for name in one two three four; do
    must issue payments --client shop --label $name --scope read --claim --out "$work/$name.code"
done
must audit key --all
cp "$work/out" "$work/vault.keys"
broker_start
daemon_start --renew-listen "unix:$work/renew" --broker "$broker_socket"
renewing() {
    request http://x/readyz
    [ "$(cat "$work/body")" = '{"renewal":true}' ]
}
until_true renewing || bail_out "the broker does not answer"
url=unix:$work/renew
claim() { # FILE CODE-FILE [OPTION...]
    file=$1
    code_file=$2
    shift 2
    "$CLIENT" claim "$file" --url "$url" "$@" >"$work/out" 2>"$work/err" <"$code_file"
    status=$?
}
is_good() { # FILE
    run_with "$1" verify
    [ "$status" -eq 0 ]
}

# ---- the way ----

claim "$work/one" "$work/one.code" --vault-keys "$work/vault.keys"
succeeds "a claim"
out_like "the API key is in $work/one" "which is reported"
is "$(mode_of "$work/one")" 600 "nobody else can read it"
not_ok "the key pair is removed" test -e "$work/one.claim"
ok "it is valid" is_good "$work/one"
nowhere "$(cat "$work/one")" "and printed nowhere"

# ---- another one with the same code ----

claim "$work/thief" "$work/one.code"
status_is 1 "somebody else gets nothing"
err_like "somebody else has used this claim code .*inform its operator at once" "and learns why"
not_ok "no file" test -e "$work/thief"
run status
out_like "the claim of API key .* of client shop is contested" "the operator learns of it"

# ---- answers that get lost ----

kill -STOP "$broker"
"$CLIENT" claim "$work/two" --url "$url" >/dev/null 2>&1 <"$work/two.code" &
claiming=$!
until_true test -e "$work/two.claim"
is "$(mode_of "$work/two.claim")" 600 "the key pair is kept before the code is sent"
cp "$work/two.claim" "$work/kept"
kill -KILL $claiming
wait $claiming 2>/dev/null
kill -CONT "$broker"
claim "$work/two" "$work/two.code"
succeeds "after a kill the claim is repeated"
cp "$work/two" "$work/two.first"
mv "$work/kept" "$work/two.claim"
rm "$work/two"
claim "$work/two" "$work/two.code"
ok "the same key pair gets the same credential" cmp "$work/two" "$work/two.first"
broker_stop
claim "$work/three" "$work/three.code"
status_is 3 "no broker: later"
broker_start
until_true renewing || bail_out "the broker does not answer"
claim "$work/three" "$work/three.code"
succeeds "later"

# ---- what is refused ----

for text in '' claim_ "$(cat "$work/one")" 'claim_AAAABBBBCCCCDDDD_1 2'; do
    echo "$text" >"$work/text"
    claim "$work/none" "$work/text"
    status_is 2 "'$text' is no code"
done
sed 's/.$/x/' "$work/four.code" >"$work/text"
claim "$work/none" "$work/text"
status_is 1 "a typo"
err_like "does not accept the claim .404 claim-unknown." "and the reason"
sed 's/+[0-9a-f]*+[A-Za-z0-9/+=]*/+00000000+AAAA/' "$work/vault.keys" >"$work/other.keys"
claim "$work/four" "$work/four.code" --vault-keys "$work/other.keys"
status_is 1 "another vault's signature"
not_ok "nothing is saved" test -e "$work/four"
claim "$work/four" "$work/four.code" --vault-keys "$work/vault.keys"
succeeds "the right keys"
printf 'not a credential at all\nsecond line\n' >"$work/document"
claim "$work/document" "$work/four.code"
ok "a file with something else is left alone" grep -q "second line" "$work/document"
echo x >"$work/five.claim"
claim "$work/five" "$work/four.code"
err_like "five.claim is no key pair" "a damaged key pair"
claim "$work/missing/five" "$work/four.code"
ok "no directory" test "$status" -ne 0

# ---- a credential that is replaced ----

must key rekey "$(cut -d _ -f 2 "$work/two.code")" --claim --out "$work/two.again" --no-wait
chmod 640 "$work/two"
claim "$work/two" "$work/two.again"
succeeds "a new credential"
is "$(mode_of "$work/two")" 640 "the file keeps its permissions"
ok "it is valid" is_good "$work/two"
must audit verify
done_testing
