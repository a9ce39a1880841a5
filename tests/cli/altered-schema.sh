#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Somebody with SQL alters the registry's schema: restrictions are kept all the same, nothing else is written, and everybody names the object.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$(dirname "$0")/server.sh"
build_server
database=$SEALRING_VAULT/registry/sealring.db

sql() {
    sqlite3 -cmd '.timeout 5000' "$database" "$1" || bail_out "sqlite3 failed"
}
key_of() { # NAME
    cut -d_ -f3 "$work/$1"
}
issue() { # NAME
    must issue payments --client shop --label "$1" --scope read --scope write
    cp "$work/out" "$work/$1"
}
is_answered() { # NAME ANSWER
    [ "$(verdict_of live "$work/$1")" = "$2" ]
}

must init --lease 3s
must client add shop
must ring create payments --prefix acme_live --overlap 1s
for name in revoked suspended narrowed resumed kept; do
    issue "$name"
done
must key suspend "$(key_of resumed)"
serve live
for name in revoked suspended narrowed kept; do
    is "$(verdict_of live "$work/$name")" "200 accepted" "the server accepts the key $name"
done

# ---- Triggers that undo each restriction and hide it, one of them under a name of SQLite's kind ----

sql "DROP TRIGGER vault_forward; DROP TRIGGER closed_fact_stays; DROP TRIGGER api_key_final;
    CREATE TRIGGER hide AFTER UPDATE OF epoch ON vault BEGIN UPDATE vault SET epoch = OLD.epoch; END;
    CREATE TRIGGER undo AFTER UPDATE ON api_key BEGIN UPDATE api_key SET state = OLD.state, narrowed = 0, narrowed_scopes = '' WHERE id = NEW.id; END;
    CREATE TRIGGER unmake AFTER INSERT ON closed_fact BEGIN DELETE FROM closed_fact WHERE sequence = NEW.sequence; END;
    PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET name = 'sqlite_hide', sql = replace(sql, 'TRIGGER hide', 'TRIGGER sqlite_hide') WHERE name = 'hide'"
ok "the running server raises an alarm" until_true grep -q 'ALARM: somebody altered the schema .* is a trigger that the schema does not have' "$work/live.log"

run revoke "$(key_of revoked)" --reason leaked
succeeds "a key can be revoked"
err_like "^effective" "which is effective"
err_like 'ALARM: somebody altered the schema of the registry: sqlite_hide is a trigger .* doctor --repair' "with an alarm that names the first object"
run key suspend "$(key_of suspended)"
succeeds "a key can be suspended"
run key set "$(key_of narrowed)" --scope read
succeeds "a key can be narrowed"
is "$(verdict_of live "$work/revoked")" "401 revoked" "the server rejects the revoked key"
ok "it rejects the suspended key" until_true is_answered suspended "401 suspended"
run_with "$work/revoked" verify
status_is 1 "a new verifier rejects the revoked key"
run_with "$work/narrowed" verify --scope write
status_is 1 "and a scope that was taken away"
serve fresh
is "$(verdict_of fresh "$work/kept")" "200 accepted" "a new server accepts the other key"
ok "and raises an alarm" until_true grep -q 'ALARM: somebody altered the schema .* is a trigger' "$work/fresh.log"

for act in "key resume $(key_of resumed)" "key set $(key_of kept) --label other" "client add other" "rotate payments" "run --once" \
    "issue payments --client shop --label more --scope read" "key rekey $(key_of kept) --overlap 0s --reason leaked"; do
    # shellcheck disable=SC2086 # words
    run $act
    status_is 4 "refused: ${act%% *}"
    err_like '^sealring: .*ALARM: somebody altered the schema .* sqlite_hide is a trigger .*nothing was changed: run sealring doctor --repair' "with the reason"
    case $act in
    run*) ;; # notes besides that no checkpoint of the restrictions could be signed
    *) one_line_error "in one line" ;;
    esac
done

# ---- Named, and repaired ----

run audit verify
status_is 1 "audit verify notices it"
for name in sqlite_hide undo unmake; do
    out_like "the registry's schema: $name is a trigger that the schema does not have" "and names $name"
done
out_like "the registry's schema: api_key_final is missing" "and a guard that is missing"
run doctor --json
is "$(jq -r '[.doctor.findings[] | select(.code == "schema-strange") | .object] | sort | join(" ")' "$work/out")" "sqlite_hide undo unmake" \
    "doctor names every strange object"
is "$(jq -r '[.doctor.findings[] | select(.code == "schema-lacking") | .object] | sort | join(" ")' "$work/out")" \
    "api_key_final closed_fact_stays vault_forward" "and every missing one"
run doctor --repair
status_is 1 "doctor --repair creates what is missing, and leaves what is strange"
is "$(sql "SELECT count(*) FROM sqlite_schema WHERE name IN ('api_key_final', 'closed_fact_stays', 'vault_forward')")" 3 "the guards exist again"
run client add other
status_is 4 "nothing is written before the triggers are removed"
sql "DROP TRIGGER undo; DROP TRIGGER unmake; DROP TRIGGER sqlite_hide"
must client add other
run doctor
succeeds "doctor is content"
run audit verify
succeeds "and so is audit verify"
run_with "$work/revoked" verify
status_is 1 "what was revoked stays revoked"
ok "the server notices the repair" until_true grep -q "the schema of the registry .* is sealring's again" "$work/live.log"

# ---- An index whose pages lack a row ----

sql "CREATE INDEX fewer ON credential (api_key, serial) WHERE serial <> 1; PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'fewer') WHERE name = 'sqlite_autoindex_credential_2';
    DELETE FROM sqlite_schema WHERE name = 'fewer'"
run audit verify
status_is 1 "an index that lacks rows is noticed"
out_like "the registry's database: .*sqlite_autoindex_credential_2" "by name"

leave live
leave fresh
done_testing
