#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --json: every command's output parses, and its fields keep their names.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

fields() { # FILTER WANTED NAME: the sorted names of an object's fields
    is "$(jq -r "$1 | keys_unsorted | sort | join(\" \")" "$work/out" 2>&1)" "$2" "$3"
}
ring_fields="active_version created deliver idle_blocks keep keys leaks name overlap prefix purge_delay quiet_period renew renew_age renew_life ring_id rotate_every \
rotation_held standby succession usage_daily usage_hourly versions"
version_fields="activated check_value closed closing_owed created credentials current_keys destroyed object_id origin prf \
public_key purge_at retire_at ring state version was_compromised"
key_fields="client contested created expires from_addresses holders key_id label narrowed_to ring scopes serial state version"

run init --json
fields .vault "audit_key path software_token vault_id warning" "init"
run status --json
json_is '.rings | length' 0 "status without rings"
run ring list --json
json_is '.rings | length' 0 "ring list without rings"
run client list --json
json_is '.clients | length' 0 "client list without clients"
run ring create r --prefix acme_live --json
fields .ring "$(echo "$ring_fields version_list" | tr ' ' '\n' | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')" "ring create"
run ring list --json
fields '.rings[0]' "$ring_fields" "ring list"
run ring show r --json
fields '.ring.version_list[0]' "$version_fields" "a version"
json_is '.ring | [.overlap, .quiet_period, .purge_delay, .usage_hourly, .usage_daily] | join(" ")' "7d 1d 30d 7d 400d" \
    "durations of the policy are text"
json_is '.ring | [.rotate_every, .standby, .idle_blocks] | map(tostring) | join(" ")' "null false false" \
    "what the policy does not ask for is null or false"
json_is '.ring.version_list[0] | [.prf, .origin, .public_key] | tostring' '["hmac-sha256","generated",null]' \
    "what kind of key a version has, and whence"
json_is '.ring.created | test("^20[0-9-]+T[0-9:.]+Z$")' true "times are RFC 3339"
json_is '.ring.version_list[0].retire_at' null "no time is null"
json_is '.ring.keys | type' number "numbers are numbers"
run client add acme --contact 'a "quoted" contact' --json
fields .client "certificate contact contact_state created forgotten keys name notices" "client add"
json_is .client.contact 'a "quoted" contact' "text is escaped"
run issue r --client acme --scope read --json
fields . "client credential expires key_id label scopes serial state version" "issue"
is "$(wc -l <"$work/out")" 1 "issue prints one line"
key=$(json .key_id)
json .credential >"$work/credential"
run key list --json
fields '.keys[0]' "$key_fields" "key list"
run key show "$key" --json
fields '.key.credential_list[0]' \
    "digest expires imported issued key_id not_before replaced retire_at scopes serial state version version_state" \
    "a credential"
run_with "$work/credential" verify --json
fields . "accepted credential http_status reason verdict" "verify"
fields .credential "client expires key_id not_before ring scopes serial sunset version version_state" "its credential"
run_with "$work/credential" explain --json
fields .text "check_digits_match key_id prefix problem version well_formed" "explain"
run rotate r --dry-run --json
fields .change "closing_owed dry_run effective effects event guard remark ring" "rotate --dry-run"
json_is .change.dry_run true "which says that it is one"
run rotate r --json
fields '.change.effects[0]' "from purge_at retire_at to version" "an effect"
json_is .change.event rotate "the event by name"
run status --json
fields .vault "created epoch era module path schema token_uri vault_id" "status: the vault"
json_is '.rings[0].version_list | length' 2 "status: versions"
json_is '.rings[0].next | length > 0' true "status: what to do next"
fields '.rings[0]' "$(echo "$ring_fields contested next plan renewal traffic version_list" | tr ' ' '\n' | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')" \
    "status: a ring"
run ring set r --renew bearer
run status --json
fields '.rings[0].renewal' "clients longest_ms renewing" "status: who renews"
run usage --lagging --json
fields '.lagging[0].newest' "renewed serial used version" "usage --lagging: the newest credential"
run key suspend "$key" --json
json_is .key.state suspended "key suspend"
run key rekey "$key" --json
json_is .state issued "key rekey"
run verifier list --json
json_is '.verifiers | length' 0 "verifier list without verifiers"
run verifier list --all --json
fields '.verifiers[0]' "alarm epoch host instance joined last_report lease_left_ms owes process program proved state unproved" \
    "a verifier"
json_is '.verifiers[0] | .state' left "the command verify was one for a moment"
json_is '.verifiers[0] | .instance | test("^[0-9a-f]{32}$")' true "which has an ID"
run verifier forget "$(json '.verifiers[0].instance')" --reason "for the test" --json
fields .verifier "dry_run forgotten instance" "verifier forget"
for arguments in "ring show nosuch" "retire r 9" "ring" "nosuch" "issue r" "ring list --nosuch" "verifier forget 0000 --reason x"; do
    # shellcheck disable=SC2086 # several words
    run $arguments --json
    fields .error "exit message status" "an error: $arguments"
    is "$(json .error.exit)" "$status" "with its exit status"
    one_line_error "and a line for people"
done
done_testing
