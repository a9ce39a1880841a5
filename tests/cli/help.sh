#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# help, --help, --version; what cannot be done is not offered; what was meant is guessed.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

run --version
succeeds "--version"
out_like '^sealring [0-9]+\.[0-9]+\.[0-9]+$' "prints the version"
run --help
succeeds "--help"
cp "$work/out" "$work/overview"
run help
ok "is help" cmp -s "$work/out" "$work/overview"
for word in init issue import verify explain rotate prepare activate rollback retire reinstate compromise destroy revoke \
    reissue status "ring create" "ring list" "ring show" "ring set" "client add" "client list" "client show" "client set" \
    "client forget" "key list" "key show" "key set" "key suspend" "key resume" "key rekey" "verifier list" "verifier forget" \
    usage run doctor backup restore upgrade; do
    ok "the overview has $word" grep -Eq "^  $word( |\$)" "$work/overview"
done

run help --json
succeeds "help --json"
json '.commands[].command' >"$work/commands"
while IFS= read -r command; do
    # shellcheck disable=SC2086 # two words
    run $command --help
    succeeds "$command --help"
    out_like "^Usage: sealring $command" "shows its usage"
    [ "$(awk '{ if (length($0) > widest) widest = length($0) } END { print widest + 0 }' "$work/out")" -le 120 ]
    report $? "in lines that fit"
    cp "$work/out" "$work/help"
    # shellcheck disable=SC2086 # two words
    run help $command
    ok "help $command is the same" cmp -s "$work/out" "$work/help"
done <"$work/commands"
run ring --help
out_like '^  ring create NAME' "a noun's help lists its commands"
run help ring
out_like '^  ring create NAME' "also by help"
run ring create -h
out_like '^Usage: sealring ring create NAME' "-h is help"
run help nosuch
status_is 2 "help about nothing"

usage() { # NAME REGEX ARGUMENT...
    name=$1
    regex=$2
    shift 2
    run "$@"
    status_is 2 "$name"
    one_line_error "in one line"
    err_like "$regex" "that says $regex"
    err_like 'see sealring help' "and where help is"
    out_empty "and nothing on standard output"
}
usage "no command" 'no command'
usage "an unknown command" 'unknown command' nosuch
usage "a mistyped command" 'did you mean rotate' rotat
usage "a noun alone" 'create, list, show, set' ring
usage "a noun with an unknown verb" 'create, list, show, set' ring make
usage "another noun with an unknown verb" 'list, forget' verifier make
usage "an unknown option" 'unknown option --nosuch' ring list --nosuch
usage "a mistyped option" 'did you mean --overlap' ring create r --overlp 1d
usage "a short option" 'unknown option' ring list -x
usage "an option without its value" '--prefix wants a value' ring create r --prefix
usage "a flag with a value" '--json takes no value' ring list --json=yes
usage "an option twice" 'twice' ring create r --prefix a --prefix b
usage "a missing argument" 'wants NAME' ring create
usage "an argument too many" 'one argument only' ring create a b
usage "a dry run of what changes nothing" '--dry-run' ring list --dry-run
usage "a dry run before what changes nothing" '--dry-run' --dry-run ring list
run ring list --vault ""
status_is 2 "an empty vault's name"
done_testing
