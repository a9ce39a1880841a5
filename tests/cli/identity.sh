#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who is alive, in namespaces of the kernel as containers have them: a verifier that holds its report file, whatever boot ID, clock, process ID
# or host name it sees, and whatever its row in the registry says. As root, as namespaces take that.
# shellcheck disable=SC2209 # a word, not a command
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck disable=SC2086 # a number
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=server.sh
. "$(dirname "$0")/server.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "1..0 # SKIP namespaces take root"
    exit 0
fi
build_server

# ---- containers ----

cat /proc/sys/kernel/random/uuid >"$work/boot_id"
cat >"$work/masked" <<EOF_MASKED
#!/bin/sh
# Its own boot ID, as systemd-nspawn and LXC give one.
exec unshare --mount sh -c 'mount --bind "$work/boot_id" /proc/sys/kernel/random/boot_id && exec "\$@"' sh "\$@"
EOF_MASKED
cat >"$work/renamed" <<'EOF_RENAMED'
#!/bin/sh
exec unshare --uts sh -c 'hostname elsewhere && exec "$@"' sh "$@"
EOF_RENAMED
chmod +x "$work/masked" "$work/renamed"

plain=env
masked=$work/masked
ahead="unshare --time --boottime 36000"
alone="unshare --pid --fork --kill-child --mount-proc"
renamed=$work/renamed
all="$work/renamed $work/masked unshare --time --boottime 36000 --pid --fork --kill-child"

for each in "$masked" "$ahead" "$alone" "$renamed" "$all"; do
    # shellcheck disable=SC2086 # a command and its arguments
    ok "this machine can make the namespaces of: $(basename "${each%% *}") ${each#* }" $each true
done
is "$($masked cat /proc/sys/kernel/random/boot_id)" "$(cat "$work/boot_id")" "another boot ID is seen in one of them"
# shellcheck disable=SC2086
ok "and another time since boot in another" test "$($ahead cut -d . -f 1 /proc/uptime)" -gt "$(($(cut -d . -f 1 /proc/uptime) + 35000))"

# ---- helpers ----

# The server itself, which may be the child of what made its namespaces.
server_process() {
    inner=$(process_of "$1")
    while child=$(pgrep -P "$inner" | head -n 1) && [ -n "$child" ]; do
        inner=$child
    done
    echo "$inner"
}

freeze() {
    kill -STOP "$(server_process "$1")"
    until_true grep -q '^State:.*T' "/proc/$(server_process "$1")/status"
}

thaw() {
    kill -CONT "$(server_process "$1")"
}

operate() { # ARGUMENT...: the command, by $operator
    # shellcheck disable=SC2086
    $operator "$SEALRING" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

serving() { # a server that holds its file is called so; once it was remembered as not reporting for long, silent
    "$SEALRING" verifier list --json 2>/dev/null | jq -e '[.verifiers[] | select(.state == "serving")] | length == 1' >"$work/jq" 2>&1
}

answers() { # NAME CREDENTIAL-FILE VERDICT
    [ "$(verdict_of "$1" "$2")" = "$3" ]
}

rows() {
    sqlite3 -cmd '.timeout 5000' "$SEALRING_VAULT/registry/sealring.db" "$1"
}

number=0
fresh() { # LEASE
    number=$((number + 1))
    SEALRING_VAULT=$work/vault$number
    must init --lease "$1"
    must ring create payments --prefix acme_live --overlap 1s --quiet-period 1h
    must client add acme
    must issue payments --client acme
    cp "$work/out" "$work/good"
    key=$(cut -d_ -f3 "$work/good")
    server=server$number
}

in_force() { # 0 and the server rejects, or not 0
    [ $status -ne 0 ] || [ "$(verdict_of "$server" "$work/good")" = "401 revoked" ]
}

# ---- a server that stands still with a credential in its memory is waited for ----

waited_for() { # SERVER-BY OPERATOR-BY WORDS [SQL]
    fresh 60s
    SERVE_WITH=$1 serve "$server"
    operator=$2
    ok "$3: the server opens the vault" until_true serving
    is "$(verdict_of "$server" "$work/good")" "200 accepted" "$3: it accepts"
    operate verifier list --all --json
    json_is '[.verifiers[].state] | join(" ")' serving "$3: the operator sees it serve"
    freeze "$server"
    must run --once # which notes what it sees of the server
    [ -z "${4-}" ] || rows "$4"
    operate rotate payments --wait 200ms
    status_is 5 "$3: the barrier does not open without it"
    operate revoke "$key" --wait 200ms
    status_is 6 "$3: a revocation is not called effective while it would accept"
    operate doctor
    not_ok "$3: the doctor does not propose to forget it" grep -q 'verifier forget' "$work/out"
    operate verifier forget "$("$SEALRING" verifier list --all --json | jq -r '.verifiers[0].instance')" --reason "a mistake"
    status_is 1 "$3: it cannot be forgotten"
    thaw "$server"
    ok "$3: it rejects once it goes on" until_true answers "$server" "$work/good" "401 revoked"
    operate rotate payments
    is $status 0 "$3: and the rotation goes on"
    kill -9 "$(server_process "$server")"
    wait "$(process_of "$server")" 2>/dev/null
    operate verifier list --all --json
    json_is '[.verifiers[].state] | join(" ")' dead "$3: killed, it is dead at once"
    operate rotate payments --wait 200ms
    is $status 0 "$3: and holds up nothing"
}

waited_for "$masked" "$plain" "a server with a boot ID of its own"
waited_for "$plain" "$masked" "an operator with a boot ID of its own"
waited_for "$ahead" "$plain" "a server in another time namespace"
waited_for "$plain" "$ahead" "an operator in another time namespace"
waited_for "$alone" "$plain" "a server that is process 1"
waited_for "$renamed" "$plain" "a server on another host, by its name"
waited_for "$all" "$masked" "a server and an operator in containers of their own"
waited_for "$plain" "$plain" "a row that says that the server ended" \
    "UPDATE verifier SET state = 5, ended = 1, seen_boot_id = '', seen_boot_ms = 0, inode = 0"
waited_for "$plain" "$plain" "a row that says that the server was forgotten" "UPDATE verifier SET state = 7, ended = 1"
waited_for "$plain" "$plain" "a row that says that the server was silent for long" "UPDATE verifier SET state = 3, seen_boot_ms = 0, last_report = 1"
waited_for "$plain" "$plain" "a row that names another file" "UPDATE verifier SET inode = inode + 1, seat = zeroblob(16)"

# ---- and no longer than its lease ----

ends_in_time() { # SERVER-BY OPERATOR-BY WORDS
    fresh 1s
    SERVE_WITH=$1 serve "$server"
    operator=$2
    until_true serving
    is "$(verdict_of "$server" "$work/good")" "200 accepted" "$3: it accepts"
    must run --once
    freeze "$server"
    began=$(date +%s)
    operate revoke "$key" --wait 60s
    is $status 0 "$3: the revocation is effective when the lease of a stopped server has surely ended"
    ok "$3: which is a matter of seconds" test $(($(date +%s) - began)) -lt 600
    thaw "$server"
    not_ok "$3: and it accepts nothing after that" test "$(verdict_of "$server" "$work/good")" = "200 accepted"
    kill -9 "$(server_process "$server")"
    wait "$(process_of "$server")" 2>/dev/null
}

ends_in_time "$ahead" "$plain" "a server ten hours ahead"
ends_in_time "$plain" "$ahead" "an operator ten hours ahead"
ends_in_time "$masked" "$plain" "a server with a boot ID of its own"

# ---- the two clocks are compared within one time namespace only ----

fresh 60s
for operator in "$plain" "$ahead" "$plain" "$masked" "$all" "$plain"; do
    operate run --once
    is $status 0 "a turn of the automation by: ${operator##*/}"
    not_ok "nobody has set a clock" grep -q 'wall clock' "$work/out"
done
is "$(rows 'SELECT held FROM clock')" 0 "and nothing is held"

# ---- one turn of the automation waits for what only it can measure ----

fresh 1s
serve "$server"
operator=$plain
until_true serving
freeze "$server"
run rotate payments --no-wait
status_is 5 "a rotation without waiting leaves its version pending"
run run --once
succeeds "a turn of the automation"
begin=$(date +%s)
until_true test "$(rows 'SELECT count(*) FROM verifier')" = 1
run activate payments --no-wait
status_is 5 "no other process's memory ends the wait"
run activate payments
succeeds "who waits itself measures it"
ok "for as long as the lease takes" test $(($(date +%s) - begin)) -lt 600
find "$SEALRING_VAULT/verifiers" -name '*.report' -exec rm {} +
run verifier list
out_like ' lost ' "a server whose file is gone is lost"
instance=$("$SEALRING" verifier list --json | jq -r '.verifiers[0].instance')
kill -9 "$(process_of "$server")"
wait "$(process_of "$server")" 2>/dev/null
run verifier forget "$instance" --reason "its disk is gone"
status_is 1 "it may serve still"
err_like 'sealring run --once. waits for that' "and the message says who waits until it does not"
run run --once
succeeds "one turn of the automation does"
run verifier forget "$instance" --reason "its disk is gone"
succeeds "then it is forgotten"

done_testing
