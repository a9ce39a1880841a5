#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring usage: who calls, how often, with which version, and who never did.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create r --prefix acme_live
run usage
succeeds "a vault without keys is no error"
err_like 'no API keys' "and says so"
must client add acme
must client add bob
must issue r --client acme --scope read
cp "$work/out" "$work/one"
key=$(cut -d_ -f3 "$work/one")
must issue r --client bob
idle=$(cut -d_ -f3 "$work/out")

verify() { # CREDENTIAL-FILE OPTION...
    file=$1
    shift
    run_with "$file" verify "$@"
}
for _ in 1 2 3; do
    verify "$work/one" --scope read
    status_is 0 "it is accepted"
done
verify "$work/one" --scope write
status_is 1 "a scope that it has not is rejected"

run usage r
out_like '^KEY ID +CLIENT +LABEL +VERSION +THIS HOUR +24H +7D +REJECTED +LAST USE$' "the table has headers"
out_like "^$key +acme +default +1 +4 +4 +4 +1 scope +(now|[0-9]+s ago)\$" "calls, rejections by reason, last use"
out_like "^$idle +bob +default +1 +0 +0 +0 +- +never called\$" "a key that never called is told"
run usage
out_like "^KEY ID +RING +CLIENT " "all rings"
out_like "^$key +r +acme " "have their names"

run usage r --json
json_is '.usage | length' 2 "JSON has both"
json_is ".usage[] | select(.key_id == \"$key\") | .accepted" 3 "accepted"
json_is ".usage[] | select(.key_id == \"$key\") | .rejected.scope" 1 "rejected by reason"
json_is ".usage[] | select(.key_id == \"$key\") | .this_hour" 4 "this hour"
json_is ".usage[] | select(.key_id == \"$key\") | .idle" false "not idle"
json_is ".usage[] | select(.key_id == \"$idle\") | .idle" true "idle"
json_is ".usage[] | select(.key_id == \"$idle\") | .last_use" null "never used"
json_is '.as_of | type' string "as of when"

run usage --key "$key" --json
json_is '.usage | length' 1 "by key ID"
run usage --client bob --json
json_is '.usage | length' 1 "by client"
run usage r --by hour --json
json_is '[.usage[].accepted] | add' 3 "by hour"
run usage r --by day
out_like '^FROM \(UTC\) +KEY ID +CLIENT +LABEL +VERSION +ACCEPTED +REJECTED$' "by day has headers"
out_like "^[0-9]{4}-[0-9]{2}-[0-9]{2} +$key +acme +default +1 +3 +1 scope\$" "by day"
run usage r --since 1h --json
json_is ".usage[] | select(.key_id == \"$key\") | .accepted" 3 "since an hour ago"
run usage r --by hour --since 2099-01-01T00:00:00Z
succeeds "since what is to come"
err_like 'no uses' "there is nothing"

# ---- two versions
must rotate r
must reissue "$key"
cp "$work/out" "$work/two"
run usage --key "$key" --json
json_is '[.usage[] | "\(.version) \(.accepted)"] | join(",")' "1 3,2 0" "a new credential is not used yet"
verify "$work/two" --scope read
run usage --key "$key" --json
json_is '[.usage[] | "\(.version) \(.accepted) \(.newest)"] | join(",")' "1 3 false,2 1 true" "then it is"

# ---- while somebody holds the vault's lock
flock -F "$work/vault/vault.lock" sleep 60 &
holder=$!
while flock -n "$work/vault/vault.lock" true; do sleep 0.05; done
verify "$work/two" --scope read
run usage --key "$key" --json
succeeds "while somebody is at work"
json_is '[.usage[].accepted] | add' 5 "the figures are those of now"
kill "$holder"

# ---- rows of settled hours by file, as an older program left them
database=$work/vault/registry/sealring.db
must usage r
sqlite3 "$database" "INSERT INTO usage_hour SELECT 1, 1, s.settled_hour - n.value, s.seat, 1, 1, 2, 0, 0, 0, 0, 0, 1
    FROM (SELECT * FROM usage_seat LIMIT 1) s, json_each('[1,2,3,4,5,6,7,8,9]') n"
must usage r
is "$(sqlite3 "$database" "SELECT count(*) || ' ' || sum(accepted) FROM usage_hour WHERE seat = zeroblob(16) AND last_use = 1")" "9 18" "are folded"
sqlite3 "$database" "DELETE FROM usage_hour WHERE last_use = 1"

# ---- what lies among the reports
echo garbage >"$work/vault/verifiers/0123456789abcdef0123456789abcdef.report"
run usage r --json
succeeds "with garbage among the reports"
err_like '1 file among .* was skipped' "it is told"
json_is '[.usage[].accepted] | add' 5 "and harms nothing"

# ---- wrong inputs
run usage nosuch
status_is 1 "no such ring"
run usage r --client nosuch
status_is 1 "no such client"
run usage r --by year
status_is 2 "by what is not known"
run usage r --since yesterday
status_is 2 "since what is no time"
run usage --key short
status_is 2 "what is no key ID"
run usage --key 0000000000000000
status_is 1 "an unknown key ID"
done_testing
