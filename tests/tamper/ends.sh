#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The end that `key rekey`, or the successor of an imported key, gives a credential is a fact of its API key: whoever hides or edits rows before, during
# or after that revives nothing, neither in servers that have it cached nor in those that start afterwards. The next act on the key corrects the rows.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$(dirname "$0")/../cli/server.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
build_server

sql() {
    sqlite3 -cmd '.timeout 10000' "$SEALRING_VAULT/registry/sealring.db" "$1"
}

edit() { # SQL, as an attacker who also lets the epoch move, as each commit does
    unguarded "$SEALRING_VAULT/registry/sealring.db" "ATTACH '$work/aside' AS aside; $1; UPDATE vault SET epoch = epoch + 1" || bail_out "the edit itself failed: $1"
}

quietly() { # SQL: no epoch moves
    unguarded "$SEALRING_VAULT/registry/sealring.db" "ATTACH '$work/aside' AS aside; $1" || bail_out "the edit itself failed: $1"
}

fresh_vault() { # NAME: with a key whose credential is in $work/old.key, and a server that has it cached
    SEALRING_VAULT=$work/$1
    rm -f "$work"/*.key "$work/aside"
    must init --lease 1s
    must ring create pay --overlap 30d --quiet-period 1h
    must client add shop
    must issue pay --client shop --scope "read write" --out "$work/old.key"
    key=$(cut -d_ -f2 "$work/old.key")
}

warm() { # NAME FILE
    serve "$1" "$SEALRING_VAULT" read
    is "$(verdict_of "$1" "$work/$2")" "200 accepted" "$1: a server has it cached"
}

cold() { # FILE
    run_with "$work/$1" verify --scope read
    cut -d ' ' -f 1 "$work/out" | head -n 1
}

# It may be cached or not; a server may have polled the edit or not.
rejects() { # NAME FILE WHAT
    is "$(verdict_of "$1" "$work/$2")" "401 revoked" "$3: a server that runs rejects it"
    is "$(cold "$2")" revoked "$3: as does one that starts"
}

verify_finds() { # REGEX WHAT
    run audit verify
    status_is 1 "$2: audit verify"
    out_like "$1" "$2: names the row"
}

# The next act on the key corrects its rows, reports that, and nothing is left to report.
corrects() { # WHAT
    run key set "$key" --label "renamed"
    succeeds "$1: an act on the key"
    err_like "ALARM: the registry was altered: the facts corrected the row of credential [0-9]+ of API key $key, whose end was edited" "$1: reports what it corrected"
    is "$(sql "SELECT count(*) FROM audit WHERE act = 'alarm' AND key_id = '$key'")" 1 "$1: as does the log"
    run audit verify
    succeeds "$1: audit verify finds nothing then"
}

hide="CREATE TABLE aside.hidden AS SELECT * FROM credential WHERE serial = 1; DELETE FROM credential WHERE serial = 1"
unhide="INSERT INTO credential SELECT * FROM aside.hidden"

# ---- After the rekeying ----

revive="UPDATE credential SET replaced = 0, retire_at = 0, state = 1 WHERE serial = 1"
n=0
for attack in "$revive" "UPDATE credential SET retire_at = 4102444800000 WHERE serial = 1"; do
    n=$((n + 1))
    fresh_vault after$n
    warm after$n old.key
    must key rekey "$key" --overlap 0s --out "$work/new.key"
    is "$(sql "SELECT value FROM closed_fact WHERE key_id = '$key'" | tail -n 1 | grep -Ec '^65536:[0-9]+$')" 1 "the key's fact bounds serials"
    is "$(sql "SELECT max(serial) FROM credential")" 65537 "behind which the new credential continues"
    edit "$attack"
    rejects after$n old.key "edit $n"
    is "$(verdict_of after$n "$work/new.key")" "200 accepted" "the new credential is accepted"
    verify_finds "^credential 1 of API key $key: its row's end is not that in the facts" "edit $n"
    run doctor
    out_like "credential 1 of API key $key" "and doctor"
    corrects "edit $n"
    rejects after$n old.key "edit $n, corrected"
    leave after$n
done

# An end that is still to come: nothing prolongs it.
fresh_vault later
warm later old.key
must key rekey "$key" --overlap 3s --out "$work/new.key"
edit "$revive"
is "$(verdict_of later "$work/old.key")" "200 accepted" "until its end it is accepted"
ends() {
    [ "$(verdict_of later "$work/old.key")" = "401 revoked" ]
}
ok "then it is rejected, whatever its row contains" until_true ends
is "$(cold old.key)" revoked "by a server that starts, too"
leave later

# ---- Before and during it ----

fresh_vault before
warm before old.key
must key rekey "$key" --overlap 30d --out "$work/new.key" # which does not end it yet
quietly "$hide"
must key rekey "$key" --overlap 0s --out "$work/newer.key"
edit "$unhide"
rejects before old.key "a row that was hidden while the key was rekeyed"
rejects before new.key "the other one that was ended"
is "$(cold newer.key)" accepted "the newest is accepted"
verify_finds "^credential 1 of API key $key: its row's end is not that in the facts" "the hidden row"
corrects "the hidden row"
leave before

# Also the newest row, so that the key seems to have none after the one that is shown.
fresh_vault newest
must rotate pay
must reissue "$key" --out "$work/second.key"
warm newest second.key
quietly "CREATE TABLE aside.hidden AS SELECT * FROM credential WHERE serial = 2; DELETE FROM credential WHERE serial = 2;
    UPDATE credential SET state = 1; UPDATE api_key SET last_serial = 1"
must key rekey "$key" --overlap 0s --out "$work/third.key"
edit "$unhide"
rejects newest second.key "the newest credential, hidden while the key was rekeyed"
rejects newest old.key "and the older one"
is "$(cold third.key)" accepted "the new one is accepted"
leave newest

# Whoever hides the newest row afterwards does not get the claims of an older one again.
fresh_vault fewer
must key rekey "$key" --overlap 0s --scope read --out "$work/fewer.key"
quietly "CREATE TABLE aside.hidden AS SELECT * FROM credential WHERE serial > 1; DELETE FROM credential WHERE serial > 1;
    $revive; UPDATE api_key SET last_serial = 1"
for command in "reissue $key" "key rekey $key --overlap 0s"; do
    # shellcheck disable=SC2086 # a list of words
    run $command
    status_is 1 "$command: is refused"
    err_like "ALARM: credential 1 of API key $key .*the registry was altered" "$command: names the credential"
done
quietly "$unhide; UPDATE api_key SET last_serial = 65537"
must key rekey "$key" --overlap 0s --out "$work/next.key"
run_with "$work/next.key" verify --scope write
is "$(cut -d ' ' -f 1 "$work/out" | head -n 1)" scope "with the row the successor has the fewer scopes"

# A serial that a bound is about is never given again, although the row has it as the next one.
fresh_vault closed
must key rekey "$key" --overlap 0s
quietly "CREATE TABLE aside.hidden AS SELECT * FROM credential WHERE serial > 1; DELETE FROM credential WHERE serial > 1;
    $revive; UPDATE api_key SET last_serial = 1"
must rotate pay
must compromise pay 1 --no-wait
printf 'client,label,scopes,key_id\nshop,default,read,%s\n' "$key" >"$work/list.csv"
must issue pay --from "$work/list.csv" --out "$work/listed.csv"
grep -o "[a-z_]*_${key}[0-9A-Za-z_]*" "$work/listed.csv" >"$work/listed.key"
is "$(cold listed.key)" accepted "a successor of a closed credential whose own successor is hidden is accepted"

# ---- Imported keys ----

fresh_vault imported
sql "UPDATE ring SET overlap = 1000" # which is corrected
must ring set pay --overlap 2s
printf 'an imported key of before\n' >"$work/imported.key"
printf 'client,label,expires,sha256,scopes\nshop,imported,90d,%s,read\n' "$(printf 'an imported key of before' | sha256sum | cut -d ' ' -f 1)" >"$work/list.csv"
must import pay --sha256 "$work/list.csv"
key=$(sql "SELECT key_id FROM api_key WHERE label = 'imported'")
warm imported imported.key
must reissue "$key" --out "$work/own.key"
is "$(sql "SELECT value FROM closed_fact WHERE key_id = '$key'" | tail -n 1 | grep -Ec '^1:[0-9]+$')" 1 "its end is a fact"
edit "UPDATE credential SET replaced = 0, retire_at = 0, state = 1 WHERE imported = 1"
ends() {
    [ "$(verdict_of imported "$work/imported.key")" = "401 revoked" ]
}
ok "the imported key ends, whatever its row contains" until_true ends
is "$(cold imported.key)" revoked "for a server that starts, too"
is "$(cold own.key)" accepted "its successor does not"
corrects "an imported key's row"
leave imported

# ---- What the facts do not contain ----

# An end that only the row contains is an edit: it is followed, as it restricts, and reported.
fresh_vault row
edit "UPDATE credential SET replaced = 1, retire_at = 1, state = 2"
is "$(cold old.key)" revoked "an end that somebody wrote into a row counts"
verify_finds "^credential 1 of API key $key: its row's end is not that in the facts" "an end without a fact"

# ---- Restored, with the log of after the backup ----

fresh_vault backup
must backup "$work/backup.tar"
must key rekey "$key" --overlap 0s --out "$work/new.key"
must key rekey "$key" --overlap 10d --out "$work/newer.key"
must audit export
cp "$work/out" "$work/log.jsonl"
facts=$(sql "SELECT hex(hash) FROM closed_fact ORDER BY sequence DESC LIMIT 1")
rm "$SEALRING_VAULT"/registry/sealring.db*
run restore "$work/backup.tar" --log "$work/log.jsonl"
succeeds "a restore repeats what ended credentials"
is "$(sql "SELECT hex(hash) FROM closed_fact ORDER BY sequence LIMIT 1 OFFSET $(($(sql "SELECT count(*) FROM closed_fact WHERE sequence <= (SELECT max(sequence) FROM closed_fact WHERE key_id = '$key')") - 1))")" "$facts" "with the same facts"
is "$(cold old.key) $(cold new.key) $(cold newer.key)" "revoked accepted accepted" "and the same ends"
run audit verify
succeeds "the rows are as their facts"

# ---- As many ends as are kept ----

fresh_vault many
for n in $(seq 16); do
    must key rekey "$key" --overlap "${n}d"
done
run key rekey "$key" --overlap 17d
status_is 1 "more ends to come than are kept"
err_like "API key $key have 16 different ends, which are not past: wait until [0-9TZ:-]+, or end all at once" "are refused, with what to do"
must key rekey "$key" --overlap 0s
is "$(sql "SELECT value FROM closed_fact WHERE key_id = '$key'" | tail -n 1 | wc -w)" 1 "ending all at once leaves one bound"
run audit verify
succeeds "and the rows agree"
edit "UPDATE api_key SET last_serial = 4294967295"
run key rekey "$key" --overlap 0s
status_is 1 "a serial at the end of the range"
err_like "last one|no serials left" "is refused"
done_testing
