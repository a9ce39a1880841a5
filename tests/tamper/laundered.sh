#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Somebody edits a row with SQL, and then a legitimate act copies the row into its own entry: `audit verify` names the entry and the member,
# and goes on doing so. Acts alone leave nothing to report.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
database=$SEALRING_VAULT/registry/sealring.db

issue_as() { # LABEL SCOPE
    must issue pay --client shop --label "$1" --scope "$2"
}

make_vault() {
    must init
    must ring create pay --overlap 30d --quiet-period 1h
    must client add shop
    must client add other
    must client add gone
    must client forget gone
    must rotate pay
    must retire pay 1 --overrule test
    for label in old suspended narrowed leaked plain second third; do
        issue_as $label "read write"
    done
    printf 'client,label,expires,sha256\nshop,imported,90d,%s\n' "$(printf before | sha256sum | cut -d ' ' -f 1)" >"$work/keys.csv"
    must key suspend "$(key_of suspended)"
    must key set "$(key_of narrowed)" --scope read
    must key rekey "$(key_of leaked)" --overlap 10d
    must import pay --sha256 "$work/keys.csv"
    must key rekey "$(key_of imported)" --overlap 10d
    must rotate pay # 1 retired, 2 retiring, 3 active
    must reissue "$(key_of third)"
    sqlite3 "$database" "SELECT sql || ';' FROM sqlite_schema WHERE type = 'trigger'" >"$work/triggers.sql"
    sqlite3 "$database" "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_schema WHERE type = 'trigger'" >"$work/drop.sql"
    cp -a "$SEALRING_VAULT" "$work/whole"
}

key_of() { # LABEL
    sqlite3 "$database" "SELECT key_id FROM api_key WHERE label = '$1'"
}

edit() { # SQL; what it hides is kept in another database, because a table more in the registry is noticed
    { echo "ATTACH '$work/aside' AS aside;"; echo "BEGIN;"; cat "$work/drop.sql"; echo "$1;"; cat "$work/triggers.sql"; echo "COMMIT;"; } | sqlite3 -bail "$database" ||
        bail_out "the edit itself failed: $1"
}

start() {
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/whole" "$SEALRING_VAULT"
    undo=
}

# An edit, an act with its arguments (@LABEL: an API key's ID), and the line that reports it. $undo: SQL after the act.
laundered() { # NAME SQL REGEX ARGUMENT...
    what=$1 sql=$2 wanted=$3
    shift 3
    number=$(sqlite3 "$database" 'SELECT max(sequence) + 1 FROM audit')
    edit "$sql"
    # shellcheck disable=SC2016 # for eval to expand
    eval "set -- $(printf '%s ' "$@" | sed 's/@\([a-z]*\)/$(key_of \1)/g')"
    must "$@"
    [ -z "$undo" ] || edit "$undo"
    run audit verify
    status_is 1 "$what: audit verify"
    out_like "^entry [0-9]+ .*$wanted.*: (the row had been edited before|rows had been hidden from) it" "$what: names the entry and the member"
    is "$(sed -n 's/^entry \([0-9]*\) .* had been .* it$/\1/p' "$work/out" | head -n 1)" "$number" "$what: which is the act's"
    must client add later
    run audit verify
    out_like "^entry [0-9]+ .*$wanted" "$what: and goes on naming it"
    start
}

# An edit that facts contradict, and an act that corrects the row: it reports that, the log records it, and nothing is left to report.
corrected() { # NAME SQL LABEL ARGUMENT...
    what=$1 sql=$2 corrected=$(key_of "$3")
    shift 3
    before=$(sqlite3 "$database" "SELECT state, narrowed, narrowed_scopes FROM api_key WHERE key_id = '$corrected'")
    edit "$sql"
    # shellcheck disable=SC2016 # for eval to expand
    eval "set -- $(printf '%s ' "$@" | sed 's/@\([a-z]*\)/$(key_of \1)/g')"
    must "$@"
    err_like "ALARM: the registry was altered: the facts corrected the row of API key $corrected" "$what: the act reports it"
    is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE act = 'alarm' AND key_id = '$corrected'")" 1 "$what: and the log"
    [ "$1 $2" = "key suspend" ] ||
        is "$(sqlite3 "$database" "SELECT state, narrowed, narrowed_scopes FROM api_key WHERE key_id = '$corrected'")" "$before" \
            "$what: the row is as it was"
    run audit verify
    status_is 0 "$what: audit verify finds nothing"
    start
}

corrected_end() { # NAME SQL LABEL ARGUMENT...: the same of its credential 1
    what=$1 sql=$2 corrected=$(key_of "$3")
    shift 3
    query="SELECT c.state, replaced, retire_at FROM credential c JOIN api_key k ON k.id = c.api_key WHERE key_id = '$corrected' AND serial = 1"
    before=$(sqlite3 "$database" "$query")
    edit "$sql"
    must "$@" "$corrected" --overlap 20d
    err_like "ALARM: the registry was altered: the facts corrected the row of credential 1 of API key $corrected, whose end was edited" "$what: the act reports it"
    is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE act = 'alarm' AND key_id = '$corrected'")" 1 "$what: and the log"
    is "$(sqlite3 "$database" "$query")" "$before" "$what: the row is as it was"
    run audit verify
    status_is 0 "$what: audit verify finds nothing"
    start
}

corrected_ring() { # NAME SQL COLUMNS ARGUMENT...: the same of ring pay, whose columns are as before
    corrected_as "$1" "$2" "SELECT $3 FROM ring WHERE name = 'pay'" "$@"
}

corrected_version() { # NAME SQL COLUMNS ARGUMENT...: the same of its versions 1 to 3
    corrected_as "$1" "$2" "SELECT $3 FROM version WHERE number <= 3 ORDER BY number" "$@"
}

corrected_as() { # NAME SQL QUERY NAME SQL COLUMNS ARGUMENT...
    what=$1 sql=$2 query=$3
    shift 6
    before=$(sqlite3 "$database" "$query")
    edit "$sql"
    must "$@"
    err_like "ALARM: the registry was altered: the facts corrected the row of (version [0-9] of )?ring pay" "$what: the act reports it"
    is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE act = 'alarm' AND ring = 'pay'")" 1 "$what: and the log"
    is "$(sqlite3 "$database" "$query")" "$before" "$what: the rows are as they were"
    run audit verify
    status_is 0 "$what: audit verify finds nothing"
    start
}

# One that the facts refuse to go on from.
refused() { # NAME SQL REGEX ARGUMENT...
    what=$1 sql=$2 wanted=$3
    shift 3
    edit "$sql"
    # shellcheck disable=SC2016 # for eval to expand
    eval "set -- $(printf '%s ' "$@" | sed 's/@\([a-z]*\)/$(key_of \1)/g')"
    run "$@"
    err_like "$wanted" "$what: is refused"
    run audit verify
    status_is 1 "$what: audit verify reports the row"
    start
}

edits_corrected() {
    corrected "a suspended key, resumed" "UPDATE api_key SET state = 1 WHERE label = 'suspended'" suspended key set @suspended --label other
    corrected "a narrowing, undone" "UPDATE api_key SET narrowed = 0, narrowed_scopes = '' WHERE label = 'narrowed'" narrowed \
        key suspend @narrowed --no-wait
    corrected "a narrowing, widened" "UPDATE api_key SET narrowed_scopes = 'read write' WHERE label = 'narrowed'" narrowed \
        key set @narrowed --label other
    corrected "a narrowing, undone before a rekeying that could lift it" \
        "UPDATE api_key SET narrowed = 0, narrowed_scopes = '' WHERE label = 'narrowed'" narrowed key rekey @narrowed --overlap 0s --no-wait
    corrected_end "the end of an imported key" "UPDATE credential SET retire_at = retire_at + 2592000000 WHERE imported = 1" imported key rekey
    corrected_end "a replaced credential" \
        "UPDATE credential SET state = 1, replaced = 0, retire_at = 0 WHERE serial = 1 AND api_key = (SELECT id FROM api_key WHERE label = 'leaked')" \
        leaked key rekey
    corrected_ring "a policy" "UPDATE ring SET overlap = 86400000, quiet_period = 86400000 WHERE name = 'pay'" "overlap, quiet_period" prepare pay
    corrected_ring "a policy, before another policy" "UPDATE ring SET overlap = 1000 WHERE name = 'pay'" overlap ring set pay --quiet-period 2h
    corrected_ring "the hold of rotations" "UPDATE ring SET rotation_held = 1 WHERE name = 'pay'" rotation_held prepare pay
    corrected_ring "the last version" "UPDATE ring SET last_version = 7 WHERE name = 'pay'" prefix prepare pay
    corrected_ring "the prefix" "UPDATE ring SET prefix = 'evil' WHERE name = 'pay'" prefix prepare pay
    corrected_version "an announced end" "UPDATE version SET retire_at = retire_at - 86400000 WHERE number = 2" "state, retire_at" prepare pay
    corrected_version "the activation" "UPDATE version SET activated = 1 WHERE number = 1" activated prepare pay
    corrected_version "the time to destroy" "UPDATE version SET purge_at = closed WHERE number = 1" purge_at prepare pay
    corrected_version "the active version" "UPDATE version SET state = 3, retire_at = 1 WHERE number = 3;
        UPDATE version SET state = 2, retire_at = 0 WHERE number = 2" state prepare pay
    corrected_version "a compromise" "UPDATE version SET state = 5, was_compromised = 1, retire_at = 0, closed = 1, purge_at = 2, closing_owed = 1
        WHERE number = 2" "state, was_compromised, closing_owed" run --once pay
    corrected_version "a destruction" "UPDATE version SET state = 6, destroyed = 1 WHERE number = 2" "state, destroyed" run --once pay
    corrected_version "objects exchanged" "CREATE TABLE aside.ids AS SELECT number, object_id FROM version;
        UPDATE version SET object_id = randomblob(16) WHERE number <= 3;
        UPDATE version SET object_id = (SELECT i.object_id FROM aside.ids i WHERE i.number = 4 - version.number) WHERE number <= 3;
        DROP TABLE aside.ids" "hex(object_id)" prepare pay
    corrected_version "an object" "UPDATE version SET object_id = randomblob(length(object_id)), check_value = randomblob(8) WHERE number = 2" \
        "hex(object_id), hex(check_value)" prepare pay
    refused "an announced end, before the retirement" "UPDATE version SET retire_at = 1 WHERE number = 2" 'retire of ring pay has to wait: window ends' retire pay 2 --no-wait
    refused "the time to destroy, before the destruction" "UPDATE version SET purge_at = closed WHERE number = 1" \
        'destroy of ring pay has to wait: time to keep' destroy pay 1
    refused "a suspended key, resumed and suspended again" "UPDATE api_key SET state = 1 WHERE label = 'suspended'" \
        'is suspended already' key suspend @suspended --no-wait
    refused "a narrowing, undone before the next one" "UPDATE api_key SET narrowed = 0, narrowed_scopes = '' WHERE label = 'narrowed'" \
        'does not have the scope write: narrowing cannot widen' key set @narrowed --scope write
}

# Columns that the act does not change.
edits_copied() {
    laundered "a key suspended, of which the log has only its issue" "UPDATE api_key SET state = 2 WHERE label = 'plain'" \
        'also changed state of API key [0-9A-Za-z]{16} from active to suspended' key set @plain --label other
    laundered "a label" "UPDATE api_key SET label = 'mine' WHERE label = 'plain'" \
        "also changed label of API key [0-9A-Za-z]{16} from 'plain' to 'mine'" key suspend @mine --no-wait
    laundered "the owner of a key" "UPDATE api_key SET client = (SELECT id FROM client WHERE name = 'other') WHERE label = 'plain'" \
        'also changed client of API key' key suspend @plain --no-wait
}

# Columns that the act does change: it found another value than the log has.
edits_found() {
    laundered "a label, before another label" "UPDATE api_key SET label = 'mine' WHERE label = 'plain'" \
        "found API key [0-9A-Za-z]{16}: label mine, the log has 'plain'" key set @mine --label other
    hide="CREATE TABLE aside.hidden AS SELECT * FROM credential WHERE serial = 2 AND api_key = (SELECT id FROM api_key WHERE label = 'third');
        DELETE FROM credential WHERE serial = 2 AND api_key = (SELECT id FROM api_key WHERE label = 'third');
        UPDATE credential SET state = 1 WHERE serial = 1 AND api_key = (SELECT id FROM api_key WHERE label = 'third');
        UPDATE api_key SET last_serial = 1 WHERE label = 'third'"
    unhide="UPDATE credential SET serial = 3 WHERE serial = 2 AND api_key = (SELECT id FROM api_key WHERE label = 'third');
        INSERT INTO credential SELECT * FROM aside.hidden; UPDATE api_key SET last_serial = 3 WHERE label = 'third'; DROP TABLE aside.hidden"
    undo=$unhide
    laundered "the newest credential, hidden while its key is reissued" "$hide" \
        '\(key.reissue\) found credential 1 of API key [0-9A-Za-z]{16} to be the newest, the log has 2' reissue @third
}

# Edits after which nothing was done, of keys and clients that the log has only as they were made.
edited() { # NAME SQL REGEX
    edit "$2"
    run audit verify
    status_is 1 "$1: audit verify"
    out_like "$3" "$1: is named"
    start
}

untouched() {
    edited "labels exchanged" "UPDATE api_key SET label = 'aside' WHERE label = 'plain'; UPDATE api_key SET label = 'plain' WHERE label = 'second';
        UPDATE api_key SET label = 'second' WHERE label = 'aside'" "^API key .*: its row has label 'second', the log has 'plain': it was altered"
    edited "a serial" "UPDATE api_key SET last_serial = 9 WHERE label = 'plain'" '^API key .*: its row has last_serial 9, the log has 1'
    edited "an end" "UPDATE credential SET state = 2, replaced = 1, retire_at = 1 WHERE api_key = (SELECT id FROM api_key WHERE label = 'plain')" \
        '^credential 1 of .*: its row has an end, the log has no such act'
    edited "a key that was removed" "DELETE FROM credential WHERE api_key = (SELECT id FROM api_key WHERE label = 'plain');
        DELETE FROM api_key WHERE label = 'plain'" '^API key .* is in the log, and has no row'
    edited "a key that was added" "INSERT INTO api_key SELECT 1000, 'MalloryMadeThis0', ring, client, 'forged', 1, 0, '', 1, created, used
        FROM api_key WHERE label = 'plain'" '^API key MalloryMadeThis0 has a row, and the log knows of none'
    edited "the length of the keys' IDs" "UPDATE vault SET object_id_length = 1" '^new keys would have IDs of 1 bytes, those of the versions have [0-9]+'
    edited "a client that was forgotten" "UPDATE client SET forgotten = 0 WHERE name = 'gone'" '^client gone: its row has forgotten none'
    edited "a client in use" "UPDATE client SET forgotten = 1 WHERE name = 'shop'" '^client shop: its row is forgotten, the log has no such act'
}

# Every kind of act, on rows that nothing else edits: none is reported.
honest() {
    must ring set pay --overlap 20d --succession off
    must rollback pay
    must prepare pay
    must activate pay 4
    must rollback pay
    must reinstate pay 1
    must activate pay 1
    must compromise pay 1 --no-wait
    must destroy pay 1 --overrule test
    must activate pay 2
    must prepare pay
    must compromise pay 2 --no-wait # 5 takes its place
    must retire pay 3 --overrule test --no-wait
    must key resume "$(key_of suspended)"
    must key set "$(key_of narrowed)" --scope read
    must issue pay --client other --scope "read write" --label first
    must key set "$(key_of first)" --scope "read"
    must key set "$(key_of first)" --label renamed
    must key rekey "$(key_of renamed)" --overlap 5d
    must key rekey "$(key_of renamed)" --overlap 1d
    must key rekey "$(key_of renamed)" --overlap 0s --scope "read write delete" --no-wait
    must key set "$(key_of renamed)" --scope "read write"
    must key suspend "$(key_of renamed)" --no-wait
    must rotate pay
    must key resume "$(key_of renamed)"
    must reissue "$(key_of renamed)"
    printf 'client,label,scopes,key_id\nshop,plain,read write,%s\nshop,second,read write,%s\n' "$(key_of plain)" "$(key_of second)" >"$work/list.csv"
    must issue pay --from "$work/list.csv"
    must revoke "$(key_of renamed)" --no-wait
    must client set other --contact desk@other.example
    must client forget other
    printf 'client,label,expires,sha256\nshop,again,90d,%s\n' "$(printf again | sha256sum | cut -d ' ' -f 1)" >"$work/again.csv"
    must import pay --sha256 "$work/again.csv"
    must reissue "$(key_of again)"
    run audit verify
    succeeds "acts alone leave nothing to report"
    is "$(sqlite3 "$database" "SELECT act FROM audit, json_each(detail, '\$.rows') r GROUP BY audit.sequence, r.value ->> 'table', r.value ->> 'id',
        r.value ->> 'ring', r.value ->> 'number', r.value ->> 'key', r.value ->> 'serial' HAVING count(*) > 1")" "" \
        "and no entry contains a row twice"
    start
}

make_vault
start
honest
edits_corrected
edits_copied
edits_found
untouched
done_testing
