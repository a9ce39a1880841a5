# SPDX-License-Identifier: Apache-2.0
# Sourced by the gateways' tests: clients that ask again and again, until they are stopped.
#
#   load NAME FILE [SOCKET [PATH]]   requests with the credential in FILE, one after the other, until `unload NAME`: lines `BEGIN STATUS` in $work/NAME.load
#   loaded NAME COUNT                so many were answered
#   answered_again NAME COUNT        waits for so many more
#   statuses NAME                    what it got, each once
# shellcheck shell=sh disable=SC2154,SC2034

load() { # NAME FILE [SOCKET [PATH]]
    : >"$work/$1.load"
    perl "$top_srcdir/tests/gateway/load.pl" "${3-$socket}" "${4-/v1/verify/read/-/}" "$2" "$work/$1.stop" >"$work/$1.load" &
    eval "load_$1=\$!"
    daemons="$daemons $!"
}
unload() { # NAME
    : >"$work/$1.stop"
    eval "wait \$load_$1"
}
loaded() { # NAME COUNT: COUNT requests have been answered
    [ "$(wc -l <"$work/$1.load")" -ge "$2" ]
}
statuses() { # NAME: what it got, each once
    cut -d ' ' -f 2 "$work/$1.load" | sort -u | tr '\n' ' '
}
answered_again() { # NAME COUNT
    until_true loaded "$1" $(($(wc -l <"$work/$1.load") + $2))
}
accepted_after() { # NAME SECONDS: how many of the requests that began later
    awk -v after="$2" '$1 > after && $2 == 200' "$work/$1.load" | wc -l
}
