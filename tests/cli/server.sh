# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh: real servers that verify, docs/examples/server.c as it stands, to be asked one question after the other.
#
#   build_server                builds it, or EXAMPLE of docs/examples if that is set, against this tree's library
#   serve NAME [VAULT [SCOPE]]  starts one; its process is $(process_of NAME); by the command SERVE_WITH, if that is set
#   serve_by NAME COMMAND...    the same with another command
#   ask NAME CREDENTIAL-FILE    $answer: what it answers, "200 accepted …"
#   leave NAME                  it ends as a server does that is told to
# shellcheck shell=sh disable=SC2154

: "${top_builddir:=$PWD}"
: "${CC:=cc}"
answer=

build_server() {
    library=$(cd "$top_builddir" && pwd)/.libs
    sanitize=
    ! nm -D --undefined-only "$library/libsealring.so" | grep -q __asan_init || sanitize=-fsanitize=address,undefined
    # shellcheck disable=SC2086 # lists of words
    $CC -Wall -Wextra -Werror $sanitize -I"$top_srcdir/include" -o "$work/${EXAMPLE-server}" "$top_srcdir/docs/examples/${EXAMPLE-server}.c" \
        -L"$library" -Wl,-rpath,"$library" -lsealring -pthread >"$work/out" 2>&1 || {
        explain_output
        bail_out "the example server cannot be built"
    }
}

# It lives as long as somebody could still send a request: one process that sleeps holds that end.
serve() {
    # shellcheck disable=SC2086 # a command and its arguments, or none
    serve_by "$1" ${SERVE_WITH-} "$work/server" "${2-$SEALRING_VAULT}" "${3-}" 1
}

serve_by() {
    mkfifo "$work/$1.requests" || bail_out "no requests for $1"
    (
        exec sleep 3600 >"$work/$1.requests"
    ) &
    echo $! >"$work/$1.holder"
    served=$1
    shift
    "$@" <"$work/$served.requests" >"$work/$served.answers" 2>"$work/$served.log" &
    echo $! >"$work/$served.process"
    echo 0 >"$work/$served.asked"
}

process_of() {
    cat "$work/$1.process"
}

# shellcheck disable=SC2317 # called by a helper
answered() { # NAME COUNT
    [ "$(wc -l <"$work/$1.answers")" -ge "$2" ]
}

ask() {
    asked=$(($(cat "$work/$1.asked") + 1))
    echo $asked >"$work/$1.asked"
    cat "$2" >"$work/$1.requests"
    until_true answered "$1" $asked || {
        answer="no answer"
        return 1
    }
    answer=$(sed -n "${asked}s/^[0-9]* //p" "$work/$1.answers")
}

# What it answers, first words only: "200 accepted".
verdict_of() { # NAME CREDENTIAL-FILE
    ask "$1" "$2"
    echo "$answer" | cut -f 1 | cut -d ' ' -f 1-2
}

leave() {
    kill "$(cat "$work/$1.holder")" 2>/dev/null
    wait "$(process_of "$1")" 2>/dev/null
}

# As `until_true`, of a filter over `sealring verifier list --json`.
verifiers_are() { # FILTER WANTED
    [ "$("$SEALRING" verifier list --all --json 2>/dev/null | jq -r "$1" 2>/dev/null)" = "$2" ]
}
