#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring reissue: one, a ring into a directory, a ring into a file.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create r --prefix acme_live --overlap 1h
run reissue r --all
succeeds "a ring without API keys"
err_like 'has no API key' "is told so"
printf 'client,label,scopes\na,,read\nb@example.org,web,\nc,,write\n' >"$work/clients.csv"
must issue r --from "$work/clients.csv" --out "$work/issued.csv"
key=$(awk -F, '$1 == "a" { print $3 }' "$work/issued.csv")
credential=$(awk -F, '$1 == "a" { print $8 }' "$work/issued.csv")

run reissue "$key"
succeeds "reissue"
is "$(cat "$work/out")" "$credential" "gives the same credential again"
err_like 'as issued before' "and says so"
must rotate r
run reissue "$key" --dry-run
succeeds "reissue --dry-run"
out_empty "hands nothing over"
run reissue "$key" --out "$work/successor"
succeeds "after a rotation"
not_ok "it gives the successor" grep -qF "$credential" "$work/successor"
err_like 'successor' "and says so"
run reissue "$key" --out "$work/successor"
status_is 1 "an existing file is refused"
run reissue "$key" --json
json_is .state existed "the successor again"
json_is .version 2 "under the active version"
is "$(json .credential)" "$(cat "$work/successor")" "is the same"
run reissue r
status_is 2 "a ring wants --all"
err_like '--all' "and says so"
run reissue 0000000000000000
status_is 1 "an unknown API key is not found"

run reissue r --all --out "$work/dir/"
succeeds "a ring into a directory"
is "$(mode_of "$work/dir")" 700 "which is made, for its owner only"
is "$(find "$work/dir" -type f | wc -l)" 3 "a file for each API key"
is "$(find "$work/dir" -type f ! -perm 600 | wc -l)" 0 "for its owner only"
ok "named by client, label and key ID" test -s "$work/dir/a.default.$key"
ok "with client names as they are" test -n "$(find "$work/dir" -name 'b@example.org.web.*')"
ok "the successor is the same" cmp -s "$work/dir/a.default.$key" "$work/successor"
for file in "$work/dir"/*; do
    run_with "$file" verify
    succeeds "$(basename "$file" | cut -d. -f1)'s is accepted"
done
cp -r "$work/dir" "$work/before"
run reissue r --all --out "$work/dir"
succeeds "the same again"
err_like '^3 credentials printed, 3 of them issued before$' "says so"
ok "changes nothing" diff -r "$work/dir" "$work/before"

run key suspend "$(awk -F, '$1 == "c" { print $3 }' "$work/issued.csv")"
run reissue r --all --out "$work/all.csv"
succeeds "a ring into a file"
is "$(mode_of "$work/all.csv")" 600 "for its owner only"
is "$(head -n 1 "$work/all.csv")" client,label,key_id,version,serial,expires,scopes,credential,state "with a header"
is "$(tail -n +2 "$work/all.csv" | cut -d, -f1 | tr '\n' ' ')" "a b@example.org " "without the suspended"
run reissue r --all --json
is "$(jq -r .client "$work/out" | tr '\n' ' ')" "a b@example.org " "--json: an object on each line"
run reissue nosuch --all
status_is 1 "an unknown ring is not found"

# A row that somebody edited is not derived from.
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
database=$(find "$SEALRING_VAULT" -name '*.db' | head -n 1)
must ring create edited
must client add eve
must client add frank
must issue edited --client eve --scope read --json
eve=$(json .key_id)
must issue edited --client frank --scope read
must rotate edited
edits=$(sqlite3 "$database" "PRAGMA table_info(credential)" | grep -c '|scopes|')
[ "$edits" -eq 1 ] || bail_out "the registry has no column credential.scopes to edit"
sqlite3 "$database" "UPDATE credential SET scopes = 'admin' WHERE api_key = (SELECT k.id FROM api_key k JOIN client c ON c.id = k.client WHERE c.name = 'eve')" ||
        bail_out "the registry cannot be edited"
run reissue edited --all --out "$work/edited.csv"
status_is 1 "a row that the token does not confirm is told"
one_line_error "in one line"
# shellcheck disable=SC2317 # called by a helper
hands_over_eve() {
    [ -f "$work/edited.csv" ] && grep -q "^eve," "$work/edited.csv"
}
not_ok "no credential of it is handed over" hands_over_eve
run reissue "$eve"
status_is 1 "not on its own either"
out_empty "and nothing is handed over"
done_testing
