#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Importing keys that clients have from elsewhere: accepted as they are, bound by the token, replaced at the first reissue.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

digest_of() { printf %s "$1" | sha256sum | cut -d' ' -f1; }

old=sk_live_2f8aQmZ0vXcR7tLk
other=pat-91c7e2d04ab84f5fb1
printf '%s\n' "$old" >"$work/old.key"
printf '%s\n' "$other" >"$work/other.key"
must init
must ring create r --prefix acme_live --overlap 6s
run_with "$work/old.key" verify
status_is 1 "before the import the key is nobody's"

printf 'client,contact,label,scopes,expires,sha256\nacme,ops@acme.example,web,read write,90d,%s\n' \
    "$(digest_of "$old")" >"$work/keys.csv"
printf 'beta,,,read,2030-01-01T00:00:00Z,%s\n' "$(digest_of "$other" | tr a-f A-F)" >>"$work/keys.csv"
run import r --sha256 "$work/keys.csv" --dry-run
succeeds "import --dry-run"
err_like 'would import the keys of 2 lines' "says what it would do"
out_empty "prints no list"
run key list --json
json_is '.keys | length' 0 "and imports nothing"
run import r --sha256 "$work/keys.csv" --out "$work/imported.csv"
succeeds "import"
err_like '^2 imported$' "says how many"
is "$(sed -n 1p "$work/imported.csv")" client,label,key_id,version,serial,expires,scopes,credential,state "the list has its header"
is "$(awk -F, 'NR > 1 { print $1 "," $8 "," $9 }' "$work/imported.csv")" "acme,,imported
beta,,imported" "a line for each, without a credential"

run_with "$work/old.key" verify --scope read
succeeds "the key is accepted as it is"
out_like 'client acme .* scopes read write' "with its client and scopes"
run_with "$work/other.key" verify --scope read
succeeds "the other one, whose digest was in capitals, too"
run_with "$work/old.key" verify --scope admin
status_is 1 "a scope that it lacks"
printf '%sx\n' "$old" >"$work/wrong.key"
run_with "$work/wrong.key" verify
status_is 1 "another text is nobody's"
run_with "$work/old.key" explain
succeeds "explain knows it"
out_like 'imported' "as an imported key"
nowhere "$old" "without showing it"

run import r --sha256 "$work/keys.csv"
succeeds "the same list again"
err_like '^0 imported, 2 had been imported before$' "imports nothing twice"
run import r --sha256 "$work/keys.csv" --json
is "$(jq -c 'select(.client == "acme") | [.state, .credential]' <"$work/out")" '["existed",null]' "as JSON"

key=$(awk -F, '$1 == "acme" { print $3 }' "$work/imported.csv")
run key show "$key" --json
json_is '.key.credential_list[0].imported' true "key show tells that it was imported"
run reissue "$key" --out "$work/new.key"
succeeds "its first reissue"
run_with "$work/new.key" verify --scope write
succeeds "gives a credential with the same claims"
out_like "key $key" "under the same key ID"
run_with "$work/old.key" verify
succeeds "the old key is good for the overlap"
out_like 'move to the new credential (before|now)' "and is told to move"
# shellcheck disable=SC2317 # until_true calls it
is_over() { ! "$SEALRING" verify <"$work/old.key" >/dev/null 2>&1; }
ok "and over after it" until_true is_over
run_with "$work/old.key" verify
out_like '^revoked' "as replaced"
run_with "$work/new.key" verify
succeeds "while the new one goes on"

refused() { # CSV PATTERN NAME
    printf '%b' "$1" >"$work/bad.csv"
    run import r --sha256 "$work/bad.csv"
    status_is "$4" "$3"
    err_like "$2" "and says why"
}
refused 'client,expires\na,90d\n' 'no column sha256' "a list without digests" 2
refused 'client,sha256\na,zz\n' 'line 2: sha256 wants the 64' "a digest that is none" 2
refused "client,sha256\na,$(digest_of x)\n" 'line 2.* needs an end date' "a key without an end" 2
refused "client,sha256,expires,key_id\na,$(digest_of x),90d,k\n" 'none of client' "a column that only issue has" 2
refused "client,sha256,expires\na,$(digest_of x),90d\nb,$(digest_of x),90d\n" 'line 3 repeats the key of line 2' "one key twice" 2
refused "client,sha256,expires\nc,$(digest_of "$other"),90d\n" 'imported before' "a key of somebody else" 1
run import r
status_is 2 "import wants its file"
run issue r --from "$work/keys.csv"
status_is 2 "issue takes no digests"
done_testing
