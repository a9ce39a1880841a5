#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The registry is lost, and files of the vault's own SoftHSM2 tokens are damaged or missing: restore repairs them from their copies before it asks
# the tokens. No closed key signs again, no destroyed one returns, and what is reported about a key is true.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} $(pkg-config --cflags p11-kit-1) -o "$work/object" "$top_srcdir/tests/cli/object.c" -ldl || bail_out "no object tool"
database=$SEALRING_VAULT/registry/sealring.db
copies=$SEALRING_VAULT/tokens/copies

save() { # NAME: the whole vault
    rm -rf "${work:?}/$1"
    cp -a "$SEALRING_VAULT" "$work/$1"
}
as_saved() { # NAME
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/$1" "$SEALRING_VAULT"
}
registry_lost() {
    rm -f "$database" "$database"-*
}
hold() { # NAME: issues a credential
    must issue payments --client shop --label "$1" --scope read
    cp "$work/out" "$work/$1.credential"
}
verdict_is() { # NAME VERDICT WHEN
    run_with "$work/$1.credential" verify
    is "$(head -n 1 "$work/out" | cut -d ' ' -f 1)" "$2" "$3: the credential of $1 is $2"
}
damage() { # empty|cut|missing FILE...
    way=$1
    shift
    for file; do
        case $way in
        empty) : >"$file" ;;
        cut) truncate -s $(($(stat -c %s "$file") / 2)) "$file" ;;
        missing) rm "$file" ;;
        esac
    done
}
find_files() { # the vault's tokens, and the files of versions, while there is a registry
    keys=$(dirname "$(grep -l sealring-keys "$SEALRING_VAULT"/tokens/softhsm2/*/token.object)")
    audit=$(dirname "$(grep -l sealring-audit "$SEALRING_VAULT"/tokens/softhsm2/*/token.object)")
    for number in $(rows "SELECT number FROM version"); do
        id=$(rows "SELECT lower(hex(object_id)) FROM version WHERE number = $number")
        for copy in "$copies/${keys##*/}/key-$id-"*.object; do
            echo "$id" >"$work/id.$number"
            echo "$keys/${copy##*/"key-$id-"}" >"$work/file.$number"
        done
    done
}
file_of() { # VERSION
    cat "$work/file.$1"
}
# shellcheck disable=SC2317 # called by ok
has_copy() { # VERSION
    [ -n "$(find "$copies" -name "key-$(cat "$work/id.$1")-*.object")" ]
}
key_is() { # VERSION true|false|gone WHEN: whether its key may sign, as somebody who has the PIN sees it
    # shellcheck disable=SC2046 # a word for each variable
    found=$(env $(configured module-environment) "$work/object" "$(configured module)" sealring-keys \
        "$(cat "$SEALRING_VAULT/pins/keys.pin")" get "$(cat "$work/id.$1")" CKA_SIGN)
    is "$found" "$2" "$3: CKA_SIGN of version $1 is $2"
}
no_loss() { # WHEN
    not_ok "$1: nothing is lost" grep -q '^lost: ' "$work/out"
}
files() { # of the tokens and their copies; a login rewrites token.object and generation
    find "$SEALRING_VAULT/tokens" -type f ! -name token.object ! -name generation ! -name reserve -exec cksum {} + | sort
}

must init
must ring create payments --prefix acme_live --overlap 1s --quiet-period 1s
must client add shop
hold first
find_files
must backup "$work/backup.one"
save one

# ---- one version, and every file of both tokens is damaged

for way in empty cut missing; do
    as_saved one
    registry_lost
    damage $way "$keys"/*-*.object "$audit"/*-*.object
    damage empty "$keys/token.object" "$keys/generation" "$audit/token.object" "$audit/generation"
    run restore "$work/backup.one"
    succeeds "one version, $way: restore"
    no_loss "one version, $way"
    out_like "^note: the file of the key of version 1 of ring payments was damaged or missing, and was restored from its copy .*$(basename "$(file_of 1)")" \
        "one version, $way: which key's file was restored is reported"
    is "$(grep -c "^note: a file of the audit token was .* restored from its copy .*${audit##*/}/" "$work/out")" 3 "one version, $way: the audit token's key pair and anchor"
    out_like "^note: ALARM: .* of the SoftHSM2 token in .* was damaged, and was restored from its copy" "one version, $way: also a token's own file"
    verdict_is first accepted "one version, $way"
    must issue payments --client shop --label later --scope read
    run audit show --act token.restore --json
    json_is '.entries[0].detail.files | length > 5' true "one version, $way: what was restored is on the record"
    json '.entries[0].detail.files[]' >"$work/listed"
    ok "one version, $way: the key's file is listed" grep -qF "$(basename "$(file_of 1)")" "$work/listed"
    run doctor
    succeeds "one version, $way: the doctor finds nothing"
done

# ---- two versions, and the file of one is damaged

as_saved one
must rotate payments
hold second
find_files
must backup "$work/backup.two"
save two
for way in empty cut missing; do
    as_saved two
    registry_lost
    damage "$way" "$(file_of 1)"
    run restore "$work/backup.two" --accept-loss "a drill"
    succeeds "two versions, $way: restore"
    no_loss "two versions, $way"
    verdict_is first accepted "two versions, $way"
    verdict_is second accepted "two versions, $way"
    key_is 1 true "two versions, $way"
done

# also while the registry is in place
as_saved two
damage empty "$(file_of 1)"
run restore "$work/backup.two"
succeeds "with a registry in place: restore"
no_loss "with a registry in place"
verdict_is first accepted "with a registry in place"

# ---- the anchor alone: whether entries are lost is still noticed

as_saved two
must client add after-the-backup
registry_lost
damage missing "$audit"/*-*.object
run restore "$work/backup.two"
status_is 1 "the anchor is missing, and so is an entry: refused"
out_like '^lost: 1 entries of the audit log are missing, .* which the audit token knows of' "the anchor was restored, and is asked"

# ---- without --dry-run only

as_saved two
registry_lost
damage missing "$(file_of 1)"
files >"$work/before"
run restore "$work/backup.two" --dry-run
succeeds "--dry-run"
no_loss "--dry-run"
out_like '^note: the file of the key of version 1 of ring payments .* would be restored from its copy' "--dry-run: what would be restored is reported"
files >"$work/after"
ok "--dry-run changes no file of a token" diff "$work/before" "$work/after"
damage missing "$audit"/*-*.object
files >"$work/before"
run restore "$work/backup.two" --dry-run
status_is 3 "--dry-run with a damaged audit token"
err_like "--dry-run restores nothing.*${audit##*/}/" "names the file, and the way out"
files >"$work/after"
ok "and changes nothing" diff "$work/before" "$work/after"
as_saved two
registry_lost
damage empty "$keys/token.object"
run restore "$work/backup.two" --dry-run
status_is 3 "--dry-run with a damaged token.object"
err_like "--dry-run restores nothing.*${keys##*/}/token.object" "names the file, and the way out"
is "$(stat -c %s "$keys/token.object")" 0 "and leaves it damaged"

# ---- closed since the backup

as_saved two
must retire payments 1 --overrule "for the test" --overrule-succession "for the test"
"$SEALRING" audit export >"$work/export" || bail_out "no export"
save closed
for way in empty cut missing; do
    as_saved closed
    registry_lost
    damage "$way" "$(file_of 1)"
    run restore "$work/backup.two"
    status_is 1 "closed since, $way: without the export it is refused"
    out_like '^lost: version 1 of ring payments: the token lets its key sign no more, so it was closed since' \
        "closed since, $way: the copy is closed, so the version counts as closed"
    run restore "$work/backup.two" --accept-loss "a drill"
    succeeds "closed since, $way: with --accept-loss"
    verdict_is first version-retired "closed since, $way"
    verdict_is second accepted "closed since, $way"
    key_is 1 false "closed since, $way"

    as_saved closed
    registry_lost
    damage "$way" "$(file_of 1)"
    run restore "$work/backup.two" --log "$work/export"
    succeeds "closed since, $way: with the export"
    cp "$work/out" "$work/restored"
    verdict_is first version-retired "closed since, $way, with the export"
    if [ "$way" = missing ]; then
        key_is 1 gone "closed since, $way, with the export"
        ok "closed since, $way, with the export: why it is not restored" matches "$work/restored" \
            '^note: version 1 of ring payments is retired, and the file of its key is missing: .* cannot be reinstated'
        run reinstate payments 1
        status_is 1 "closed since, $way, with the export: that is true"
    else
        key_is 1 false "closed since, $way, with the export"
        must reinstate payments 1
        verdict_is first accepted "reinstated, $way"
    fi
done

# An older copy, of before the closing: the facts that the export brings decide.
for way in empty cut missing; do
    as_saved closed
    registry_lost
    rm -r "$copies"
    cp -a "$work/two/tokens/copies" "$copies"
    damage "$way" "$(file_of 1)"
    run restore "$work/backup.two" --log "$work/export"
    succeeds "an older copy, $way: restore"
    verdict_is first version-retired "an older copy, $way"
    [ "$way" = missing ] && wanted=gone || wanted=false
    key_is 1 "$wanted" "an older copy, $way"
done

# ---- destroyed since

as_saved closed
must destroy payments 1 --overrule "for the test"
"$SEALRING" audit export >"$work/export.destroyed" || bail_out "no export"
save destroyed
registry_lost
run restore "$work/backup.two" --accept-loss "a drill"
succeeds "destroyed since: restore with --accept-loss"
out_like '^lost: version 1 of ring payments: its key is not in the token: it was destroyed since the backup, or is lost;' \
    "destroyed since: both are possible"
verdict_is first version-retired "destroyed since"
key_is 1 gone "destroyed since"
as_saved destroyed
registry_lost
rm -r "$copies"
cp -a "$work/two/tokens/copies" "$copies" # as if none had been removed
run restore "$work/backup.two" --log "$work/export.destroyed"
succeeds "destroyed since, with its copy: restore with the export"
key_is 1 gone "destroyed since, with its copy"
ok "destroyed since, with its copy: restore removes no copy" has_copy 1
must issue payments --client shop --label later --scope read
not_ok "destroyed since, with its copy: the next command that uses the token does" has_copy 1
key_is 1 gone "destroyed since, with its copy, after the next command"

# ---- made since: a copy of what an old backup does not name yet is not removed

as_saved two
must rotate payments
hold third
find_files
"$SEALRING" audit export >"$work/export.three" || bail_out "no export"
registry_lost
damage missing "$(file_of 3)"
run restore "$work/backup.two"
status_is 1 "made since: without the export it is refused"
ok "made since: the key keeps its copy" has_copy 3
run restore "$work/backup.two" --log "$work/export.three"
succeeds "made since: restore with the export"
verdict_is third accepted "made since"
key_is 3 true "made since"

# ---- no good copy

as_saved one
find_files
registry_lost
rm -r "${copies:?}/${keys##*/}"
damage empty "$(file_of 1)"
run restore "$work/backup.one"
status_is 1 "no copy: refused, as the key is lost"
out_like "^lost: version 1 of ring payments: its key is not in the token: it was destroyed since the backup, or was in a file that is damaged and has no good copy .*$(basename "$(file_of 1)")" \
    "no copy: the damaged file is named"
err_like "--accept-loss REASON" "no copy: it is no other vault's backup"
run restore "$work/backup.one" --accept-loss "the disk is broken"
succeeds "no copy: restore with --accept-loss"
verdict_is first version-retired "no copy"
must rotate payments
must issue payments --client shop --label anew --scope read
as_saved one
registry_lost
rm -r "${copies:?}/${audit##*/}"
damage empty "$audit"/*-*.object
run restore "$work/backup.one" --accept-loss "the disk is broken"
status_is 1 "no copy of the audit token's key: refused"
err_like "damaged and has no good copy.*${audit##*/}/" "and the damaged file is named"

# ---- what cannot be examined is not taken for destroyed

as_saved two
registry_lost
rm "$(file_of 1)"
mkdir "$(file_of 1)"
run restore "$work/backup.two" --accept-loss "a drill"
status_is 1 "a file that cannot be read: an error"
err_like "cannot be compared with their copies" "which is reported"
one_line_error "in one line"
not_ok "nothing is restored" test -e "$database"
rmdir "$(file_of 1)"
run restore "$work/backup.two"
succeeds "the next time it is"
verdict_is first accepted "the next time"

done_testing
