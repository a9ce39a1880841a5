#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What takes rights away is committed at once, whatever hangs, is damaged or was edited: logins, other rows, other commands.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

command -v flock >/dev/null || bail_out "flock is missing (Debian: util-linux)"
v=$SEALRING_VAULT
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
    [ "$(rows "SELECT v.state FROM version v JOIN ring r ON r.id = v.ring WHERE r.name = '$1' AND v.number = $2")" = 5 ]
}

must init
must ring create r --overlap 1s --quiet-period 1s
must client add acme

# ---- A process that is stopped in its login ----

issue r
hold "$v/login/keys.login"
start revoke "$key" --reason leaked
ok "a revocation is committed while somebody holds the login lock" until_true is_revoked
ok "which takes a moment" in_time
ok "who holds that lock is reported, with the command that ends a stopped process" until_true \
    grep -q "^waiting: .*process $holder .*keys\.login.*\`kill -KILL $holder\` ends it" "$work/err"
ends
succeeds "and the command ends while it is held"
err_like "held by process $holder .*" "its note names the holder as well"
start compromise r 1
ok "a compromise is committed as well" until_true is_compromised r 1
ok "in a moment, too" in_time
ends
succeeds "and ends"
err_like 'the next command that uses the token does it' "the token's part of it is owed"
let_go
must run --once
is "$(rows 'SELECT count(*) FROM version WHERE closing_owed')" 0 "and made up for by the next command"
done_testing
