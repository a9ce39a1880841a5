#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring verifier, and what waits for verifiers, with real servers: stopped, killed, without their files, asked meanwhile.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"
# shellcheck source=tests/cli/server.sh
. "$here/server.sh"
build_server

state_of() { # VERSION
    "$SEALRING" ring show payments --json | jq -r ".ring.version_list[] | select(.version == $1) | .state"
}
# shellcheck disable=SC2317 # called by a helper
state_is() {
    [ "$(state_of "$1")" = "$2" ]
}
states() { # of the verifiers that are there
    "$SEALRING" verifier list --json | jq -r '[.verifiers[].state] | sort | join(" ")'
}
# shellcheck disable=SC2317 # called by a helper
states_are() {
    [ "$(states)" = "$1" ]
}
# shellcheck disable=SC2317 # called by a helper
answers() { # NAME CREDENTIAL-FILE VERDICT
    [ "$(verdict_of "$1" "$2")" = "$3" ]
}
freeze() { # NAME: not before the kernel has done it
    kill -STOP "$(process_of "$1")"
    until_true grep -q '^State:.*T' "/proc/$(process_of "$1")/status"
}
thaw() {
    kill -CONT "$(process_of "$1")"
}
in_background() { # ARGUMENT...: as if a terminal had started it
    env --default-signal=INT "$SEALRING" "$@" >"$work/later.out" 2>"$work/later.err" </dev/null &
    later=$!
}
finish_later() {
    wait $later
    status=$?
    cp "$work/later.out" "$work/out"
    cp "$work/later.err" "$work/err"
}

# ---- A lease that no test lives to see the end of ----

must init --lease 1h
run verifier list
succeeds "a vault without verifiers is no error"
err_like '^no verifier is there now' "and says so"
must ring create payments --prefix acme_live --overlap 1s --quiet-period 2s --keep 20
must client add acme
must issue payments --client acme
cp "$work/out" "$work/one"
key=$(cut -d_ -f3 "$work/one")
must issue payments --client acme --label other
cp "$work/out" "$work/other"
other=$(cut -d_ -f3 "$work/other")

serve web1
serve web2
ok "two servers open the vault" until_true states_are "serving serving"
run verifier list
out_like '^VERIFIER +HOST +PROGRAM +PROCESS +STATE +REPORTED +LEASE +EPOCH +PROVED$' "the table has headers"
out_like "^[0-9a-f]{8} +[^ ]+ +server +$(process_of web1) +serving +(now|1s ago) +1h[0-9ms]* +[0-9]+ +1 of 1\$" \
    "a line for each: process, state, lease, epoch, versions proved"
is "$(wc -l <"$work/out")" 3 "and nothing that anybody owes"
run verifier list --json
json_is ".verifiers[] | select(.process == $(process_of web2)) | [.program, .state, .proved, .unproved, .owes] | map(tostring) | join(\",\")" \
    "server,serving,1,0," "--json has the same"
is "$(verdict_of web1 "$work/one")" "200 accepted" "one of them accepts a credential"

run rotate payments
succeeds "a rotation waits for both"
err_like 'barrier open: 2 of 2 verifiers proved version 2' "and says that both have proved the version"
must reissue "$key"
cp "$work/out" "$work/two"
is "$(verdict_of web1 "$work/two") $(verdict_of web2 "$work/two")" "200 accepted 200 accepted" \
    "both accept what is issued under it, at once"
run verifier list --json
json_is '[.verifiers[] | .unproved] | add' 0 "nobody owes a proof of a version that is active"

freeze web2
run rotate payments --wait 1s
status_is 5 "a stopped server holds up the barrier"
is "$(grep -c '^sealring: ' "$work/err")" 1 "it says so once, after telling that it waits"
err_like "version 3 of ring payments stays pending, nothing is lost: .*server on .*, process $(process_of web2)" "which names it"
err_like 'sealring activate payments 3. goes on' "and says how to go on"
is "$(state_of 3)" pending "the version is pending"
run verifier list
out_like "^→ [0-9a-f]{8}: owes epoch [0-9]+ of [0-9]+\$" "verifier list says what it owes"
run rotate payments --no-wait
status_is 5 "not to wait is possible, too"
is "$(state_of 3)" pending "with the same version pending"
run ring create second --wait 100ms
status_is 5 "a ring that is made meanwhile waits as well"
err_like 'stays pending' "its first version is pending"
in_background rotate payments
until_true grep -q 'missing: server on' "$work/later.err"
ok "who is missing is told while it waits" grep -q "^waiting until every verifier can verify version 3: 1 of 2 verifiers, missing: server on " "$work/later.err"
thaw web2
finish_later
succeeds "the rotation goes on when the server does"
is "$(state_of 3)" active "with the version that was waiting"
run activate second
succeeds "so does the ring's first version"
must rotate second
must retire second 1 --overrule "for the test"
must reinstate second 1
run rotate second
succeeds "a rotation beside a version that was reinstated"
is "$("$SEALRING" ring show second --json | jq -r '[.ring.version_list[].state] | join(" ")')" "pending retiring active" \
    "activates its own version, and leaves that one pending"

freeze web2
in_background rotate payments
until_true state_is 4 pending
until_true grep -q 'missing: server on' "$work/later.err"
kill -INT $later
finish_later
status_is 130 "Ctrl-C while it waits for the barrier ends it by that signal"
err_like '^interrupted: version 4 of ring payments stays pending, nothing is lost' "it says what stays"
is "$(state_of 3) $(state_of 4)" "active pending" "which is so"
is "$(verdict_of web1 "$work/one")" "200 accepted" "and the first credential is good"

run revoke "$other" --no-wait
status_is 6 "a revocation that is not waited for ends with status 6"
out_like "^API key $other is revoked for ever: committed\$" "it says committed"
err_like 'effective on [01] of 2 verifiers, the rest at the latest at 20[0-9-]+T[0-9:]+Z: server on' "and who is missing, and until when"
ok "the server that looks rejects it" until_true answers web1 "$work/other" "401 revoked"
run key suspend "$key" --wait 300ms
status_is 6 "waiting has its bound"
run key resume "$key"
succeeds "giving back waits for nobody"
in_background key suspend "$key" --reason "under suspicion"
until_true grep -q '^taking effect: ' "$work/later.err"
kill -INT $later
finish_later
status_is 130 "Ctrl-C while it takes effect ends it by that signal"
out_like 'is suspended: committed' "it was committed before"
err_like '^interrupted: committed; effective on [01] of 2 verifiers' "and it says what stays"
run key show "$key" --json
json_is .key.state suspended "the key is suspended"
ok "for those that look" until_true answers web1 "$work/one" "401 suspended"
thaw web2
ok "and for the stopped one once it runs again" until_true answers web2 "$work/one" "401 suspended"
must key resume "$key"
run activate payments
succeeds "the interrupted rotation goes on"
is "$(state_of 4)" active "where it stopped"

# ---- Several at once ----

until_true answers web1 "$work/one" "200 accepted"
until_true answers web2 "$work/one" "200 accepted"
must prepare payments
"$SEALRING" activate payments 5 >"$work/race.1" 2>&1 &
first=$!
"$SEALRING" activate payments 3 >"$work/race.2" 2>&1 &
second=$!
wait $first
one=$?
wait $second
two=$?
is "$one $two" "0 0" "two operators activate different versions at once: one after the other"
is "$("$SEALRING" ring show payments --json | jq '[.ring.version_list[] | select(.state == "active")] | length')" 1 \
    "one version is active"
check_vault "the vault is consistent"

flock "$SEALRING_VAULT/vault.lock" sleep 3 &
# shellcheck disable=SC2016 # for sh
until_true sh -c '! flock --nonblock "$1" true' sh "$SEALRING_VAULT/vault.lock"
is "$(verdict_of web1 "$work/one")" "200 accepted" "who holds the vault's lock holds up no verifier"
run key set "$key" --label renamed
succeeds "and commands only so long"

# ---- Retirement on evidence ----

is "$(verdict_of web2 "$work/one")" "200 accepted" "version 1 is used"
freeze web2
run retire payments 1
status_is 5 "what a server counted before it was stopped holds up the retirement"
err_like "window over .*in use: $key of acme" "the message names the API key"
thaw web2
ok "when nobody has used it for the quiet period it retires" until_true retires payments 1
is "$(verdict_of web1 "$work/one") $(verdict_of web2 "$work/one")" "401 version-retired 401 version-retired" \
    "and is rejected everywhere once the command has ended"
is "$(verdict_of web1 "$work/two")" "200 accepted" "the successor is good"

# ---- Dead, left, lost ----

kill -9 "$(process_of web2)"
wait "$(process_of web2)" 2>/dev/null
run rotate payments
succeeds "nobody waits for a process that was killed"
run verifier list --all --json
json_is ".verifiers[] | select(.process == $(process_of web2)) | [.state, .lease_left_ms] | map(tostring) | join(\",\")" "dead,0" \
    "verifier list --all calls it dead"
run verifier list
not_ok "verifier list does not show it: it left no hole" grep -q "$(process_of web2)" "$work/out"

instance=$("$SEALRING" verifier list --json | jq -r '.verifiers[0].instance')
run verifier forget "$instance" --reason "a mistake"
status_is 1 "a verifier that serves is not forgotten"
err_like 'may serve until 20[0-9-]+T' "and the message says until when"
run verifier forget "$instance"
status_is 2 "forgetting wants a reason"
run verifier forget 00 --reason "x"
status_is 2 "and four digits"
run verifier forget zzzz --reason "x"
status_is 2 "that are hexadecimal"

find "$SEALRING_VAULT/verifiers" -name '*.report' -exec rm {} +
run verifier list
out_like "^[0-9a-f]{8} +[^ ]+ +server +$(process_of web1) +lost " "a verifier without its file is lost"
out_like '^→ [0-9a-f]{8}: its report file is gone' "and the list says what that holds up"
ok "it makes another file, and is a verifier anew" until_true states_are "lost serving"
is "$(verdict_of web1 "$work/two")" "200 accepted" "and answers all the time"
leave web1
ok "a server that ends has left" until_true states_are lost

# ---- A lease that ends ----

SEALRING_VAULT=$work/quick
must init --lease 1s
must ring create payments --prefix acme_live --overlap 1s --quiet-period 1h --keep 20
must client add acme
must issue payments --client acme
cp "$work/out" "$work/one"
serve app
until_true states_are serving
is "$(verdict_of app "$work/one")" "200 accepted" "a server with a lease of one second"
freeze app
run rotate payments
succeeds "a rotation waits for a stopped server until its lease is surely over"
err_like 'the lease of 1 has expired' "and says that it did"
is "$(states)" silent "the list calls it silent"
run verifier list
out_like 'does not poll the registry: it answers \*unavailable\*' "and what that means"
run verifier forget "$("$SEALRING" verifier list --json | jq -r '.verifiers[0].instance' | cut -c 1-8)" --reason x
status_is 1 "it may look again: it is not forgotten"
err_like 'end it first' "the message says what to do"
thaw app
until_true states_are serving
ok "when it runs again it accepts" until_true answers app "$work/one" "200 accepted"

freeze app
find "$SEALRING_VAULT/verifiers" -name '*.report' -exec rm {} +
run verifier list
kill -9 "$(process_of app)"
wait "$(process_of app)" 2>/dev/null
run rotate payments
succeeds "a rotation waits for a lost verifier until its lease is surely over"
run verifier list
out_like '^→ [0-9a-f]{8}: a hole in its reports counts as a use at 20' "then it has ended, and left a hole"
# shellcheck disable=SC2317 # called by a helper
window_is_over() {
    run retire payments 1
    ! matches "$work/err" 'window ends'
}
until_true window_is_over
status_is 5 "which holds up the retirement"
err_like 'used [0-9]+s ago' "as a use at that time"
lost=$("$SEALRING" verifier list --json | jq -r '.verifiers[0].instance' | cut -c 1-6)
run verifier forget "$lost" --reason "its disk is gone" --dry-run
out_like 'would be forgotten' "a dry run says what would be"
run verifier forget "$lost" --reason "its disk is gone"
succeeds "a verifier that is gone for good is forgotten"
run verifier list --all --json
json_is '.verifiers[0].state' forgotten "and called so"
is "$(rows "SELECT json_extract(detail, '\$.reason') FROM audit WHERE act = 'verifier.forget' ORDER BY sequence DESC LIMIT 1")" \
    "its disk is gone" "the reason is on the record"

# ---- Files that are no reports ----

reports=$SEALRING_VAULT/verifiers
head -c 4096 /dev/urandom >"$reports/00000000000000000000000000000000.report"
: >"$reports/11111111111111111111111111111111.report"
mkdir "$reports/22222222222222222222222222222222.report"
mkfifo "$reports/33333333333333333333333333333333.report"
ln -s /etc/passwd "$reports/44444444444444444444444444444444.report"
echo hello >"$reports/notes.txt"
[ "$(id -u)" -ne 0 ] || chown 65534 "$reports/00000000000000000000000000000000.report"
serve tidy
ok "a server opens the vault whatever else lies there" until_true states_are serving
cp "$(find "$reports" -name '*.report' -type f -newer "$reports/notes.txt" | head -n 1)" \
    "$reports/55555555555555555555555555555555.report" 2>/dev/null
run rotate payments
succeeds "garbage, empty, foreign, copied report files hold up nobody"
is "$(states)" serving "and are no verifiers"
leave tidy
find "$reports" -mindepth 1 -delete

# A disk that is full: the server does not start, and says why. Mounting is for root, where it is allowed at all. The whole vault is on it: a part of
# a vault must be no mount.
cp -a "$SEALRING_VAULT" "$work/whole"
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=64m,mode=0750 tmpfs "$SEALRING_VAULT" 2>/dev/null; then
    cp -a "$work/whole/." "$SEALRING_VAULT"
    cat /dev/zero >"$SEALRING_VAULT/filler" 2>/dev/null
    timeout 20 "$work/server" "$SEALRING_VAULT" "" 1 <"$work/one" >"$work/out" 2>"$work/err"
    status=$?
    ok "a server without space for its report does not serve" test "$status" -ne 0 -a ! -s "$work/out"
    err_like 'No space left' "and says why"
    rm "$SEALRING_VAULT/filler"
    run rotate payments
    succeeds "operators do not notice"
    umount "$SEALRING_VAULT"
else
    echo "# a full disk needs root to mount one: not tried"
fi
check_vault "the vault is consistent"
# ---- What a verifier raises an alarm about goes on the record ----

must issue payments --client acme --label altered
cp "$work/out" "$work/altered"
serve guard
sqlite3 "$SEALRING_VAULT/registry/sealring.db" "UPDATE credential SET scopes = 'admin' WHERE api_key = (SELECT id FROM api_key WHERE label = 'altered')"
is "$(verdict_of guard "$work/altered")" "401 bad-secret" "a row that was altered lets nobody in"
# shellcheck disable=SC2317 # called by a helper
alarm_is_recorded() {
    run run --once
    [ "$("$SEALRING" audit show --act alarm --json | jq '.entries | length')" -ge 1 ]
}
ok "the verifier's alarm reaches the log" until_true alarm_is_recorded
run run --once
run audit show --act alarm --json
is "$(json '[.entries[].detail | "\(.act) \(.process) \(.alarms)"] | join(",")')" "verify $(process_of guard) 1" "once, with the process"
ok "and what it was about" matches "$work/out" "does not confirm the registry's row of API key $(cut -d_ -f3 "$work/altered")"
leave guard

done_testing
