#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A token that answers one question in N wrongly: no wrong answer becomes a credential, and a repeated command completes the rest.
# shellcheck disable=SC2119 # its arguments are options
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/personality/lib.sh
. "$top_srcdir/tests/personality/lib.sh"

{
    echo client,scopes
    seq -f 'client-%04g,read' 1 600
} >"$work/list.csv"

credentials() { # FILE
    tail -n +2 "$1" | cut -d, -f8
}


# All at once: the digests of what was handed over, against a list that is derived by a correct token.
agrees_with_correct_token() { # FILE
    become
    must reissue r --all --out "$work/right.csv"
    credentials "$1" | sort >"$work/handed"
    credentials "$work/right.csv" | sort >"$work/right"
    [ -s "$work/handed" ] && [ -z "$(comm -23 "$work/handed" "$work/right")" ]
}

for every in 97 31; do
    init_as
    must ring create r
    become wrong-mac=$every
    run issue r --from "$work/list.csv" --out "$work/first.csv"
    status_is 3 "one answer in $every wrong: issue --from fails as at an outage"
    err_like 'of 600 API keys were left out, the others are done: .*ALARM: the PKCS#11 token own .*not the same' \
        "and names the token, loudly"
    err_like 'repeat the command' "and what to do"
    ok "the others are handed over" test "$(wc -l <"$work/first.csv")" -gt 500
    ok "all that was handed over is right" agrees_with_correct_token "$work/first.csv"
    become wrong-mac=$every
    attempts=0
    until [ "$status" -eq 0 ] && [ $attempts -gt 0 ]; do
        attempts=$((attempts + 1))
        [ $attempts -le 10 ] || break
        run issue r --from "$work/list.csv" --out "$work/last.csv"
    done
    succeeds "repeating the command completes it ($attempts times)"
    is "$(credentials "$work/last.csv" | grep -c .)" 600 "with a credential for each line"
    ok "of which each is right" agrees_with_correct_token "$work/last.csv"
    run audit show --json
    ok "the log has the alarm" matches "$work/out" '"alarm"'
    run audit verify
    succeeds "and is sound"
done

# One API key: the first answer or the second is wrong.
for every in 2 3 4 5 6 7; do
    init_as
    must ring create r
    must client add acme
    become wrong-mac=$every
    run issue r --client acme
    if [ "$status" -eq 0 ]; then
        cp "$work/out" "$work/one"
        become
        run_with "$work/one" verify
        succeeds "one answer in $every wrong: what issue hands over is right"
    else
        status_is 3 "one answer in $every wrong: issue fails as at an outage"
        out_empty "and hands nothing over"
    fi
    become
    rm -f "$work/other"
    must issue r --client acme --label other --out "$work/other"
    key=$("$SEALRING" key list --json | jq -r '.keys[] | select(.label == "other") | .key_id')
    for command in "key rekey $key" "reissue $key"; do
        become
        must rotate r
        become wrong-mac=$every
        # shellcheck disable=SC2086 # words
        run $command
        if [ "$status" -eq 0 ]; then
            cp "$work/out" "$work/one"
            become
            run_with "$work/one" verify
            succeeds "one answer in $every wrong: what $command hands over is right"
        else
            status_is 3 "one answer in $every wrong: $command fails as at an outage"
            out_empty "and hands nothing over"
        fi
    done
done

# What binds an imported key.
init_as
must ring create r
{
    echo client,sha256,expires
    seq 1 300 | while read -r i; do
        echo "import-$i,$(printf 'key %s' "$i" | sha256sum | cut -c 1-64),2099-01-01T00:00:00Z"
    done
} >"$work/imports.csv"
become wrong-mac=23
run import r --sha256 "$work/imports.csv"
status_is 3 "import: an answer that differs is an outage"
imported=$(grep -c ',imported$' "$work/out")
ok "the others are imported ($imported)" test "$imported" -gt 200 -a "$imported" -lt 300
become
run import r --sha256 "$work/imports.csv" --out "$work/imported.csv"
succeeds "repeating the command completes it, and the token confirms each"
is "$(grep -c ',existed$' "$work/imported.csv")" "$imported" "what was imported before is bound rightly"

# Rings: a key whose check value came of a wrong answer would never be proved.
for every in 2 3 4 5; do
    become wrong-mac=$every
    run ring create "ring-$every"
    first=$status
    become
    if [ "$first" -eq 0 ]; then
        must rotate "ring-$every"
        succeeds "one answer in $every wrong: a ring that was made can be used"
    else
        is "$first" 3 "one answer in $every wrong: ring create fails as at an outage"
        must ring create "ring-$every"
    fi
done
run doctor
succeeds "the doctor finds nothing"

# A row that was made of a wrong answer, by a program that asked once.
init_as
must ring create r
must issue r --from "$work/list.csv" --out "$work/last.csv"
unguarded "$SEALRING_VAULT/registry/sealring.db" \
    "UPDATE credential SET digest = randomblob(32)
     WHERE api_key = (SELECT id FROM api_key ORDER BY id LIMIT 1 OFFSET 299)" ||
    bail_out "the registry cannot be edited"
run issue r --from "$work/list.csv" --out "$work/last.csv"
status_is 1 "a row that the token does not confirm is refused"
err_like '1 of 600 API keys was left out, the others are done: .*line 301: the token does not confirm' "and named"
is "$(credentials "$work/last.csv" | grep -c .)" 599 "all others are handed over"
key=$(sed -n 's/.*API key \([0-9A-Za-z]\{16\}\).*/\1/p' "$work/err")
run reissue r --all --out "$work/all.csv"
status_is 1 "reissue --all refuses it"
is "$(credentials "$work/all.csv" | grep -c .)" 599 "and hands over all others"
must revoke "$key"
run issue r --from "$work/list.csv" --out "$work/last.csv"
succeeds "after its revocation the command completes"
is "$(credentials "$work/last.csv" | grep -c .)" 600 "with a new key for that line"
done_testing
