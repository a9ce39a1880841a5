#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A system that ignores MADV_WIPEONFORK and returns success, as emulators of other architectures do: no vault is opened, with the reason.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=server.sh
. "$(dirname "$0")/server.sh"

build_server
must init
must ring create payments --prefix acme_live
must client add acme
must issue payments --client acme
cp "$work/out" "$work/good"

cat >"$work/ignore.c" <<'EOF_C'
#include <stddef.h>
int madvise(void *address, size_t length, int advice);
int madvise(void *address, size_t length, int advice)
{
    (void)address, (void)length, (void)advice;
    return 0;
}
EOF_C
# shellcheck disable=SC2086 # a command and its arguments
ok "a madvise() that does nothing is built" $CC -shared -fPIC -o "$work/ignore.so" "$work/ignore.c"
# what a sanitizer has to be loaded before
asan=$(ldd "$work/server" | sed -n 's/.*=> \(.*libasan[^ ]*\).*/\1/p' | head -n 1)

LD_PRELOAD="$asan $work/ignore.so" "$work/server" "$SEALRING_VAULT" "" 1 <"$work/good" >"$work/out" 2>"$work/err"
status=$?
not_ok "a server does not open the vault" test $status -eq 0
err_like 'a forked child could not be noticed: MADV_WIPEONFORK is not honoured here' "and the message says why"
LD_PRELOAD="$asan $work/ignore.so" "$SEALRING" verify <"$work/good" >"$work/out" 2>"$work/err"
status=$?
not_ok "nor does the command that verifies" test $status -eq 0
err_like 'MADV_WIPEONFORK is not honoured here' "for the same reason"
run verifier list --all --json
json_is '.verifiers | length' 0 "neither left a trace among the verifiers"
run_with "$work/good" verify
succeeds "without it the credential is good"

done_testing
