#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts a measured table between the two marks of a page: `sh tests/bench/publish.sh TABLE.md PAGE.md`.
set -eu
[ $# -eq 2 ] || { echo "usage: publish.sh TABLE.md PAGE.md" >&2; exit 2; }
table=$1
page=$2

for mark in begin end; do
    if [ "$(grep -cxF "<!-- $mark: measured -->" "$page")" -ne 1 ]; then
        echo "publish.sh: $page wants the line \`<!-- $mark: measured -->\` once" >&2
        exit 1
    fi
done
[ -s "$table" ] || { echo "publish.sh: $table is empty" >&2; exit 1; }

new=$(mktemp)
trap 'rm -f "$new"' EXIT
awk -v table="$table" '
    $0 == "<!-- end: measured -->" { inside = 0 }
    !inside
    $0 == "<!-- begin: measured -->" {
        inside = 1
        print ""
        while ((getline line <table) > 0) print line
        print ""
    }' "$page" >"$new"
cat "$new" >"$page"
