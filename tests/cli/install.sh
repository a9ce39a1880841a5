#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make install` gives a C developer all that is needed: the example server is built and run against the installed tree.
set -u
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
: "${CC:=cc}" "${CXX:=c++}"
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GNUMAKEFLAGS DESTDIR SEALRING_VAULT PKG_CONFIG_LIBDIR

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
tree=$work/tree
number=0

# result STATUS WORDS: one TAP line; on failure the log follows as diagnosis.
result()
{
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        sed 's/^/# /' "$work/log" | head -n 40
    fi
    : >"$work/log"
}

# check WORDS COMMAND…: the command is expected to succeed.
check()
{
    words=$1
    shift
    "$@" >>"$work/log" 2>&1
    result $? "$words"
}

# What make calls VARIABLE in the build directory.
make_variable()
{
    # shellcheck disable=SC2016 # for make to expand
    printf 'include Makefile\nshow:\n\t@echo $(%s)\n' "$1" | make -s --no-print-directory -C "$top_builddir" -f - show
}

: >"$work/log"
libdir=$(make_variable libdir)
bindir=$(make_variable bindir)
includedir=$(make_variable includedir)
unitdir=$(make_variable systemdunitdir)
library=$tree$libdir/libsealring.so

# ---- install, and what it installs ----

make -s -C "$top_builddir" install DESTDIR="$tree" >"$work/log" 2>&1
status=$?
cp "$work/log" "$work/install.log"
result $status "make install DESTDIR"
# libtool would do so in the build directory, where other tests run the command.
cp "$work/install.log" "$work/log"
! grep -q relinking "$work/install.log"
result $? "and links nothing a second time"

find "$tree" ! -type d | sed "s|^$tree||" | sort >"$work/installed"
{
    echo "$bindir/sealring"
    echo "$bindir/sealring-client"
    echo "$(make_variable sbindir)/sealringd"
    echo "$(make_variable sbindir)/sealring-broker"
    echo "$(make_variable sysusersdir)/sealringd.conf"
    for name in sealring.service sealring-run.service sealring.timer sealringd.service sealringd.socket sealringd-renew.socket \
        sealring-broker.service sealring-broker.socket sealring-client@.service sealring-client@.timer; do
        echo "$unitdir/$name"
    done
    echo "$includedir/sealring/backup.h"
    echo "$includedir/sealring/sealed.h"
    echo "$includedir/sealring/notices.h"
    echo "$includedir/sealring/claim.h"
    echo "$includedir/sealring/successors.h"
    echo "$includedir/sealring/client.h"
    echo "$includedir/sealring/lagging.h"
    echo "$includedir/sealring/outside.h"
    echo "$includedir/sealring/ring_policy.h"
    echo "$includedir/sealring/leaks.h"
    echo "$includedir/sealring/renew.h"
    echo "$includedir/sealring/webhooks.h"
    echo "$includedir/sealring/doctor.h"
    echo "$includedir/sealring/manage.h"
    echo "$includedir/sealring/verify.h"
    for name in libsealring.la libsealring.so libsealring.so.1 libsealring.so.1.0.0 pkgconfig/sealring.pc \
        libsealring-manage.la libsealring-manage.so libsealring-manage.so.0 libsealring-manage.so.0.0.0 pkgconfig/sealring-manage.pc \
        libsealring-client.la libsealring-client.so libsealring-client.so.0 libsealring-client.so.0.0.0 pkgconfig/sealring-client.pc; do
        echo "$libdir/$name"
    done
} | sort >"$work/expected"
grep -v /share/ "$work/installed" >"$work/programs"
check "exactly the command, units, headers, libraries and pkg-config files are installed" \
    diff "$work/expected" "$work/programs"

PKG_CONFIG_PATH=$tree$libdir/pkgconfig
PKG_CONFIG_SYSROOT_DIR=$tree
LD_LIBRARY_PATH=$tree$libdir
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR LD_LIBRARY_PATH
flags=$(pkg-config --cflags --libs sealring 2>>"$work/log")
case $flags in
*"-I$tree$includedir"*"-lsealring"*) result 0 "pkg-config leads to the installed tree" ;;
*) result 1 "pkg-config leads to the installed tree" ;;
esac

# ---- headers and symbols ----

check "the manager's pkg-config file requires the very same release" sh -c \
    "pkg-config --print-requires sealring-manage | grep -qx 'sealring = '\"\$(pkg-config --modversion sealring)\""

include=$(pkg-config --cflags sealring)
for header in verify manage doctor client; do
    echo "#include <sealring/$header.h>" >"$work/alone.c"
    # shellcheck disable=SC2086 # lists of words, here and below
    check "$header.h compiles alone as C11" $CC -std=c11 -pedantic -Wall -Wextra -Werror -fsyntax-only $include \
        "$work/alone.c"
    # shellcheck disable=SC2086
    check "$header.h compiles alone as C++17" $CXX -x c++ -std=c++17 -pedantic -Wall -Wextra -Werror -fsyntax-only \
        $include "$work/alone.c"
done

for header in "$tree$includedir"/sealring/*.h; do
    echo "#include <sealring/${header##*/}>"
done >"$work/together.c"
# shellcheck disable=SC2086
check "all headers together compile" $CC -std=c11 -pedantic -Wall -Wextra -Werror -fsyntax-only $include "$work/together.c"

# "NODE NAME" for each symbol: as exported, as the map lists, as the headers declare.
exported() # LIBRARY
{
    nm -D --defined-only "$1" | awk '$2 != "A" { sub("@@?", " ", $3); split($3, p, " "); print p[2], p[1] }' | sort
}
mapped() # MAP
{
    awk '/^SEALRING_/ { node = $1 } /^\tsealring_/ { sub(";", "", $1); print node, $1 }' "$1" | sort
}
declared() # HEADER NODE
{
    perl -0pe 's{/\*.*?\*/}{}gs; s/^#.*$//mg' "$tree$includedir/sealring/$1" | grep -o 'sealring_[a-z_0-9]*(' |
        sed "s/^\(.*\)($/$2 \1/" | sort -u
}
manage=$tree$libdir/libsealring-manage.so
private=SEALRING_PRIVATE_$(pkg-config --modversion sealring)
exported "$library" >"$work/both"
grep -v "^$private " "$work/both" >"$work/exported"
grep "^$private " "$work/both" | sed 's/^[^ ]* //' >"$work/private"
mapped "$top_srcdir/src/libsealring.map" >"$work/map"
declared verify.h SEALRING_1 | sort >"$work/declared"
exported "$manage" >"$work/exported-manage"
mapped "$top_srcdir/src/libsealring-manage.map" >"$work/map-manage"
for header in "$tree$includedir"/sealring/*.h; do
    case ${header##*/} in
    verify.h | client.h) ;;
    *) declared "${header##*/}" SEALRING_MANAGE_0 ;;
    esac
done | sort >"$work/declared-manage"
[ "$(wc -l <"$work/exported")" -gt 8 ] && [ "$(wc -l <"$work/exported-manage")" -gt 30 ] || echo "only so many symbols are exported" >>"$work/log"
check "libsealring exports what its symbol map lists, each symbol with its version" diff "$work/map" "$work/exported"
check "verify.h declares exactly what libsealring exports to the public" diff "$work/declared" "$work/exported"
check "libsealring-manage exports what its symbol map lists" diff "$work/map-manage" "$work/exported-manage"
check "the other headers declare exactly what libsealring-manage exports" diff "$work/declared-manage" "$work/exported-manage"
cat "$work/exported" "$work/exported-manage" | grep -v ' sealring_' >"$work/foreign"
client=$tree$libdir/libsealring-client.so
exported "$client" >"$work/exported-client"
mapped "$top_srcdir/client/libsealring-client/libsealring-client.map" >"$work/map-client"
declared client.h SEALRING_CLIENT_0 | sort >"$work/declared-client"
check "libsealring-client exports what its symbol map lists" diff "$work/map-client" "$work/exported-client"
check "client.h declares exactly that" diff "$work/declared-client" "$work/exported-client"
check "its name is libsealring-client.so.0" sh -c "objdump -p '$client' | grep -q 'SONAME *libsealring-client.so.0\$'"
objdump -p "$client" | sed -n 's/^ *NEEDED *//p' >"$work/needed"
cat "$work/needed" >>"$work/log"
check "it needs no token, no registry and no other library of ours" sh -c \
    "grep -q '^libcurl' '$work/needed' && ! grep -qE '^lib(p11|p11-kit|sqlite3|csv|sealring.*)[.]so' '$work/needed'"
check "only sealring_* is exported to the public" test ! -s "$work/foreign"
# What the private version exports is what libsealring-manage takes from there, neither more nor less.
nm -D --undefined-only "$manage" | sed -n "s/.* \([a-z_0-9]*\)@$private$/\1/p" | sort >"$work/taken"
check "the private symbols are those that libsealring-manage needs" diff "$work/taken" "$work/private"
nm -D --defined-only "$manage" | awk '{ sub("@.*", "", $3); print $3 }' | sort >"$work/names-manage"
sed 's/^[^ ]* //' "$work/both" | sort >"$work/names"
comm -12 "$work/names" "$work/names-manage" >"$work/twice"
check "no symbol is exported twice" test ! -s "$work/twice"
check "the library's name is libsealring.so.1" sh -c "objdump -p '$library' | grep -q 'SONAME *libsealring.so.1\$'"
check "the manager's is libsealring-manage.so.0" sh -c "objdump -p '$manage' | grep -q 'SONAME *libsealring-manage.so.0\$'"
# What only an operator needs stays out of servers.
objdump -p "$library" | sed -n 's/^ *NEEDED *//p' >"$work/needed"
cat "$work/needed" >>"$work/log"
check "libsealring needs neither libp11 nor jansson nor libcsv" sh -c \
    "grep -q '^libcrypto' '$work/needed' && ! grep -qE '^lib(p11|jansson|csv)[.]so' '$work/needed'"

# ---- the example server ----

# A library built with the sanitizers wants a program with them.
sanitize=
if nm -D --undefined-only "$library" | grep -q __asan_init; then
    sanitize=-fsanitize=address,undefined
fi
# shellcheck disable=SC2086
check "the example compiles with pkg-config's flags alone" $CC -Wall -Wextra -Werror $sanitize -o "$work/server" \
    "$top_srcdir/docs/examples/server.c" $flags -pthread

sealring=$tree$bindir/sealring
SEALRING_VAULT=$work/vault
export SEALRING_VAULT
check "the installed command makes a vault" "$sealring" init
check "… and a ring" "$sealring" ring create payments --prefix acme_live
{
    echo client,contact,label,scopes,expires
    i=0
    while [ $i -lt 200 ]; do
        # Every fourth key may read only.
        if [ $((i % 4)) -eq 3 ]; then scopes="read"; else scopes="read write"; fi
        echo "client-$i,,default,$scopes,"
        i=$((i + 1))
    done
} >"$work/clients.csv"
check "… and issues 200 keys" "$sealring" issue payments --from "$work/clients.csv" --out "$work/issued.csv"
# The fifth, tenth, … key is revoked.
awk -F, 'NR > 1 && NR % 5 == 1 { print $3 }' "$work/issued.csv" >"$work/to-revoke"
: >"$work/revoked"
while read -r key; do
    "$sealring" revoke "$key" >>"$work/log" 2>&1 && echo "$key" >>"$work/revoked"
done <"$work/to-revoke"
check "… and revokes 40 of them" test "$(wc -l <"$work/revoked")" -eq 40

# 2,000 requests of ten kinds, and what the server must answer to each.
perl "$top_srcdir/tests/cli/requests.pl" "$work/issued.csv" "$work/revoked" "$work/requests" "$work/answers" \
    >>"$work/log" 2>&1
check "there are 2,000 requests" test "$(wc -l <"$work/requests")" -eq 2000

for threads in 8 1; do
    "$work/server" "$SEALRING_VAULT" write "$threads" <"$work/requests" >"$work/printed" 2>>"$work/log"
    check "the server with $threads threads ends well" test $? -eq 0
    sort -n "$work/printed" | sed 's/ version=\([0-9]*\) .*$/ version=\1/' >"$work/sorted"
    check "… and answers every request rightly" diff "$work/answers" "$work/sorted"
done
cut -d, -f8 "$work/issued.csv" | sed 1d >"$work/credentials"
check "… and never prints a credential" sh -c "! grep -q -F -f '$work/credentials' '$work/printed'"

mv "$work/vault" "$work/elsewhere"
"$work/server" "$SEALRING_VAULT" write 8 <"$work/requests" >"$work/printed" 2>"$work/message"
check "without a vault it does not start" test $? -eq 1 -a ! -s "$work/printed" -a -s "$work/message"

# ---- uninstall ----

check "make uninstall DESTDIR" make -s -C "$top_builddir" uninstall DESTDIR="$tree"
find "$tree" ! -type d >"$work/left"
cat "$work/left" >>"$work/log"
check "… leaves nothing behind" test ! -s "$work/left"

echo "1..$number"
