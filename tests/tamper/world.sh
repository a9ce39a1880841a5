# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh and server.sh: the vault that is attacked, put back before each attempt, and those who look at it.
#
# One credential of each kind lies in $work/creds/NAME; `verdicts` asks a server for all of them, at the scope "write".
# shellcheck shell=sh disable=SC2034,SC2154

kinds="full reader narrowed suspended revoked later leaked leakednew expired imported mallory retired staged tested"
forged="forged forgednew forgedimport"

sql() { # STATEMENTS
    sqlite3 "$database" "$1"
}

issue_as() { # RING LABEL CLIENT ARGUMENT...
    ring=$1 label=$2 client=$3
    shift 3
    must issue "$ring" --label "$label" --client "$client" --scope read "$@"
    cp "$work/out" "$work/creds/$label"
}

key_of() { # LABEL
    sql "SELECT key_id FROM api_key WHERE label = '$1'"
}

digest_of() { # FILE: of the text without the line's end
    tr -d '\n' <"$1" | sha256sum | cut -c 1-64
}

# shellcheck disable=SC2317 # called by a helper
is_expired() {
    run_with "$work/creds/expired" verify
    [ "$status" -eq 1 ]
}

# The keys' token is another kind of token from now on, and the configuration has what init would have found out.
with_personality() {
    case $traits in
    fixed-label) labels=fixed ;;
    *) labels=lost ;;
    esac
    sed -i "s|^module = .*|module = $work/forward.so|" "$SEALRING_VAULT/sealring.conf"
    echo "token-labels = $labels" >>"$SEALRING_VAULT/sealring.conf"
    forward_environment
}

make_world() {
    database=$SEALRING_VAULT/registry/sealring.db
    mkdir "$work/creds"
    must init --lease 10m # no verdict of a live server ends with the lease
    [ -z "$traits" ] || with_personality
    must ring create payments --prefix acme_live --overlap 1h --quiet-period 1h
    must ring create staging --prefix acme_test --overlap 1h --quiet-period 1h
    for each in shop mallory; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$each.key" -out "$work/$each.pem" -subj "/CN=$each" -days 30 2>"$work/err" ||
            bail_out "openssl req: $(cat "$work/err")"
    done
    must client add shop --contact desk@shop.example --certificate "$work/shop.pem"
    must client add mallory --contact mallory@evil.example --certificate "$work/mallory.pem"
    issue_as payments retired shop --scope write
    must rotate payments
    must retire payments 1 --overrule "for the test"
    for each in full narrowed suspended revoked later leaked; do
        issue_as payments "$each" shop --scope write
    done
    issue_as payments expired shop --scope write --expires 5s
    issue_as payments reader shop
    issue_as payments mallory mallory
    echo "key-that-the-shop-had-before" >"$work/creds/imported"
    printf 'client,label,sha256,scopes,expires\nshop,imported,%s,read write,90d\n' "$(digest_of "$work/creds/imported")" >"$work/imports.csv"
    must import payments --sha256 "$work/imports.csv"
    must key set "$(key_of narrowed)" --scope read
    must key suspend "$(key_of suspended)"
    must revoke "$(key_of revoked)" --reason leaked
    must key rekey "$(key_of leaked)" --overlap 0s --reason leaked
    cp "$work/out" "$work/creds/leakednew"
    issue_as staging staged shop --scope write
    must prepare staging
    must compromise staging 1
    issue_as staging tested shop --scope write
    must rotate payments # version 1 is retired, 2 retiring, 3 active
    cp "$database" "$work/yesterday"
    cp -a "$SEALRING_VAULT" "$work/yesterdays-vault"
    must revoke "$(key_of later)" --reason "a day later"
    perl "$here/forge.pl" text acme_live "$(key_of full)" 2 >"$work/creds/forged"
    perl "$here/forge.pl" text acme_live MalloryMadeThis0 2 >"$work/creds/forgednew"
    echo "a-key-that-mallory-made-up" >"$work/creds/forgedimport"
    until_true is_expired
    run audit key
    vkey=$(cat "$work/out")
    run audit checkpoint
    cp "$work/out" "$work/kept"
    is "$(sql 'SELECT max(sequence) >= 16 FROM audit')" 1 "the log is long enough to have nodes"
    mkdir "$work/keys"
    for label in $(sql 'SELECT label FROM api_key'); do
        key_of "$label" >"$work/keys/$label"
    done
    for name in $forged; do
        printf '%s\n' "s/%$name\>/X'$(digest_of "$work/creds/$name")'/g"
    done >"$work/places"
    for label in full reader narrowed suspended revoked later leaked expired imported mallory retired staged tested; do
        printf '%s\n' "s/@$label\>/(SELECT id FROM api_key WHERE label = '$label')/g"
    done >>"$work/places"
    cat >>"$work/places" <<'PLACES'
s/#payments/(SELECT id FROM ring WHERE name = 'payments')/g
s/#staging/(SELECT id FROM ring WHERE name = 'staging')/g
PLACES
}

# ---- Who looks ----

# shellcheck disable=SC2317 # called by a helper
is_gone() { # NAME: ended, though perhaps not waited for
    ! grep -q '^State:.*[RSDTt] ' "/proc/$(process_of "$1")/status" 2>/dev/null
}

# shellcheck disable=SC2317
answered_or_gone() { # NAME COUNT
    answered "$1" "$2" || is_gone "$1"
}

# A server under the scope "write": what it answers to all of them, a line each, "NAME 200 accepted".
verdicts() { # NAME OUT
    until_true test -e "$work/$1.answers"
    before=$(wc -l <"$work/$1.answers")
    # shellcheck disable=SC2086 # lists of words
    set -- "$1" "$2" $kinds $forged
    wanted=$(($# - 2 + before))
    # shellcheck disable=SC2086
    (cd "$work/creds" && cat $kinds $forged) 1<>"$work/$1.requests" # for reading, too: one that could not start reads nothing, and would be waited for
    until_true answered_or_gone "$1" "$wanted" || echo "# $1 does not answer"
    awk -v names="$kinds $forged" -v before="$before" 'BEGIN { split(names, name, " ") }
        NR > before { split($0, answer, /[ \t]/); print name[NR - before], answer[2], answer[3] }' "$work/$1.answers" >"$2"
}

# Two reports from now on one whole look has begun and ended.
await_look() { # NAME: one that fails makes no report, but a line in the log
    perl "$here/await_look.pl" "$SEALRING_VAULT/verifiers" "$(process_of "$1")" "$work/$1.log" || result 1 "a look has ended" "of $1"
}

# ---- Where SQL ends ----

# shellcheck disable=SC2317 # named in attempts.txt
chain_anew() {
    unguarded "$database" "$(perl "$here/forge.pl" chain "$database")"
}

# shellcheck disable=SC2317
put_yesterday_back() {
    rm -f "$database-wal" "$database-shm"
    cp "$work/yesterday" "$database.new"
    mv "$database.new" "$database"
}

# shellcheck disable=SC2317
write_yesterday_back() {
    sqlite3 "$database" ".restore $work/yesterday"
}

# shellcheck disable=SC2317
write_yesterday_ahead() {
    cp "$work/yesterday" "$work/ahead"
    unguarded "$work/ahead" "UPDATE vault SET epoch = epoch + 1000"
    sqlite3 "$database" ".restore $work/ahead"
}

# shellcheck disable=SC2317
put_vault_back() {
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/yesterdays-vault" "$SEALRING_VAULT"
}
