#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring client: add, list, show, set, forget.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create r
run client list
succeeds "an empty list is no error"
err_like 'sealring client add' "and says how to go on"
run client add acme --contact 'Jürgen <j@acme.example>' --dry-run
out_like '^client acme would be added$' "client add --dry-run says so"
run client show acme
status_is 1 "and adds nothing"
run client add acme --contact 'Jürgen <j@acme.example>'
succeeds "client add"
run client add acme
status_is 1 "a second one of that name is refused"
run client add 'a b'
status_is 2 "a bad name is a usage error"
must client add bob@example.org
run client list
out_like '^acme +0 +Jürgen <j@acme.example> +20' "client list shows the contact"
is "$(head -n 3 "$work/out" | tail -n 2 | sed 's/ü/u/' | awk '{ print index($0, "20") }' | uniq | wc -l)" 1 \
    "columns are aligned, beyond ASCII too"
must issue r --client acme --scope read
run client show acme
out_like '^API keys +1$' "client show counts API keys"
out_like '^[0-9A-Za-z]{16} +r +acme +default +active' "and lists them"
run client forget acme
status_is 1 "a client with API keys is not forgotten"
must revoke "$(run key list --client acme --json; json '.keys[0].key_id')"
run client forget acme
succeeds "after revoking them it is"
run client show acme --json
json_is .client.contact '' "the contact is gone"
ok "the time is told" test "$(json .client.forgotten)" != null
run issue r --client acme
status_is 1 "it gets no new API keys"
run client set bob@example.org --contact bob
succeeds "client set"
run client show bob@example.org
out_like '^contact +bob$' "changes the contact"
run client set bob@example.org
status_is 2 "client set without contact is a usage error"
run client set nosuch --contact x
status_is 1 "an unknown client is not found"

# ---- Edits by SQL: the log has a salted hash of each contact, and the last one counts

database=$SEALRING_VAULT/registry/sealring.db
alters() { # SQL NAME
    unguarded "$database" "$1"
    run client show bob@example.org --json
    json_is '.client | [.contact, .contact_state] | tostring' '["","altered"]' "$2: it is not shown, and not used"
    run client list
    out_like 'bob@example.org .*\(altered: see sealring audit verify\)' "$2: the list names it"
    run audit verify
    status_is 1 "$2: audit verify is not content"
    out_like '^client bob@example.org: its row has a contact that its last fact does not have: it was altered$' "$2: and names row and column"
}
must client set bob@example.org --contact desk@example.org
run client show bob@example.org --json
json_is .client.contact_state confirmed "what an act has set is confirmed"
is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE detail LIKE '%desk@%'")" 0 "the log does not contain it"
sqlite3 "$database" "SELECT quote(contact) || ', salt = ' || quote(salt) || ', contact_hash = ' || quote(contact_hash) FROM client WHERE name = 'bob@example.org'" >"$work/older"
must client set bob@example.org --contact newer@example.org
alters "UPDATE client SET contact = 'mallory@example.org' WHERE name = 'bob@example.org'" "an edited contact"
alters "UPDATE client SET contact = $(cat "$work/older") WHERE name = 'bob@example.org'" "an older contact"
run client set bob@example.org --contact newest@example.org
succeeds "setting it again ends that"
err_like "ALARM: the registry was altered: the facts corrected the row of client bob@example.org" "with an alarm"
run client show bob@example.org --json
json_is '.client | [.contact, .contact_state] | tostring' '["newest@example.org","confirmed"]' "and it is used again"
run audit verify
succeeds "audit verify is content"

unguarded "$database" "UPDATE client SET forgotten = 0 WHERE name = 'acme'"
run issue r --client acme --label again
status_is 1 "a client that was forgotten gets no new API keys, whatever its row contains"
run client set acme --contact mallory@example.org
status_is 1 "nor a new contact"
run audit verify
out_like '^client acme: its row has a time of its end that its last fact does not have: it was altered$' "audit verify names it"
done_testing
