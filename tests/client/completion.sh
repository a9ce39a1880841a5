#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The completions of sealring-client for bash, fish and zsh: each command with the options that it takes, and no others.
# shellcheck disable=SC2154,SC2016,SC2317 # what lib.sh sets; for other shells; functions called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh"
scripts=$top_srcdir/client/sealring-client/completions
for shell in bash fish zsh; do
    command -v $shell >/dev/null || bail_out "$shell is missing: sh tools/packages.sh test"
done

# ---- What the command takes, as it answers itself ----

client --help
sed -n 's/^  --\([a-z-]*\).*/\1/p' "$work/out" | grep -v '^help$' >"$work/options"
ok "it has options" test "$(wc -l <"$work/options")" -ge 13
: >"$work/taken"
for verb in renew watch exec status; do
    while read -r option; do
        case $option in
        wait | interval | spread) value=1s ;;
        signal) value=HUP ;;
        *) value=X ;;
        esac
        client $verb "$work/none" "--$option" $value
        grep -q 'no option of this command' "$work/err" || echo "$verb --$option" >>"$work/taken"
    done <"$work/options"
done
echo "exec --" >>"$work/taken"
sort -o "$work/taken" "$work/taken"
ok "and each command takes some" test "$(cut -d ' ' -f 1 "$work/taken" | sort -u | wc -l)" -eq 4

# ---- What is offered ----

offers_bash() { # WORD...: of the last one
    bash --norc -c '. "$1"; shift; COMP_WORDS=(sealring-client "$@") COMP_CWORD=$#; _sealring_client; printf "%s\n" "${COMPREPLY[@]}"' \
        bash "$scripts/sealring-client" "$@" 2>&1
}
offers_fish() {
    fish --no-config -c 'source $argv[1]; complete -C"sealring-client $argv[2..]" | string replace -r "\t.*" ""' "$scripts/sealring-client.fish" "$@" 2>&1
}
offers_zsh() {
    zsh -f -c '
        _describe() { print -rl -- ${(P)@[-1]} }
        _files() { print -rl -- *(N) }
        _message() { : }
        script=$1
        shift
        words=(sealring-client "$@") CURRENT=$#words PREFIX=$words[-1]
        source $script' zsh "$scripts/_sealring-client" "$@" 2>&1
}
cd "$work" || exit
mkdir empty && cd empty || exit
: >shop.key
for shell in bash fish zsh; do
    is "$("offers_$shell" '' | grep -v '^-' | sort | tr '\n' ' ')" "exec renew status watch " "$shell: the commands"
    : >"$work/offered"
    for verb in renew watch exec status; do
        "offers_$shell" $verb -- | sed "s/^/$verb /" >>"$work/offered"
    done
    [ $shell != fish ] || echo "exec --" >>"$work/offered" # which fish never offers
    is "$(sort -u "$work/offered" | diff - "$work/taken")" "" "$shell: the options of each command"
    is "$("offers_$shell" renew '' | grep -c '^shop.key$')" 1 "$shell: files"
    is "$("offers_$shell" watch shop.key --ca '' | grep -c '^shop.key$')" 1 "$shell: files of an option"
    is "$("offers_$shell" watch shop.key --interval '')" "" "$shell: no files for a duration"
    is "$("offers_$shell" exec shop.key --signal U | grep -c '^USR[12]$')" 2 "$shell: signals"
done
done_testing
