#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring key, revoke: listing, narrowing, suspending, rekeying.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create r --prefix acme_live
run key list
succeeds "an empty list is no error"
err_like 'sealring issue' "and says how to go on"
must client add acme
must client add bob
must issue r --client acme --scope read --scope write --expires 2099-01-01T00:00:00Z
cp "$work/out" "$work/one"
key=$(cut -d_ -f3 "$work/one")
must issue r --client bob --label web

run key list
out_like '^KEY ID +RING +CLIENT +LABEL +STATE +VERSION +SERIAL +SCOPES +EXPIRES$' "key list has headers"
out_like "^$key +r +acme +default +active +1 +1 +read write +2099-01-01T00:00:00Z \(in " "and a line for each"
run key list --client bob --json
json_is '.keys | length' 1 "by client"
run key list --ring r --json
json_is '.keys | length' 2 "by ring"
run key list --client nosuch
status_is 1 "an unknown client is not found"
run key show 0000000000000000
status_is 1 "an unknown API key is not found"
run key show short
status_is 2 "what is no key ID is a usage error"

run key set "$key" --scope read --dry-run
succeeds "key set --dry-run"
run_with "$work/one" verify --scope write
succeeds "changes nothing"
run key set "$key" --scope read
succeeds "key set narrows"
run_with "$work/one" verify --scope write
status_is 1 "at once"
run_with "$work/one" verify --scope read
succeeds "to what is left"
run key set "$key" --scope read --scope admin
status_is 1 "widening is refused"
err_like 'rekey' "and says what widens"
run key set "$key" --no-scopes
succeeds "narrow it to nothing"
run key show "$key" --json
json_is '.key.narrowed_to | length' 0 "which key show tells"
run_with "$work/one" verify
succeeds "it is accepted without a scope"
run key set "$key" --no-scopes --scope read
status_is 2 "--scope and --no-scopes contradict each other"
run key set "$key"
status_is 2 "key set without anything to set is a usage error"
run key set "$key" --label app
succeeds "key set --label"
run key list --client acme --json
json_is '.keys[0].label' app "changes the label"

run key suspend "$key" --reason "unpaid"
succeeds "key suspend"
run_with "$work/one" verify
out_like '^suspended ' "rejects"
run key suspend "$key"
status_is 1 "twice is refused"
run key resume "$key"
succeeds "key resume"
run_with "$work/one" verify
succeeds "accepts again"

run key rekey "$key" --dry-run
succeeds "key rekey --dry-run"
out_empty "hands nothing over"
run key rekey "$key" --scope read --scope write --scope admin --reason "leaked"
succeeds "key rekey"
cp "$work/out" "$work/two"
is "$(wc -l <"$work/out")" 1 "the credential is alone on standard output"
is "$(cut -d_ -f3 "$work/two")" "$key" "with the same API key"
run_with "$work/two" verify --scope admin
succeeds "and the new scopes"
run_with "$work/one" verify
status_is 1 "the older one is rejected"
run key rekey "$key" --overlap 5s --out "$work/three"
succeeds "key rekey --overlap --out"
out_empty "leaves standard output empty"
is "$(mode_of "$work/three")" 600 "the file is its owner's only"
run_with "$work/two" verify
is "$status $(grep -c '^move to the new' "$work/out")" "0 1" "within the overlap the older one is accepted, and told to move"
# shellcheck disable=SC2317 # called by a helper
ends() {
    run_with "$work/two" verify
    [ "$status" -eq 1 ]
}
ok "after the overlap it is rejected" until_true ends
run_with "$work/three" verify
succeeds "the new one is accepted"
run key rekey "$key" --expires never
succeeds "another expiry"
run key show "$key"
out_like '^expires +never$' "which key show tells"
out_like '^ +SERIAL|^SERIAL' "with a table of its credentials"
is "$(grep -Ec '^ *[0-9]+  1 \(active\) ' "$work/out")" 4 "one line for each"
run key show "$key" --json
json_is '.key.credential_list | length' 4 "--json has them too"
json_is '.key.credential_list | map(.serial) | max' "$((3 * 65536 + 1))" "with their serials, which rekeying leaves out"

run revoke "$key" --dry-run
succeeds "revoke --dry-run"
run key show "$key" --json
json_is .key.state active "changes nothing"
run revoke "$key"
succeeds "revoke"
run key resume "$key"
status_is 1 "is final"
run key rekey "$key"
status_is 1 "in every way"
run revoke 0000000000000000
status_is 1 "an unknown API key is not found"
done_testing
