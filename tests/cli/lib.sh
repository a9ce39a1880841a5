# SPDX-License-Identifier: Apache-2.0
# Sourced by the command's tests: TAP, a scratch directory, the command run with its output kept.
#
#   run ARGUMENT...                      runs sealring: $status, $work/out, $work/err
#   is, ok, out_like, err_like, json_is  and others report one case each
#   done_testing                         prints the plan; a script that ends without it has failed
# shellcheck shell=sh

here=$(cd "$(dirname "$0")" && pwd)
top_srcdir=${top_srcdir:-$(cd "$here/../.." && pwd)}
SEALRING=${SEALRING:-./sealring}
case $SEALRING in
/*) ;;
*) SEALRING=$(pwd)/$SEALRING ;;
esac
# Not libtool's script in front of the program: it takes longer to start than most commands to answer, and a signal may hit the script.
libraries=$(dirname "$SEALRING")/.libs
if [ -x "$libraries/$(basename "$SEALRING")" ]; then
    SEALRING=$libraries/$(basename "$SEALRING")
    LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export LD_LIBRARY_PATH
fi
unset SEALRING_VAULT SEALRING_TRACE_CRYPTOKI SOFTHSM2_CONF NO_COLOR XDG_DATA_HOME
LC_ALL=C.UTF-8
export LC_ALL

count=0
failures=0
status=0
work=

bail_out() {
    echo "Bail out! $*"
    exit 99
}

[ -x "$SEALRING" ] || bail_out "there is no command $SEALRING: build it, or set SEALRING"
command -v jq >/dev/null || bail_out "jq is missing (Debian: jq)"

work=$(mktemp -d) || bail_out "no scratch directory"
# A child of the script that is still running would hold the vault.
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
SEALRING_VAULT=$work/vault
HOME=$work/home
export SEALRING_VAULT HOME
mkdir "$HOME"

# sort's usual buffer is a share of the machine's memory, and the tests have each byte of it written (MALLOC_PERTURB_).
mkdir "$work/programs"
printf '#!/bin/sh\nexec %s --buffer-size=1M "$@"\n' "$(command -v sort)" >"$work/programs/sort"
chmod +x "$work/programs/sort"
PATH=$work/programs:$PATH
export PATH

explain_output() {
    echo "# exit status $status"
    sed 's/^/# stdout: /' "$work/out" | head -n 20
    sed 's/^/# stderr: /' "$work/err" | head -n 20
}

report() { # 0|1 NAME
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        failures=$((failures + 1))
        echo "not ok $count - $2"
        [ -z "${3-}" ] || printf "# %s\n" "$3"
        explain_output
    fi
}

run() {
    "$SEALRING" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

run_with() { # FILE ARGUMENT...: with standard input from a file
    input=$1
    shift
    "$SEALRING" "$@" >"$work/out" 2>"$work/err" <"$input"
    status=$?
}

must() { # what the test builds on
    run "$@"
    [ "$status" -eq 0 ] && return
    explain_output
    bail_out "sealring $1 ${2-} failed"
}

is() { # GOT WANTED NAME
    [ "$1" = "$2" ]
    report $? "$3" "got '$1', wanted '$2'"
}

status_is() { # WANTED NAME
    is "$status" "$1" "$2"
}

succeeds() { # NAME
    status_is 0 "$1"
}

matches() { # FILE REGEX
    grep -Eq -- "$2" "$1"
}

out_like() { # REGEX NAME
    matches "$work/out" "$1"
    report $? "$2" "no line of stdout matches $1"
}

err_like() { # REGEX NAME
    matches "$work/err" "$1"
    report $? "$2" "no line of stderr matches $1"
}

nowhere() { # TEXT NAME: neither on stdout nor on stderr
    ! grep -Fq -- "$1" "$work/out" "$work/err"
    report $? "$2" "the output repeats what it must not"
}

out_empty() { # NAME
    [ ! -s "$work/out" ]
    report $? "$1" "stdout is not empty"
}

one_line_error() { # NAME
    [ "$(wc -l <"$work/err")" -eq 1 ] && matches "$work/err" '^sealring: '
    report $? "$1" "stderr is not one line that begins with sealring:"
}

ok() { # NAME COMMAND...
    name=$1
    shift
    "$@"
    report $? "$name" "failed: $*"
}

not_ok() { # NAME COMMAND...
    name=$1
    shift
    ! "$@"
    report $? "$name" "succeeded: $*"
}

json() { # FILTER: of the last output
    jq -r "$1" "$work/out"
}

json_is() { # FILTER WANTED NAME
    is "$(json "$1" 2>&1)" "$2" "$3"
}

mode_of() {
    stat -c %a "$1"
}

# As an attacker does who knows that an altered schema is noticed by itself: the triggers exist again afterwards.
unguarded() { # DATABASE STATEMENTS
    sqlite3 "$1" "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_schema WHERE type = 'trigger'" >"$work/unguarded.drop" &&
        sqlite3 "$1" "SELECT sql || ';' FROM sqlite_schema WHERE type = 'trigger'" >"$work/unguarded.create" &&
        {
            printf '.timeout 5000\nBEGIN IMMEDIATE;\n'
            cat "$work/unguarded.drop"
            printf '%s;\n' "$2"
            cat "$work/unguarded.create"
            echo "COMMIT;"
        } | sqlite3 -bail "$1"
}

# As if sealring had recorded what the rows of rings and versions contain: makes a vault older that was edited for that. The chain continues, and
# the next act signs it.
record_rows() { # DATABASE
    perl "$top_srcdir/tests/tamper/forge.pl" record "$1" "${1%/registry/*}/vault.unsigned" >"$work/recorded.sql" || bail_out "the rows cannot be read"
    [ -s "$work/recorded.sql" ] || bail_out "there is nothing to record"
    sqlite3 -bail -cmd '.timeout 10000' "$1" <"$work/recorded.sql" || bail_out "the rows cannot be recorded"
}

until_true() { # COMMAND...: again and again, for a minute at most
    attempts=0
    until "$@"; do
        attempts=$((attempts + 1))
        [ $attempts -lt 1200 ] || return 1
        sleep 0.05
    done
}

retires() { # RING VERSION
    run retire "$1" "$2"
    [ "$status" -eq 0 ]
}

done_testing() {
    echo "1..$count"
    [ "$failures" -eq 0 ]
    exit
}
