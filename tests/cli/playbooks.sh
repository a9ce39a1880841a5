#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/playbooks: every command of every page, in order, as it stands written, in a vault with a live server. Each must end
# with the status that the page says (0 unless a comment says otherwise); a server that is asked after each command must go on
# accepting what the page says stays good, and in the end reject what it says is closed.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"
# shellcheck source=tests/cli/server.sh
. "$here/server.sh"
build_server
playbooks=$top_srcdir/docs/playbooks
mkdir "$work/bin"
ln -s "$SEALRING" "$work/bin/sealring"
PATH=$work/bin:$PATH # what the pages call

# The commands of a page's console blocks, one a line.
commands_of() { # PAGE
    awk '
    /^ *```console$/ { inside = 1; next }
    /^ *```$/ { inside = 0 }
    inside && !/^ *\$ / { print "a line of a console block is no command: " $0 > "/dev/stderr"; exit 1 }
    inside { sub(/^ *\$ /, ""); print }' "$1"
}

# A vault, a ring whose windows are short, two clients with their credentials in old/, and a server that has seen them.
prepare() { # PAGE
    page=$1
    place=$work/$page
    mkdir "$place"
    cd "$place" || bail_out "no $place"
    SEALRING_VAULT=$place/vault
    must init
    must ring create payments --prefix acme_live --overlap 1s --quiet-period 1s
    printf '%s\n' client,contact,scopes corner-shop,ops@corner-shop.example,read blue-bikes,it@blue-bikes.example,read >clients.csv
    must issue payments --from clients.csv --out first.csv
    must reissue payments --all --out old/
    serve "$page"
    old=$(echo "$place"/old/corner-shop.*)
    other=$(echo "$place"/old/blue-bikes.*)
    is "$(verdict_of "$page" "$old") $(verdict_of "$page" "$other")" "200 accepted 200 accepted" \
        "$page: before, a server accepts what clients have"
}

# shellcheck disable=SC2254 # $closes is a pattern
# Runs the page's commands here, so that one can use what another one set. $kept (files) must be accepted after each of them;
# $old as long as no command matched $closes.
follow() {
    faults=
    steps=0
    closed=no
    commands_of "$playbooks/$page.md" >"$work/commands" 2>"$work/err" || faults=$(cat "$work/err")
    while IFS= read -r command <&3; do
        steps=$((steps + 1))
        wanted=$(echo "$command" | sed -n 's/.*# exit status \([0-9]*\)$/\1/p')
        case $command in
        $closes) closed=yes ;;
        esac
        eval "$command" >"$work/out" 2>"$work/err" </dev/null 3<&-
        status=$?
        if [ "$status" -ne "${wanted:-0}" ]; then
            explain_output
            faults="$faults; '$command' ended with $status"
        fi
        for file in $kept; do
            verdict=$(verdict_of "$page" "$file")
            [ "$verdict" = "200 accepted" ] || faults="$faults; after '$command' ${file##*/}: $verdict"
        done
        if [ $closed = no ]; then
            verdict=$(verdict_of "$page" "$old")
            [ "$verdict" = "200 accepted" ] || faults="$faults; after '$command' the old one: $verdict"
        fi
    done 3<"$work/commands"
    : >"$work/out"
    [ -z "$faults" ]
    report $? "$page: $steps commands do what the page says, and good credentials stay good" "$faults"
    ok "$page: it has a checklist" test "$steps" -ge 6
}

ends_with() { # NAME VERDICT FILE
    is "$(verdict_of "$page" "$3")" "$2" "$page: $1"
}

conclude() {
    leave "$page"
    cd "$work" || exit
}

version_states() {
    "$SEALRING" ring show payments --json | jq -r '[.ring.version_list[].state] | join(" ")'
}

prepare planned-rotation
kept=
closes='*sealring retire*'
# The page ends with the way back: what was retired is accepted again, and issues nothing.
follow
is "$(version_states)" "pending active" "$page: version 1 is back, version 2 active"
# What is given back nobody waits for: it takes the server's next look.
# shellcheck disable=SC2317 # called by a helper
is_good_again() {
    [ "$(verdict_of "$page" "$old")" = "200 accepted" ]
}
ok "$page: the old credential is good again after the way back" until_true is_good_again
ends_with "the successor is good" "200 accepted" "$(echo successors/corner-shop.*)"
conclude

prepare one-clients-leak
cp "$old" leaked.key
kept=$other
closes='*key suspend*'
follow
ends_with "the leaked credential is rejected" "401 revoked" leaked.key
ends_with "the new one is good" "200 accepted" corner-shop.new
conclude

prepare audit-key
kept=$other
closes=
follow
is "$("$SEALRING" audit key --all | wc -l)" 2 "$page: there are two keys"
ends_with "the old credential is accepted" "200 accepted" "$old"
conclude

prepare a-versions-leak
kept=
closes='*sealring compromise*'
follow
is "$(version_states)" "compromised active" "$page: version 1 is closed, version 2 issues"
ends_with "the old credential is rejected" "401 version-compromised" "$old"
ends_with "other clients' too" "401 version-compromised" "$other"
ends_with "the successor is good" "200 accepted" "$(echo successors/corner-shop.*)"
conclude

prepare suspected-host
must prepare payments
serve suspect
# shellcheck disable=SC2034 # the page calls it so
SUSPECT=$(process_of suspect)
until_true verifiers_are '[.verifiers[] | select(.state == "serving")] | length' 2
kept=
closes='*sealring compromise payments 1*'
follow
is "$(version_states)" "compromised compromised active" "$page: the standby is closed, too"
ends_with "the old credential is rejected" "401 version-compromised" "$old"
ends_with "the successor is good" "200 accepted" "$(echo successors/corner-shop.*)"
kill "$(cat "$work/suspect.holder")"
conclude

prepare failed-rollover
must rotate payments
must reissue payments --all --out successors/
kept="$old $other $(echo "$place"/successors/*)"
closes='nothing'
follow
is "$(version_states)" "retiring active" "$page: in the end it has gone forward again"
is "$("$SEALRING" ring show payments --json | jq .ring.rotation_held)" false "$page: and rotation is not held"
conclude

prepare token-lost
mv vault/tokens vault/tokens.lost
# The server goes on with what it has verified.
kept="$old $other"
closes='nothing'
follow
mv vault/tokens.lost vault/tokens
sealring verify <"$old" >"$work/out" 2>"$work/err"
status=$?
succeeds "$page: with the token restored, the old credential is good"
conclude

for page in "$playbooks"/*.md; do
    page=$(basename "$page" .md)
    [ "$page" = README ] || ok "$page was executed" test -d "$work/$page"
done
done_testing
