#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Somebody with SQL names a key of his own in the registry and signs checkpoints with it: the key of sealring.conf counts. What is believed without
# that line is shown as well, and who notices an attacker who can also write sealring.conf.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$here/../cli/server.sh"
for program in sqlite3 openssl; do
    command -v $program >/dev/null || bail_out "$program is missing: sh tools/packages.sh test"
done
database=$SEALRING_VAULT/registry/sealring.db
conf=$SEALRING_VAULT/sealring.conf
alarm='ALARM: the registry .*names another key for its checkpoints than sealring.conf'

sql() {
    sqlite3 -cmd '.timeout 5000' "$database" "$1" || bail_out "sqlite3 failed"
}
key_of() { # LABEL
    cut -d_ -f3 "$work/$1"
}
forge() { # WHAT ARGUMENT...
    what=$1
    shift
    perl "$here/forge.pl" "$what" "$database" "$work/mallory.pem" "$@"
}
edit() {
    unguarded "$database" "$1" >/dev/null || bail_out "the edit itself failed: $1"
}
start() {
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/whole" "$SEALRING_VAULT"
}
is_logged() { # REGEX SERVER
    grep -Eq "$1" "$work/$2.log"
}

# ---- The world: a key that was suspended, resumed and suspended again, and one that is revoked ----

build_server
openssl genpkey -algorithm ed25519 -out "$work/mallory.pem" 2>"$work/err" || bail_out "openssl makes no key"
must init --lease 1h # no verdict of a live server ends with the lease
for label in plain suspended revoked; do
    [ $label != plain ] || { must client add shop; must ring create payments --prefix acme_live --overlap 1h; }
    must issue payments --client shop --label $label --scope read
    cp "$work/out" "$work/$label"
done
must key suspend "$(key_of suspended)"
must key resume "$(key_of suspended)"
must key suspend "$(key_of suspended)"
must revoke "$(key_of revoked)" --reason leaked
must audit key
vkey=$(cat "$work/out")
is "$(sed -n 's/^audit-key = //p' "$conf")" "$vkey" "init writes the audit token's key into sealring.conf"
mallory=$(forge key)
cp -a "$SEALRING_VAULT" "$work/whole"

replace_row="UPDATE audit_key SET vkey = '$mallory'"
add_row="INSERT INTO audit_key SELECT max(id) + 1, '$mallory', max(created) FROM audit_key"
now=$(date +%s)000

# ---- Readers ----

named() { # NAME SQL
    start
    edit "$2"
    run audit verify
    status_is 1 "$1: audit verify finds it"
    out_like 'the registry names another key for its checkpoints than sealring.conf' "$1: audit verify names it"
    run audit verify --json
    json_is .audit.key "$vkey" "$1: audit verify uses the configuration's key"
    run audit key
    is "$(cat "$work/out")" "$vkey" "$1: audit key still is the configuration's"
    run status
    succeeds "$1: a command that only reads works"
    run client add "probe"
    succeeds "$1: an act works"
    err_like "$alarm" "$1: with an alarm"
    is "$(sql "SELECT count(*) FROM audit WHERE act = 'client.add' AND client = 'probe'")" 1 "$1: and is recorded"
    run backup "$work/none"
    status_is 1 "$1: no backup is made"
    serve fresh
    is "$(verdict_of fresh "$work/plain")" "200 accepted" "$1: a server that starts serves"
    ok "$1: and raises an alarm" until_true is_logged "$alarm" fresh
    perl "$here/await_look.pl" "$SEALRING_VAULT/verifiers" "$(process_of fresh)" "$work/none.log"
    is "$(verdict_of fresh "$work/plain")" "200 accepted" "$1: it continues to serve"
    is "$(grep -Ec "$alarm" "$work/fresh.log")" 1 "$1: once, not at each poll"
    leave fresh
    rm -f "$work"/fresh.*
    run doctor --json
    json_is '[.doctor.findings[] | select(.code == "audit-key-replaced") | .severity] | tostring' '["alarm"]' "$1: the doctor finds it"
}
err_not_like() { # REGEX NAME
    not_ok "$2" grep -Eq "$1" "$work/err"
}
repaired() { # NAME SQL
    named "$@"
    must doctor --repair
    is "$(sql 'SELECT vkey FROM audit_key ORDER BY id DESC LIMIT 1')" "$vkey" "$1: its repair names the configuration's key"
    run audit verify --key "$vkey"
    succeeds "$1: then audit verify finds nothing"
    err_not_like "$alarm" "$1: and there is no alarm"
}
repaired "the row replaced" "$replace_row"
repaired "a newer row" "$add_row"
repaired "no row" "DELETE FROM audit_key"
named "a very long row" "PRAGMA ignore_check_constraints = ON; UPDATE audit_key SET vkey = vkey || hex(zeroblob(10000))"

# A server that runs already.
start
serve live
is "$(verdict_of live "$work/plain")" "200 accepted" "a server that runs"
edit "$replace_row"
ok "raises the alarm as well" until_true is_logged "$alarm" live
leave live
rm -f "$work"/live.*

# ---- Acts: a key is resumed by a fact that the attacker signs ----

resume_by_fact() {
    edit "$add_row"
    edit "INSERT INTO closed_fact (sequence, kind, key_id, ring_id, version, state, hash, value)
        SELECT (SELECT max(f.sequence) + 1 FROM closed_fact f), kind, key_id, ring_id, version, state, randomblob(32), value FROM closed_fact
        WHERE key_id = '$(key_of suspended)' AND state = 1 ORDER BY sequence DESC LIMIT 1;
        UPDATE api_key SET state = 1 WHERE label = 'suspended'"
    edit "$(perl "$here/forge.pl" chain "$database")"
    edit "$(forge checkpoint "$now" 0)"
}
start
resume_by_fact
for act in "run --once" "issue payments --client shop --label more --scope read" "prepare payments"; do
    # shellcheck disable=SC2086 # words
    run $act
    status_is 1 "a fact under the attacker's signature: $act is refused"
    err_like "no signature covers fact [0-9]+, which sets API key $(key_of suspended) to active" "and names the fact"
done
run audit verify
status_is 1 "audit verify finds it"
out_like "not signed by|signature" "and that the checkpoint is not signed by the key"
start
sed -i '/^audit-key/d' "$conf"
resume_by_fact
run run --once
succeeds "without audit-key in sealring.conf the attacker is believed: the attempt is a real one"

# ---- Servers: what was revoked is forgotten under the attacker's signature ----

restore_by_hand() { # what a restore of an older registry leaves, under a signature
    edit "UPDATE vault SET era = randomblob(16), epoch = epoch + 1;
        DELETE FROM closed_fact WHERE sequence >= (SELECT sequence FROM closed_fact WHERE key_id = '$(key_of revoked)' LIMIT 1);
        UPDATE api_key SET state = 1 WHERE label = 'revoked'"
    edit "$(forge checkpoint "$now" 1)"
}
is_answered() { # ANSWER
    [ "$(verdict_of live "$work/revoked")" = "$1" ]
}
forgets() { # CREDENTIALS-VERDICT NAME
    edit "$replace_row" # before the server starts
    serve live
    is "$(verdict_of live "$work/revoked")" "401 revoked" "$2: revoked"
    restore_by_hand
    ok "$2: the server has polled" until_true is_logged "restored" live
    ok "$2: afterwards" until_true is_answered "$1" # it follows facts after it has logged that
    leave live
}
start
forgets "401 revoked" "another era under the attacker's signature"
ok "the server reports that no signature confirms it" is_logged "no signed checkpoint confirms that" live
rm -f "$work"/live.*
start
sed -i '/^audit-key/d' "$conf"
forgets "200 accepted" "the same without audit-key in sealring.conf"
rm -f "$work"/live.*

# ---- The lower bound of the clock: a time in the future ----

late() { # a checkpoint of the year 2096
    edit "$add_row"
    edit "$(forge checkpoint 4000000000000 1)"
}
start
late
run issue payments --client shop --label later --scope read --expires 1h
succeeds "a signed time in the future is not believed by an act"
serve fresh
cp "$work/out" "$work/expiring"
is "$(verdict_of fresh "$work/expiring")" "200 accepted" "nor by a server"
leave fresh
rm -f "$work"/fresh.*
start
must issue payments --client shop --label later --scope read --expires 1h
cp "$work/out" "$work/expiring"
sed -i '/^audit-key/d' "$conf"
late
run issue payments --client shop --label latest --scope read --expires 1h
status_is 1 "without audit-key in sealring.conf the act is refused"
serve fresh
ask fresh "$work/expiring"
is "$(echo "$answer" | cut -d ' ' -f 1)" 503 "and a server answers unavailable"
leave fresh
rm -f "$work"/fresh.*

# ---- Whoever can write sealring.conf as well ----

start
sed -i "s|^audit-key = .*|audit-key = $mallory|" "$conf"
edit "$add_row"
run audit verify --key "$vkey"
status_is 1 "an attacker who also writes sealring.conf: audit verify with a key that was kept notices"
out_like 'sealring.conf names another key for the registry.s checkpoints than the one that was given' "and names the file"
run client add probe
err_like "the key in the audit token is not the one that .sealring audit key. shows" "an act reports that the audit token has another key"
run prepare payments
status_is 1 "and what permits something is refused"
run doctor --json
json_is '[.doctor.findings[] | select(.code == "audit-key-differs")] | length' 1 "so does the doctor"

# ---- A host that verifies only ----

start
edit "$add_row"
sed -i '/^audit-token/d; /^audit-pin-source/d' "$conf"
run_with "$work/plain" verify
succeeds "sealring.conf with audit-key and without audit-token: a verifier works"
run audit verify
out_like 'names another key for its checkpoints than sealring.conf' "and the configured key counts"
run doctor --json
json_is '[.doctor.findings[] | select(.code == "audit-token-unconfigured")] | length' 1 "the doctor names the lines that are missing"
done_testing
