#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/threat-model.md, "Every cell of the registry": each column of each table of a new registry, once, with what vouches for it. Then that
# each kind of gap is found.
# shellcheck disable=SC2016,SC2317 # names in backticks; functions called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing: sh tools/packages.sh test"
document=$top_srcdir/docs/threat-model.md
: >"$work/out"
: >"$work/err"

# TABLE.COLUMN, a line each: what the registry has.
columns_of() { # DATABASE
    sqlite3 "$1" "SELECT m.name || '.' || p.name FROM sqlite_schema m, pragma_table_xinfo(m.name) p
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite^_%' ESCAPE '^'" | sort
}

# The same of what the document lists; a line with a space is a complaint about the document itself.
columns_in() { # DOCUMENT
    awk -F '|' '
        /^## / { inside = $0 == "## Every cell of the registry"; table = "" }
        /^### / { table = ""; if ($0 ~ /^### `[a-z_]+`$/) { table = $0; gsub(/^### `|`$/, "", table) } }
        !inside || table == "" || $0 !~ /^\| `/ { next }
        NF != 7 { print "line " NR " has not 5 cells" }
        $6 !~ /^ (derivation|(closed )?fact|signature|token|report file|harmless: [^ ]|\*\*not vouched for\*\*)/ { print "line " NR " states nothing that vouches" }
        { count = split($2, names, "`"); for (i = 2; i <= count; i += 2) print table "." names[i] }
    ' "$1" | sort
}

# Prints what differs: < is missing in the document, > is in it and nowhere else; then what is listed twice.
gaps() { # DATABASE DOCUMENT
    columns_of "$1" >"$work/has"
    columns_in "$2" >"$work/listed"
    [ "$(grep -c . "$work/has")" -gt 100 ] || echo "the registry has no columns to compare with"
    uniq "$work/listed" | diff "$work/has" - | grep '^[<>]'
    uniq -d "$work/listed"
}

finds() { # NAME WANTED: in the copies of database and document
    gaps "$work/copy.db" "$work/copy.md" >"$work/found"
    is "$(cat "$work/found")" "$2" "$1"
    sqlite3 "$database" ".backup '$work/copy.db'"
    cp "$document" "$work/copy.md"
}

edit() { # SED-EXPRESSION: of the copy of the document, which it must change
    sed "$1" "$document" >"$work/copy.md"
    ! cmp -s "$document" "$work/copy.md" || bail_out "the document is not changed by $1"
}

must init
database=$SEALRING_VAULT/registry/sealring.db
gaps "$database" "$document" >"$work/found"
report "$(grep -c . "$work/found")" "the threat model lists each column of the registry once" "$(paste -sd ' ' "$work/found")"

sqlite3 "$database" ".backup '$work/copy.db'"
cp "$document" "$work/copy.md"
finds "the copies have no gap" ""
sqlite3 "$work/copy.db" "ALTER TABLE ring ADD COLUMN made_up INTEGER"
finds "a column that the document does not list" "< ring.made_up"
sqlite3 "$work/copy.db" "CREATE TABLE made_up (one INTEGER)"
finds "a table that the document does not list" "< made_up.one"
sqlite3 "$work/copy.db" "ALTER TABLE ring DROP COLUMN succession"
finds "a column that the registry does not have any more" "> ring.succession"
edit 's/, `keep`, `succession` |/, `keep`, `made_up`, `succession` |/'
finds "a made-up column in the document" "> ring.made_up"
edit 's/, `keep`, `succession` |/, `keep`, `keep`, `succession` |/'
finds "a column that is listed twice" "ring.keep"
edit 's/^| `owner`, `created` .*|$/| `owner`, `created` | `doctor` | – | nothing | nothing |/'
finds "a cell for which nothing vouches" "$(printf '> line %s states nothing that vouches' "$(grep -n '^| `owner`' "$document" | cut -d : -f 1)")"
edit 's/^### `usage_seat`$/### `usage_seats`/'
finds "a table under another name" "$(printf '%s\n' '< usage_seat.finished' '< usage_seat.seat' '< usage_seat.settled_hour' \
    '> usage_seats.finished' '> usage_seats.seat' '> usage_seats.settled_hour')"
done_testing
