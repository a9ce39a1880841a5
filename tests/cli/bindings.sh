#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The examples in Python, Go and Rust, built and run against the installed tree: each tells of a credential what C tells.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
: "${top_builddir:=$PWD}"
: "${CC:=cc}"
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GNUMAKEFLAGS DESTDIR PKG_CONFIG_LIBDIR LD_PRELOAD GOFLAGS GOENV RUSTFLAGS
unset MALLOC_PERTURB_ # of the tests: under it binutils' ld warns of what Go links
examples=$top_srcdir/docs/examples
tree=$work/tree
for name in python3 go rustc; do
    command -v $name >/dev/null || bail_out "$name is missing: sh tools/packages.sh test"
done
# pyenv, rustup and the like shadow Debian's with what the user's home says: HOME is the test's own here.
PATH=/usr/bin:/bin:$PATH
export PATH

# What make calls VARIABLE in the build directory.
make_variable() {
    # shellcheck disable=SC2016 # for make to expand
    printf 'include Makefile\nshow:\n\t@echo $(%s)\n' "$1" | make -s --no-print-directory -C "$top_builddir" -f - show
}

make -s -C "$top_builddir" install DESTDIR="$tree" >"$work/out" 2>"$work/err"
status=$?
succeeds "make install DESTDIR"
libdir=$tree$(make_variable libdir)
SEALRING=$tree$(make_variable bindir)/sealring
PKG_CONFIG_PATH=$libdir/pkgconfig
PKG_CONFIG_SYSROOT_DIR=$tree
LD_LIBRARY_PATH=$libdir
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR LD_LIBRARY_PATH
if nm -D --undefined-only "$libdir/libsealring.so" | grep -q __asan_init; then
    bail_out "the library was built with the sanitizers, which Python, Go and Rust would have to be, too"
fi

# ---- the four programs ----

quietly() { # NAME COMMAND...: one case
    name=$1
    shift
    "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    [ "$status" -eq 0 ] && [ ! -s "$work/err" ]
    report $? "$name"
}

# What the others must print, by the headers themselves; and, for Python, where each member lies.
cat >"$work/truth.c" <<'C'
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sealring/verify.h>
static int set(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}
#define AT(type, member) printf(#type "." #member " %zu\n", offsetof(type, member))
static int layout(void)
{
    printf("sealring_grant %zu\nsealring_error %zu\n", sizeof(sealring_grant), sizeof(sealring_error));
    AT(sealring_grant, size), AT(sealring_grant, key_id), AT(sealring_grant, ring), AT(sealring_grant, client);
    AT(sealring_grant, scopes), AT(sealring_grant, version), AT(sealring_grant, serial);
    AT(sealring_grant, version_state), AT(sealring_grant, not_before), AT(sealring_grant, expires);
    AT(sealring_grant, sunset), AT(sealring_grant, reason);
    AT(sealring_error, status), AT(sealring_error, token_code), AT(sealring_error, registry_code);
    AT(sealring_error, system_errno), AT(sealring_error, message);
    return 0;
}
int main(int argc, char **argv)
{
    static char text[2 << 20];
    sealring_vault *vault;
    sealring_error error;
    sealring_grant g = {.size = sizeof g};
    if (argc == 1)
        return layout();
    if (sealring_environment(argv[1], set, NULL, &error) || sealring_open(argv[1], NULL, &vault, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 3;
    }
    size_t length = fread(text, 1, sizeof text, stdin);
    length -= length > 0 && text[length - 1] == '\n';
    sealring_verdict v = sealring_verify(vault, text, length, argv[2], &g);
    printf("%s %d client=%s key=%s ring=%s scopes=%s version=%u %s serial=%u from=%lld to=%lld sunset=%lld: %s\n",
           sealring_verdict_name(v), sealring_verdict_http_status(v), g.client, g.key_id, g.ring, g.scopes, g.version,
           sealring_version_state_name(g.version_state), g.serial, (long long)g.not_before, (long long)g.expires,
           (long long)g.sunset, g.reason);
    sealring_close(&vault);
    return !sealring_verdict_accepted(v);
}
C
# shellcheck disable=SC2046,SC2086 # lists of words
quietly "C: the program that the others are measured by" $CC -Wall -Wextra -Werror -o "$work/truth" "$work/truth.c" \
    $(pkg-config --cflags --libs sealring)

cp "$examples/verify.py" "$work/verify.py"
python() {
    python3 -I -W error "$work/verify.py" "$@"
}
quietly "Python: the example compiles" python3 -I -W error -m py_compile "$work/verify.py"

# shellcheck disable=SC2046 # a list of words
quietly "Rust: the example compiles without a warning" rustc --edition 2021 -O -D warnings -o "$work/rust" \
    $(pkg-config --libs-only-L sealring) "$examples/verify.rs"

build_go() {
    (cd "$examples/go" && GOPROXY=off GOTOOLCHAIN=local GOCACHE=$work/gocache GOPATH=$work/gopath CGO_ENABLED=1 \
        go "$@")
}
quietly "Go: the example compiles" build_go build -buildvcs=false -o "$work/go" .
quietly "Go: vet has nothing to say" build_go vet ./...
is "$(gofmt -l "$examples/go" 2>&1)" "" "Go: it is formatted"

"$work/truth" >"$work/layout"
cat >"$work/layout.py" <<'PY'
import ctypes, sys
sys.path.insert(0, sys.argv[1])
import verify
for name, structure in (("sealring_grant", verify.Grant), ("sealring_error", verify.Error)):
    print(name, ctypes.sizeof(structure))
for name, structure in (("sealring_grant", verify.Grant), ("sealring_error", verify.Error)):
    for member in structure._fields_:
        print(f"{name}.{member[0]} {getattr(structure, member[0]).offset}")
PY
python3 -I "$work/layout.py" "$work" >"$work/out" 2>"$work/err"
ok "Python: every member of the structures lies where C has it" cmp -s "$work/out" "$work/layout"

# ---- a vault with credentials of many kinds ----

issue() { # FILE ARGUMENT...
    file=$1
    shift
    must issue payments "$@"
    cp "$work/out" "$work/$file"
}
must init
must ring create payments --prefix acme_live --overlap 1s
must client add corner-shop
must client add blue-bikes
issue timed --client corner-shop --scope read --scope write --not-before 2020-01-02T03:04:05Z --expires 2099-12-31T23:59:59Z
issue early --client corner-shop --label early --not-before 2099-01-01T00:00:00Z
issue suspended --client corner-shop --label suspended --scope read
must key suspend "$(cut -d_ -f3 "$work/suspended")"
issue revoked --client corner-shop --label revoked
must revoke "$(cut -d_ -f3 "$work/revoked")"
issue narrowed --client corner-shop --label narrowed --scope a --scope b --scope c
must key set "$(cut -d_ -f3 "$work/narrowed")" --scope b
must rotate payments
ok "version 1 retires" until_true retires payments 1
must rotate payments
issue fresh --client blue-bikes --scope write --scope read
must rotate payments
issue newest --client blue-bikes --label newest --scope read
printf '' >"$work/empty"
printf 'no credential\n' >"$work/words"
head -c 1048576 /dev/zero | tr '\0' x >"$work/long"
printf 'acme_live_\0\377\n' >"$work/binary"
sed 's/.$/_/' "$work/newest" >"$work/typo"
sed 's/_live_/_live_0/; s/_0./_/' "$work/newest" >"$work/other"

tells() { # FILE SCOPE: one case for each language
    "$work/truth" "$SEALRING_VAULT" "$2" <"$work/$1" >"$work/wanted" 2>&1
    wanted=$?
    verdict=$(cut -d ' ' -f 1-2 "$work/wanted")
    for language in python "$work/go" "$work/rust"; do
        "$language" "$SEALRING_VAULT" "$2" <"$work/$1" >"$work/out" 2>"$work/err"
        status=$?
        [ "$status" -eq "$wanted" ] && cmp -s "$work/out" "$work/wanted" && [ ! -s "$work/err" ]
        report $? "${language##*/}: $1${2:+ for $2}: $verdict" "C: $wanted $(cat "$work/wanted")"
    done
}
tells newest read
is "$verdict" "accepted 200" "as it should be"
tells newest ""
tells newest "read write"
is "$verdict" "scope 403" "as it should be"
tells fresh "read write"
grep -q ' sunset=[1-9]' "$work/wanted"
report $? "with a sunset"
tells timed read
is "$verdict" "version-retired 401" "as it should be"
grep -q ' from=1577934245000 to=4102444799000 ' "$work/wanted"
report $? "with its times"
must reinstate payments 1
tells timed write
is "$verdict" "accepted 200" "as it should be"
tells narrowed b
grep -q ' scopes=b ' "$work/wanted"
report $? "with the scopes that are left"
for file in early suspended revoked narrowed empty words long binary typo other; do
    tells $file c
done

"$work/truth" "$work/nowhere" read <"$work/newest" >"$work/out" 2>"$work/wanted"
for language in python "$work/go" "$work/rust"; do
    "$language" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    status_is 2 "${language##*/}: no argument is a usage error"
    err_like '^usage: ' "that says what is wanted"
    "$language" "$work/nowhere" read <"$work/newest" >"$work/out" 2>"$work/err"
    status=$?
    status_is 3 "without a vault there is no verdict"
    ok "but the library's message" grep -q -F -f "$work/wanted" "$work/err"
    out_empty "and nothing else"
done
done_testing
