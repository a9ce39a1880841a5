#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring notify secret: which secrets there are through the life of the ring that they are derived from.
# shellcheck disable=SC2154 # what lib.sh sets
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
database=$SEALRING_VAULT/registry/sealring.db
must init --lease 2s
must ring create webhooks --prefix webhook
must ring create other --prefix other
must client add acme
must client add shop

secret() { # CLIENT [ARGUMENT...]
    run notify secret "$@"
    cat "$work/out"
}

run notify secret acme
status_is 1 "without a ring there are no secrets"
err_like "^sealring: webhooks have no secrets: create a ring for them and name it as webhook-ring in sealring.conf$" "and the message shows what to do"
echo "webhook-ring = no-such-ring" >>"$SEALRING_VAULT/sealring.conf"
run notify secret acme
status_is 1 "a ring that does not exist"
err_like "no-such-ring" "is named"
sed -i 's/^webhook-ring = .*/webhook-ring = webhooks/' "$SEALRING_VAULT/sealring.conf"
echo "webhook-private-addresses = maybe" >>"$SEALRING_VAULT/sealring.conf"
run notify secret acme
status_is 2 "a wrong word in sealring.conf"
err_like "line [0-9]* has a value for .webhook-private-addresses. other than yes, no$" "is named with its line"
sed -i '/^webhook-private/d' "$SEALRING_VAULT/sealring.conf"

first=$(secret acme)
ok "a secret as Standard Webhooks has it" sh -c "echo '$first' | grep -Eqx 'whsec_[A-Za-z0-9+/]{43}='"
is "$(secret acme)" "$first" "it is the same again"
is "$(secret acme --version 1)" "$first" "it is that of the active version"
ok "another client has another one" [ "$(secret shop)" != "$first" ]
run notify secret nobody
status_is 1 "a client that does not exist has none"
must notify secret acme --json
json_is '.secret | [.client, .version, .secret] | @csv' "\"acme\",1,\"$first\"" "the same in JSON"
must notify secret acme --out "$work/secret"
is "$(cat "$work/secret")" "$first" "it goes to a file"
is "$(stat -c %a "$work/secret")" 600 "that only its owner can read"
nowhere "$first" "and not to the terminal"
run notify secret acme --out "$work/secret"
status_is 1 "an existing file is not replaced"
entries=$(sqlite3 "$database" "SELECT count(*) FROM audit")
must notify secret acme --dry-run
out_empty "a dry run prints none"
is "$(sqlite3 "$database" "SELECT count(*) FROM audit")" "$entries" "and writes no entry"
is "$(sqlite3 "$database" "SELECT DISTINCT act || ' ' || ring || ' ' || version || ' ' || client FROM audit WHERE act = 'webhook.secret' AND client = 'acme'")" \
    "webhook.secret webhooks 1 acme" "the audit log has who asked for which"
ok "and no secret" sh -c "! strings -a '$database' '$database-wal' | grep -F '${first#whsec_}'"

run notify secret acme --version 2
status_is 1 "a version that does not exist has none"
must prepare webhooks
second=$(secret acme --version 2)
ok "a version that is not active yet has another one, to hand over ahead" sh -c "echo '$second' | grep -q ^whsec_ && [ '$second' != '$first' ]"
must activate webhooks
is "$(secret acme)" "$second" "which becomes the default"
is "$(secret acme --version 1)" "$first" "the former one is valid meanwhile"
must compromise webhooks 1 --reason leaked
run notify secret acme --version 1
status_is 1 "until its version is closed"
err_like "^sealring: version 1 of ring webhooks is compromised: no webhook is signed with it$" "the message gives the reason"

# Who edits the registry revives no version: its facts count.
sqlite3 "$database" "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'version'" >"$work/drop.sql"
sqlite3 "$database" "SELECT sql || ';' FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'version'" >"$work/create.sql"
{ cat "$work/drop.sql"; echo "UPDATE version SET state = 3, was_compromised = 0, closed = 0 WHERE number = 1 AND ring = (SELECT id FROM ring WHERE name = 'webhooks');"; cat "$work/create.sql"; } |
    sqlite3 "$database" || bail_out "the registry cannot be edited"
run notify secret acme --version 1
status_is 1 "an edited row revives no secret"
ok "the row of another ring gives no other secret" [ "$(secret acme)" = "$second" ]
done_testing
