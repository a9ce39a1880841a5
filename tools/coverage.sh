#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reports how much of some source folders was executed: `sh tools/coverage.sh FOLDER...` in a build directory that was
# configured with --enable-coverage, after the tests. GCOV names the compiler's gcov. Of a folder that is written with a `!` in front,
# such as !src/kdf, every branch has to be taken: else it names the lines, and ends with status 1.
set -eu
export LC_ALL=C
[ $# -gt 0 ] || { echo "usage: sh tools/coverage.sh FOLDER..., in a build directory" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

# gcov reports, for each object file, each source it was made from; only the folders' sources are used, not headers.
for folder in "$@"; do
    folder=${folder#!}
    find "$folder" -name '*.gcno' 2>/dev/null | sort >"$work/objects"
    if [ ! -s "$work/objects" ]; then
        echo "coverage.sh: nothing in $folder was built with --enable-coverage" >&2
        exit 1
    fi
    while read -r object; do
        # shellcheck disable=SC2086 # GCOV may be two words: llvm-cov gcov
        ${GCOV:-gcov} -n -b -o "$object" "$object" 2>>"$work/errors" | awk -v folder="$folder" '
            function parts(text)  # "87.50% of 40" in lines
            {
                split(text, words, /% of /)
                return sprintf("%.0f %d", words[1] * words[2] / 100, words[2])
            }
            function finish()
            {
                if (wanted)
                    print folder, file, lines ? lines : "0 0", branches ? branches : "0 0"
                wanted = 0
            }
            /^File / {
                finish()
                file = substr($0, 7, length($0) - 7)
                at = index(file, folder "/")
                wanted = at > 0 && file ~ /\.c$/
                file = substr(file, at + length(folder) + 1)
                lines = branches = ""
            }
            /^Lines executed:/ { lines = parts(substr($0, 16)) }
            /^Taken at least once:/ { branches = parts(substr($0, 21)) }
            END { finish() }' >>"$work/counts"
    done <"$work/objects"
done

if [ ! -s "$work/counts" ]; then
    echo "coverage.sh: ${GCOV:-gcov} reported nothing:" >&2
    head -n 5 "$work/errors" >&2
    exit 1
fi
awk '
    function percent(part, whole) { return whole ? sprintf("%5.1f %%", 100 * part / whole) : "      -" }
    function row(name, a, b, c, d)
    {
        printf "%-34s %6d of %6d  %s  %6d of %6d  %s\n", name, a, b, percent(a, b), c, d, percent(c, d)
    }
    BEGIN { printf "%-34s %16s  %7s  %16s  %7s\n", "", "lines", "", "branches", "" }
    $1 != folder { finish(); folder = $1; a = b = c = d = 0 }
    { row($1 "/" $2, $3, $4, $5, $6); a += $3; b += $4; c += $5; d += $6 }
    function finish()
    {
        if (folder != "") {
            row(folder, a, b, c, d)
            name = folder
            sub(/.*\//, "", name)
            printf "# figure: coverage-%s lines=%.1f%% branches=%.1f%% (%d of %d)\n\n", name, b ? 100 * a / b : 100, d ? 100 * c / d : 100, c, d
        }
        A += a; B += b; C += c; D += d
    }
    END { finish(); row("all", A, B, C, D) }' "$work/counts"

# ---- What is left of those that must be whole ----

left=0
for folder in "$@"; do
    case $folder in
    !*) folder=${folder#!} ;;
    *) continue ;;
    esac
    find "$folder" -name '*.gcno' | sort >"$work/objects"
    while read -r object; do
        # shellcheck disable=SC2086 # as above
        ${GCOV:-gcov} -t -b -c -o "$object" "$object" 2>>"$work/errors" | awk -v folder="$folder/" '
            $1 == "-:" && $2 ~ /^0:Source:/ { wanted = index($0, folder) > 0 && $0 ~ /\.c$/; file = $0; sub(/.*Source:/, "", file) }
            !wanted { next }
            /^ *[-0-9#=*]+: *[0-9]+:/ { line = $0; sub(/^[^:]*: */, "", line) }
            /^branch .*(taken 0 |taken 0$|taken 0%|never executed)/ && line != said { print file ":" line; said = line }'
    done <"$work/objects" >>"$work/left"
done
if [ -s "$work/left" ]; then
    echo "branches that no test takes, and every one should be taken:"
    cat "$work/left"
    left=1
fi
exit $left
