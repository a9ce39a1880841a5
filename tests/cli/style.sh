#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The style that can be checked by reading lines; then one made-up violation of each rule, which must be noticed.
# shellcheck disable=SC2016 # the commands that `notices` evaluates
set -u
LC_ALL=C
export LC_ALL
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
number=0

# result STATUS WORDS: one TAP line; on failure the file `found` follows as diagnosis.
result()
{
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        sed 's/^/# /' "$work/found"
    fi
}

# ---- The rules: each reads the tree in the current directory and prints "file: what is wrong" ----

# sources PATTERN DIRECTORY…: files by name, one a line; directories that are missing are passed over.
sources()
{
    pattern=$1
    shift
    for directory in "$@"; do
        [ ! -d "$directory" ] || find "$directory" -name "$pattern" -type f
    done | sort
}

c_files()
{
    sources '*.[ch]' src include tools gateway client tests docs
}

file_names()
{
    sources '*' src include tools gateway client tests docs | grep '[^A-Za-z0-9_./+-]' | sed 's/$/: a name has characters other than letters, digits, . _ + -/'
}

# each PROGRAM ARGUMENT…: runs it with the files that standard input names, if there are any; a process for each would take most of the time
each()
{
    xargs -r "$@"
}

first_lines()
{
    c_files >"$work/files"
    each awk '
    FNR == 1 && $0 != "/* SPDX-License-Identifier: Apache-2.0 */" { print FILENAME ": line 1 is not the SPDX line" }
    FNR == 2 && ($0 !~ /^\/\* [^ *]+ [^ ]+ .*[^ ]/ || ($0 ~ /\*\// && $0 !~ /[.:] \*\/$/)) {
        print FILENAME ": line 2 is not a comment with one sentence of purpose"
    }' <"$work/files"
    each awk 'FNR == 2 { print FILENAME }' <"$work/files" >"$work/good"
    grep -vxF -f "$work/good" "$work/files" | sed 's/$/: the file is empty/'
    for pattern in '*.sh' '*.mk' '*.pl' '*.py'; do
        sources "$pattern" src tools gateway client tests docs
    done >"$work/files"
    each awk 'FNR <= 2 && $0 == "# SPDX-License-Identifier: Apache-2.0" { print FILENAME }' <"$work/files" >"$work/good"
    grep -vxF -f "$work/good" "$work/files" | sed 's/$/: neither of the first two lines is the SPDX line/'
}

file_length()
{
    c_files | each awk 'FNR == 801 { print FILENAME ": more than 800 lines" }'
}

# From a line that is "{" to the next that begins with "}": that is how .clang-format puts functions.
function_length()
{
    sources '*.[ch]' src include tools gateway client tests | each awk '
    FNR == 1 { start = 0 }
    /^\{$/ { start = FNR; name = previous }
    /^\}/ && start { if (FNR - start - 1 > 100) print FILENAME ":" start ": " FNR - start - 1 " lines, more than 100: " name; start = 0 }
    { previous = $0 }'
}

guards()
{
    sources '*.h' src include tools gateway client tests >"$work/files"
    each awk '
    function end() {
        if (file == "") return
        if (!guard) print file ": no include guard"
        else if (last != "#endif") print file ": #endif of the include guard is not the last line"
    }
    FNR == 1 { end(); file = FILENAME; guard = last = ""; at = -1 }
    $1 == "#ifndef" && !guard { guard = $2; at = FNR }
    FNR == at + 1 && guard && ($1 != "#define" || $2 != guard) { print FILENAME ": #define " guard " does not follow #ifndef" }
    $1 ~ /^#/ && !guard { print FILENAME ": " $1 " is before the include guard"; guard = "missing"; at = -1 }
    NF { last = $1 }
    END { end() }' <"$work/files"
    each awk '
    FNR == 1 { found = 0 }
    !found && /^#ifndef/ { sub(/^#ifndef */, ""); print $0, FILENAME; found = 1 }' <"$work/files" |
        sort | awk '$1 == previous { print $2 ": the include guard " $1 " is another header'\''s, too" } { previous = $1 }'
}

# find_lines REGEX WORDS: of the files that standard input names. /dev/null beside them has grep name each of them.
find_lines()
{
    each grep -nE "$1" /dev/null | sed "s|^\([^:]*:[0-9]*\):.*|\1: $2|"
}

# Examples of the command may speak of /tmp; otherwise such a path is left over from somebody's machine.
machine_paths()
{
    before='(^|[^A-Za-z0-9_.*/])/'
    after='([^A-Za-z0-9_]|$)'
    sources '*.[ch]' src include | find_lines "$before(home|work|tmp|root)$after" "an absolute path of some machine"
    sources '*.[ch]' tools gateway client docs | find_lines "$before(home|work|root)$after" "an absolute path of some machine"
}

# What a library may not do to its host program: write to its streams, change its environment, end it.
library_manners()
{
    sources '*.c' src client/libsealring-client |
        find_lines '(^|[^A-Za-z0-9_])((stderr|stdout)[,)]|(perror|puts|printf|setenv|unsetenv|putenv|exit|_exit|abort) *\()' \
            "the library writes to a standard stream, changes the environment or exits"
}

# Texts reach a terminal through terminal.c. Listed are the files that print the command's own words, figures, secrets, JSON or CSV.
terminal()
{
    [ -d tools/sealring ] || return 0
    sources '*.c' tools/sealring | grep -vE '/(terminal|help|input|completion[a-z_]*|delivery|claim_page|memory|output|page|progress|screen|table|timeline|traffic_chart|waitline|overview|verifiers|jsontext|cmd_notify_secret)\.c$' |
        find_lines '(^|[^A-Za-z0-9_])(v?f?printf|f?puts|fwrite) *\(' "prints past terminal_print"
}

# Nothing is left for later, and lines are as .clang-format wants them where it does not reach (comments).
lines()
{
    c_files >"$work/files"
    each awk '
    /TODO|FIXME/ { print FILENAME ":" FNR ": something was left for later" }
    /[ \t]$/ { print FILENAME ":" FNR ": blank at the end of a line" }
    /\t/ { print FILENAME ":" FNR ": tabulator" }
    /\r/ { print FILENAME ":" FNR ": carriage return" }' <"$work/files"
    each perl -ne 'print "$ARGV: the last line is not ended\n" if eof && !/\n\z/' <"$work/files"
}

rules="file_names first_lines file_length function_length guards machine_paths library_manners terminal lines"

# check RULE ROOT: leaves the offenders in `found`; true if there are none.
check()
{
    (cd "$2" && "$1") >"$work/found" 2>&1
    [ ! -s "$work/found" ]
}

# ---- The tree ----

words_of()
{
    case $1 in
    file_names) echo "file names are plain" ;;
    first_lines) echo "each source begins with the SPDX line and its purpose" ;;
    file_length) echo "no C file is longer than 800 lines" ;;
    function_length) echo "no function is longer than 100 lines" ;;
    guards) echo "each header has an include guard of its own" ;;
    machine_paths) echo "no absolute path of a machine" ;;
    library_manners) echo "the library leaves streams, environment and process alone" ;;
    terminal) echo "what people read goes through terminal_print" ;;
    lines) echo "nothing left for later, no stray blanks" ;;
    esac
}

for rule in $rules; do
    check "$rule" "$top_srcdir"
    result $? "$(words_of "$rule")"
done
(cd "$top_srcdir" && c_files) >"$work/found"
count=$(grep -c . "$work/found")
[ "$count" -ge 50 ]
result $? "the C files were found ($count)"

# ---- Made-up violations, one at a time in a small tree that is otherwise good ----

spdx='/* SPDX-License-Identifier: Apache-2.0 */'
purpose='/* A file that was made up for a test. */'

# good_header NAME: a header nobody can find fault with.
good_header()
{
    printf '%s\n%s\n#ifndef %s\n#define %s\n\nint made_up(void);\n\n#endif\n' "$spdx" "$purpose" "$1" "$1"
}

# body LINES: a function of that many lines.
body()
{
    printf '%s\n%s\nint made_up(void)\n{\n' "$spdx" "$purpose"
    yes '    ;' | head -n $(($1 - 1))
    printf '    return 0;\n}\n'
}

fresh_tree()
{
    rm -rf "$work/tree"
    mkdir -p "$work/tree/src/base" "$work/tree/tools/sealring"
    good_header BASE_GOOD_H >"$work/tree/src/base/good.h"
    body 100 >"$work/tree/src/base/good.c"
}

# notices RULE WORDS FILE COMMAND: with what COMMAND (shell text) prints as FILE, RULE names FILE and nothing else.
notices()
{
    fresh_tree
    eval "$4" >"$work/tree/$3"
    check "$1" "$work/tree"
    grep -vqF "$3:" "$work/found"
    others=$?
    [ -s "$work/found" ] && [ "$others" -ne 0 ]
    result $? "notices $2"
}

fresh_tree
: >"$work/all"
for rule in $rules; do
    check "$rule" "$work/tree" || cat "$work/found" >>"$work/all"
done
cp "$work/all" "$work/found"
[ ! -s "$work/found" ]
result $? "a good tree passes"

bad=src/base/bad
notices file_names "a blank in a name" 'src/base/made up.c' 'body 1'
notices first_lines "a missing SPDX line" $bad.c 'body 1 | sed 1d'
notices first_lines "a missing purpose" $bad.c 'body 1 | sed "2s/.*/int x;/"'
notices first_lines "a purpose that is no sentence" $bad.c 'body 1 | sed "2s|.*|/* Stuff */|"'
notices first_lines "a purpose without its end" $bad.c 'body 1 | sed "2s|.*|/* Some words without an end */|"'
notices first_lines "an empty file" $bad.c ':'
notices first_lines "a script without licence" $bad.sh 'echo echo'
notices file_length "a file of 801 lines" $bad.c 'body 796'
notices function_length "a function of 101 lines" $bad.c 'body 101'
notices guards "a header without guard" $bad.h 'good_header BAD_H | sed "/^#/d"'
notices guards "a guard that defines another name" $bad.h 'good_header BAD_H | sed "s/^#define.*/#define OTHER_H/"'
notices guards "an include before the guard" $bad.h 'good_header BAD_H | awk "NR == 3 { print \"#include <stddef.h>\" } { print }"'
notices guards "a declaration after the guard" $bad.h 'good_header BAD_H; echo "int outside;"'
notices guards "a guard that is used twice" src/base/hijack.h 'good_header BASE_GOOD_H'
for path in /home/me/x /work/x /tmp/x /tmp /root/x; do
    notices machine_paths "$path" $bad.c 'body 1 | sed "5s|.*|    open(\"$path\");|"'
done
for call in 'fprintf(stderr, "x");' 'fputs("x", stdout);' 'setenv("A", "b", 1);' 'exit(1);' 'perror("x");' 'printf("x");'; do
    notices library_manners "$call" $bad.c 'body 1 | sed "5s|.*|    $call|"'
done
for call in 'printf("%s", x);' 'fputs(x, stderr);' 'puts(x);' 'vfprintf(x);'; do
    notices terminal "$call" tools/sealring/cmd_bad.c 'body 1 | sed "5s|.*|    $call|"'
done
for text in '/* TO''DO */' 'x; ' '	x;'; do
    notices lines "\"$text\"" $bad.c 'body 1 | sed "5s|.*|$text|"'
done
notices lines "a last line without end" $bad.c 'printf "%s\n%s\nint x;" "$spdx" "$purpose"'
echo "1..$number"
