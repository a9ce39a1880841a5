#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Wall clocks that are wrong: a server's that starts before the time is known, one that is set back, an operator's that was ahead. With
# libfaketime under the real programs.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$here/server.sh"
# shellcheck source=tests/cli/clock.sh
. "$here/clock.sh"

# serve_at NAME SHIFT: a server whose clock `set_clock NAME SHIFT` sets.
set_clock() {
    echo "$2" >"$work/$1.clock.new" && mv "$work/$1.clock.new" "$work/$1.clock"
}
serve_at() {
    set_clock "$1" "$2"
    LD_PRELOAD=$faketime FAKETIME_TIMESTAMP_FILE=$work/$1.clock FAKETIME_NO_CACHE=1 serve "$1"
}

is_verdict() { # NAME CREDENTIAL WANTED
    [ "$(verdict_of "$1" "$work/$2.key")" = "$3" ]
}
answers() { # NAME CREDENTIAL WANTED TEXT: before long
    until_true is_verdict "$1" "$2" "$3"
    report $? "$4" "the last answer was $(verdict_of "$1" "$work/$2.key")"
}

issue() { # NAME [OPTION...]
    must client add "$1"
    name=$1
    shift
    must issue payments --client "$name" --scope read --out "$work/$name.key" "$@"
}

build_server
at -20000d "$SEALRING" init
status_is 1 "init refuses a clock that is before the build's date"
err_like 'wall clock is wrong: it shows 19[0-9-]*T.*set the clock' "and what to do"
one_line_error "in one line"
not_ok "no vault is made" test -e "$work/vault"

must init
must ring create payments --overlap 1h --quiet-period 1h
issue lasting
issue ending --expires 90d
issue begun --not-before 2025-06-01T00:00:00Z
issue replaced
must key rekey "$(cut -d_ -f2 "$work/replaced.key")" --overlap 1h --out "$work/successor.key"
run issue payments --client lasting --label brief --scope read --expires 5s --out "$work/brief.key"
succeeds "credentials of every kind are issued"
brief_expired() {
    run_with "$work/brief.key" verify
    [ "$status" -ne 0 ]
}
until_true brief_expired
out_like 'expired' "the brief one has expired"

for shift_of in -20000d -400d -2h; do
    serve_at "late$shift_of" "$shift_of"
    answers "late$shift_of" lasting "200 accepted" "a clock off by $shift_of: what has no end is accepted"
    answers "late$shift_of" brief "503 unavailable" "what has expired is unavailable"
    answers "late$shift_of" ending "503 unavailable" "what expires is unavailable"
    answers "late$shift_of" replaced "503 unavailable" "what was replaced, and ends for that reason, is unavailable"
    answers "late$shift_of" successor "200 accepted" "its successor, which has no end, is accepted"
    answers "late$shift_of" begun "200 accepted" "what has begun by any clock that can be right is accepted"
    ok "the log names the reason" until_true grep -q "ALARM: this host's wall clock is late" "$work/late$shift_of.log"
    set_clock "late$shift_of" +0
    answers "late$shift_of" ending "200 accepted" "when the clock is set it is accepted"
    answers "late$shift_of" brief "401 expired" "and what has expired is rejected"
    leave "late$shift_of"
done

serve_at good +0
answers good ending "200 accepted" "a server with a right clock accepts what expires"
set_clock good -2h
answers good ending "503 unavailable" "its clock is set back while it runs: unavailable, also what it has seen before"
answers good lasting "200 accepted" "what has no end is still accepted"
must run --once
run audit show --json
json_is '[.entries[] | select(.act == "alarm") | .detail.why | select(test("wall clock is late"))] | length > 0' true \
    "the operator finds the alarm on the record"
set_clock good +0
answers good ending "200 accepted" "set right again: accepted"

# The doctor judges the clock as the commands and the servers do.
clock_finding() { # FILTER: of the finding that the clock is late
    json "[.doctor.findings[] | select(.code == \"clock-late\") | $1] | join(\" \")" 2>&1
}
doctor_at() { # SHIFT [OPTION...]
    shift_by=$1
    shift
    at "$shift_by" "$SEALRING" doctor --json "$@"
}
doctor_at +0
is "$(clock_finding .code)" "" "the doctor finds nothing wrong with a right clock"
doctor_at -4m
is "$(clock_finding .code)" "" "nor with one that is less than 5 minutes before the latest checkpoint"
for shift_of in -20000d -30d -6m; do
    doctor_at "$shift_of"
    status_is 1 "the doctor fails with a clock that is off by $shift_of"
    is "$(clock_finding '.severity, .object, .repairable')" "alarm clock false" "it finds an alarm that takes a person"
done
doctor_at -30d
is "$(clock_finding '.what' | grep -Ec "shows $(date -u -d '-30 days' +%Y-%m-%d)T.*latest checkpoint was signed at $(date -u +%Y-%m-%d)T")" 1 "with both times"
is "$(clock_finding '.mend' | grep -c 'set the clock.*--trust-clock REASON')" 1 "and what to do"
doctor_at -20000d
is "$(clock_finding '.what' | grep -Ec "shows 19[0-9-]*T.*date of this build of sealring")" 1 "before the build's date it names that"
is "$(clock_finding '.mend' | grep -c 'trust-clock')" 0 "where nothing helps but to set the clock"
doctor_at -30d --repair
is "$(clock_finding '.repaired, .failure')" "false " "a repair leaves the clock to a person"

# An operator whose clock is late.
for command in "issue payments --client lasting --label two --scope read --expires 90d" \
    "reissue payments --all" "key rekey $(cut -d_ -f2 "$work/ending.key")" "client add late" \
    "ring create late" "rotate payments" "key resume $(cut -d_ -f2 "$work/ending.key")" \
    "issue payments --client lasting --label two --scope read --expires 90d --dry-run"; do
    # shellcheck disable=SC2086 # a list of words
    at -30d "$SEALRING" $command
    status_is 1 "${command%% --*}: refused with a clock that is 30 days late"
    err_like 'latest checkpoint was signed at .*--trust-clock REASON' "with both times and what to do"
done
at -20000d "$SEALRING" issue payments --client lasting --label two --scope read --trust-clock "it is right"
status_is 1 "a clock before the build's date is refused whatever is said"
issue gone
at -30d "$SEALRING" key suspend "$(cut -d_ -f2 "$work/gone.key")"
status_is 0 "what takes something away is not held up by a clock"
at -30d "$SEALRING" revoke "$(cut -d_ -f2 "$work/gone.key")"
status_is 0 "nor is a revocation"
at -30d "$SEALRING" issue payments --client lasting --label two --scope read --expires 90d
status_is 1 "and its checkpoint is no proof that the time is what it showed"

# An operator whose clock was ahead signs a checkpoint. Whoever runs goes on.
at +100d "$SEALRING" client add ahead
status_is 0 "a clock that is ahead is not noticed by itself"
sleep 0.5
is "$(verdict_of good "$work/ending.key")" "200 accepted" "its checkpoint makes no server unavailable that runs with a right clock"
set_clock good +3d
answers good ending "200 accepted" "a server's clock is set ahead"
set_clock good +0
answers good ending "200 accepted" "and back to what it was: it goes on"
serve_at new +0
answers new ending "503 unavailable" "a server that starts now cannot know which of the two clocks is wrong"
run issue payments --client lasting --label three --scope read
status_is 1 "nor can an operator"
doctor_at +0
is "$(clock_finding .severity)" alarm "which the doctor finds"
run issue payments --client lasting --label three --scope read --trust-clock "the host of the other operator was ahead"
succeeds "an operator confirms this host's clock"
run audit show
out_like 'clock\.confirmed' "which is on the record"
run issue payments --client lasting --label four --scope read
succeeds "nobody is refused from then on"
doctor_at +0
is "$(clock_finding .code)" "" "and the doctor finds no late clock any more"
answers new ending "200 accepted" "and the server that waited goes on by itself"

# A checkpoint that nobody signed.
sqlite3 "$work/vault/registry/sealring.db" \
    "INSERT INTO checkpoint SELECT max(size) + 1000, 4000000000000, replace(note, 'time 1', 'time 4') FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)"
serve_at forged +0
answers forged ending "200 accepted" "a checkpoint with a made-up time counts for nothing"
ok "and is an alarm" until_true grep -q "ALARM: the latest checkpoint .* is not signed" "$work/forged.log"
leave good
leave new
leave forged

# One with a time that no sealring writes.
unguarded "$work/vault/registry/sealring.db" "PRAGMA ignore_check_constraints = 1;
    UPDATE checkpoint SET time = -5 WHERE time = 4000000000000"
run_with "$work/lasting.key" verify
out_like '^accepted' "a damaged checkpoint keeps nobody from verifying"
serve_at damaged +0
answers damaged ending "200 accepted" "nor a server from starting"
ok "and is an alarm" until_true grep -q "ALARM: the latest checkpoint .* is not signed" "$work/damaged.log"
leave damaged
sqlite3 "$work/vault/registry/sealring.db" "DELETE FROM checkpoint WHERE time = -5"

# Uses that have not been yet: no retirement waits for them longer than for a use of now. Each time a vault of its own.
short_vault() {
    SEALRING_VAULT=$work/$1
    must init
    must ring create payments --overlap 1s --quiet-period 1s
    must client add lasting
    rm -f "$work/lasting.key"
    must issue payments --client lasting --scope read --out "$work/lasting.key"
}
registry() {
    sqlite3 -cmd '.timeout 5000' "$SEALRING_VAULT/registry/sealring.db" "$1"
}

short_vault ahead
serve_at ahead +400d
answers ahead lasting "200 accepted" "a server whose clock is 400 days ahead counts a use"
must rotate payments
set_clock ahead +0
ok "the version retires, while that server goes on with its clock set right" until_true retires payments 1
run usage --json
ok "no last use that is listed is in the future" jq -e '[.. | .last_use? | strings | select(. > (now | todate))] | length == 0' "$work/out"
leave ahead

short_vault left
serve_at left +400d
answers left lasting "200 accepted" "a server whose clock is ahead counts a use, and ends"
leave left
must rotate payments
ok "the version retires, though its report file is still there" until_true retires payments 1

short_vault stored
must rotate payments
registry "INSERT INTO version_use VALUES (1, 1, (unixepoch() + 86400) * 1000)"
ok "the version retires, though an older program has stored a use of tomorrow" until_true retires payments 1
is "$(registry "SELECT count(*) FROM version_use WHERE last_use > (unixepoch() + 1) * 1000")" 0 "it is set back in the registry"

short_vault hole
serve hole
answers hole lasting "200 accepted" "a server counts a use, and is killed"
must rotate payments
kill -9 "$(process_of hole)"
leave hole
rm -f "$SEALRING_VAULT"/verifiers/*.report
must run --once
registry "UPDATE verifier SET ended = (unixepoch() + 86400) * 1000, hole = (unixepoch() + 86400) * 1000, joined = ended, last_report = ended"
ok "the version retires, though a verifier's hole is of tomorrow" until_true retires payments 1

short_vault clock
must rotate payments
registry "INSERT INTO version_use VALUES (1, 1, unixepoch() * 1000)"
before=$(registry "SELECT last_use FROM version_use")
issue doomed
at -30d "$SEALRING" revoke "$(cut -d_ -f2 "$work/doomed.key")"
status_is 0 "an operator whose clock is late revokes"
is "$(registry "SELECT last_use FROM version_use")" "$before" "which sets back nothing"
done_testing
