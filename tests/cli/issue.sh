#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring issue, one API key at a time.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create r --prefix acme_live
must client add acme
run issue r --client acme --scope write --scope read --label app --dry-run
succeeds "issue --dry-run"
out_empty "hands nothing over"
run key list
out_empty "and issues nothing"

run issue r --client acme --scope write --scope read --label app
succeeds "issue"
is "$(wc -l <"$work/out")" 1 "the credential is alone on standard output"
out_like '^acme_live_[0-9A-Za-z]{16}_1_[0-9A-Za-z]{49}$' "in its form"
secret=$(cat "$work/out")
cp "$work/out" "$work/first"
not_ok "the talk does not repeat it" grep -qF "$secret" "$work/err"
run_with "$work/first" verify --scope read --scope write
succeeds "it is accepted with its scopes"
run issue r --client acme --label app
status_is 1 "a second one with that label is refused"
one_line_error "in one line"
out_empty "with nothing on standard output"
run issue r --client nobody
status_is 1 "an unknown client is refused"
run issue nosuch --client acme
status_is 1 "so is an unknown ring"
run issue r
status_is 2 "no client is a usage error"
run issue r --client acme --from x.csv
status_is 2 "so is a client beside a file"
run issue r --client acme --scope 'a"b' --label bad
status_is 2 "so is a scope that RFC 6749 does not allow"
must ring create joined
for scopes in read,write 'read;write'; do
    name=$(printf %s "$scopes" | tr ',;' 'cs')
    printf 'client,label,scopes\nacme,%s-1,read\nacme,%s-2,"%s"\n' "$name" "$name" "$scopes" >"$work/joined.csv"
    run issue joined --from "$work/joined.csv"
    succeeds "a file with the scope $scopes"
    err_like 'joined\.csv, line 3: a scope has a comma or semicolon in it' "which is one scope, with a note"
    run issue joined --client acme --label "$name-3" --scope "$scopes"
    succeeds "the same as an option"
    err_like 'a scope has a comma or semicolon in it' "with a note, too"
done
run issue r --client acme --expires yesterday
status_is 2 "so is a time that is none"
run issue r --client acme --label past --expires 2001-01-01T00:00:00Z
ok "an expiry in the past is refused" test "$status" -ne 0

run issue r --client acme --label file --out "$work/key"
succeeds "issue --out"
out_empty "leaves standard output empty"
is "$(mode_of "$work/key")" 600 "the file is its owner's only"
is "$(wc -l <"$work/key")" 1 "and holds the credential alone"
run_with "$work/key" verify
succeeds "which is accepted"
cp "$work/key" "$work/before"
run issue r --client acme --label again --out "$work/key"
status_is 1 "an existing file is refused"
ok "and not touched" cmp -s "$work/key" "$work/before"
run key list --json
json_is '[.keys[] | select(.label == "again")] | length' 0 "before anything was issued"
run issue r --client acme --label again --out "$work/nodir/key"
status_is 1 "a missing directory is refused"
run issue r --client acme --label again --out /dev/null
status_is 1 "a device is refused"
ok "and not replaced" test -c /dev/null
ln -s "$work/key" "$work/link"
run issue r --client acme --label again --out "$work/link"
status_is 1 "a symbolic link is refused"
is "$(find "$work" -maxdepth 1 -name '.sealring-*' | wc -l)" 0 "no temporary file is left"

run issue r --client acme --label times --expires 2099-01-01T00:00:00+01:00 --not-before 1h
succeeds "times are accepted"
cp "$work/out" "$work/later"
run_with "$work/later" verify
status_is 1 "before its time it is rejected"
out_like '^not-yet-valid ' "as not yet valid"
run issue r --client acme --label soon --expires 5s --json
succeeds "issue --json"
json_is .state issued "says what was done"
json_is .client acme "for whom"
json .credential >"$work/soon"
# shellcheck disable=SC2317 # called by a helper
rejected() {
    run_with "$1" verify
    [ "$status" -eq 1 ]
}
ok "after its expiry it is rejected" until_true rejected "$work/soon"
out_like '^expired ' "as expired"

# Whoever cannot be told must not be issued to in silence.
"$SEALRING" issue r --client acme --label closed >&- 2>"$work/err"
status=$?
status_is 1 "a closed standard output is an error"
one_line_error "with a line"
run key list --json
json_is '[.keys[] | select(.label == "closed")] | length' 0 "before anything was issued"
"$SEALRING" issue r --client acme --label full >/dev/full 2>"$work/err"
status=$?
: >"$work/out"
status_is 1 "a full disk is an error"
err_like 'was issued: get it|was issued: get its credential with .sealring reissue' "that says how to get the credential"
again=$(grep -o 'reissue [0-9A-Za-z]*' "$work/err" | head -n 1 | cut -d' ' -f2)
run reissue "$again"
succeeds "and that way works"
done_testing
