#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tables on terminals: a row that does not fit is shown as lines of its own, one for each column; nothing is cut off.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
command -v script >/dev/null || bail_out "script is missing (Debian: bsdutils)"

on_terminal() { # COLUMNS ARGUMENT...: the output on a terminal of this width, without colours
    columns=$1
    shift
    TERM=xterm script -qec "stty cols $columns rows 40; exec '$SEALRING' $*" /dev/null </dev/null 2>"$work/err" |
        tr -d '\r' | sed 's/\x1b\[[0-9;]*m//g' >"$work/out"
}
fits() { # COLUMNS NAME
    longest=$(awk '{ if (length($0) > longest) longest = length($0) } END { print longest + 0 }' "$work/out")
    ok "$2" test "$longest" -le "$1"
}

must init
must ring create payments --prefix acme_live
must client add corner-shop --contact ops@corner-shop.example
must issue payments --client corner-shop --label nightly-batch --scope read --scope write --expires 400d --out "$work/key"
key=$(cut -d_ -f3 "$work/key")
must key suspend "$key" --reason 'found in a public repository, and the client does not answer'

for command in "key list" "client list" "audit show" "ring list" "usage"; do
    on_terminal 60 "$command"
    fits 60 "$command fits into 60 columns"
    on_terminal 300 "$command"
    cp "$work/out" "$work/wide"
    run $command
    is "$(cat "$work/wide")" "$(cat "$work/out")" "$command is a table where there is room, as it is in a pipe"
done
on_terminal 60 key list
is "$(sed -n 's/^\(KEY ID\|CLIENT\|LABEL\|STATE\|SCOPES\)  */\1 /p' "$work/out" | paste -sd,)" \
    "KEY ID $key,CLIENT corner-shop,LABEL nightly-batch,STATE suspended,SCOPES read write" "each column is a line"
on_terminal 40 audit show
fits 40 "long texts are wrapped"
ok "and complete" grep -q 'answer$' "$work/out"
done_testing
