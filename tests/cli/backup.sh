#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# backup and restore: what was done since comes back from exported logs, what cannot is said; backups and exports that somebody had a
# hand in are refused; running servers never go by what was revoked.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"
# shellcheck source=tests/cli/server.sh
. "$here/server.sh"
database=$SEALRING_VAULT/registry/sealring.db
attacks=0
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} $(pkg-config --cflags p11-kit-1) -o "$work/object" "$top_srcdir/tests/cli/object.c" -ldl || bail_out "no object tool"

# The rows that bear on a verdict, in the order of their numbers. Contacts are in no log.
bearing() {
    rows "SELECT id, hex(ring_id), name, prefix, overlap, purge_delay, keep, rotate_every, quiet_period, standby, idle_blocks,
            rotation_held, last_version, created FROM ring ORDER BY id;
        SELECT ring, number, state, hex(object_id), hex(check_value), was_compromised, created, activated, retire_at, closed, purge_at,
            destroyed, prf, origin, hex(public_key) FROM version ORDER BY ring, number;
        SELECT id, name, created, forgotten FROM client ORDER BY id;
        SELECT id, key_id, ring, client, label, state, narrowed, narrowed_scopes, last_serial, created FROM api_key ORDER BY id;
        SELECT api_key, serial, ring, version, hex(digest), hex(nonce), scopes, not_before, expires, state, replaced, retire_at, issued,
            imported, hex(binding), label, origin, predecessor FROM credential ORDER BY api_key, serial;
        SELECT sequence, kind, key_id, hex(ring_id), version, state, hex(hash) FROM closed_fact
            WHERE NOT (version = 0 AND value = '0' || char(10) || char(10)) ORDER BY sequence" # these: that contacts were lost by restoring
}
verdicts() { # of every credential that was ever issued here
    for credential in "$work"/held/*; do
        "$SEALRING" verify <"$credential" 2>/dev/null | sed "s,^,${credential##*/} ,"
    done
}
hold() { # NAME RING: issues a credential
    must issue "$2" --client shop --label "$1" --scope read --scope write
    cp "$work/out" "$work/held/$1"
}
key_of() {
    cut -d_ -f3 "$work/held/$1"
}
as_saved() { # NAME: the whole vault, tokens and all, as it was
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/$1" "$SEALRING_VAULT"
}
save() {
    rm -rf "${work:?}/$1"
    cp -a "$SEALRING_VAULT" "$work/$1"
}
nothing_left() { # beside the registry
    [ -z "$(find "$SEALRING_VAULT/registry" -name '*.restoring*' -o -name '*.backup' -o -name '*.before-*')" ]
}
refused() { # NAME REGEX ARGUMENT...: restoring is, and leaves everything as it is
    name=$1
    regex=$2
    shift 2
    attacks=$((attacks + 1))
    run restore "$@"
    status_is 1 "$name: refused"
    err_like "$regex" "$name: in these words"
    [ "$(cksum <"$database")" = "$untouched" ] && nothing_left
    report $? "$name: nothing was changed"
}
changed() { # FILE OFFSET [FROM]: one byte of a copy of FILE is another one
    cp "$1" "$work/changed"
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    # shellcheck disable=SC2059 # an octal escape
    printf "$(printf '\\%03o' $((byte ^ 1)))" | dd of="$work/changed" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
checkpoint_at() { # ENTRIES DATABASE: into $work/note. sqlite3 adds a newline
    sqlite3 -readonly "$2" "SELECT note FROM checkpoint WHERE size = $1" | sed '$d' >"$work/note"
}
offset() { # TEXT FILE
    grep -obaF -- "$1" "$2" | head -n 1 | cut -d : -f 1
}

# ---- a vault with a past

mkdir "$work/held"
must init
for ring in payments leaky aging gone fresh; do
    must ring create $ring --prefix "${ring}_live" --overlap 1s --quiet-period 1s
done
must client add shop --contact desk@example.org
must client add bygone --contact bygone@example.org
must client add moved --contact older@example.org
for name in kept revoked suspended narrowed rekeyed; do
    hold $name payments
done
hold leaked leaky
hold aged aging
hold went gone
must rotate aging
must rotate gone
must retire gone 1 --overrule "for the test"
run backup "$work/backup"
succeeds "backup"
is "$(mode_of "$work/backup")" 600 "its owner's only"
is "$(head -n 1 "$work/backup" | cut -c 1-18)" "sealring-backup 1 " "its first line says what it is"
ok "nothing is left beside it" test "$(find "$work" -name 'backup*' | wc -l)" -eq 1
not_ok "no PIN is in it" grep -qaFf "$SEALRING_VAULT/pins/keys.pin" "$work/backup"
out_like '^audit log +[0-9]+ entries' "it says how much it has"
cksum <"$work/backup" >"$work/sum"
run backup "$work/backup"
status_is 1 "a file is not overwritten"
one_line_error "in one line"
is "$(cksum <"$work/backup")" "$(cat "$work/sum")" "nor touched"
run backup "$work/dry" --dry-run
succeeds "backup --dry-run"
not_ok "makes none" test -e "$work/dry"
run audit show --act vault --last 1 --json
json_is '.entries[0].act' vault.backup "a backup is on the record"
run audit key
vkey=$(cat "$work/out")
run backup --check "$work/backup" --key "$vkey" --json
succeeds "backup --check"
at_backup=$(json .backup.entries)
SEALRING_VAULT=/nowhere run backup --check "$work/backup" --key "$vkey"
succeeds "needs no vault with a key"
run backup --check "$work/backup"
err_like 'give --key' "without, it says whose word it goes by"
run backup --check "$work/backup" --key nonsense
status_is 2 "a key that is none"
save early

# ---- what happens after it

must client add late --contact late@example.org
must client forget late
must client forget bygone
must client add newcomer --contact new@example.org
must client set moved --contact newer@example.org
must revoke "$(key_of revoked)" --no-wait --reason "leaked"
must key suspend "$(key_of suspended)" --no-wait
must key set "$(key_of narrowed)" --scope read --no-wait
run key rekey "$(key_of rekeyed)"
cp "$work/out" "$work/held/rekeyed-again"
run compromise leaky 1 --no-wait
must retire aging 1 --overrule "for the test" --no-wait
run destroy gone 1 --overrule "for the test"
must rotate payments
run reissue "$(key_of kept)"
cp "$work/out" "$work/held/reissued"
must issue payments --client newcomer --scope write
cp "$work/out" "$work/held/new"
must ring set payments --overlap 2d
must ring create after --prefix after
hold later after
must retire payments 1 --overrule "closed" --no-wait
must reinstate payments 1
bearing >"$work/bearing"
verdicts >"$work/verdicts"
"$SEALRING" audit export >"$work/export" || bail_out "no export"
known=$(wc -l <"$work/export")
known=$((known - 1))
untouched=$(cksum <"$database")
save now

# ---- with the export all is as it was

run restore "$work/backup" --log "$work/export" --dry-run
succeeds "restore --dry-run"
out_like '^lost +0 entries' "loses nothing"
is "$(cksum <"$database")" "$untouched" "and changes nothing"
ok "nor leaves anything" nothing_left
run restore "$work/backup" --log "$work/export"
succeeds "restore"
out_like "^replayed +$((known - at_backup)) entries" "replays what was done since"
out_like '^note: contacts are not in the log: [0-9]+ clients .*newcomer, moved' "says which client has no contact now"
bearing >"$work/again"
ok "every row is what it was" diff "$work/bearing" "$work/again"
verdicts >"$work/again"
ok "every credential is judged as it was" diff "$work/verdicts" "$work/again"
is "$(rows "SELECT count(*) FROM client WHERE name = 'shop' AND contact = 'desk@example.org'")" 1 "the backup's contacts are there"
run client show moved --json
json_is '.client | [.contact, .contact_state] | tostring' '["","confirmed"]' "one that was set since is not replaced by the one before it"
is "$(rows "SELECT group_concat(contact, '') FROM client WHERE forgotten > 0")" "" "a client that was forgotten stays so"
check_vault "rows and token agree"
run audit verify --key "$vkey"
succeeds "the log agrees with itself"
out_like "^entries +$((known + 1))" "it has one entry more"
run audit show --act vault.restore --json
json_is '.entries[0].detail.lost' 0 "which says what was restored"
for aside in "$database".before-*; do
    is "$(sqlite3 -readonly "$aside" "SELECT max(sequence) FROM audit")" "$known" "the registry that was there is kept"
done
is "$(rows "SELECT count(*) FROM version v LEFT JOIN version_use u ON u.ring = v.ring AND u.version = v.number
    WHERE v.state < 4 AND coalesce(u.last_use, 0) < (SELECT max(time) - 5000 FROM audit)")" 0 "every accepted version counts as used"
must rotate payments
must client add afterwards

# ---- once more, with what was done since
untouched=$(cksum <"$database")
rm "$database".before-*
run restore "$work/backup" --log "$work/export"
status_is 1 "again, with an export that is too old: refused"
err_like "$((at_backup + 1)) to [0-9]+, which the audit token knows of" "as what was done since would be lost"
bearing >"$work/bearing.later"
"$SEALRING" audit export --since $((known + 1)) >"$work/export.later"
run restore "$work/backup" --log "$work/export" --log "$work/export.later"
succeeds "with two exports, one after the other"
bearing >"$work/again"
ok "every row is what it was" diff "$work/bearing.later" "$work/again"
run audit verify --key "$vkey"
succeeds "the log agrees with itself"

# ---- without it

as_saved now
untouched=$(cksum <"$database")
refused "without an export" "--accept-loss REASON" "$work/backup"
out_like "^lost: $((known - at_backup)) entries .* $((at_backup + 1)) to $known, which the audit token knows of: what was done after [0-9TZ:-]+ " \
    "it says how much, and since when"
out_like '^lost: version 1 of ring leaky: .*no more' "and which versions were closed since"
out_like '^lost: version 1 of ring aging: ' "each"
out_like '^note: objects in the token that no version has: .*sealring/payments/2' "and what is in the token that nobody knows"
run restore "$work/backup" --accept-loss ""
status_is 2 "accepting it takes a reason"
run restore "$work/backup" --json
status_is 1 "--json: refused"
json_is '.restore.restored' false "says so"
json_is '.restore.lost' "$((known - at_backup))" "and how much"
head -n $((known - 1)) "$work/export" >"$work/partial"
refused "an export that ends too early" "which the audit token knows of" "$work/backup" --log "$work/partial"
run restore "$work/backup" --accept-loss "the exports burnt"
succeeds "with --accept-loss"
run audit show --act vault.restore --json
json_is '.entries[0].detail.reason' "the exports burnt" "the reason is on the record"
json_is '.entries[0].detail.losses | length > 1' true "and what is lost"
verdict_is() { # NAME VERDICT
    run_with "$work/held/$1" verify
    is "$(head -n 1 "$work/out" | cut -d ' ' -f 1)" "$2" "$1 is $2"
}
verdict_is kept accepted
verdict_is revoked accepted
verdict_is leaked version-retired
verdict_is aged version-retired
verdict_is went version-retired
verdict_is new unknown
is "$(rows "SELECT count(*) FROM version v JOIN ring r ON r.id = v.ring WHERE r.name IN ('leaky', 'aging') AND v.number = 1 AND v.state = 4
    AND v.purge_at > v.closed")" 2 "they are retired, to be purged"
leaky=$(rows "SELECT lower(hex(object_id)) FROM version v JOIN ring r ON r.id = v.ring WHERE r.name = 'leaky' AND v.number = 1")
# shellcheck disable=SC2046 # a word for each variable
is "$(env $(configured module-environment) "$work/object" "$(configured module)" sealring-keys "$(cat "$SEALRING_VAULT/pins/keys.pin")" \
    get "$leaky" CKA_SIGN)" false "and their keys sign as little as before"
run audit verify --key "$vkey"
succeeds "the log agrees with itself"
must rotate payments
is "$(rows "SELECT max(number) FROM version v JOIN ring r ON r.id = v.ring WHERE r.name = 'payments'")" 3 "no number is given twice"
# a checkpoint in the middle vouches for what comes before it
as_saved now
sed "$((known - 2))q" "$work/export" >"$work/partial"
checkpoint_at $((known - 3)) "$database"
tail -n 1 "$work/export" | jq -c --rawfile note "$work/note" '.unmapped.sealring.checkpoint = $note' >>"$work/partial"
run restore "$work/backup" --log "$work/partial" --accept-loss "the last ones burnt" --json
succeeds "part of the entries, with a checkpoint among them"
json_is '.restore.replayed' "$((known - 3 - at_backup))" "as many as it vouches for are replayed"
json_is '.restore.lost' 3 "the rest is lost"
verdict_is revoked revoked

# ---- files that somebody had a hand in

as_saved now
untouched=$(cksum <"$database")
header=$(head -n 1 "$work/backup" | wc -c)
note=$(($(head -n 1 "$work/backup" | cut -d ' ' -f 3)))
size=$(wc -c <"$work/backup")
changed "$work/backup" 3
refused "another beginning" "does not begin as one does" "$work/changed" --log "$work/export"
changed "$work/backup" $((header - 2))
refused "another length of the note" "no good backup" "$work/changed" --log "$work/export"
for word in "vault " "era " "epoch " "entries " "root " "closed " "bytes " "sha256 " "time "; do
    changed "$work/backup" $(($(offset "
$word" "$work/backup") + ${#word} + 2))
    refused "a note with another ${word% }" "no good backup|whose key the audit token does not have" "$work/changed" --log "$work/export"
done
changed "$work/backup" $((header + note - 12))
refused "another signature" "no good backup" "$work/changed" --log "$work/export"
for place in $((header + note + 20)) $(((header + note + size) / 2)) $((size - 1)); do
    changed "$work/backup" $place
    refused "byte $place is another" "SHA-256 is another one" "$work/changed" --log "$work/export"
done
for length in 0 10 $((header + 40)) $((header + note - 1)) $((header + note)) $((size - 1)); do
    head -c "$length" "$work/backup" >"$work/changed"
    refused "cut to $length bytes" "no good backup" "$work/changed" --log "$work/export"
done
{ cat "$work/backup"; echo; } >"$work/changed"
refused "one byte more" "something follows its end" "$work/changed" --log "$work/export"
{ printf 'sealring-backup 1 %d\n' "$(wc -c <"$work/note")"; cat "$work/note" "$database"; } >"$work/changed"
refused "a checkpoint for a note" "not about a backup" "$work/changed" --log "$work/export"
run backup --check "$work/changed" --key "$vkey"
status_is 1 "--check says so, too"
cp "$database" "$work/changed"
refused "a registry alone" "does not begin as one does" "$work/changed"

# another vault's
SEALRING_VAULT=$work/foreign
must init
must ring create payments --prefix acme_live
must backup "$work/foreign.backup"
foreign=$("$SEALRING" audit key | sed 's,^sealring/,,; s/+.*//')
"$SEALRING" audit export >"$work/foreign.export"
run backup --check "$work/foreign.backup" --key "$vkey"
status_is 1 "another vault's backup: --check with this vault's key"
SEALRING_VAULT=$work/vault
own=$(echo "$vkey" | sed 's,^sealring/,,; s/+.*//')
refused "another vault's backup" "whose key the audit token does not have" "$work/foreign.backup" --accept-loss "trying"
sed "1,20s/$foreign/$own/g" "$work/foreign.backup" >"$work/changed"
refused "signed by another vault's key in this one's name" "not signed by this vault's audit key" "$work/changed" --accept-loss "trying"

# another key in the configuration
cp "$SEALRING_VAULT/sealring.conf" "$work/conf"
sed -i "s|^audit-key = .*|$(grep '^audit-key' "$work/foreign/sealring.conf")|" "$SEALRING_VAULT/sealring.conf"
refused "another key in sealring.conf" "the audit token's key is not the audit-key of sealring.conf: compare both" "$work/backup" --accept-loss "trying"
sed -i '/^audit-key/d' "$SEALRING_VAULT/sealring.conf"
run restore "$work/backup" --accept-loss "trying" --dry-run
succeeds "without one the audit token's key decides"
cat "$work/conf" >"$SEALRING_VAULT/sealring.conf"

# ---- exports that somebody had a hand in

refused "another vault's export" "was changed, or is another vault's" "$work/backup" --log "$work/foreign.export"
revoking=$(jq -r 'select(.metadata.event_code == "key.revoke") | .metadata.sequence' "$work/export")
edit() { # SED-COMMANDS
    sed "$1" "$work/export" >"$work/edited"
}
edit "${revoking}s/leaked/lucked/g"
refused "an edited entry" "entry $revoking, line $revoking .*, was changed" "$work/backup" --log "$work/edited"
edit "${revoking}s/\"time\":/\"time\":1/"
refused "an entry with another time" "was changed" "$work/backup" --log "$work/edited"
perl "$here/reseal.pl" "$own" "$revoking" 'state\":3' 'state":1' <"$work/export" >"$work/edited" || bail_out "no forger"
refused "an entry that was edited and hashed anew" "vouches for another history|not the log that the audit token knows" \
    "$work/backup" --log "$work/edited"
sed '$d' "$work/edited" >"$work/edited.alone"
refused "the same without the checkpoint" "not the log that the audit token knows" "$work/backup" --log "$work/edited.alone"
refused "also where a loss is accepted" "not the log that the audit token knows" "$work/backup" --log "$work/edited.alone" --accept-loss "trying"
perl "$here/reseal.pl" "$own" 3 'leaky' 'leaki' <"$work/export" >"$work/edited"
refused "an entry of before the backup, hashed anew" "not the one that the backup has" "$work/backup" --log "$work/edited"
edit "${revoking}d"
refused "without the entry that revokes" "entries $revoking to $revoking are missing" "$work/backup" --log "$work/edited"
edit "${revoking}{h;d};$((revoking + 1)){G}"
refused "two entries in another order" "are missing before line" "$work/backup" --log "$work/edited"
narrowing=$(jq -r 'select(.metadata.event_code == "key.narrow") | .metadata.sequence' "$work/export")
sed "${narrowing}q" "$work/export" >"$work/edited"
checkpoint_at "$narrowing" "$database"
tail -n 1 "$work/export" | jq -c --rawfile note "$work/note" '.unmapped.sealring.checkpoint = $note' >>"$work/edited"
run restore "$work/backup" --log "$work/edited" --accept-loss trying --dry-run
succeeds "an export up to a checkpoint"
perl "$here/reseal.pl" "$own" "$narrowing" 'narrowed_scopes":"read' 'narrowed_scopes":"read write' <"$work/edited" >"$work/edited.anew" ||
    bail_out "no forger"
refused "up to a checkpoint, with an entry that was edited and hashed anew" "vouches for another history" "$work/backup" \
    --log "$work/edited.anew" --accept-loss trying
edit "\$s/\\\\nclosed /\\\\nclosed 1/"
refused "an edited checkpoint" "no checkpoint that this vault's audit key signed" "$work/backup" --log "$work/edited"
edit "7s/^/x/"
refused "a line that is none" "line 7 of .* is none of" "$work/backup" --log "$work/edited"
head -c 5000 "$work/export" >"$work/edited"
refused "an export cut in the middle of a line" "is none of" "$work/backup" --log "$work/edited"
sed -n "$((at_backup + 1)),\$p" "$work/export" | sed "s/\\\\\"rows\\\\\":/\\\\\"rowz\\\\\":/" >"$work/edited"
refused "without what the entries did" "was changed" "$work/backup" --log "$work/edited"
edit "p"
run restore "$work/backup" --log "$work/edited" --dry-run
succeeds "every line twice is no harm"
run restore "$work/backup" --log "$work/none"
status_is 1 "an export that is missing"
err_like 'none cannot be read' "is named"

# a history that was given up: yesterday's registry put back and taken over
must client add abandoned
"$SEALRING" audit export >"$work/fork"
rm -f "$database"-*
cp "$work/early/registry/sealring.db" "$database"
must client add another --take-over "put back on purpose"
untouched=$(cksum <"$database")
refused "the export of a history that was given up" "another history|not the log that the audit token knows|not the one that the backup has" \
    "$work/backup" --log "$work/fork"
head -n $((at_backup + 1)) "$work/fork" >"$work/edited"
checkpoint_at $((at_backup + 1)) "$work/now/registry/sealring.db"
tail -n 1 "$work/fork" | jq -c --rawfile note "$work/note" '.unmapped.sealring.checkpoint = $note' >>"$work/edited"
refused "a beginning of it, with its checkpoint" "vouches|which the audit token knows of" "$work/backup" --log "$work/edited"
run restore "$work/backup" --log "$work/edited" --accept-loss trying --dry-run --json
json_is '.restore.replayed' 0 "of which nothing is replayed: its checkpoint is of another era"
run restore "$work/backup" --log "$work/edited" --accept-loss trying --dry-run
cat "$work/out" "$work/err" >"$work/both"
ok "and it is said that they are to be read by hand" matches "$work/both" 'not replayed, .* do again by hand what they revoked'

# ---- no registry, and one that is damaged

as_saved now
rm -f "$database" "$database"-*
run restore "$work/backup" --log "$work/export"
succeeds "restore where the registry is gone"
out_like '^note: the registry in place cannot be used any more .*does not exist' "and says so"
bearing >"$work/again"
ok "every row is what it was" diff "$work/bearing" "$work/again"
as_saved now
dd if=/dev/zero of="$database" bs=100 count=1 conv=notrunc 2>/dev/null
echo left >"$database-wal"
run restore "$work/backup" --log "$work/export"
succeeds "restore where it is damaged"
bearing >"$work/again"
ok "every row is what it was" diff "$work/bearing" "$work/again"
is "$(cat "$database".before-*-wal)" left "the damaged one is kept, log and all"
must client add mended
as_saved now
untouched=$(cksum <"$database")
mv "$SEALRING_VAULT/pins/audit.pin" "$work/audit.pin"
run restore "$work/backup" --log "$work/export"
status_is 3 "without the audit token's PIN"
run backup "$work/unsigned"
status_is 3 "nor is a backup made without"
not_ok "there is none" test -e "$work/unsigned"
mv "$work/audit.pin" "$SEALRING_VAULT/pins/audit.pin"
mv "$SEALRING_VAULT/pins/keys.pin" "$work/keys.pin"
run restore "$work/backup" --log "$work/export"
status_is 3 "without the key token's PIN"
ok "nothing is left" nothing_left
mv "$work/keys.pin" "$SEALRING_VAULT/pins/keys.pin"

# ---- a disk that is full: files of 64 kB at most
as_saved now
(
    trap '' XFSZ
    ulimit -f 128
    run backup "$work/full"
    echo "$status" >"$work/status"
)
is "$(cat "$work/status")" 4 "a backup that there is no room for"
not_ok "is not there" test -e "$work/full"
ok "nor anything of it" nothing_left
untouched=$(cksum <"$database")
(
    trap '' XFSZ
    ulimit -f 128
    run restore "$work/backup" --log "$work/export"
    echo "$status" >"$work/status"
)
is "$(cat "$work/status")" 1 "a restored registry that there is no room for"
is "$(cksum <"$database")" "$untouched" "leaves the one that is there"
ok "and nothing else" nothing_left

# ---- under running servers
build_server
as_saved now
serve web1
serve web2
is "$(verdict_of web1 "$work/held/reissued")" "200 accepted" "a server accepts what is good"
is "$(verdict_of web2 "$work/held/revoked")" "401 revoked" "and not what was revoked after the backup"
(
    while [ ! -e "$work/stop" ]; do
        ask web1 "$work/held/revoked"
        echo "$answer" >>"$work/asked"
    done
) &
asking=$!
run restore "$work/backup" --log "$work/export"
succeeds "restore while servers run"
# shellcheck disable=SC2317 # called by a helper
fenced() {
    grep -q 'was restored: everything is loaded again' "$work/$1.log"
}
ok "they notice" until_true fenced web2
touch "$work/stop"
wait $asking
not_ok "what was revoked was never accepted" grep -q accepted "$work/asked"
is "$(verdict_of web2 "$work/held/reissued")" "200 accepted" "what is good is"
is "$(verdict_of web1 "$work/held/new")" "200 accepted" "also what was issued after the backup"
is "$(verdict_of web1 "$work/held/revoked")" "401 revoked" "what was revoked stays so"
run rotate payments
succeeds "a rotation finds them ready"
err_like 'barrier open: 2 of 2' "both"
run restore "$work/backup" --accept-loss "for the test"
succeeds "restore with a loss while servers run"
is "$(verdict_of web1 "$work/held/leaked" | cut -d ' ' -f 1)" 401 "a closed version stays closed"
err_like 'effective: no verifier uses the former state any more' "which waits for them"
kill -STOP "$(process_of web2)"
run restore "$work/backup" --accept-loss "for the test" --wait 1s --json
is "$status" 6 "a restore while a server hangs is not effective"
out_like '"restored": true' "but done"
out_like '"effective": false' "and scripts are told"
err_like "effective on 1 of 2 verifiers, the rest at the latest at .*process $(process_of web2)" "and says who is missing"
run issue payments --client shop --label meanwhile
is "$status" 5 "nothing is issued meanwhile"
err_like "process $(process_of web2)" "and says who is waited for"
kill -CONT "$(process_of web2)"
# shellcheck disable=SC2317 # called by a helper
issues() { "$SEALRING" issue payments --client shop --label meanwhile --out "$work/held/meanwhile" >/dev/null 2>&1; }
ok "until the server goes on" until_true issues
is "$(verdict_of web2 "$work/held/meanwhile")" "200 accepted" "which knows what is issued then"
leave web1
leave web2

# ---- a backup while keys are issued
as_saved now
{ echo client,label,scopes; seq -f 'bulk-%g,default,read' 1 1500; } >"$work/bulk.csv"
"$SEALRING" issue payments --from "$work/bulk.csv" --out "$work/bulk.out" >/dev/null 2>&1 &
issuing=$!
# shellcheck disable=SC2317 # called by a helper
some_issued() { [ "$(rows "SELECT count(*) FROM api_key")" -gt 20 ]; }
until_true some_issued
run backup "$work/meanwhile"
succeeds "a backup while keys are issued"
wait $issuing
is $? 0 "which goes on"
"$SEALRING" audit export >"$work/export"
bearing >"$work/bearing"
run restore "$work/meanwhile" --log "$work/export"
succeeds "and it can be restored"
bearing >"$work/again"
ok "with all that was issued since" cmp -s "$work/bearing" "$work/again"

echo "# figure: restore-attacks $attacks"
done_testing
