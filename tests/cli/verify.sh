#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring verify and explain: each verdict, and no secret where it does not belong.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create r --prefix acme_live
must client add acme
must issue r --client acme --scope read
cp "$work/out" "$work/good"
credential=$(cat "$work/good")
key=$(echo "$credential" | cut -d_ -f3)
secret=$(echo "$credential" | cut -d_ -f5)

judge() { # FILE STATUS VERDICT NAME
    run_with "$1" verify
    status_is "$2" "$4"
    out_like "^$3( |\$)" "verdict $3"
}
judge "$work/good" 0 accepted "the credential"
printf %s "$credential" >"$work/bare"
judge "$work/bare" 0 accepted "without a newline"
printf '%s\r\n' "$credential" >"$work/crlf"
judge "$work/crlf" 0 accepted "with a DOS newline"
printf '%s\n\n' "$credential" >"$work/two"
judge "$work/two" 1 malformed "with two newlines"
printf ' %s\n' "$credential" >"$work/space"
judge "$work/space" 1 malformed "with a space before"
: >"$work/empty"
judge "$work/empty" 1 malformed "nothing"
head -c 3000000 /dev/zero | tr '\0' a >"$work/huge"
judge "$work/huge" 1 malformed "three megabytes"
head -c 4096 /dev/urandom >"$work/noise"
judge "$work/noise" 1 malformed "noise"
case $credential in
*0) typo=${credential%?}1 ;;
*) typo=${credential%?}0 ;;
esac
echo "$typo" >"$work/typo"
judge "$work/typo" 1 malformed "a typo"

run_with "$work/good" verify --scope read
succeeds "a scope that it has"
run_with "$work/good" verify --scope read --scope write
status_is 1 "a scope that it lacks"
out_like '^scope  client acme' "verdict scope"
run_with "$work/good" verify --json
json_is .verdict accepted "--json: the verdict"
json_is .accepted true "--json: whether it is accepted"
json_is .http_status 200 "--json: what a server would answer"
json_is .credential.client acme "--json: the client"
json_is '.credential.scopes | join(" ")' read "--json: the scopes"
json_is .credential.sunset null "--json: no sunset"

# The secret is shown nowhere, wherever it is put.
run_with "$work/good" verify
nowhere "$secret" "verify does not repeat the secret"
run_with "$work/good" explain
succeeds "explain"
nowhere "$secret" "does not show the secret"
out_like '^prefix +acme_live$' "but the prefix"
out_like "^key ID +$key\$" "the key ID"
out_like '^version +1$' "the version"
out_like '^check digits +match' "that the check digits match"
out_like '^verdict +accepted' "and the verdict"
run_with "$work/typo" explain
status_is 1 "explain finds a typo"
out_like '^check digits +do not match' "and says so"
nowhere "$secret" "without the secret"
run_with "$work/huge" explain
status_is 1 "explain refuses three megabytes"
is "$(head -c 100000 "$work/out" | wc -c | awk '{ print ($1 < 1000) }')" 1 "briefly"
run_with "$work/good" explain --json
json_is .text.key_id "$key" "explain --json: the text"
json_is .verdict accepted "explain --json: the verdict"
run explain --vault "$work/novault" </dev/null
status_is 1 "what is no credential is explained without a vault"

for command in verify explain revoke "key show" reissue; do
    # shellcheck disable=SC2086 # "key show" is two words
    run $command "$credential"
    status_is 2 "$command refuses a credential as an argument"
    nowhere "$secret" "and does not repeat it"
    one_line_error "in one line"
done
run verify "$credential"
err_like 'standard input' "verify says where it belongs"
run revoke "$credential"
err_like "$key" "revoke says which API key it is of"
run "$credential"
status_is 2 "a credential for a command"
nowhere "$secret" "is not repeated"
run verify "--$credential"
status_is 2 "a credential for an option"
nowhere "$secret" "is not repeated"
run verify "--scopes=$credential"
nowhere "$secret" "nor as the value of an unknown option"

# On a terminal it is asked for, and not echoed.
(sleep 1; echo "$credential"; sleep 1) | TERM=xterm script -qec "'$SEALRING' verify" "$work/typescript" >/dev/null
ok "a terminal is asked" grep -q 'credential: ' "$work/typescript"
ok "and answered in colour" grep -q "$(printf '\033\\[32m')accepted" "$work/typescript"
is "$(tr -d '\r' <"$work/typescript" | sed -n '/credential:/,$p' | grep -cF "$secret")" 0 "without an echo"
(sleep 1; echo "$credential"; sleep 1) | TERM=xterm NO_COLOR=1 script -qec "'$SEALRING' verify" "$work/typescript" >/dev/null
not_ok "NO_COLOR is honoured" grep -q "$(printf '\033\\[')" "$work/typescript"

# A key ID that nobody has, and a secret that is another's.
must issue r --client acme --label second
other=$(cat "$work/out")
must ring create elsewhere --prefix acme_live
must issue elsewhere --client acme
cp "$work/out" "$work/foreign"
run key suspend "$key"
succeeds "key suspend"
judge "$work/good" 1 suspended "a suspended one"
must key resume "$key"
judge "$work/good" 0 accepted "a resumed one"
must init --vault "$work/another"
run_with "$work/good" verify --vault "$work/another"
status_is 1 "another vault's"
out_like '^unknown' "verdict unknown"
ok "two credentials differ" test "$other" != "$credential"

# No token: no verdict, and it says whose fault it is.
mv "$SEALRING_VAULT/sealring.conf" "$work/conf"
sed 's|^module = .*|module = /nonexistent/module.so|' "$work/conf" >"$SEALRING_VAULT/sealring.conf"
run_with "$work/good" verify
status_is 3 "a missing module ends with 3"
one_line_error "in one line"
run_with "$work/good" explain
status_is 3 "explain too"
out_like "^key ID +$key\$" "but says what the text says"
mv "$work/conf" "$SEALRING_VAULT/sealring.conf"
done_testing
