#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Restrictions take effect at once and are signed after; what permits something is committed under a signature of the audit token, or not at all.
# So a fact that somebody appends to the registry permits nothing: the next act refuses it until an operator confirms it.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
database=$SEALRING_VAULT/registry/sealring.db

sql() {
    sqlite3 -cmd '.timeout 10000' "$database" "$1"
}

key_of() { # LABEL
    sql "SELECT key_id FROM api_key WHERE label = '$1'"
}

facts() {
    sql "SELECT count(*) FROM closed_fact"
}

# Whether the newest checkpoint covers the whole log.
is_signed() {
    [ "$(sql "SELECT max(size) FROM checkpoint")" = "$(sql "SELECT max(sequence) FROM audit")" ]
}

must init
must ring create pay --overlap 30d --quiet-period 1h
must client add shop
for label in suspended narrowed plain other revoked leaked; do
    must issue pay --client shop --label $label --scope "read write"
done
must rotate pay
must key suspend "$(key_of suspended)"
must key set "$(key_of narrowed)" --scope read
ok "each act is signed" is_signed
run audit verify
succeeds "the log agrees"
cp -a "$SEALRING_VAULT" "$work/whole"

start() {
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/whole" "$SEALRING_VAULT"
}

# ---- the audit token is away ----

away() {
    mv "$SEALRING_VAULT/pins/audit.pin" "$work/audit.pin"
}

back() {
    mv "$work/audit.pin" "$SEALRING_VAULT/pins/audit.pin"
}

rows() { # everything but what acts note about themselves
    sql "SELECT * FROM ring; SELECT * FROM version; SELECT * FROM api_key; SELECT * FROM closed_fact"
}

permits() { # NAME ARGUMENT...
    what=$1
    shift
    before=$(rows)
    run "$@"
    status_is 3 "$what: refused without the audit token"
    err_like 'nothing was changed: this act needs a signature of the audit token pkcs11:.* first: .*audit' "$what: names what it needs"
    is "$(rows)" "$before" "$what: nothing was changed"
}

away
permits activate ring set pay --overlap 20d
permits rotate rotate pay
permits retire retire pay 1 --overrule test
permits "a ring" ring create second
permits resume key resume "$(key_of suspended)"
permits relabel key set "$(key_of plain)" --label renamed
permits "rekey to more scopes" key rekey "$(key_of narrowed)" --scope "read write" --overlap 0s
must key rekey "$(key_of leaked)" --overlap 0s
must key rekey "$(key_of leaked)" --overlap 1d
must revoke "$(key_of revoked)"
must key suspend "$(key_of plain)"
must key set "$(key_of other)" --scope read
must issue pay --client shop --label issued
must compromise pay 1 --reason test
is "$(sql "SELECT state FROM version WHERE number = 1")" 5 "restrictions and issuing go on"
ok "and are not signed" [ ! "$(sql "SELECT max(size) FROM checkpoint")" = "$(sql "SELECT max(sequence) FROM audit")" ]
is "$(grep -c '^committed ' "$SEALRING_VAULT/vault.unsigned")" 7 "each act is noted outside of the registry"
back
run client add later
succeeds "with the audit token back"
is "$(cat "$work/err")" "" "there is nothing to report"
ok "everything is signed" is_signed
not_ok "the notes are removed" test -s "$SEALRING_VAULT/vault.unsigned"
must rotate pay
run audit verify
succeeds "and the log agrees"

# ---- somebody appends a fact ----

# Appends a fact that the chain continues with.
append() { # KIND,KEY_ID,RING_ID,VERSION STATE VALUE
    unguarded "$database" "INSERT INTO closed_fact (sequence, kind, key_id, ring_id, version, state, hash, value)
        SELECT (SELECT max(sequence) + 1 FROM closed_fact), $1, $2, zeroblob(32), $3"
    perl "$top_srcdir/tests/tamper/forge.pl" chain "$database" >"$work/chain.sql"
    unguarded "$database" "$(cat "$work/chain.sql")"
}

ring_id="X'$(sql 'SELECT hex(ring_id) FROM ring')'"
value_of() { # VERSION
    echo "(SELECT value FROM closed_fact WHERE kind = 2 AND version = $1 ORDER BY sequence DESC LIMIT 1)"
}

refused() { # NAME FACT...
    before=$(facts)
    for arguments in "ring set pay --overlap 20d" "run --once" "issue pay --client shop --label more" "rotate pay" "doctor --repair"; do
        # shellcheck disable=SC2086
        run $arguments
        case $arguments in
        doctor*) not_ok "$1: $arguments does not end well" [ "$status" = 0 ] ;;
        *)
            status_is 1 "$1: $arguments is refused"
            err_like "ALARM: no signature covers fact $before, which $2" "$1: $arguments names the fact"
            ;;
        esac
    done
    is "$(facts)" "$before" "$1: no fact follows it"
    run audit verify
    is "$(sql "SELECT count(*) FROM checkpoint c WHERE c.size > (SELECT size FROM checkpoint ORDER BY size DESC LIMIT 1)")" 0 "$1: nobody signs it"
    must revoke "$(key_of plain)"
    is "$(sql "SELECT state FROM api_key WHERE label = 'plain'")" 3 "$1: a restriction goes on all the same"
    not_ok "$1: and does not sign it either" is_signed
}

start
append "1, '$(key_of plain)', X'', 0" 2 "'0' || char(10) || char(10) || char(10)"
run client add later
succeeds "a restriction that somebody appends stays effective"
err_like 'restrictions of API keys without a signature \(1\): somebody else wrote them' "and is reported"
ok "it is signed" is_signed
run audit show --act audit.adopt --json
json_is '.entries[].detail.restrictions' 1 "the log contains that"

start
append "1, '$(key_of suspended)', X'', 0" 1 "'0' || char(10) || char(10) || char(10)"
refused "a resumption" "sets API key .* to active"
run ring set pay --overlap 20d --take-over "checked"
succeeds "an operator confirms it"
ok "and it is signed" is_signed
run audit show --act audit.confirm --json
json_is '.entries[].detail.reason' checked "with the reason"

start
append "1, '$(key_of narrowed)', X'', 0" 1 "'0' || char(10) || char(10) || char(10)"
refused "wider scopes" "sets API key .* to active"

start
append "2, '', $ring_id, 2" 4 "$(value_of 2)"
refused "a retirement" "sets version 2 of a ring to retired"
is "$(sql "SELECT closing_owed FROM version WHERE number = 2")" 0 "the key's object stays"

start
append "2, '', $ring_id, 1" 5 "$(value_of 1)"
refused "a compromise" "sets version 1 of a ring to compromised"

start
append "2, '', $ring_id, 0" 1 "replace($(value_of 0), char(10) || '2592000000' || char(10), char(10) || '1' || char(10))"
refused "a policy" "sets a ring's policy or a client's contact"

# ---- somebody edits a fact that is signed ----

start
unguarded "$database" "UPDATE closed_fact SET value = replace(value, '2592000000', '1000') WHERE version = 0 AND value LIKE '%2592000000%'"
for arguments in "ring set pay --overlap 20d" "run --once" "rotate pay"; do
    # shellcheck disable=SC2086
    run $arguments
    status_is 1 "an edited fact: $arguments is refused"
    err_like "ALARM: the registry .* was altered: its facts are not those that were recorded, from fact [0-9]+ on" "an edited fact: $arguments names it"
done
must revoke "$(key_of plain)"
run ring set pay --overlap 20d --take-over "no"
status_is 1 "and nobody can take it over"

start
unguarded "$database" "UPDATE closed_fact SET value = replace(value, '2592000000', '1000') WHERE version = 0 AND value LIKE '%2592000000%'"
perl "$top_srcdir/tests/tamper/forge.pl" chain "$database" >"$work/chain.sql"
unguarded "$database" "$(cat "$work/chain.sql")"
run ring set pay --overlap 20d
status_is 1 "another chain is refused"
err_like "ALARM: the registry" "and that is named"
done_testing
