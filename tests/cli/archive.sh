#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# audit archive: the beginning of the log is in a signed file and no longer in the registry, and everything that reads the log goes on across the
# cut; whoever can only write the registry cannot cut unnoticed.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"

last_entry() {
    rows "SELECT max(sequence) FROM audit"
}
first_entry() {
    rows "SELECT min(sequence) FROM audit"
}
hold() { # NAME RING: issues a credential
    must issue "$2" --client shop --label "$1" --scope read --scope write
    cp "$work/out" "$work/held.$1"
}
key_of() {
    cut -d_ -f3 "$work/held.$1"
}
fill() { # N: entries
    while [ "$(last_entry)" -lt "$1" ]; do
        must client set shop --contact "$(last_entry)@example.org"
    done
}
save() { # NAME
    rm -rf "${work:?}/saved.$1"
    cp -a "$SEALRING_VAULT" "$work/saved.$1"
}
as_saved() { # NAME
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/saved.$1" "$SEALRING_VAULT"
}
agrees() { # NAME ARGUMENT...
    name=$1
    shift
    run audit verify --key "$vkey" "$@"
    [ "$status" -eq 0 ] && grep -q "everything agrees" "$work/out"
    report $? "$name"
}
refused() { # STATUS REGEX NAME ARGUMENT...: archiving is, and nothing is left
    wanted=$1
    regex=$2
    name=$3
    shift 3
    before=$(first_entry)
    run audit archive "$@"
    status_is "$wanted" "$name: refused"
    err_like "$regex" "$name: in these words"
    is "$(first_entry)" "$before" "$name: nothing was cut"
    is "$(find "$work" -maxdepth 1 -name 'none*')" "" "$name: no file is left"
}
attack() { # SQL: by somebody who can write the registry, and has no token
    unguarded "$SEALRING_VAULT/registry/sealring.db" "$1" || bail_out "sqlite3 failed"
}
noticed() { # REGEX NAME ARGUMENT...: by audit verify
    regex=$1
    name=$2
    shift 2
    run audit verify --key "$vkey" "$@"
    status_is 1 "$name: audit verify exits with 1"
    out_like "$regex" "$name: in these words"
}

# ---- a vault with a past

must init
for ring in payments aging; do
    must ring create $ring --prefix "${ring}_live" --overlap 1s --quiet-period 1s --purge-delay 0s
done
must client add shop --contact desk@example.org
must client add bygone
must client forget bygone
must client add leaver
for name in plain revoked suspended narrowed rekeyed relabelled; do
    hold $name payments
done
hold aged aging
must revoke "$(key_of revoked)" --no-wait
must key suspend "$(key_of suspended)" --no-wait
must key set "$(key_of narrowed)" --scope read --no-wait
must key set "$(key_of relabelled)" --label other --no-wait
run key rekey "$(key_of rekeyed)"
must rotate aging
must retire aging 1 --overrule "for the test" --no-wait
run audit key
vkey=$(cat "$work/out")
must backup "$work/backup.uncut"
run audit checkpoint
cp "$work/out" "$work/checkpoint.old"
fill 40
run audit checkpoint
cp "$work/out" "$work/checkpoint"
must audit export
cp "$work/out" "$work/export"
entries=$(last_entry)
save uncut

# ---- what is refused

run audit archive --before 33
status_is 2 "without a file"
refused 2 'an entry.s number' "no point in time" --before tomorrow --out "$work/none"
refused 1 "the log ends|ends with entry $entries" "entries that do not exist" --before 4000 --out "$work/none"
refused 1 'nothing to archive' "too few entries" --before 10 --out "$work/none"
refused 1 'nothing to archive' "entries of a year ago" --before 365d --out "$work/none"
refused 1 'cannot be made' "no such directory" --before 33 --out "$work/nowhere/none"
: >"$work/there"
refused 1 'exists already' "a file that exists" --before 33 --out "$work/there"
mv "$SEALRING_VAULT/pins/audit.pin" "$work/audit.pin"
refused 3 'audit token' "an audit token that is away" --before 33 --out "$work/none"
must client add unsigned
mv "$work/audit.pin" "$SEALRING_VAULT/pins/audit.pin"
tail=$(last_entry)
refused 1 "a signed checkpoint.* up to $((tail - 1)):" "entries that no checkpoint covers" --before $((tail + 1)) --out "$work/none"
as_saved uncut
attack "UPDATE audit SET actor = 'nobody@nowhere 1' WHERE sequence = 4"
refused 1 'entry 4 .* was changed' "a log that does not verify" --before 33 --out "$work/none"
as_saved uncut
attack "UPDATE ring SET overlap = 5 WHERE name = 'payments'"
refused 1 'altered|not what the facts contain' "rows that are not the log's" --before 33 --out "$work/none"
as_saved uncut
run audit archive --before 33 --out "$work/none" --dry-run
succeeds "a dry run"
out_like '^entries +1 to 32$' "names the entries"
ok "and leaves no file" test ! -e "$work/none"
is "$(first_entry)" 1 "and all entries"
chmod 555 "$SEALRING_VAULT" # as root this changes nothing
chmod 755 "$SEALRING_VAULT"
ulimit_run() { # a file system that takes no more than a few blocks of the archive
    (
        ulimit -f 8
        trap '' XFSZ
        exec "$SEALRING" audit archive --before 33 --out "$work/none"
    ) >"$work/out" 2>"$work/err"
    status=$?
}
ulimit_run
not_ok "a file that cannot be written completely" test "$status" -eq 0
is "$(first_entry)" 1 "all entries are still in the registry"
is "$(find "$work" -maxdepth 1 -name 'none*')" "" "and no part of a file is left"
as_saved uncut

# ---- the cut

run audit archive --before 33 --out "$work/first" --json
succeeds "archive"
json_is '.archive | "\(.first) \(.last) \(.dry_run)"' "1 32 false" "the entries before entry 33"
is "$(mode_of "$work/first")" 600 "its owner's only"
is "$(first_entry)" 33 "they are not in the registry any more"
is "$(rows "SELECT group_concat(act) FROM audit WHERE sequence > $entries")" audit.archive "the cut is an entry"
is "$(rows "SELECT count(*) FROM checkpoint WHERE size = (SELECT max(sequence) FROM audit)")" 1 "a checkpoint covers it"
is "$(rows "SELECT count(*) FROM checkpoint WHERE size < 32")" 0 "earlier checkpoints are not in the registry any more"
is "$(rows "SELECT group_concat(level || '/' || position) FROM audit_node ORDER BY 1")" 5/0 "of the tree, only the largest subtree is"
is "$(head -n 32 "$work/first" | jq -sr '[.[].unmapped.sealring.leaf_hash] | join(" ")')" \
    "$(head -n 32 "$work/export" | jq -sr '[.[].unmapped.sealring.leaf_hash] | join(" ")')" "the archive has the lines of the export"
is "$(tail -n 1 "$work/first" | jq -r .unmapped.sealring.archive | head -n 1)" "sealring archive 1" "and a note at its end"
agrees "the rest verifies"
out_like '^not examined +1 to 32, archived' "the output names what was not examined"
err_like 'the entries 1 to 32, until [^,]*, were not read: they are in the archive first' "and which archive has it"
run audit verify --json
json_is '.audit.archived' 32 "in JSON, too"
agrees "with the archive all of it verifies" --archive "$work/first"
out_like "^entries +$((entries + 1))" "all entries"
not_ok "nothing is unexamined" grep -q 'not examined' "$work/out"
run audit verify --key "$vkey" --archive "$work/first" --json
json_is '.audit.archived' 0 "in JSON, too"
agrees "with a checkpoint that was kept after the point" --checkpoint "$work/checkpoint"
run audit verify --key "$vkey" --checkpoint "$work/checkpoint.old"
status_is 2 "a checkpoint that was kept before the point proves nothing about the rest"
err_like 'give the archives as well, the last one is first' "the message names the archive"
agrees "with the archive it does" --checkpoint "$work/checkpoint.old" --archive "$work/first"
run doctor
succeeds "the doctor finds nothing"
run audit show --key "$(key_of plain)"
succeeds "who issued this key?"
err_like 'in the archive first' "the output names the archive"
is "$(jq -r --arg key "$(key_of plain)" 'select(.unmapped.sealring.key_id == $key) | .unmapped.sealring.act' "$work/first")" \
    key.issue "which has the answer"
run audit show --since 0s
not_ok "an archive that ends before is not named" grep -q archive "$work/err"
run audit export --proof
succeeds "export"
err_like 'the entries 1 to 32' "names what is missing"
is "$(jq -sr '[.[] | .unmapped.sealring.proof // empty | .root] | unique | length' "$work/out")" 1 "all proofs lead to one root"
is "$(head -n 1 "$work/out" | jq -r '.unmapped.sealring.proof.root')" "$(rows "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1" | sed -n 3p)" \
    "that of the latest checkpoint"
run audit export --since 33
not_ok "an export from there on lacks nothing" grep -q archive "$work/err"
save cut

# A version's key, whose entry is archived, and whose row somebody has deleted, is still known to be a version's.
version=$(rows "SELECT lower(hex(object_id)) FROM version v JOIN ring r ON r.id = v.ring WHERE r.name = 'payments' AND number = 1")
attack "DELETE FROM version WHERE object_id = X'$version'"
run token destroy-object "$version" --reason "nobody has it"
status_is 1 "a key that an archived entry has as a version's is not destroyed"
err_like "the audit log has key $version as a version's|its row contains nothing, the record of closed versions contains active" "the entry about the archive proves it"
as_saved cut

# ---- acts go on across the cut: each changes what an archived entry made

must key resume "$(key_of suspended)"
must revoke "$(key_of narrowed)" --no-wait
run key rekey "$(key_of plain)"
succeeds "rekey"
run key rekey "$(key_of rekeyed)"
succeeds "rekey again"
must key set "$(key_of relabelled)" --label third --no-wait
must reinstate aging 1
must ring set payments --overlap 2d
must client forget leaver
must rotate payments
run reissue "$(key_of suspended)"
succeeds "reissue"
agrees "the rest verifies"
agrees "with the archive all of it does" --archive "$work/first"
run restore "$work/backup.uncut" --log "$work/first" --dry-run
status_is 1 "a backup from before the cut, with the archive only: refused"
err_like 'entries of the audit log are missing' "as later entries are missing"
"$SEALRING" audit export >"$work/export.rest" 2>"$work/err" || bail_out "no export"
run restore "$work/backup.uncut" --log "$work/first" --log "$work/export.rest"
succeeds "with the archive and the export it is restored"
out_like '^lost +0 entries' "nothing is lost"
is "$(first_entry)" 1 "its log has all entries"
agrees "which verify"
agrees "also with the archive" --archive "$work/first"

# ---- a backup from after the cut

as_saved cut
must client add later
must backup "$work/backup.cut"
must client add latest
"$SEALRING" audit export >"$work/export.all" 2>"$work/err" || bail_out "no export"
run restore "$work/backup.cut" --log "$work/first" --log "$work/export.all"
succeeds "a backup from after the cut is restored, with logs that reach before it"
is "$(first_entry)" 33 "its log begins behind the cut"
agrees "which verifies"
agrees "also with the archive" --archive "$work/first"

# ---- archives follow each other

as_saved cut
fill 70
run audit archive --before 0s --out "$work/second"
succeeds "a second archive"
is "$(first_entry)" 65 "ends with a multiple of 16"
fill 90
run audit archive --before 81 --out "$work/third"
succeeds "a third one"
run audit verify
err_like 'they are in the archive third' "the rest names the last archive"
agrees "the rest verifies"
agrees "with all archives all of it does, in any order" --archive "$work/third" --archive "$work/first" --archive "$work/second"
agrees "with the last one all from there on does" --archive "$work/third"
out_like '^not examined +1 to 64, archived' "the output names what was not examined"
agrees "with the last two, too" --archive "$work/third" --archive "$work/second"
run audit verify --key "$vkey" --archive "$work/first" --archive "$work/third"
status_is 2 "one between two others is missing"
err_like 'with the entries 33 to 64, .* was not given' "it is named"
run audit verify --key "$vkey" --archive "$work/first" --archive "$work/second"
status_is 2 "the last one is missing"
err_like 'the last one is third, and the registry begins with entry 81' "it is named"
save three

# ---- files that somebody changed

sed '5s/"time":1/"time":2/' "$work/second" >"$work/edited"
noticed 'edited is no good archive .*: entry 37 was changed' "an edited entry" --archive "$work/first" --archive "$work/edited" --archive "$work/third"
sed 5d "$work/second" >"$work/edited"
noticed 'entries are missing or exchanged' "a removed line" --archive "$work/first" --archive "$work/edited" --archive "$work/third"
sed 1d "$work/second" >"$work/edited"
noticed 'its content was changed' "a removed first line" --archive "$work/first" --archive "$work/edited" --archive "$work/third"
sed '$d' "$work/second" >"$work/edited"
noticed 'its end is missing' "a truncated archive" --archive "$work/first" --archive "$work/edited" --archive "$work/third"
{ cat "$work/second" && head -n 1 "$work/second"; } >"$work/edited"
noticed 'something follows its end' "an extended archive" --archive "$work/first" --archive "$work/edited" --archive "$work/third"
grep -v '"checkpoint"' "$work/second" >"$work/edited"
noticed 'its content was changed' "a removed checkpoint" --archive "$work/first" --archive "$work/edited" --archive "$work/third"
sed '$s/last 64/last 80/' "$work/second" >"$work/edited"
noticed 'not signed by the key' "an edited note" --archive "$work/first" --archive "$work/edited" --archive "$work/third"
SEALRING_VAULT=$work/elsewhere run init
SEALRING_VAULT=$work/elsewhere run ring create payments
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34; do
    SEALRING_VAULT=$work/elsewhere run client add "c$i"
done
SEALRING_VAULT=$work/elsewhere run audit archive --before 33 --out "$work/foreign"
succeeds "another vault's archive"
noticed 'foreign is no good archive of this vault' "another vault's archive in the place of one" --archive "$work/foreign" --archive "$work/second" --archive "$work/third"
as_saved uncut # another future of the same vault
fill 70
must audit archive --before 33 --out "$work/first.other"
must audit archive --before 65 --out "$work/second.other"
as_saved three
noticed 'third does not continue the archive .*second.other' "a second archive of another history" --archive "$work/first" --archive "$work/second.other" --archive "$work/third"
run restore "$work/backup.cut" --log "$work/edited" --dry-run
status_is 1 "an edited archive is replayed by nobody"

# ---- rows that somebody changed, without the archive

altered() { # SQL REGEX NAME
    as_saved cut
    attack "$1"
    noticed "$2" "$3"
}
altered "UPDATE ring SET overlap = 5 WHERE name = 'payments'" 'ring payments: its row has overlap' "a policy that an archived entry set"
altered "UPDATE version SET retire_at = 1 WHERE number = 2" 'its row has' "a version's time"
altered "UPDATE vault SET lease_ms = 1000" "the vault's lease" "the lease"
altered "UPDATE client SET forgotten = 0 WHERE name = 'bygone'" 'client bygone' "a client that was forgotten"
altered "UPDATE api_key SET state = 1 WHERE key_id = '$(key_of suspended)'" 'its row contains active, the facts contain suspended' "a suspended key"
altered "DELETE FROM credential WHERE api_key = (SELECT id FROM api_key WHERE key_id = '$(key_of aged)')" 'rows were removed' "a removed credential"
altered "INSERT INTO api_key SELECT 1000, 'MalloryMadeThis0', ring, client, 'forged', 1, 0, '', 1, created, used FROM api_key LIMIT 1" \
    'MalloryMadeThis0 has a row, and the log knows of none' "an added key"
as_saved cut
attack "UPDATE api_key SET label = 'forged' WHERE key_id = '$(key_of aged)'"
agrees "what only an archived entry shows is not seen without the archive"
noticed "$(key_of aged): its row has label" "with the archive it is" --archive "$work/first"
as_saved cut
attack "UPDATE credential SET api_key = 0 WHERE api_key = (SELECT id FROM api_key WHERE key_id = '$(key_of revoked)');
    UPDATE credential SET api_key = (SELECT id FROM api_key WHERE key_id = '$(key_of revoked)')
    WHERE api_key = (SELECT id FROM api_key WHERE key_id = '$(key_of plain)');
    UPDATE credential SET api_key = (SELECT id FROM api_key WHERE key_id = '$(key_of plain)') WHERE api_key = 0"
agrees "nor are two credentials that were exchanged"
for name in plain revoked; do
    noticed "^credential 1 of API key $(key_of $name): no row has its API key" "with the archive they are: $name" --archive "$work/first"
done
as_saved cut
must rotate payments
must reissue "$(key_of plain)"
plain=$(rows "SELECT id FROM api_key WHERE key_id = '$(key_of plain)'")
attack "UPDATE credential SET digest = randomblob(32) WHERE api_key = $plain AND serial = 2"
noticed "^credential 2 of the API key in row $plain: no row has its API key" "a later credential of a key that an archived entry issued"
noticed "^credential 2 of API key $(key_of plain): no row has its API key" "with the archive by its name" --archive "$work/first"

# ---- cuts that nobody signed

delete_to() { # N: entries, and what a cut deletes beside
    echo "DELETE FROM audit WHERE sequence <= $1; DELETE FROM checkpoint WHERE size < $1;
        DELETE FROM audit_node WHERE position < ($1 >> level) AND NOT (position = ($1 >> level) - 1 AND ($1 >> level & 1) = 1)"
}
as_saved uncut
attack "$(delete_to 32)"
noticed 'the entries 1 to 32 are missing, and no signed entry has them as archived' "a cut without an entry"
run client add probe
noticed 'the entries 1 to 32 are missing' "a cut without an entry, after the next act"
as_saved uncut
attack "DELETE FROM audit WHERE sequence <= 7"
noticed 'the entries 1 to 7 are missing' "a cut within a subtree"
as_saved cut
fill 60
attack "$(delete_to 48)"
noticed 'the entries 1 to 48 are missing' "a cut behind the signed one"
as_saved cut
attack "DELETE FROM audit_node; INSERT INTO audit_node VALUES (5, 0, randomblob(32))"
noticed 'the entries 1 to 32 are missing' "another tree under a signed cut"
as_saved cut
archived=$(rows "SELECT sequence FROM audit WHERE act = 'audit.archive'")
attack "UPDATE audit SET detail = replace(detail, '\"credentials\":8', '\"credentials\":9') WHERE sequence = $archived"
noticed "entry $archived \(audit.archive\) was changed" "an edited entry about the cut"
as_saved cut
attack "DELETE FROM audit WHERE sequence = $archived; DELETE FROM checkpoint WHERE size = $archived"
noticed 'the entries 1 to 32 are missing' "a removed entry about the cut"
run client add probe
status_is 1 "which the anchor notices, too"

# A made-up entry, well formed, and the rows deleted; then an act is refused, and a take-over signs what is there.
forged() { # DETAIL NAME [LAST]
    last=${3:-32}
    as_saved uncut
    perl "$here/forge-entry.pl" "$(rows "SELECT hex(vault_id) FROM vault")" $((entries + 1)) audit.archive "$1" >"$work/forged.sql" ||
        bail_out "nothing was forged"
    attack "$(cat "$work/forged.sql"); $(delete_to "$last")"
    noticed "the entries 1 to $last are missing" "$2"
    run client add probe
    is "$status $(grep -c "ALARM: no signature covers entry $((entries + 1)), audit.archive" "$work/err")" "1 1" "$2: the next act is refused"
    run client add probe --take-over "confirmed unread"
    status_is 0 "$2: an operator takes over"
    noticed "the entries 1 to $last are missing" "$2, after a take-over that signed it"
}
forged '{"archive":{"file":"x","first":1,"last":32}}' "a made-up entry without a note"
note=$(tail -n 1 "$work/foreign" | jq .unmapped.sealring.archive)
forged "{\"archive\":{\"file\":\"x\",\"first\":1,\"last\":32,\"note\":$note},\"kept\":{}}" "a made-up entry with another vault's note"
note=$(tail -n 1 "$work/first" | jq .unmapped.sealring.archive)
forged "{\"archive\":{\"file\":\"x\",\"first\":1,\"last\":32,\"note\":$note},\"kept\":{\"credentials\":9}}" "a made-up entry with the note of an archive, and other contents"
# All of it fits, except the signature, which is of other text.
as_saved uncut
root=$(rows "SELECT hex(hash) FROM audit_node WHERE level = 4 AND position = 0" |
    perl -MMIME::Base64 -ne 'chomp; print encode_base64(pack("H*", $_), "")')
kept=$(printf '{}' | sha256sum | cut -c 1-64)
note=$(tail -n 1 "$work/first" | jq -j .unmapped.sealring.archive | sed "s|^last .*|last 16 $root|; s/^kept .*/kept $kept/" | jq -Rs .)
forged "{\"archive\":{\"file\":\"x\",\"first\":1,\"last\":16,\"note\":$note},\"kept\":{}}" "a made-up entry with an edited note" 16
done_testing
