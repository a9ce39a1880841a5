#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How the source is arranged: files per folder, lengths, cycles between folders, names used twice, statuses as control flow; each against a
# bound that may only go down. Then made-up faults, each of which must be noticed.
set -u
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:?where the objects are}"

files_in_folder=16
file_lines=400
function_lines=52
refused_tests=0      # comparisons with SEALRING_REFUSED inside the library
status_tests=0       # comparisons with any public status but SEALRING_OK inside the library
bodies=0            # transaction bodies that are passed as callbacks

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
        cat "$work/found" "$work/good" 2>/dev/null | head -n 20 | sed 's/^/# /'
    fi
}

sources() # ROOT PATTERN PLACE...
{
    (cd "$1" && pattern=$2 && shift 2 && find "$@" -name "$pattern" | sort)
}

# ---- The rules: each prints one line for each fault in the tree at ROOT ----

folders()
{
    sources "$1" '*.c' src tools gateway client | sed 's,/[^/]*$,,' | sort | uniq -c |
        awk -v most=$files_in_folder '$1 > most { print $2 " has " $1 " C files, at most " most }'
}

files()
{
    sources "$1" '*.[ch]' src tools gateway client | while read -r file; do
        lines=$(wc -l <"$1/$file")
        [ "$lines" -le $file_lines ] || echo "$file has $lines lines, at most $file_lines"
    done
}

# A function begins with a brace alone on its line and ends with one in the first column.
functions()
{
    (cd "$1" && sources . '*.c' src tools gateway client | xargs awk -v most=$function_lines '
        /^\{$/ { began = FNR }
        /^\}$/ { if (began > 0 && FNR - began - 1 > most) print FILENAME ":" began ": a function of " FNR - began - 1 " lines, at most " most; began = 0 }
        FNR == 1 { began = 0 }')
}

file_names_twice()
{
    sources "$1" '*.[ch]' src tools gateway client include | sed 's,.*/,,' | sort | uniq -d | sed 's/$/ is the name of two files/'
}

struct_names_twice()
{
    (cd "$1" && sources . '*.[ch]' src tools gateway client include | xargs sed -nE 's/^(typedef )?(struct|enum|union) ([a-z_0-9]+) \{.*/\2 \3/p') | sort | uniq -d |
        sed 's/$/ is defined twice/'
}

# Folders that include each other, directly or not. (tests/layers.txt forbids that for src; this finds it by itself, in tools too.)
cycles()
{
    (cd "$1" && sources . '*.[ch]' src tools gateway client | xargs grep -n '^#include "' /dev/null) | perl -ne '
        m{^(?:\./)?(.*)/[^/]+:\d+:#include "(.+)/[^/]+"} or next;
        my ($from, $to) = ($1, $2);
        $to = "src/$to" unless $to =~ m{^(tools|gateway|client)/};
        $uses{$from}{$to} = 1 if $from ne $to;
        END {
            for my $start (sort keys %uses) {
                my (%seen, @todo);
                @todo = keys %{$uses{$start}};
                while (defined(my $next = pop @todo)) {
                    next if $seen{$next}++;
                    push @todo, keys %{$uses{$next} || {}};
                }
                print "$start is in a cycle of folders\n" if $seen{$start};
            }
        }'
}

# Circles of files that call each other, directly or not, by the symbols of their objects. tests/file-circles.txt lists the permitted ones.
# A made-up tree has its symbols in the file `symbols`, as nm -A prints them.
file_circles()
{
    permitted=$top_srcdir/tests/file-circles.txt
    [ "$1" != "$work/tree" ] || permitted=/dev/null
    if [ "$1" = "$work/tree" ]; then
        [ ! -f "$1/src/symbols" ] || cat "$1/src/symbols"
    else
        (cd "$top_builddir/src" && find . -path '*/.libs/*.o' | sort | xargs nm -A || echo "no objects" >&2)
    fi | perl -e '
        my (%defines, %wants, %calls, %permitted);
        open(my $list, "<", $ARGV[0]) or die "$ARGV[0]: $!";
        while (<$list>) { $permitted{$1} = 1 if /^([^#:]+):/ }
        while (<STDIN>) {
            m{^(?:\./)?(?:(.*)/)?\.libs/(?:lib\w+?_la-)?(\w+)\.o:\s*(?:[0-9a-f]+ )?\s*([A-Z]) (\w+)$} or next;
            my ($file, $type, $symbol) = (defined $1 ? "$1/$2" : $2, $3, $4);
            if ($type eq "U") { $wants{$file}{$symbol} = 1 } elsif ($type =~ /[TDBRV]/) { $defines{$symbol} = $file }
        }
        for my $file (keys %wants) {
            for (keys %{$wants{$file}}) { my $to = $defines{$_}; $calls{$file}{$to} = 1 if defined $to && $to ne $file }
        }
        my %reached;
        for my $start (keys %calls) {
            my @todo = keys %{$calls{$start}};
            while (defined(my $next = pop @todo)) { push @todo, keys %{$calls{$next} || {}} if !$reached{$start}{$next}++ }
        }
        my %seen;
        for my $file (sort keys %reached) {
            next if !$reached{$file}{$file} || $seen{$file};
            my @circle = grep { $reached{$file}{$_} && $reached{$_}{$file} } sort keys %reached;
            $seen{$_} = 1 for @circle;
            my $name = join(" ", @circle);
            print "files that call each other: $name\n" if !$permitted{$name};
            delete $permitted{$name};
        }
        print "not a circle any more: $_\n" for sort keys %permitted;' "$permitted"
}

# counted ROOT REGEX MOST WORDS: prints the places if there are more than MOST
counted()
{
    (cd "$1" && sources . '*.[ch]' src | xargs grep -nE "$2" /dev/null) >"$work/places"
    [ "$(wc -l <"$work/places")" -le "$3" ] || { echo "$(wc -l <"$work/places") $4, at most $3"; sed 's/$/ /' "$work/places"; }
}

refusals()
{
    counted "$1" '(==|!=) SEALRING_REFUSED\>|case SEALRING_REFUSED\>' $refused_tests "tests for SEALRING_REFUSED"
}

statuses()
{
    counted "$1" '(==|!=) SEALRING_(REFUSED|NOT_FOUND|INVALID|TOKEN|REGISTRY|WAITING|SYSTEM)\>|case SEALRING_(REFUSED|NOT_FOUND|INVALID|TOKEN|REGISTRY|WAITING|SYSTEM)\>' \
        $status_tests "tests for a public status"
}

transaction_bodies()
{
    counted "$1" '^static sealring_status [a-z_]+\(struct registry \*registry, void \*context, sealring_error \*error\)$' $bodies \
        "transaction bodies that are passed as callbacks"
}

rules="folders files functions file_names_twice struct_names_twice cycles file_circles refusals statuses transaction_bodies"
for rule in $rules; do
    $rule "$top_srcdir" >"$work/found" 2>&1
    [ ! -s "$work/found" ]
    result $? "$(echo "$rule" | tr _ ' ')"
done

# The library hands facts over: the command does not look for them in a message. What is left is the time in a checkpoint's note.
searched_sentences=1
sentences()
{
    (cd "$1" && sources . '*.[ch]' tools | xargs grep -nE '\<(strstr|strcasestr|memmem)\(' /dev/null
        sources . '*.[ch]' src | xargs grep -nE '\<(strstr|strcasestr|memmem)\([^;]*message' /dev/null) >"$work/places"
    [ "$(wc -l <"$work/places")" -le $searched_sentences ] || cat "$work/places"
}
sentences "$top_srcdir" >"$work/found" 2>&1
[ ! -s "$work/found" ]
result $? "sentences"

# What the bounds leave: a bound that is far above what there is would notice nothing for long.
: >"$work/found"
for bound in refused_tests:refusals status_tests:statuses bodies:transaction_bodies; do
    eval "${bound%:*}=0"
    ${bound#*:} "$top_srcdir" | sed -n '1s/ \(.*\), at most 0/ \1/p' >>"$work/found"
done
sed 's/^/# /' "$work/found"

# ---- Made-up faults, in a small tree ----

# made FILE LINE...: a file of the made-up tree
made()
{
    mkdir -p "$work/tree/$(dirname "$1")"
    path=$work/tree/$1
    shift
    printf '%s\n' "$@" >"$path"
}

# notices RULE WORDS: RULE finds something in the made-up tree, and nothing once that is removed
notices()
{
    $1 "$work/tree" >"$work/found" 2>&1
    noticed=1
    [ ! -s "$work/found" ] || noticed=0
    rm -rf "$work/tree"
    made src/base/good.c '/* x */' 'int f(void)' '{' '    return 0;' '}'
    made tools/x/main.c 'int main(void)' '{' '}'
    made gateway/x/daemon.c 'int main(void)' '{' '}'
    made client/x/library.c 'int main(void)' '{' '}'
    made include/sealring/x.h 'typedef struct sealring_x {' '} sealring_x;'
    $1 "$work/tree" >"$work/good" 2>&1
    [ $noticed -eq 0 ] && [ ! -s "$work/good" ]
    result $? "notices $2"
}

many() # COUNT TEXT
{
    awk -v count="$1" -v text="$2" 'BEGIN { while (count-- > 0) print text }'
}

mkdir -p "$work/tree/src" "$work/tree/tools" "$work/tree/gateway" "$work/tree/client" "$work/tree/include"
for name in a b c d e f g h i j k l m n o p q; do made src/base/$name.c x; done
notices folders "a folder of 17 files"
made src/base/long.c "$(many $((file_lines + 1)) x)"
notices files "a file that is too long"
made tools/x/long.c 'int f(void)' '{' "$(many $((function_lines + 1)) '    x;')" '}'
notices functions "a function that is too long"
made src/kdf/twin.c x
made tools/x/twin.c x
notices file_names_twice "a name of two files"
made src/kdf/one.c 'struct twin {'
made tools/x/two.h 'struct twin {'
notices struct_names_twice "a structure that is defined twice"
made src/kdf/one.c '#include "base/one.h"'
made src/base/one.h '#include "token/one.h"'
made src/token/one.h '#include "kdf/one.h"'
notices cycles "a cycle of three folders"
made gateway/x/long.c 'int f(void)' '{' "$(many $((function_lines + 1)) '    x;')" '}'
notices functions "one in a gateway"
made tools/x/a/one.c '#include "tools/x/b/two.h"'
made tools/x/b/two.h '#include "tools/x/a/one.h"'
notices cycles "a cycle in the command"
made src/symbols 'base/.libs/liba_la-one.o:0000 T one' 'base/.libs/liba_la-one.o:     U two' 'kdf/.libs/liba_la-two.o:0000 T two' \
    'kdf/.libs/liba_la-two.o:     U one'
notices file_circles "two files that call each other"
made src/base/many.c "$(many 1 'if (status == SEALRING_REFUSED)')"
notices refusals "one more test for SEALRING_REFUSED"
made src/base/many.c 'switch (status) {' 'case SEALRING_WAITING:'
notices statuses "one more test for a status"
made tools/x/many.c 'return strstr(error.message, "not yet");' 'return strstr(remark, "locked");'
notices sentences "a message that is searched"
made src/base/many.c 'static sealring_status body(struct registry *registry, void *context, sealring_error *error)'
notices transaction_bodies "one more transaction body"
echo "1..$number"
