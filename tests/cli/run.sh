#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring run: one turn, the loop, several at once, trouble that passes; and the members of a policy that it goes by.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# wait_for SECONDS COMMAND…: until the command succeeds.
wait_for() {
    tries=$(($1 * 20))
    shift
    while [ "$tries" -gt 0 ]; do
        ! "$@" >/dev/null 2>&1 || return 0
        tries=$((tries - 1))
        sleep 0.05
    done
    return 1
}

version_states() { # RING: "1 retired, 2 active"
    "$SEALRING" ring show "$1" --json | jq -r '[.ring.version_list[] | "\(.version) \(.state)"] | join(", ")'
}

# shellcheck disable=SC2317 # called by a helper
active_is_at_least() { # RING NUMBER
    [ "$("$SEALRING" ring show "$1" --json | jq .ring.active_version)" -ge "$2" ]
}

acts() { # what the record says of an act, by number of version
    sqlite3 "$SEALRING_VAULT/registry/"*.db "SELECT version FROM audit WHERE act = '$1' AND ring = '$2' ORDER BY sequence"
}

run init --lease 1s
is "$status" 0 "a vault with a lease of a second"
run init --vault "$work/other" --lease 2h
is "$status" 2 "a lease of two hours is refused"

# ---- the policy's members ----

run ring create quiet
run run --once
is "$status" 0 "nothing to do"
is "$(cat "$work/out" "$work/err")" "" "and nothing said"

run ring create full --overlap 3s --quiet-period 1s --rotate-every 1h --keep 2 --purge-delay 0s --standby --idle-blocks \
    --usage-hourly 2d --usage-daily 30d
is "$status" 0 "every member of the policy"
"$SEALRING" ring show full --json >"$work/out"
is "$(jq -c '.ring | [.overlap, .quiet_period, .rotate_every, .keep, .purge_delay, .standby, .idle_blocks, .usage_hourly, .usage_daily]' "$work/out")"  '["3s","1s","1h",2,"0s",true,true,"2d","30d"]' "comes back"
run ring show full
out_like "every 1h, by sealring run" "for people too"
run ring set full --no-standby --no-idle-blocks --rotate-every 0s
is "$status" 0 "switches can be turned off"
is "$("$SEALRING" ring show full --json | jq -c '.ring | [.standby, .idle_blocks, .rotate_every]')" '[false,false,null]' "and rotating"
run ring set full --standby --no-standby
is "$status" 2 "both at once is a contradiction"
run ring set full
is "$status" 2 "nothing to set"
run ring set full --rotate-every 2s
is "$status" 2 "faster than publishing is refused"
err_like "publishing a version may take up to 3s" "with the arithmetic"
run ring set full --overlap 1h --rotate-every 10m
is "$status" 2 "more predecessors than keep is refused"
err_like "1h / 10m . 1" "with the arithmetic"
run ring set full --rotate-every -1h
is "$status" 2 "a negative length is refused"
run ring set full --rotate-every 4000d
is "$status" 2 "an absurd length is refused"
run ring set full --quiet-period 0s
is "$status" 2 "no quiet period is refused"

# ---- one turn ----

run ring set full --overlap 3s --standby --rotate-every 0s
run run --once --dry-run
out_like "ready to prepare version 2" "a dry run says what it would do"
is "$(version_states full)" "1 active" "and does not"
run run --once --json
is "$(version_states full)" "1 active, 2 pending" "the standby is made"
is "$(jq -c '[.ring, .event, .version, .state, .effects[0].to]' "$work/out")"  '["full","prepare",2,"done","pending"]' "one JSON object a line"
run run --once
is "$(cat "$work/out")$(version_states full)" "1 active, 2 pending" "once is enough"
run run --once nosuch
is "$status" 1 "a ring that there is not"
run run --once --every 1s
is "$status" 2 "--once and --every contradict each other"
run run --dry-run
is "$status" 2 "a dry run has no loop"
run run --every 1ms
is "$status" 2 "no rest at all is refused"
like_actor=$(sqlite3 "$SEALRING_VAULT/registry/"*.db "SELECT actor FROM audit WHERE act = 'version.prepare'")
case $like_actor in
automatic:*) report 0 "the record says that it was automatic" ;;
*) report 1 "the record says that it was automatic" "$like_actor" ;;
esac

# ---- a version that was closed by nobody that the token knows ----

run ring create forged
sqlite3 "$SEALRING_VAULT/registry/"*.db "UPDATE version SET state = 4, closed = 1, purge_at = 2
    WHERE ring = (SELECT id FROM ring WHERE name = 'forged')"
run run --once forged
out_like "ALARM: the registry was altered: the facts corrected the row of version 1 of ring forged" "is corrected by the facts"
is "$(version_states forged | cut -c1-8)" "1 active" "and nothing is done"
sqlite3 "$SEALRING_VAULT/registry/"*.db "UPDATE version SET state = 4, closed = 1, purge_at = 2
    WHERE ring = (SELECT id FROM ring WHERE name = 'forged')"
record_rows "$SEALRING_VAULT/registry/sealring.db"
run run --once forged
out_like "its object still signs" "is not destroyed on a fact's word alone"
is "$(version_states forged | cut -c1-9)" "1 retired" "but replaced, as none is active"

# ---- a rollback holds ----

run ring create held --overlap 1h --quiet-period 1s
run rotate held
run rollback held
run ring set held --rotate-every 1h --overlap 1s
sqlite3 "$SEALRING_VAULT/registry/"*.db "UPDATE version SET activated = 1 WHERE state = 2 AND ring = (SELECT id FROM ring WHERE name = 'held')"
record_rows "$SEALRING_VAULT/registry/sealring.db"
run run --once held --json
is "$(jq -r '.event + " " + .state' "$work/out" | sort | tr '\n' ' ')" "activate held prepare held " "rotation is held"
run rotate held
run run --once held
is "$(cat "$work/out")" "" "until somebody goes forward"

# ---- what the audit token is owed ----

checkpoint_is_whole() { # whether the latest checkpoint goes up to the log's end
    is "$(sqlite3 "$SEALRING_VAULT/registry/"*.db "SELECT (SELECT max(size) FROM checkpoint) = (SELECT max(sequence) FROM audit)")" "$1" "$2"
}
mv "$SEALRING_VAULT/pins/audit.pin" "$work/audit.pin"
run client add unsigned
checkpoint_is_whole 0 "an act without the audit token is not vouched for"
run run --once quiet
is "$status" 3 "nor by a turn while it is away, which does not end with 0"
mv "$work/audit.pin" "$SEALRING_VAULT/pins/audit.pin"
run run --once quiet --dry-run
checkpoint_is_whole 0 "a dry run signs nothing"
run run --once quiet
is "$status" 0 "when it is back, a turn with nothing else to do"
checkpoint_is_whole 1 "makes up for the checkpoint"
is "$(cat "$work/out" "$work/err")" "" "and says nothing"

# ---- two loops, rotating every few seconds ----

run ring create fast --overlap 2s --quiet-period 1s --rotate-every 2500ms --keep 3 --purge-delay 1s
is "$status" 0 "a ring that rotates every 2.5 s"
"$SEALRING" run fast --every 100ms >"$work/one" 2>"$work/one.err" &
one=$!
# a job of the background has SIGINT ignored, unless somebody gives it back
perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$SEALRING" run fast --every 100ms --json >"$work/two" 2>"$work/two.err" &
two=$!
wait_for 60 active_is_at_least fast 4
report $? "rotates by itself"
kill -TERM $one
wait $one
is "$?" 0 "SIGTERM ends a loop"
kill -INT $two
wait $two
is "$?" 0 "SIGINT too"
acts version.activate fast >"$work/activated"
is "$(sort -n "$work/activated" | uniq -d)" "" "nobody activated twice"
is "$(head -n 3 "$work/activated" | tr '\n' ' ')" "2 3 4 " "in order, without a gap"
is "$(acts version.prepare fast | sort -n | uniq -d)" "" "nor made one twice"
is "$(acts version.retire fast | sort -n | uniq -d)" "" "nor retired one twice"
done_lines=$(($(grep -c " activated version" "$work/one") + $(jq -c 'select(.event == "activate" and .state == "done")' "$work/two" | wc -l)))
is "$done_lines" "$(wc -l <"$work/activated")" "each act was told by the one that did it"
is "$(grep -v '^waiting: the vault is locked by ' "$work/one.err" "$work/two.err")" "" "and neither had any trouble"

# ---- trouble that passes ----

run ring create later --overlap 1h --standby
mv "$SEALRING_VAULT/tokens" "$SEALRING_VAULT/away"
"$SEALRING" run later --every 100ms >"$work/one" 2>"$work/one.err" &
one=$!
wait_for 20 grep -q "failed to prepare version 2" "$work/one"
report $? "a token that is away is said"
sleep 0.5 # some more turns
is "$(grep -c "failed to prepare" "$work/one")" 1 "once"
mv "$SEALRING_VAULT/away" "$SEALRING_VAULT/tokens"
wait_for 30 grep -q "prepared version 2" "$work/one"
report $? "and the loop goes on when it is back"
kill -TERM $one
wait $one
is "$?" 0 "and ends when it is told to"

mv "$SEALRING_VAULT/registry" "$SEALRING_VAULT/away"
"$SEALRING" run later --every 100ms --json >"$work/one" 2>"$work/one.err" &
one=$!
wait_for 20 grep -q '"state":"trouble"' "$work/one"
report $? "a registry that is away is said"
mv "$SEALRING_VAULT/away" "$SEALRING_VAULT/registry"
wait_for 20 grep -q '"state":"recovered"' "$work/one"
report $? "and the loop goes on when it is back"
is "$(grep -c trouble "$work/one")" 1 "once"
kill -TERM $one
wait $one
mv "$SEALRING_VAULT/registry" "$SEALRING_VAULT/away"
run run --once
is "$status" 4 "one turn fails with the registry's status"
mv "$SEALRING_VAULT/away" "$SEALRING_VAULT/registry"

# ---- a registry that was put back ----

run client add before
cp "$SEALRING_VAULT/registry/sealring.db" "$work/yesterday.db"
run client add after
rm -f "$SEALRING_VAULT/registry/sealring.db-wal" "$SEALRING_VAULT/registry/sealring.db-shm"
cp "$work/yesterday.db" "$SEALRING_VAULT/registry/sealring.db"
sqlite3 "$SEALRING_VAULT/registry/"*.db "UPDATE clock SET boot_ms = 1"
run run --once quiet
is "$status" 1 "a registry that was put back is refused"
err_like 'ALARM: the registry was rolled back' "loudly"
run run --every 100ms --take-over "a loop must not take over again and again"
is "$status" 2 "a loop takes nothing over"
run run --once quiet --take-over "the disk burnt"
is "$status" 0 "one turn does, by name"
is "$("$SEALRING" audit show --act audit --json | jq -r '.entries[-1].detail.reason')" "the disk burnt" "on the record"
run run --once quiet
is "$status" 0 "and things go on"

done_testing
