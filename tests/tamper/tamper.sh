#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Somebody has SQL on the registry, or its file, and no token. Each attempt of attempts.txt is made on a stopped vault and on one that a
# server with a warm cache verifies from: nothing is gained by it but what the attempt says, and it is noticed where it says.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$here/../cli/server.sh"
# shellcheck source=tests/tamper/world.sh
. "$here/world.sh"
# shellcheck source=tests/tamper/waiting.sh
. "$here/waiting.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
workers=4

# ---- The table ----

# One directory for each attempt, one file for each field.
read_table() {
    mkdir "$work/attempts"
    awk -v to="$work/attempts" '
        /^#/ { next }
        /^=== / { n++; dir = sprintf("%s/%03d", to, n); system("mkdir " dir); print substr($0, 5) >(dir "/name"); field = ""; next }
        /^[a-z-]+:/ { field = $1; sub(/:$/, "", field); sub(/^[a-z-]+: */, ""); if ($0 == "") next }
        field != "" && $0 != "" { print >(dir "/" field) }
    ' "$here/attempts.txt"
}

field() { # NAME DEFAULT
    if [ -e "$attempt/$1" ]; then cat "$attempt/$1"; else echo "$2"; fi
}

put_back() { # the vault as it was made
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/whole" "$SEALRING_VAULT"
}

# ---- One attempt ----

drop_triggers() {
    sql "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_schema WHERE type = 'trigger'" >"$work/drop.sql"
    sqlite3 "$database" <"$work/drop.sql"
}

# The epoch moves, as with each commit.
attack() {
    sed -f "$work/places" "$attempt/sql" >"$work/attack.sql"
    {
        cat "$work/attack.sql"
        [ -e "$attempt/quietly" ] ||
            echo "UPDATE vault SET epoch = epoch + 1;"
    } >"$work/whole.sql"
    if [ $mode = stopped ]; then
        { echo "BEGIN;"; cat "$work/whole.sql"; echo "ROLLBACK;"; } | sqlite3 -bail "$database" >/dev/null 2>&1 ||
            cat "$attempt/name" >>"$work/stopped"
    fi
    if [ -e "$attempt/guards" ]; then
        drop_triggers
        { echo "BEGIN;"; cat "$work/whole.sql"; echo "COMMIT;"; } | sqlite3 -bail "$database" >"$work/sql.log" 2>&1
    else
        unguarded "$database" "$(cat "$work/whole.sql")" >"$work/sql.log" 2>&1
    fi ||
        result 1 "the attack itself" "$(head -n 1 "$work/sql.log")"
    if [ -e "$attempt/then" ]; then
        "$(cat "$attempt/then")"
    fi
}

result() { # 0|1 NAME DETAIL
    printf '%s\t%s (%s): %s\t%s\n' "$1" "$(cat "$attempt/name")" "$mode" "$2" "$3" >>"$results"
}

# shellcheck disable=SC2048,SC2086,SC2119 # lists of words
sorted() { # WORD...
    [ -z "$*" ] || printf '%s\n' $* | sort | paste -sd ' '
}

compare() { # WANTED GOT NAME
    [ "$1" = "$2" ]
    result $? "$3" "wanted '$1', got '$2'"
}

# What is accepted in the second list and was not in the first.
more() {
    # shellcheck disable=SC2046 # a list of words
    sorted $(awk -v first="$1" 'BEGIN { while ((getline line < first) > 0) before[line] }
        / 200 / && !($0 in before) { print $1 }' "$2")
}

# Every line that a server logs at its start or later is one: none is in the world as it was made.
seen=
notice() { # NAME
    seen="$seen${seen:+ }$1"
}

# shellcheck disable=SC2120 # its own arguments: the words of the act
look_at_it() {
    run audit verify --key "$vkey" --checkpoint "$work/kept"
    cp "$work/out" "$work/audit.out"
    audit_status=$status
    if [ -e "$attempt/act" ]; then
        # shellcheck disable=SC2016 # for eval to expand
        eval "set -- $(sed 's/@\([a-z]*\)/$(cat "$work\/keys\/\1")/g' "$attempt/act")"
        run "$@"
    else
        run client add probe
    fi
    [ "$status" -eq 0 ] || notice act
    cat "$work/err" "$work/out" >"$work/act.out"
    [ $audit_status -eq 0 ] || notice audit-verify
}

# The first of those that noticed counts.
tally() { # WHO
    echo "$1" | cut -d ' ' -f 1 >>"$work/noticed"
}

judge() {
    compare "$(sorted "$(field "gains-$mode" "$(field gains "")")")" "$(more "$work/baseline" "$work/now")" "what is accepted that was not"
    lost=$(more "$work/now" "$work/baseline")
    compare "$(sorted "$(field "loses-$mode" "$(field loses "")")")" "$lost" "what is not accepted any more"
    wanted=$(field "$mode" "without-effect")
    [ "$wanted" = "${seen:-without-effect}" ]
    result $? "where it is noticed" "wanted '$wanted', got '$seen'; the act: $(tr '\n' ';' <"$work/act.out")"
    if [ -e "$attempt/audit" ]; then
        grep -Eq "$(cat "$attempt/audit")" "$work/audit.out"
        result $? "audit verify says what" "$(head -n 3 "$work/audit.out" | tr '\n' ';')"
    fi
    if [ -e "$attempt/prints" ]; then
        grep -Eq "$(cat "$attempt/prints")" "$work/act.out"
        result $? "the act prints why" "$(tr '\n' ';' <"$work/act.out")"
    fi
    tally "${seen:-$(field limit without-effect)}"
    [ ! -e "$attempt/unharmed" ] || judge_keys
}

# Whether the attack or an act after it closed or destroyed a key: not to be seen while the rows name others.
judge_keys() {
    drop_triggers
    sql "ATTACH '$work/whole/registry/sealring.db' AS whole; UPDATE version SET object_id = randomblob(16);
        UPDATE version SET (object_id, check_value, closing_owed) = (SELECT object_id, check_value, closing_owed FROM whole.version AS made
            WHERE made.ring = version.ring AND made.number = version.number)
        WHERE EXISTS (SELECT 1 FROM whole.version AS made WHERE made.ring = version.ring AND made.number = version.number)"
    serve fresh "$SEALRING_VAULT" write
    verdicts fresh "$work/again"
    leave fresh
    rm -f "$work"/fresh.*
    compare "" "$(more "$work/again" "$work/baseline")" "whose key is not what it was"
}

# The server's log has more than information.
warned() { # NAME
    grep -qv '^[^ ]*: info: ' "$work/$1.log"
}

stopped() {
    mode=stopped seen=
    put_back
    attack
    serve fresh "$SEALRING_VAULT" write
    verdicts fresh "$work/now"
    warned fresh || [ -e "$attempt/rarely" ] || await_look fresh
    leave fresh
    ! warned fresh || notice open
    rm -f "$work"/fresh.*
    # shellcheck disable=SC2119
    look_at_it
    judge
}

live() {
    mode=live seen=
    put_back
    serve live "$SEALRING_VAULT" write
    verdicts live "$work/warm"
    : >"$work/live.log"
    attack
    if [ -e "$attempt/rarely" ]; then
        until_true warned live
    else
        await_look live
    fi
    verdicts live "$work/now"
    warned live || await_look live # what it has to say is told with a look
    ! warned live || notice look
    cp "$work/live.log" "$work/kept.log"
    # shellcheck disable=SC2119
    look_at_it
    leave live
    rm -f "$work"/live.*
    judge
}

# ---- All of them, by several at once ----

worker() { # NUMBER
    number=$1
    common=$work
    work=$common/worker$number
    mkdir "$work"
    SEALRING_VAULT=$work/vault
    results=$work/results
    database=$SEALRING_VAULT/registry/sealring.db
    for name in server creds keys places kept yesterday; do
        ln -s "$common/$name" "$work/$name"
    done
    cp -a "$common/vault" "$work/whole"
    sed -i "s|$common/vault/|$SEALRING_VAULT/|" "$work/whole/sealring.conf" "$work/whole/tokens/softhsm2.conf"
    cp -a "$common/yesterdays-vault" "$work/yesterdays-vault"
    sed -i "s|$common/vault/|$SEALRING_VAULT/|" "$work/yesterdays-vault/sealring.conf" "$work/yesterdays-vault/tokens/softhsm2.conf"
    put_back
    serve fresh "$SEALRING_VAULT" write
    verdicts fresh "$work/baseline"
    leave fresh
    sed '/^[^ ]*: info: /d' "$work/fresh.log" >"$work/baseline.log"
    rm -f "$work"/fresh.*
    : >"$work/noticed"
    : >"$work/stopped"
    for attempt in "$common"/attempts/*; do
        index=${attempt##*/}
        index=${index#0}
        [ $((${index#0} % workers)) -eq "$number" ] || continue
        [ -z "${ONLY-}" ] || grep -Eq "$ONLY" "$attempt/name" || continue
        [ -z "$traits" ] || [ -e "$attempt/unharmed" ] || continue
        stopped
        [ "$(field only "")" = stopped ] || live
    done
    [ "$number" -ne 0 ] || [ -n "${ONLY-}$traits" ] || waiting_attempts
    : >"$work/done"
}

# On a token with these traits (tests/cli/module_forward.c), none: SoftHSM2 as it is.
all_attempts() { # TRAITS
    traits=$1
    make_world
    number=0
    while [ $number -lt $workers ]; do
        worker $number >"$work/log$number" 2>&1 &
        number=$((number + 1))
    done
    wait
    number=0
    while [ $number -lt $workers ]; do
        [ -e "$work/worker$number/done" ]
        report $? "worker $number came to the end" "$(tail -n 3 "$work/log$number")"
        is "$(cat "$work/worker$number/baseline.log")" "" "a server has nothing to say of the world as it was made"
        while IFS='	' read -r good name detail; do
            report "$good" "${traits:+$traits: }$name" "$detail"
        done <"$work/worker$number/results"
        number=$((number + 1))
    done
}

# The attempts that are about live keys, on other kinds of tokens.
on_other_tokens() { # TRAIT...
    # shellcheck source=tests/personality/lib.sh
    . "$top_srcdir/tests/personality/lib.sh"
    for personality in "$@"; do
        mkdir "$work/state"
        become "$personality"
        all_attempts "$personality"
        is "$(cat "$work"/worker*/noticed | wc -l)" "$((2 * $(find "$work/attempts" -name unharmed | wc -l)))" \
            "$personality: each attempt was made on a stopped vault and on a live one"
        find "$work" -mindepth 1 -maxdepth 1 ! -name home ! -name server ! -name attempts ! -name forward.so -exec rm -rf {} +
    done
}

noticed_by() {
    grep -c "^$1\$" "$work/noticed"
}

on_softhsm() {
    all_attempts ''
    cat "$work"/worker*/noticed >>"$work/noticed"
    echo "# the schema's triggers and checks alone would stop $(cat "$work"/worker*/stopped | wc -l) of them: they are dropped first"
    echo "# figure: tampering-attempts $(wc -l <"$work/noticed")"
    echo "# figure: tampering-noticed-by look=$(noticed_by look) open=$(noticed_by open) act=$(noticed_by act)" \
        "audit-verify=$(noticed_by audit-verify) without-effect=$(noticed_by without-effect) unnoticed=$(noticed_by unnoticed)"
}

build_server
read_table
if [ -n "${OTHER_TOKENS-}" ]; then
    # shellcheck disable=SC2086 # a list of words
    on_other_tokens $OTHER_TOKENS
else
    on_softhsm
fi
done_testing
