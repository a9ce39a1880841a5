#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tokens that show a new key late, or only to a module that was initialised after it was made: rotation goes on, as a verifier has the
# module initialised anew.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$top_srcdir/tests/cli/server.sh"
# shellcheck source=tests/personality/lib.sh
. "$top_srcdir/tests/personality/lib.sh"

build_server

issues() { # FILE ARGUMENT...: once this process sees the key, too
    file=$1
    shift
    "$SEALRING" issue r --client acme --out "$file" "$@" 2>"$work/err"
}

rotation_goes_on() { # NAME TRAIT...
    name=$1
    shift
    init_as "$@"
    must ring create r
    must client add acme
    until_true issues "$work/$name.first"
    serve_personality "$name"
    is "$(verdict_of "$name" "$work/$name.first")" "200 accepted" "$*: the server verifies"
    for number in 2 3; do
        run rotate r --wait 60s
        succeeds "a rotation to version $number goes on while it serves"
    done
    until_true issues "$work/$name.later" --label later
    is "$(verdict_of "$name" "$work/$name.later")" "200 accepted" "and it accepts what the new version issued"
    is "$(verdict_of "$name" "$work/$name.first")" "200 accepted" "and what the former one issued"
    leave "$name"
}
rotation_goes_on snapshot snapshot
rotation_goes_on writing read-write-only
rotation_goes_on late late=700
rotation_goes_on both snapshot late=700

# ---- One whose key does not come ----

init_as snapshot
must ring create r
must client add acme
must issue r --client acme --out "$work/good"
become snapshot
FORWARD_LOG=$work/logins
export FORWARD_LOG
serve_personality lone
unset FORWARD_LOG
is "$(verdict_of lone "$work/good")" "200 accepted" "a server verifies"
before=$(wc -l <"$work/logins")
become snapshot late=3600000
run rotate r --wait 6s
status_is 5 "a rotation whose key no verifier sees waits"
err_like 'last alarm: version 2 of ring r is not proved: .*has no key' "and the reason names the key that is missing"
logins=$(($(wc -l <"$work/logins") - before))
ok "the module was initialised anew for it, and ever more rarely ($logins times)" test "$logins" -ge 1 -a "$logins" -le 4
is "$(verdict_of lone "$work/good")" "200 accepted" "what was seen before is accepted meanwhile"
become snapshot
run activate r 2 --wait 60s
succeeds "once the token shows it the rotation goes on"
leave lone
done_testing
