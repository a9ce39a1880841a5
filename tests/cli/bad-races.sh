#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two of everything at once, and signals at random moments: one wins and the other says so, the vault stays consistent, and the
# same command again completes what was interrupted. SEED=N repeats the moments as well as a clock can; ROUNDS=N makes so many vaults twice.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"
random_seed

# together COUNT ARGUMENT...: COUNT at once; $work/race.N.{out,err,status}. @N@ in an argument becomes the number.
together() {
    racers=$1
    shift
    pids=
    for racer in $(seq 1 "$racers"); do
        (
            for argument; do
                shift
                set -- "$@" "$(echo "$argument" | sed "s/@N@/$racer/")"
            done
            # one that gave up waiting for the vault's lock, on a host under load, does what its message advises
            while :; do
                "$SEALRING" "$@" >"$work/race.$racer.out" 2>"$work/race.$racer.err" </dev/null
                echo $? >"$work/race.$racer.status"
                grep -q '^sealring: .*the vault is locked by .*: try again when it is done' "$work/race.$racer.err" || break
            done
            sed -i '/^waiting: the vault is locked by /d' "$work/race.$racer.err" # how long depends on the host
        ) &
        pids="$pids $!"
    done
    # shellcheck disable=SC2086 # a list
    wait $pids
}

ended() { # STATUS: how many of the racers ended so
    winners=0
    for racer in $(seq 1 "$racers"); do
        [ "$(cat "$work/race.$racer.status")" -ne "$1" ] || winners=$((winners + 1))
    done
    echo $winners
}

# Each that did not end with 0 ended with STATUS, and said in one line what REGEX matches.
losers_say() { # STATUS REGEX
    for racer in $(seq 1 "$racers"); do
        ended=$(cat "$work/race.$racer.status")
        [ "$ended" -ne 0 ] || continue
        # beside the line of one who waited for the vault's lock
        grep -v '^waiting: the vault is locked by ' "$work/race.$racer.err" >"$work/race.said"
        if [ "$ended" -ne "$1" ] || [ "$(wc -l <"$work/race.said")" -ne 1 ] ||
            ! grep -Eq "^sealring: .*($2)" "$work/race.said" || [ -s "$work/race.$racer.out" ]; then
            echo "racer $racer ended with $ended: $(cat "$work/race.$racer.err")"
            return 1
        fi
    done
}

one_wins() { # NAME STATUS REGEX
    losers_say "$2" "$3" >"$work/faults" && [ "$(ended 0)" -eq 1 ]
    report $? "$1: one wins, the others say so" "$(ended 0) won; $(cat "$work/faults")"
}

# ---- At once ----

rounds=0
whole=0
while [ $rounds -lt "${ROUNDS:-4}" ]; do
    rounds=$((rounds + 1))
    together 2 init --vault "$work/init.$rounds"
    losers_say 1 'another command is making a vault|there is a vault in .* already' >"$work/faults" &&
        [ "$(ended 0)" -eq 1 ] && "$SEALRING" ring create r --vault "$work/init.$rounds" >/dev/null 2>&1 &&
        [ "$(find "$work/init.$rounds/tokens/softhsm2" -name token.object | wc -l)" -eq 2 ] && whole=$((whole + 1))
    rm -rf "$work/init.$rounds"
done
is $whole $rounds "two init at once, $rounds times: one vault, whole, and one refusal"
together 6 init
one_wins "six init" 1 'another command is making a vault|there is a vault in .* already'

must ring create r --prefix acme_live --keep 100
must client add acme
must issue r --client acme
cp "$work/out" "$work/good"
key=$(cut -d_ -f3 "$work/good")
good() {
    "$SEALRING" verify <"$work/good" >"$work/verdict" 2>&1
}

together 4 ring create one
one_wins "ring create" 1 'there is a ring one already'
together 4 client add one
one_wins "client add" 1 'there is a client one already'
together 4 issue r --client one
one_wins "issue" 1 'has an API key labelled default in ring r already'
together 4 key suspend "$key"
one_wins "key suspend" 1 'is suspended already'
together 4 key resume "$key"
one_wins "key resume" 1 'is active already'
must issue r --client acme --label leaving
together 4 revoke "$(cut -d_ -f3 "$work/out")"
one_wins "revoke" 1 'is revoked, and that is final'
together 4 prepare one
one_wins "prepare" 1 'pending already'
together 4 compromise one 2
one_wins "compromise" 1 'compromised already'
must ring create narrow --keep 1
together 3 rotate narrow
one_wins "rotate where one predecessor is allowed" 5 'the policy keeps 1'
check_vault "the vault is consistent"
together 4 rotate r
is "$(ended 0)" 4 "four rotations where more are allowed: one after the other"
is "$(rows "SELECT group_concat(state) FROM version WHERE ring = 1")" 3,3,3,3,2 "each made its version"
together 2 rollback r
is "$(ended 0)" 2 "two rollbacks undo each other"
ok "the first credential is good all the time" good

awk 'BEGIN { print "client,scopes"; for (i = 1; i <= 1100; i++) print "client-" i ",read" }' >"$work/many.csv"
sed 's/read$/write/' "$work/many.csv" >"$work/other.csv"
must ring create shared
together 3 issue shared --from "$work/many.csv" --out "$work/shared.@N@.csv"
is "$(ended 0)" 3 "three issue --from the same file: all complete"
is "$(rows "SELECT count(*) FROM api_key k JOIN ring r ON r.id = k.ring WHERE r.name = 'shared'")" 1100 "each API key is made once"
for racer in 1 2 3; do
    cut -d, -f1-8 "$work/shared.$racer.csv" | cksum
done | sort -u >"$work/sums"
is "$(wc -l <"$work/sums")" 1 "and all get the same credentials"
is "$(cat "$work"/shared.?.csv | grep -c ',issued$')" 1100 "of which each was issued by one"
must ring create contested
"$SEALRING" issue contested --from "$work/many.csv" >"$work/race.1.out" 2>"$work/race.1.err" &
first=$!
"$SEALRING" issue contested --from "$work/other.csv" >"$work/race.2.out" 2>"$work/race.2.err"
echo $? >"$work/race.2.status"
wait $first
echo $? >"$work/race.1.status"
racers=2
one_wins "issue --from two files that differ" 1 'line [0-9]+: client client-[0-9]+ has the API key .* with other scopes or times: .*; nothing was (issued|done)'
# The other comes between two batches: told by its line, and that it is not the first thing that happened.
awk 'BEGIN { print "client,scopes"; for (i = 1; i <= 5000; i++) print "client-" i ",read" }' >"$work/long.csv"
must client add client-4900
must ring create between
mkfifo "$work/pipe"
"$SEALRING" issue between --from "$work/long.csv" >"$work/pipe" 2>"$work/err" &
writer=$!
exec 3<"$work/pipe"
head -c 1000 <&3 >"$work/piece"
must issue between --client client-4900 --scope write
cat <&3 >>"$work/piece"
wait $writer
status=$?
exec 3<&-
status_is 1 "a line that another command made impossible ends the rest"
err_like 'line 4901: client client-4900 has the API key .* with other scopes .*; some lines above it were (issued|done)' \
    "by its number, and says that others are done"
out_written=$(($(wc -l <"$work/piece") - 1))
ok "what was handed over was issued ($out_written of $(rows "SELECT count(*) - 1 FROM api_key k JOIN ring r ON r.id = k.ring
    WHERE r.name = 'between'"))" test $out_written -ge 500 -a $out_written -le 4899
check_vault "the vault is consistent"

# A storm: whatever comes, in whatever order.
must ring create storm --keep 100 --overlap 1h
must issue storm --client acme
stormy=$(cut -d_ -f2 "$work/out")
numbers 60 11 >"$work/storm"
for worker in 1 2 3; do
    (
        tail -n +$((worker * 20 - 19)) "$work/storm" | head -n 12 | while read -r number; do
            case $number in
            0 | 1) "$SEALRING" rotate storm ;;
            2) "$SEALRING" prepare storm ;;
            3) "$SEALRING" rollback storm ;;
            4) "$SEALRING" activate storm ;;
            5) "$SEALRING" issue storm --client acme --label "w$worker" ;;
            6) "$SEALRING" reissue "$stormy" ;;
            7) "$SEALRING" reissue storm --all ;;
            8) "$SEALRING" key rekey "$stormy" ;;
            9) "$SEALRING" compromise storm 2 ;;
            10) "$SEALRING" destroy storm 2 --overrule "for the test" ;;
            esac
            echo "$? $number"
        done >"$work/storm.$worker" 2>"$work/storm.$worker.err"
    ) &
    storm="${storm-} $!"
done
# shellcheck disable=SC2086 # a list
wait $storm
is "$(grep -Ehv '^(0|1|5) ' "$work"/storm.? | grep -E '^[0-9]+ [0-9]+$')" "" "in a storm every command is done, refused or has to wait"
check_vault "after it the vault is consistent"

# ---- Interrupted ----

# A shell has its background processes ignore SIGINT; and so does a command whose caller does.
start() { # ARGUMENT...: in the background, as if a terminal had started it; $! is its process
    env --default-signal=INT,TERM,HUP,PIPE "$SEALRING" "$@" >"$work/out" 2>"$work/err" </dev/null &
}

strike() { # SIGNAL MILLISECONDS PROCESS: $status
    # Not before it is another program: this script's own traps would answer.
    read -r ours <"/proc/$$/comm"
    while read -r theirs 2>/dev/null <"/proc/$3/comm" && [ "$theirs" = "$ours" ]; do :; done
    sleep "$(awk -v ms="$2" 'BEGIN { printf "%.3f", ms / 1000 }')"
    kill -s "$1" "$3" 2>/dev/null
    wait "$3" 2>/dev/null
    status=$?
    [ "$1" != KILL ] || mend_token
}

# SoftHSM2 rewrites its token's file in place at each login. sealring holds signals back meanwhile; nobody can hold back SIGKILL,
# which then costs the software token its keys. The test puts the file back, as an operator would from a backup.
token_file=$(find "$SEALRING_VAULT/tokens/softhsm2" -path "*$(configured token | sed 's/.*serial=....//')/token.object")
cp "$token_file" "$work/token.object" || bail_out "there is no token.object"
mended=0
mend_token() {
    [ "$(stat -c %s "$token_file")" -ne "$(stat -c %s "$work/token.object")" ] || return 0
    cp "$work/token.object" "$token_file"
    mended=$((mended + 1))
}

# Likewise with the file of a new version's object: then the command that wants it says what to do.
follow_advice() {
    [ "$status" -eq 3 ] && [ "${signal%:*}" = KILL ] || return 0
    # shellcheck disable=SC2016 # backticks of the message
    lost=$(sed -n 's/.* has no object in the token any more: .*`sealring destroy r \([0-9]*\)`.*/\1/p' "$work/err")
    [ -n "$lost" ] && run destroy r "$lost" && run rotate r
    mended=$((mended + 1))
}

milliseconds() {
    date +%s%3N
}

must ring create timed
began=$(milliseconds)
must issue timed --from "$work/many.csv" --out "$work/timed.csv"
takes=$(($(milliseconds) - began))
echo "# a bulk issue takes $takes ms"
numbers 20 "$((takes + 20))" >"$work/moments"
round=0
caught=0
for signal in INT:130 TERM:143 HUP:129 KILL:137 PIPE:0; do
    {
        for again in 1 2 3; do
            round=$((round + 1))
            moment=$(sed -n ${round}p "$work/moments")
            "$SEALRING" ring create "bulk$round" >/dev/null 2>&1
            start issue "bulk$round" --from "$work/many.csv" --out "$work/bulk.csv"
            strike "${signal%:*}" "$moment" $!
            at="$again: at $moment ms"
            case $status in
            0) [ "$(wc -l <"$work/bulk.csv")" -eq 1101 ] || echo "$at: done, but the result is not whole" ;;
            "${signal#*:}")
                caught=$((caught + 1))
                [ ! -e "$work/bulk.csv" ] || [ "$(wc -l <"$work/bulk.csv")" -eq 1101 ] || echo "$at: a half result is left"
                ;;
            *) echo "$at: ended with $status: $(cat "$work/err")" ;;
            esac
            good || echo "$at: the good credential is not: $(cat "$work/verdict")"
            run issue "bulk$round" --from "$work/many.csv" --out "$work/bulk.csv"
            [ "$status" -eq 0 ] || echo "$at: the same again ended with $status: $(cat "$work/err")"
            [ "$(tail -n +2 "$work/bulk.csv" | cut -d, -f1 | sort -u | wc -l)" -eq 1100 ] || echo "$at: not each client"
            [ "$(rows "SELECT count(*) FROM api_key k JOIN ring r ON r.id = k.ring WHERE r.name = 'bulk$round'")" -eq 1100 ] ||
                echo "$at: not as many API keys as clients"
            rm -f "$work/bulk.csv"
        done
        [ -z "$(find "$work" -maxdepth 1 -name '.sealring-*')" ] || [ "${signal%:*}" = KILL ] || echo "a temporary file is left"
    } >"$work/faults"
    [ ! -s "$work/faults" ]
    report $? "SIG${signal%:*} at three moments of a bulk issue" "$(tr '\n' ';' <"$work/faults")"
done
ok "most of them came in its middle ($caught of 12)" test $caught -ge 3
check_vault "the vault is consistent"

run ring create piped
"$SEALRING" issue piped --from "$work/many.csv" 2>"$work/err" | head -c 1000 >"$work/out"
ok "a reader that goes away is told" grep -q '^sealring: standard output could not be written: Broken pipe' "$work/err"
run issue piped --from "$work/many.csv"
succeeds "the same again completes it"
is "$(wc -l <"$work/out")" 1101 "with every line"

# The terminal's other end is closed: the kernel sends SIGHUP to what runs in it.
# shellcheck disable=SC2317 # called by a helper
free() {
    flock --nonblock "$SEALRING_VAULT/vault.work" true && flock --nonblock "$SEALRING_VAULT/vault.lock" true
}
for moment in $(numbers 3 "$takes"); do
    "$SEALRING" ring create "terminal$moment" >/dev/null 2>&1
    TERM=xterm script -qec "exec '$SEALRING' issue terminal$moment --from '$work/many.csv' --out '$work/terminal.csv'" \
        "$work/typescript" >/dev/null 2>&1 &
    strike KILL $((moment + 20)) $!
    sleep 0.2
    until_true free
    good && "$SEALRING" issue "terminal$moment" --from "$work/many.csv" --out "$work/terminal.csv" >"$work/out" 2>"$work/err" &&
        [ "$(wc -l <"$work/terminal.csv")" -eq 1101 ]
    report $? "a terminal that closes after $moment ms of a bulk issue"
    rm -f "$work/terminal.csv"
done

must ring set r --keep 100
began=$(milliseconds)
must rotate r
takes=$(($(milliseconds) - began))
echo "# a rotation takes $takes ms"
numbers 24 "$((takes + 5))" >"$work/moments"
round=0
caught=0
for signal in INT:130 TERM:143 HUP:129 KILL:137; do
    {
        for again in 1 2 3 4 5 6; do
            round=$((round + 1))
            moment=$(sed -n ${round}p "$work/moments")
            before=$(rows "SELECT max(number) FROM version WHERE ring = 1 AND state = 2")
            start rotate r
            strike "${signal%:*}" "$moment" $!
            at="$again: at $moment ms"
            [ "$status" -ne "${signal#*:}" ] || caught=$((caught + 1))
            [ "$status" -eq 0 ] || [ "$status" -eq "${signal#*:}" ] || echo "$at: ended with $status: $(cat "$work/err")"
            good || echo "$at: the good credential is not: $(cat "$work/verdict")"
            [ "$(rows "SELECT count(*) FROM version WHERE ring = 1 AND state = 2")" -eq 1 ] || echo "$at: not one active version"
            run rotate r
            follow_advice
            [ "$status" -eq 0 ] || echo "$at: the same again ended with $status: $(cat "$work/err")"
            [ "$(rows "SELECT max(number) FROM version WHERE ring = 1 AND state = 2")" -gt "$before" ] || echo "$at: nothing was rotated"
            inconsistencies | sed "s/^/$at: /"
        done
    } >"$work/faults" 2>&1
    [ ! -s "$work/faults" ]
    report $? "SIG${signal%:*} at six moments of a rotation" "$(tr '\n' ';' <"$work/faults")"
    "$SEALRING" ring create "$signal" >/dev/null 2>&1
    # Otherwise a hundred predecessors would be alive.
    for number in $(rows "SELECT number FROM version WHERE ring = 1 AND state = 3 AND number > 1"); do
        "$SEALRING" retire r "$number" --overrule "for the test" >/dev/null 2>&1
    done
done
ok "some of them came in its middle ($caught of 24)" test $caught -ge 3

# An interrupted init leaves a whole vault, nothing, or what it says how to deal with.
numbers 8 110 >"$work/moments"
{
    for round in 1 2 3 4 5 6 7 8; do
        moment=$(sed -n ${round}p "$work/moments")
        start init --vault "$work/half"
        strike KILL "$moment" $!
        run init --vault "$work/half"
        case $status in
        0) ;;
        1) grep -Eq 'there is a vault in .* already|one was interrupted there: .* remove the directory' "$work/err" ||
            echo "at $moment ms: $(cat "$work/err")" ;;
        *) echo "at $moment ms: init again ended with $status: $(cat "$work/err")" ;;
        esac
        if [ "$status" -eq 0 ] || grep -q 'already' "$work/err"; then
            "$SEALRING" ring create r --vault "$work/half" >"$work/out" 2>&1 || echo "at $moment ms: no whole vault: $(cat "$work/out")"
        fi
        rm -rf "$work/half"
    done
} >"$work/faults"
[ ! -s "$work/faults" ]
report $? "SIGKILL at eight moments of init" "$(tr '\n' ';' <"$work/faults")"

[ $mended -eq 0 ] || echo "# SIGKILL came $mended times while SoftHSM2 wrote a file: mended"
check_vault "in the end the vault is consistent"
ok "and the first credential is still good" good
done_testing
