#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The audit log as an operator and an auditor use it: shown, verified, exported, tampered with, put back.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
database=$SEALRING_VAULT/registry/sealring.db

sql() { # STATEMENTS
    sqlite3 "$database" "$1" || bail_out "sqlite3 failed"
}

must init
matches "$work/out" '^audit key +sealring/[0-9a-f]{32}\+[0-9a-f]{8}\+A[A-Za-z0-9+/]+=*$'
report $? "init prints the key that is to be kept"
must ring create payments --prefix acme_live --quiet-period 1s
must client add shop --contact shop-desk@example.org
must client set shop --contact other-desk@example.org
must issue payments --client shop --scope read
key_id=$(sqlite3 "$database" 'SELECT key_id FROM api_key')
must revoke "$key_id" --reason "leaked in a log" --no-wait

run audit show
succeeds "show"
out_like '^ENTRY +TIME +WHO +ACT +ON +WHY$' "show has a header"
out_like ' key.revoke +.*'"$key_id"'.* leaked in a log' "show says who was revoked and why"
nowhere desk@example.org "no contact"
is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE detail LIKE '%desk@%' OR actor LIKE '%desk@%'")" 0 "no contact in the log itself"
must client add gone --contact gone-desk@example.org
must client forget gone
is "$(sqlite3 "$database" "SELECT group_concat(act) FROM audit WHERE client = 'gone'")" client.add,client.forget "a forgotten client's acts stay"
is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE detail LIKE '%gone-desk%'")" 0 "without its contact"

entries=$(sqlite3 "$database" 'SELECT max(sequence) FROM audit')
for filter in "--ring payments" "--key $key_id" "--client shop" "--act client" "--act client.add" "--last 2" "--since 1h"; do
    # shellcheck disable=SC2086 # words
    run audit show --json $filter
    succeeds "show $filter"
    jq -e --arg key "$key_id" --arg filter "$filter" '.entries as $e |
        if $filter == "--ring payments" then ($e | length) == 3 and ($e | all(.ring == "payments"))
        elif $filter == "--client shop" then ($e | length) == 4 and ($e | all(.client == "shop"))
        elif $filter == "--act client" then ($e | length) == 4 and ($e | all(.act | startswith("client.")))
        elif $filter == "--act client.add" then ($e | length) == 2
        elif $filter == "--last 2" then ($e | length) == 2 and $e[0].entry + 1 == $e[1].entry
        elif $filter == "--since 1h" then ($e | length) == 0
        else ($e | length) == 2 and ($e | all(.key_id == $key)) end' "$work/out" >/dev/null
    report $? "show $filter leaves what it should"
done

# ---- what was refused, and what the token did not confirm
must issue payments --client shop --label other
run key resume "$key_id"
run audit show --last 1 --json
is "$(json '.entries[0] | "\(.act) \(.detail.act) \(.key_id) \(.detail.why)"')" \
    "refused key.resume $key_id API key $key_id is revoked, and that is final" "a refusal is on the record, with its reason"
run retire payments 1
run audit show --last 1
out_like ' refused: version.retire +payments 1 +retire of ring payments is not possible: version 1 is active' "so is one by the life cycle"
run audit export
is "$(tail -n 2 "$work/out" | head -n 1 | jq -r '"\(.status) \(.severity) \(.comment)"' | cut -d " " -f 1-6)" "Failure Low retire of ring payments" "OCSF tells it as a failure"
other=$(sqlite3 "$database" "SELECT key_id FROM api_key WHERE label = 'other'")
sql "UPDATE credential SET scopes = 'admin' WHERE api_key = (SELECT id FROM api_key WHERE label = 'other')"
run reissue "$other"
status_is 1 "an altered row is not reissued"
run audit show --last 1 --json
is "$(json '.entries[0] | "\(.act) \(.detail.act) \(.key_id)"')" "alarm key.reissue $other" "that is an alarm on the record"
sql "UPDATE credential SET scopes = '' WHERE api_key = (SELECT id FROM api_key WHERE label = 'other')"
entries=$(sqlite3 "$database" 'SELECT max(sequence) FROM audit')

run audit verify
succeeds "verify"
out_like '^result +everything agrees' "everything agrees"
err_like 'give --key' "and says that the key is the registry's own word"
run audit key
vkey=$(cat "$work/out")
run audit checkpoint
cp "$work/out" "$work/kept"
is "$(sed -n 2p "$work/kept")" "$entries" "the checkpoint is over all entries"
run audit verify --key "$vkey" --checkpoint "$work/kept"
succeeds "verify against what was kept"
SOFTHSM2_CONF=/nowhere run audit verify --json
json_is '.audit.good' true "verify needs no token"
mv "$SEALRING_VAULT/tokens" "$work/tokens"
run audit verify --key "$vkey" --checkpoint "$work/kept"
succeeds "verify with the tokens gone"
mv "$work/tokens" "$SEALRING_VAULT/tokens"

run audit export --proof
succeeds "export"
is "$(jq -sr '.[-1] | .metadata.event_code + " " + (.unmapped.sealring.checkpoint | split("\n")[1])' "$work/out")" "audit.checkpoint $entries" \
    "the last line is the checkpoint"
sed '$d' "$work/out" >"$work/entries" && cp "$work/entries" "$work/out"
is "$(wc -l <"$work/out")" "$entries" "one line for each entry"
jq -se 'all(.[]; .class_uid == 3004 and .category_uid == 3 and .type_uid == 300400 + .activity_id and .metadata.version == "1.8.0"
    and (.entity.type | length) > 0 and .unmapped.sealring.proof.tree_size >= .unmapped.sealring.entry)' "$work/out" >/dev/null
report $? "every line is an event of OCSF with a proof"
is "$(jq -sr '[.[] | select(.activity_id == 99) | .metadata.event_code] | join(" ")' "$work/out")" "" "each act has an activity"
run audit export --since 5
is "$(head -n 1 "$work/out" | jq .metadata.sequence)" 5 "export from an entry on"

# ---- tampering
cp "$database" "$work/good"
unguarded "$database" "UPDATE audit SET actor = 'nobody@nowhere 1' WHERE sequence = 4"
run audit verify --key "$vkey"
status_is 1 "a changed entry: exit status 1"
out_like '^entry 4 \(client.set\) was changed' "and it is named"
run audit verify --json
json_is '.audit.problems[0].entry' 4 "in JSON, too"
json_is '.audit.good' false "which says that it is not good"
rm -f "$database-wal" "$database-shm"
cp "$work/good" "$database"

# ---- yesterday's registry
must client add today
cp "$work/good" "$database"
rm -f "$database-wal" "$database-shm"
run client add tomorrow
status_is 1 "yesterday's registry is refused"
err_like 'ALARM: the registry was rolled back' "loudly"
run client add tomorrow --dry-run
status_is 1 "also for a dry run"
run client list
succeeds "reading goes on"
run client add tomorrow --take-over "the disk burnt"
succeeds "taking over"
run audit show --act audit --json
json_is '.entries[0].detail.reason' "the disk burnt" "is on the record"
run client add after
succeeds "and things go on"
run audit verify
succeeds "the log agrees with itself"

# ---- an audit token that is away
mv "$SEALRING_VAULT/pins/audit.pin" "$work/audit.pin"
run client add meanwhile
succeeds "without the audit token"
err_like 'no checkpoint was signed' "it is said"
run audit verify
succeeds "verify"
err_like 'no checkpoint covers the entries after' "says what is not vouched for"
mv "$work/audit.pin" "$SEALRING_VAULT/pins/audit.pin"
run client add "then"
[ ! -s "$work/err" ]
report $? "the next act makes up for it, silently"

# ---- what the issue of one credential changes: `audit verify` counts such entries without parsing them, until something was imported
must ring create shops --prefix shops_live --overlap 1s
must client add seller
must issue shops --client seller
must key suspend "$(sqlite3 "$database" "SELECT k.key_id FROM api_key k JOIN client c ON k.client = c.id WHERE c.name = 'seller'")" --no-wait
must client add legacy
printf 'client,label,expires,sha256\nlegacy,default,90d,%s\n' "$(printf old-key-of-legacy | sha256sum | cut -d " " -f 1)" >"$work/keys.csv"
must import shops --sha256 "$work/keys.csv"
must rotate shops
must compromise shops 1 --no-wait
must issue shops --client seller --label second
printf 'client,key_id\nlegacy,%s\n' "$(sqlite3 "$database" "SELECT k.key_id FROM api_key k JOIN client c ON k.client = c.id WHERE c.name = 'legacy'")" >"$work/successor.csv"
must issue shops --from "$work/successor.csv"
is "$(sqlite3 "$database" "SELECT count(*) FROM audit a, json_each(a.detail, '$.rows') r WHERE a.act = 'key.issue' AND a.key_id <> '' AND
    a.sequence < (SELECT min(sequence) FROM audit WHERE act = 'key.import') AND r.value ->> 'table' NOT IN ('client', 'api_key', 'credential')")" 0 \
    "an issue changes neither a ring nor a version"
is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE act = 'key.issue' AND key_id <> '' AND
    (SELECT count(*) FROM json_each(detail, '$.rows') r WHERE r.value ->> 'table' = 'credential' AND r.value ->> 'state' = 1) <> 1")" 0 \
    "it makes one credential"
is "$(sqlite3 "$database" "SELECT count(*) FROM audit a, json_each(a.detail, '$.rows') r WHERE a.act = 'key.issue' AND a.key_id <> '' AND
    a.sequence < (SELECT min(sequence) FROM audit WHERE act = 'key.import') AND (r.value ->> 'narrowed' OR r.value ->> 'replaced')")" 0 \
    "it narrows and ends nothing"
run audit verify
succeeds "verify after a successor of an imported key"
cp "$database" "$work/good"
sql "UPDATE credential SET retire_at = retire_at + 86400000 WHERE imported = 1"
run audit verify
status_is 1 "the end that an issue gave to an imported key is compared"
out_like '^credential 1 of the API key .*: its row has retire_at [0-9]+, the log has [0-9]+: it was altered' "and named"
rm -f "$database-wal" "$database-shm"
cp "$work/good" "$database"
unguarded "$database" "DELETE FROM credential WHERE serial = 1 AND api_key = (SELECT id FROM api_key WHERE label = 'second')"
run audit verify
out_like '^there are rows of [0-9]+ credentials, [0-9]+ were issued: rows were removed' "a credential that was removed is missed"
rm -f "$database-wal" "$database-shm"
cp "$work/good" "$database"
moved=$(sqlite3 "$database" "SELECT key_id FROM api_key WHERE label = 'other'")
unguarded "$database" "UPDATE credential SET serial = 100, api_key = (SELECT min(id) FROM api_key)
    WHERE api_key = (SELECT id FROM api_key WHERE label = 'other')"
run audit verify
status_is 1 "a credential that was moved to another API key"
out_like "^API key $moved: it has no credential: the row was moved to another API key" "is missed"
rm -f "$database-wal" "$database-shm"
cp "$work/good" "$database"

# ---- no act changes anything of a credential but its end: each row is as it was issued
altered() { # WHAT STATEMENTS KEYS: each of them is reported; the row of another one is not
    unguarded "$database" "$2"
    run audit verify
    status_is 1 "$1"
    for key in $3; do
        out_like "^credential [0-9]+ of API key $key: no row has its API key, serial, version, digest and claims as they were issued" "$1: of $key"
    done
    is "$(grep -c 'no row has its' "$work/out")" "$(echo "$3" | wc -w)" "$1: no other one"
    rm -f "$database-wal" "$database-shm"
    cp "$work/good" "$database"
}
named() { # COLUMN LABEL
    sqlite3 "$database" "SELECT $1 FROM api_key WHERE label = '$2'"
}
exchange="UPDATE credential SET api_key = 0 WHERE api_key = $(named id other); UPDATE credential SET api_key = $(named id other), serial = 1
    WHERE api_key = $(named id second); UPDATE credential SET api_key = $(named id second) WHERE api_key = 0"
altered "two credentials that were exchanged" "$exchange" "$(named key_id other) $(named key_id second)"
altered "another serial" "UPDATE credential SET serial = 9 WHERE api_key = $(named id other)" "$(named key_id other)"
altered "another version" "UPDATE credential SET version = version + 1 WHERE api_key = $(named id other)" "$(named key_id other)"
altered "an earlier expiry" "UPDATE credential SET expires = 1 WHERE api_key = $(named id other)" "$(named key_id other)"
altered "other scopes" "UPDATE credential SET scopes = 'read write admin' WHERE api_key = $(named id other)" "$(named key_id other)"
altered "another digest" "UPDATE credential SET digest = zeroblob(32) WHERE api_key = $(named id second)" "$(named key_id second)"
altered "another digest of an imported key" "UPDATE credential SET digest = zeroblob(32) WHERE imported = 1" \
    "$(sqlite3 "$database" "SELECT k.key_id FROM api_key k JOIN credential c ON c.api_key = k.id WHERE c.imported = 1")"
unguarded "$database" "$exchange"
unguarded "$database" "$exchange"
run audit verify
succeeds "what was exchanged back is as it was issued"
rm -f "$database-wal" "$database-shm"
cp "$work/good" "$database"

# ---- wrong inputs
run audit verify --checkpoint "$work/none"
status_is 2 "a checkpoint that is missing"
echo nonsense >"$work/nonsense"
run audit verify --checkpoint "$work/nonsense"
status_is 2 "a checkpoint that is none"
run audit verify --key nonsense
status_is 2 "a key that is none"
run audit show --last 0
status_is 2 "the last none"
run audit
status_is 2 "audit what"
run init --audit-token pkcs11:token=x
status_is 2 "an audit token without its PIN source"
done_testing
