#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs with libsealring-client: what a sunset and a 401 cause, the predecessor as fallback, several processes with one file.
# shellcheck disable=SC2154,SC2317 # what lib.sh sets; functions that helpers call
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh"
key=$work/api.key
libraries=$(dirname "$CLIENT")
sanitize=
nm -D --undefined-only "$libraries/libsealring-client.so" | grep -q __asan_init && sanitize=-fsanitize=address,undefined
# shellcheck disable=SC2086 # words
${CC:-cc} -Wall -Wextra -Werror $sanitize -I"$top_srcdir/include" -o "$work/program" "$top_srcdir/tests/client/program.c" -L"$libraries" -lsealring-client ||
    bail_out "a program with the library cannot be compiled"
server_start https
hour="Sun, 06 Nov 2044 08:49:37 GMT"

# program_start NAME INTERVAL-MS SPREAD-MS: its commands go to $work/NAME.in
program_start() {
    rm -f "$work/$1.in"
    mkfifo "$work/$1.in"
    "$work/program" "$key" "$url" "$served/certificate" "$2" "$3" <"$work/$1.in" >"$work/$1.out" 2>"$work/$1.err" &
    eval "$1_process=$!"
    eval "exec $4>\"\$work/$1.in\""
}
a() {
    echo "$*" >&3
}
b() {
    echo "$*" >&4
}
# What NAME has in use, asked again each time.
uses() { # NAME TEXT
    lines=$(wc -l <"$work/$1.out")
    "$1" ""
    until_true more_lines "$1" "$lines"
    [ "$(tail -n 1 "$work/$1.out")" = "$2" ]
}
more_lines() {
    [ "$(wc -l <"$work/$1.out")" -gt "$2" ]
}
event() { # NAME REGEX
    grep -q "$2" "$work/$1.err"
}
events() { # NAME REGEX COUNT
    [ "$(grep -c "$2" "$work/$1.err")" -ge "$3" ]
}
asked() { # REGEX COUNT
    [ "$(requests "$1")" -ge "$2" ]
}

# ---- A sunset, in two processes ----

chain $first
fresh "$key" $first
program_start a 0 500 3
program_start b 0 500 4
ok "both programs use the first" uses a $first
ok "" uses b $first
chain $first $second
a "200 $hour"
b "200 $hour"
ok "a sunset leads to the successor" until_true uses a $second
ok "in both" until_true uses b $second
ok "which is saved" contains "$key" $second
is "$(requests "$first renewed")" 1 "and was asked for once"
is "$(requests "$second")" 0 "nothing else was asked"

# ---- 401 ----

chain $first $second $third
a 401
ok "the predecessor is used at once" until_true event a "refused the new credential: the former one is used"
ok "and the successor fetched" until_true uses a $third
ok "in the other program, too" until_true uses b $third

# The service refuses what the server for renewals confirms: first the predecessor is used, then the new one again.
a 401
ok "the predecessor again" until_true events a "the former one is used" 2
ok "the server is asked" until_true asked "$third current" 1
ok "and the new one used as it confirms it" until_true uses a $third
a 401
a 401
ok "both refused: the new one is used" until_true uses a $third
exec 3>&- 4>&-
wait "$a_process"
is $? 0 "the programs end"
wait "$b_process"

# The new one is not valid any more (its version was compromised): the predecessor gets the next one.
chain $second "$third"
rm -f "$served/requests"
fresh "$key" $first
printf '{"predecessor": "%s"}\n' $second >"$key.state"
program_start a 0 500 3
until_true uses a $first
a 401
ok "the predecessor is used at once" until_true event a "the former one is used"
ok "and gets its own successor" until_true uses a "$third"
is "$(cut -d ' ' -f 3,4 "$served/requests" | tr '\n' ' ')" "$first rejected $second renewed " "after the new one was refused"
ok "which is saved" contains "$key" "$third"
exec 3>&-
wait "$a_process"

# ---- A successor that cannot be saved is not used ----

if [ -z "$sanitize" ]; then
    ${CC:-cc} -shared -fPIC -o "$work/kill_before.so" "$top_srcdir/tests/client/kill_before.c" -ldl || bail_out "it cannot be compiled"
    chain $first $second
    rm -f "$served/requests"
    fresh "$key" $first
    export LD_PRELOAD="$work/kill_before.so" CALL=rename ERROR=28
    program_start a 100 100 3
    unset LD_PRELOAD CALL ERROR
    ok "a disk that is full after the server has answered" until_true event a "cannot replace $key.*No space left"
    ok "" asked "$first renewed" 1
    ok "the first credential stays in use" uses a $first
    ok "and in the file" contains "$key" $first
    exec 3>&-
    wait "$a_process"
fi

# ---- A server that is slow, or away, delays nothing ----

chain $first $second
rm -f "$served/requests"
fresh "$key" $first
fault slow 5
program_start a 100 100 3
ok "while the server is slow the program goes on" uses a $first
ok "until the successor is there" until_true uses a $second
server_stop
exec 3>&-
wait "$a_process"
is $? 0 "closing does not wait for a server that is away"
fresh "$key" $first
program_start a 100 100 3
ok "without a server the program goes on" until_true event a "did not answer"
ok "with the first" uses a $first
exec 3>&-
wait "$a_process"
is $? 0 "and ends"
done_testing
