#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What takes rights away is committed at once, whatever hangs, is damaged or was edited: logins, other rows, other commands.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$(dirname "$0")/server.sh"
build_server

command -v flock >/dev/null || bail_out "flock is missing (Debian: util-linux)"
MOST=25 # seconds: less than the login lock is waited for otherwise, and enough for a busy machine

rows() {
    sqlite3 -cmd '.timeout 5000' "$v/registry/sealring.db" "$1"
}
issue() { # RING: $key
    must issue "$1" --client acme --label "key$((labels = ${labels:-0} + 1))" --json
    key=$(jq -r .key_id "$work/out")
}
is_held() {
    ! flock --nonblock "$1" true
}
hold() { # FILE: holds its lock in $holder, which is stopped
    flock -F "$1" sleep 3600 &
    holder=$!
    until_true is_held "$1"
    kill -STOP $holder
    until_true grep -q '^State:.*T' "/proc/$holder/status"
}
let_go() {
    kill -KILL "$holder" 2>/dev/null
    wait "$holder" 2>/dev/null
}
start() { # ARGUMENT...: the command, in the background: $command
    began=$(date +%s)
    "$SEALRING" "$@" >"$work/out" 2>"$work/err" </dev/null &
    command=$!
}
ends() { # $status
    wait $command
    status=$?
}
in_time() {
    [ $(($(date +%s) - began)) -lt "$MOST" ]
}
is_revoked() {
    [ "$(rows "SELECT state FROM api_key WHERE key_id = '$key'")" = 3 ]
}
is_compromised() { # RING NUMBER
    [ "$(state_of "$1" "$2")" = 5 ]
}

vaults=0
fresh() { # ARGUMENT of init...: an empty vault
    SEALRING_VAULT=$work/vault$((vaults += 1))
    v=$SEALRING_VAULT
    must init "$@"
    must client add acme
}
damage() { # SQL
    unguarded "$SEALRING_VAULT/registry/sealring.db" "PRAGMA ignore_check_constraints = 1; $1" || bail_out "nothing was damaged"
}
state_of() { # RING NUMBER: as a number
    rows "SELECT v.state FROM version v JOIN ring r ON r.id = v.ring WHERE r.name = '$1' AND v.number = $2"
}

fresh
must ring create r --overlap 1s --quiet-period 1s

# ---- A process that is stopped in its login ----

issue r
hold "$v/login/keys.login"
start revoke "$key" --reason leaked
ok "a revocation is committed while somebody holds the login lock" until_true is_revoked
ok "which takes a moment" in_time
ends
succeeds "and the command ends while it is held"
err_like "held by process $holder .*keys\.login.*\`kill -CONT $holder\` lets it go on" "its note names the holder, and what ends that"
start compromise r 1
ok "a compromise is committed as well" until_true is_compromised r 1
ok "in a moment, too" in_time
ends
succeeds "and ends"
err_like 'the next command that uses the token closes it' "the token's part of it is owed"
let_go
must run --once
is "$(rows 'SELECT count(*) FROM version WHERE closing_owed')" 0 "and made up for by the next command"

# ---- Rows that nobody can read ----

damaged_row() { # INSTANCE-EXPRESSION
    damage "INSERT INTO verifier SELECT $1, zeroblob(16), 0, printf('%.500c', 'x'), 'server', 1, 1, 2, 1, 1, '', 0, 1, 1, 0, 0"
}
fresh --lease 1s
must ring create r --overlap 1s --quiet-period 1s
must ring create q
issue r
damaged_row "X'0123456789abcdef0123456789abcdef'"
run compromise r 1 --dry-run
succeeds "a damaged row of a verifier does not hold up a compromise"
run revoke "$key" --reason leaked
succeeds "nor keep a revocation from becoming effective"
err_like '^effective' "which it is after a lease: it may be of a verifier that was lost"
issue r
run revoke "$key" --reason leaked --wait 10ms
status_is 6 "and no sooner"
must prepare q
must prepare r
run activate r --wait 10ms
status_is 5 "a barrier waits for it as well"
run compromise r 1
succeeds "a compromise is committed"
is "$(state_of r 1) $(state_of r 2)" "5 1" "and promotes no standby that an unknown verifier may not know"
run doctor --json
json_is '[.doctor.findings[] | select(.code == "verifier-row-damaged") | .object] | join(" ")' "verifier 01234567" "doctor names the row"
damaged_row "X'00'"
run doctor --repair
out_like '^repaired .*verifier-row-damaged' "doctor --repair removes it"
is "$(rows 'SELECT count(*) FROM verifier')" 0 "with all that are like it"
run doctor --json
json_is '[.doctor.findings[] | select(.code == "verifier-row-damaged")] | length' 0 "and finds none any more"

# The row of a server that serves is written anew by its report file.
serve one
until_true verifiers_are '[.verifiers[].state] | join(" ")' serving
must run --once
damage "UPDATE verifier SET host = printf('%.500c', 'x')"
must run --once
is "$(rows 'SELECT max(length(host)) < 100 FROM verifier')" 1 "a damaged row of a verifier that serves is written anew"
leave one

# Statistics and names that cannot be read.
damage "INSERT INTO version_use SELECT id, 1, -1 FROM ring WHERE name = 'q'"
run compromise q 1 --dry-run
succeeds "a damaged row of statistics does not hold up a compromise"
run compromise q 1
succeeds "nor that itself"
is "$(state_of q 1) $(state_of q 2)" "5 1" "no standby is promoted where nobody can tell who verifies"
must ring create p --overlap 1h --idle-blocks
issue p
must rotate p
must run --once
damage "UPDATE client SET name = printf('%.500c', 'x')"
run compromise p 1
succeeds "a damaged name of a client does not hold up the compromise of a version that has credentials"
is "$(state_of p 1)" 5 "which is committed"

# ---- A server whose report file names another vault, or another place ----

freeze() { # SERVER
    kill -STOP "$(process_of "$1")"
    until_true grep -q '^State:.*T' "/proc/$(process_of "$1")/status"
}
thaw() {
    kill -CONT "$(process_of "$1")"
}
answers() { # SERVER WORDS
    [ "$(verdict_of "$1" "$work/good")" = "$2" ]
}
report_file() {
    find "$v/verifiers" -name '*.report'
}
accepting() { # SERVER [ARGUMENT of init...]: that serves in a fresh vault without an audit token, and has accepted $work/good, of $key
    server=$1
    shift
    fresh "$@"
    sed -i 's/^audit-/#audit-/' "$v/sealring.conf"
    must ring create r
    issue r
    jq -r .credential "$work/out" >"$work/good"
    serve "$server"
    until_true verifiers_are '[.verifiers[].state] | join(" ")' serving
    ok "$server: it accepts" answers "$server" "200 accepted"
    freeze "$server"
}
waited_for() { # SERVER
    run revoke "$key" --reason leaked --wait 200ms
    status_is 6 "$1: a revocation is not called effective while it holds its report file"
}
rejects() { # SERVER
    thaw "$1"
    ok "$1: it rejects once it goes on" until_true answers "$1" "401 revoked"
    leave "$1"
}

accepting other-vault
vault_id=$(rows "SELECT hex(vault_id) FROM vault")
damage "UPDATE vault SET vault_id = randomblob(16)"
waited_for other-vault
damage "UPDATE vault SET vault_id = X'$vault_id'"
rejects other-vault

accepting another-name
moved=$(report_file)
mv "$moved" "${moved%/*}/00000000000000000000000000000000.report"
waited_for another-name
rejects another-name

# ---- A lease that was shortened in the registry ----

latest() { # in how many seconds a change is effective at the latest, as the last command's message has it
    echo $(($(date -d "$(sed -n 's/.*at the latest at \([^ :]*:[^ :]*:[^ :]*\): .*/\1/p' "$work/err")" +%s) - $(date +%s)))
}
accepting shortened --lease 60s
dd if=/dev/zero of="$(report_file)" bs=8 count=1 conv=notrunc 2>"$work/dd"
damage "UPDATE vault SET lease_ms = 1000"
waited_for shortened
ok "a server whose report cannot be read is waited for by the longest lease, whatever the registry names" test "$(latest)" -gt 3000
kill -KILL "$(process_of shortened)"
leave shortened
issue r
run revoke "$key" --reason leaked
succeeds "and no longer than it lives"

# ---- Another command that is at work ----

fresh
must ring create r --overlap 1h
issue r
hold "$v/vault.work"
run key rekey "$key" --overlap 0s
succeeds "a rekey without an overlap does not wait for another command"
is "$(rows "SELECT count(*) FROM credential c JOIN api_key k ON k.id = c.api_key WHERE k.key_id = '$key'")" 2 "and makes its credential"
run revoke "$key" --reason leaked
succeeds "a revocation is committed"
not_ok "and does not seem to wait for that command" grep -q '^waiting' "$work/err"
run compromise r 1
succeeds "so is a compromise"
not_ok "nor does that seem to wait" grep -q '^waiting' "$work/err"
err_like 'the token refuses the version.s key; as another command' "what the token does is reported as it is"
not_ok "and as nothing else" grep -q 'not told' "$work/err"
let_go
must run --once
is "$(rows 'SELECT count(*) FROM version WHERE closing_owed')" 0 "the next command makes sure of it"
done_testing
