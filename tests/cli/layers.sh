#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which folder includes which, against tests/layers.txt; then made-up violations in a copy, each of which must be noticed.
set -u
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

# layers ROOT: prints one line per offender in the tree at ROOT, none if all is well. The rules are read from ROOT, too.
layers()
{
    (
        cd "$1" || exit 1
        {
            find src -name '*.[ch]'
            find include -name '*.h'
            find tools gateway client -name '*.[ch]'
        } | sort >"$work/files"
        # shellcheck disable=SC2046 # the tree has no blanks in names; style.sh checks that
        awk '
        function exists(path,    line, found)
        {
            found = (getline line < path) >= 0
            close(path)
            return found
        }
        function offend(words)
        {
            print FILENAME ":" FNR ": " words
        }
        # src/FOLDER/file -> FOLDER; include/… -> include; tools/FOLDER/file -> tools; gateway likewise; client/FOLDER/file -> client/FOLDER
        function folder_of(path)
        {
            if (path ~ /^client\//)
                return inside(path)
            if (path !~ /^src\//)
                return substr(path, 1, index(path, "/") - 1)
            return inside(substr(path, 5))
        }
        # FOLDER/file -> FOLDER, which may have more than one part
        function inside(path)
        {
            return sub(/\/[^\/]*$/, "", path) ? path : ""
        }
        function family_of(name)
        {
            sub(/\/.*/, "", name)
            return name
        }
        function may_include(owner, name)
        {
            return owner == name || (owner, name) in allowed || (owner, family_of(name)) in allowed
        }
        FILENAME == "tests/layers.txt" {
            sub(/#.*/, "")
            if ($0 ~ /^[ \t]*$/)
                next
            owner = $1
            if (sub(/:$/, "", owner) != 1 || owner in known) {
                offend("a line is \"folder: folders\", once for each folder")
                next
            }
            # A folder may only name those above it, so that there can be no cycle.
            for (i = 2; i <= NF; i++) {
                if ($i != "public" && !($i in known) && !($i in family))
                    offend(owner " may not include " $i ", which stands below it or nowhere")
                allowed[owner, $i] = 1
            }
            known[owner] = 1
            family[family_of(owner)] = 1
            next
        }
        FNR == 1 {
            folder = folder_of(FILENAME)
            if (folder != "include" && !(folder in known))
                offend("tests/layers.txt has no line for the folder \"" folder "\"")
        }
        /^[ \t]*#[ \t]*include/ {
            name = $0
            sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
            quoted = name ~ /^"/
            if (name !~ /^["<]/) {
                offend("an include through a macro cannot be checked: " name)
                next
            }
            sub(/^["<]/, "", name)
            sub(/[">].*/, "", name)
            target = inside(name)
            if (name ~ /^sealring\//) {
                if (quoted)
                    offend("public headers are included as <" name ">")
                else if (!exists("include/" name))
                    offend("there is no public header " name)
                else if (folder != "include" && !((folder, "public") in allowed))
                    offend(folder " may not include public headers (" name ")")
            } else if (!quoted) {
                # Seams: SQLite behind registry/, Cryptoki behind token/, libp11 in provision alone (it finalises modules).
                if (name ~ /^sqlite3/ && folder != "registry/driver")
                    offend("SQLite stays in src/registry/driver")
                if (name ~ /^p11-kit\// && family_of(folder) != "token")
                    offend("PKCS#11 stays in src/token")
                if (name ~ /^libp11/ && FILENAME != "src/token/object/provision.c")
                    offend("libp11 stays in src/token/object/provision.c")
                if (exists("src/" name) || exists("tools/" name) || name ~ /^(src|tools|gateway|client|tests|include)\// || name ~ /\.\./)
                    offend("a header of the project in angle brackets (" name ")")
            } else if (name == "config.h" && folder != "include") {
                next
            } else if (name ~ /\.\./ || name ~ /^\//) {
                offend("an include may not climb (" name ")")
            } else if (folder == "include") {
                offend("a public header includes public and system headers only (" name ")")
            } else if (folder == "tools" || folder == "gateway") {
                own = FILENAME
                match(own, /^[a-z]*\/[^\/]*\//)
                own = substr(own, 1, RLENGTH)
                shared = folder == "gateway" && index(name, "gateway/daemon/") == 1
                if (!((index(name, own) == 1 || shared) && exists(name)) && !(name !~ /\// && exists(own name)))
                    offend(folder " may include public headers and its own folder only (" name ")")
            } else if (target ~ /^client\//) {
                if (!may_include(folder, target))
                    offend(folder " may not include " target " (" name ")")
                else if (!exists(name))
                    offend("there is no " name)
            } else if (!(target in known)) {
                offend("an include names its folder (" name ")")
            } else if (!exists("src/" name)) {
                offend("there is no src/" name)
            } else if (!may_include(folder, target)) {
                offend(folder " may not include " target " (" name ")")
            }
        }
        ' tests/layers.txt $(cat "$work/files")
    ) >"$work/found" 2>&1
    [ ! -s "$work/found" ]
}

# notices WORDS EXPECTED FILE TEXT: with TEXT in front of FILE in the copy, layers says EXPECTED about FILE and nothing
# else than before.
notices()
{
    kept=none
    mkdir -p "$work/copy/$(dirname "$3")"
    if [ -f "$work/copy/$3" ]; then
        kept=$work/kept
        cp "$work/copy/$3" "$kept"
        { printf '%s\n' "$4" && cat "$kept"; } >"$work/copy/$3"
    else
        printf '%s\n' "$4" >"$work/copy/$3"
    fi
    layers "$work/copy"
    [ "$(grep -c . "$work/found")" -eq $((before + 1)) ] && grep -F "$3:1: " "$work/found" | grep -qF -- "$2"
    result $? "notices $1"
    if [ "$kept" = none ]; then
        rm "$work/copy/$3"
        rmdir "$work/copy/$(dirname "$3")" 2>/dev/null
    else
        cp "$kept" "$work/copy/$3"
    fi
}

layers "$top_srcdir"
result $? "every include follows tests/layers.txt"
before=$(grep -c . "$work/found")

# Enough was looked at: a check that finds no files finds no offenders either.
layers "$top_srcdir"
seen=0
folders=$(sed -n 's/^\([a-z/-]*\):.*/\1/p' "$top_srcdir/tests/layers.txt")
for folder in $folders; do
    case $folder in
    tools | gateway | client/*) path=$folder/ ;;
    *) path=src/$folder/ ;;
    esac
    grep -q "^$path" "$work/files" && seen=$((seen + 1))
done
echo "$seen folders of tests/layers.txt have files" >"$work/found"
[ "$seen" -eq "$(echo "$folders" | wc -w)" ]
result $? "the folders of tests/layers.txt were looked at ($seen)"

mkdir "$work/copy" "$work/copy/tests"
cp -R "$top_srcdir/src" "$top_srcdir/include" "$top_srcdir/tools" "$top_srcdir/gateway" "$top_srcdir/client" "$work/copy/" &&
    cp "$top_srcdir/tests/layers.txt" "$work/copy/tests/"
chmod -R u+w "$work/copy"

notices "base including upward" "base may not include token/session" src/base/made_up.c '#include "token/session/token.h"'
notices "a pure folder including the registry" "lifecycle may not include registry/connection" src/lifecycle/decide.c \
    '# include  "registry/connection/registry.h"'
notices "the registry including the token" "registry/rows may not include token/key" src/registry/rows/made_up.h \
    '#include "token/key/key_object.h"'
notices "the token including the registry" "token/key may not include registry/rows" src/token/key/made_up.c \
    '#include "registry/rows/rows.h" /* only this once */'
notices "angle brackets around an internal header" "in angle brackets" src/kdf/kdf.c '#include <token/key/key_object.h>'
notices "a path that climbs" "may not climb" src/kdf/kdf.c '#include "../token/key/key_object.h"'
notices "an include without its folder" "names its folder" src/kdf/kdf.c '#include "claims.h"'
notices "an include through a macro" "through a macro" src/kdf/kdf.c '#include KDF_HEADER'
notices "a header that is not there" "there is no src/base/nothing.h" src/kdf/kdf.c '#include "base/nothing.h"'
notices "a public header that is not there" "there is no public header" src/kdf/kdf.c '#include <sealring/nothing.h>'
notices "a folder including one of its family above it" "token/session may not include token/key" src/token/session/made_up.c \
    '#include "token/key/key_object.h"'
notices "a public header in quotes" "included as <sealring/verify.h>" src/kdf/kdf.c '#include "sealring/verify.h"'
notices "a folder without a line" "no line for the folder \"utilities\"" src/utilities/made_up.c '/* nothing */'
notices "a source outside the folders" "no line for the folder \"\"" src/made_up.c '/* nothing */'
notices "tools including an internal header" "tools may include public headers" tools/sealring/made_up.c \
    '#include "base/error.h"'
notices "tools including it by its path" "tools may include public headers" tools/sealring/made_up.c \
    '#include "src/base/error.h"'
notices "a gateway including an internal header" "gateway may include public headers" gateway/sealringd/made_up.c \
    '#include "base/error.h"'
notices "a gateway including the command" "gateway may include public headers" gateway/sealringd/made_up.c \
    '#include "tools/sealring/input.h"'
notices "a daemon including another one" "gateway may include public headers" gateway/sealringd/made_up.c \
    '#include "gateway/broker/peers.h"'
notices "what daemons share including one of them" "gateway may include public headers" gateway/daemon/made_up.c \
    '#include "gateway/broker/peers.h"'
notices "the client library including the registry" "client/libsealring-client may not include registry/rows" \
    client/libsealring-client/made_up.c '#include "registry/rows/rows.h"'
notices "the client's check of deliveries including the registry" "client/unseal may not include registry/rows" client/unseal/unseal.c \
    '#include "registry/rows/rows.h"'
notices "the client command including the library's own header" "client/sealring-client may not include client/libsealring-client" \
    client/sealring-client/made_up.c '#include "client/libsealring-client/client_parts.h"'
notices "the client command including an internal header" "client/sealring-client may not include base" client/sealring-client/made_up.c \
    '#include "base/error.h"'
notices "tools including it in angle brackets" "in angle brackets" tools/sealring/made_up.c '#include <base/error.h>'
notices "a public header including an internal one" "public and system headers only" include/sealring/verify.h \
    '#include "base/error.h"'
notices "SQLite outside the registry" "SQLite stays" src/manage/keys/made_up.c '#include <sqlite3.h>'
notices "PKCS#11 outside the token layer" "PKCS#11 stays" src/manage/keys/made_up.c '#include <p11-kit/pkcs11.h>'
notices "libp11 outside provision" "libp11 stays" src/token/session/token.c '#include <libp11.h>'
notices "a cycle in tests/layers.txt" "first may not include base, which stands below it" tests/layers.txt 'first: base'

layers "$work/copy"
[ "$(grep -c . "$work/found")" -eq "$before" ]
result $? "the copy without violations is as good as the tree"
echo "1..$number"
