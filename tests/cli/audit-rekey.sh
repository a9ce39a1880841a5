#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# audit rekey: another key signs the audit log, in the same token, in another one, or after the old one was lost. Running servers follow, what both
# keys signed verifies with the key that was kept, and what an interruption left is found and completed.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"
# shellcheck source=tests/cli/server.sh
. "$here/server.sh"
v=$SEALRING_VAULT
conf=$v/sealring.conf

hold() { # NAME
    must issue payments --client shop --label "$1" --scope read
    cp "$work/out" "$work/held.$1"
}
key_of() {
    cut -d_ -f3 "$work/held.$1"
}
keys_of() { # the lines of sealring.conf
    sed -n 's/^audit-key = //p' "$conf"
}
newest_of() {
    keys_of | tail -n 1
}
is_clean() { # NAME
    run audit verify --key "$kept_key" --checkpoint "$work/kept"
    succeeds "$1: the log verifies with the key and the checkpoint that were kept"
    run doctor
    succeeds "$1: the doctor finds nothing"
}
is_sound() { # NAME: nothing is found about the log, its keys or its token
    run doctor --json
    json_is '[.doctor.findings[] | select(.code | test("audit|checkpoint|anchor|registry|config")) | .code] | tostring' '[]' "$1: the doctor finds nothing"
}
finds() { # CODE NAME
    run doctor --json
    json_is "[.doctor.findings[] | select(.code == \"$1\")] | length" 1 "$2: the doctor finds $1"
}
is_answered() { # SERVER CREDENTIAL ANSWER
    [ "$(verdict_of "$1" "$work/held.$2")" = "$3" ]
}
new_token() { # LABEL: in the vault's own SoftHSM2
    SOFTHSM2_CONF=$v/tokens/softhsm2.conf softhsm2-util --init-token --free --label "$1" --so-pin 50288419 --pin 73914682 \
        >"$work/out" 2>&1 || bail_out "no token to test with"
}

# ---- In the same token, under load ----

build_server
must init
must client add shop
must ring create payments --prefix acme_live --overlap 1h
for name in plain suspended; do
    hold $name
done
must key suspend "$(key_of suspended)"
must audit key
kept_key=$(cat "$work/out")
must audit checkpoint
cp "$work/out" "$work/kept"
must backup "$work/backup.before"
cp "$conf" "$work/conf.before"
serve live
is "$(verdict_of live "$work/held.plain")" "200 accepted" "a server that runs"
is "$(verdict_of live "$work/held.suspended")" "401 suspended" "and knows a key that is suspended"
(
    serve busy
    while [ ! -e "$work/enough" ]; do
        verdict_of busy "$work/held.plain"
    done >"$work/verdicts"
    leave busy
) &
load=$!

run audit rekey --dry-run
succeeds "a dry run"
is "$(keys_of)" "$kept_key" "which changes nothing"
run audit rekey --json
succeeds "the key is changed"
new_key=$(json .rekey.new_key)
is "$(json .rekey.old_key)" "$kept_key" "it names the old key"
is "$(keys_of | sed -n 1p)" "$kept_key until $(json .rekey.entries) $(rows 'SELECT max(sequence) FROM closed_fact')" "which ends in sealring.conf"
is "$(newest_of)" "$new_key" "and the new one"
is "$(rows "SELECT count(*) FROM audit WHERE act = 'audit.key' AND detail LIKE '%$new_key%' AND detail LIKE '%$kept_key%'")" 1 "an entry names both"
is "$(rows 'SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1' | grep -c '^— ')" 2 "both have signed its checkpoint"
run audit key
is "$(cat "$work/out")" "$new_key" "audit key prints the new one"
run audit key --all
is "$(cat "$work/out")" "$(keys_of)" "audit key --all prints the lines"
run key resume "$(key_of suspended)"
succeeds "a permission under the new key"
ok "is applied by the server that runs" until_true is_answered live suspended "200 accepted"
is_clean "after the change"
run audit verify --key "$new_key" --checkpoint "$work/kept"
succeeds "the new key leads to the old one as well"
touch "$work/enough"
wait $load
is "$(sort -u "$work/verdicts")" "200 accepted" "no verdict failed meanwhile ($(wc -l <"$work/verdicts") verdicts)"
not_ok "the server raised no alarm" grep -q ALARM "$work/live.log"
serve fresh
is "$(verdict_of fresh "$work/held.suspended")" "200 accepted" "a server that starts accepts it, too"
leave fresh
rm -f "$work"/fresh.*
run backup --check "$work/backup.before"
succeeds "a backup of the old key is good"
run backup --check "$work/backup.before" --key "$kept_key"
succeeds "also with the key that was kept"
must backup "$work/backup.after"
run backup --check "$work/backup.after" --key "$new_key"
succeeds "a backup of the new key is good"
while [ "$(rows 'SELECT max(sequence) FROM audit')" -lt 40 ]; do
    must client set shop --contact "$(rows 'SELECT max(sequence) FROM audit')@example.org"
done
is "$(rows "SELECT count(*) FROM checkpoint c, audit a WHERE a.act = 'audit.key' AND c.size = a.sequence")" 1 "the checkpoint of the change is kept"
must audit archive --before 33 --out "$work/archive"
is "$(rows "SELECT count(*) FROM checkpoint WHERE size < 20 AND note LIKE '%— %— %'")" 1 "also when its entry is archived"
run audit verify --key "$kept_key" --archive "$work/archive"
succeeds "the log verifies with its archive and the key that was kept"

# ---- What an interruption leaves ----

cp "$conf" "$work/conf.after"
cat "$work/conf.before" >"$conf" # killed before sealring.conf was written
finds audit-key-behind "a change that was interrupted"
run audit verify --key "$kept_key"
succeeds "the log verifies nevertheless"
run client set shop --contact late@example.org
succeeds "an act works"
run audit rekey --json
succeeds "the command is repeated"
json_is .rekey.completed true "and completes the change"
is "$(keys_of)" "$(sed -n 's/^audit-key = //p' "$work/conf.after")" "with the same lines"
run doctor
succeeds "then the doctor finds nothing"

# ---- Lines that were edited ----

refused() { # NAME SED REGEX
    cp "$conf" "$work/conf.good"
    sed -i "$2" "$conf"
    run status
    status_is 2 "$1: refused"
    err_like "$3" "$1: with the reason"
    cat "$work/conf.good" >"$conf"
}
refused "a key without an end before another" '/^audit-key/s/ until.*//' 'line [0-9]+ has a value for .audit-key. that follows a key that has no end'
refused "an end and no key after it" '$ s/$/ until 9999 9999/' 'audit-key. has an end, and no other key follows'
cp "$conf" "$work/conf.good"
sed -i 's/ until .*/ until 9999 9999/' "$conf"
finds audit-key-range "an end that was raised"
cat "$work/conf.good" >"$conf"
chmod g+w "$conf"
finds config-writable "a sealring.conf that its group can write"
chmod g-w "$conf"

# ---- Restored from before the change ----

cp -a "$v" "$work/saved"
run restore "$work/backup.before" --accept-loss "the test went back"
succeeds "a backup from before the change is restored"
is "$(keys_of | sed 's/.* until/until/' | head -n 1)" "until $(rows "SELECT sequence - 1 FROM audit WHERE act = 'vault.restore'") 4" "the old key's end is that of the restored log"
run audit verify --key "$kept_key until $(keys_of | sed -n '1s/.* until //p')
$new_key"
succeeds "the log verifies with both keys"
ok "the server that runs follows" until_true is_answered live suspended "401 suspended"
run key resume "$(key_of suspended)"
succeeds "a permission under the new key"
ok "is applied" until_true is_answered live suspended "200 accepted"
is_sound "after the restore"
leave live
rm -f "$work"/live.*
rm -rf "$v"
cp -a "$work/saved" "$v"

# ---- In another token ----

serve live
is "$(verdict_of live "$work/held.suspended")" "200 accepted" "a server that runs"
new_token audit-2
printf 73914682 >"$work/pin-2"
chmod 600 "$work/pin-2"
run audit rekey --audit-token "pkcs11:token=audit-2"
status_is 2 "another token without its PIN"
run audit rekey --audit-token "pkcs11:token=audit-3" --audit-pin-source "$work/pin-2"
status_is 3 "a token that is not there"
is_sound "nothing was changed"
run audit rekey --audit-token "pkcs11:token=audit-2" --audit-pin-source "$work/pin-2"
succeeds "the key moves to another token"
is "$(sed -n 's/^audit-token = //p' "$conf")" "pkcs11:token=audit-2" "which sealring.conf names"
is "$(keys_of | wc -l)" 3 "with three keys"
run key suspend "$(key_of suspended)" --no-wait
ok "a restriction is applied" until_true is_answered live suspended "401 suspended"
must key resume "$(key_of suspended)"
ok "and a permission under the third key" until_true is_answered live suspended "200 accepted"
run audit verify --key "$kept_key" --checkpoint "$work/kept" --archive "$work/archive"
succeeds "the log verifies with the first key and its checkpoint"
is_sound "after the move"
cp "$conf" "$work/conf.moved"
cat "$work/conf.good" >"$conf" # killed before sealring.conf was written
run audit rekey
status_is 1 "the move was interrupted: the command without the token"
err_like 'repeat the command with the --audit-token that it was given' "the message names what is missing"
run audit rekey --audit-token "pkcs11:token=audit-2" --audit-pin-source "$work/pin-2"
succeeds "with the token it is completed"
is "$(grep '^audit-' "$conf")" "$(grep '^audit-' "$work/conf.moved")" "with the same lines"

# ---- The token is lost ----

new_token audit-4
mv "$work/pin-2" "$work/pin-4"
run audit rekey --audit-token "pkcs11:token=audit-4" --audit-pin-source "$work/pin-4"
status_is 3 "the old key cannot sign"
err_like 'if it is lost, repeat the command with --take-over REASON' "the message names the way"
run audit rekey --audit-token "pkcs11:token=audit-4" --audit-pin-source "$work/pin-4" --take-over "the token broke"
succeeds "the operator takes over"
err_like 'until they are restarted' "and learns that servers have to be restarted"
is "$(keys_of | wc -l)" 4 "with four keys"
run key suspend "$(key_of suspended)" --no-wait
ok "the server that runs applies a restriction" until_true is_answered live suspended "401 suspended"
must key resume "$(key_of suspended)"
serve fresh
is "$(verdict_of fresh "$work/held.suspended")" "200 accepted" "a server that starts applies the permission"
is "$(verdict_of live "$work/held.suspended")" "401 suspended" "the one that runs does not: no key that it knows has signed"
leave fresh
leave live
run audit verify
succeeds "the log verifies"
is_sound "after the take-over"

# ---- Without an audit token ----

rm -rf "$v"
cp -a "$work/saved" "$v"
sed -i '/^audit-/d' "$conf"
run audit rekey
status_is 1 "a vault without an audit token"
err_like 'no audit token' "has no key to change"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/r.key" -out "$work/r.pem" -subj /CN=r 2>/dev/null
run issue "$(sqlite3 "$v/registry/sealring.db" 'SELECT name FROM ring LIMIT 1')" --client nobody --recipient "$work/r.pem"
status_is 1 "nor can it encrypt credentials"
err_like 'has no audit token, whose key signs what is encrypted: credentials can be issued in plain text only' "with the reason"

done_testing
