# SPDX-License-Identifier: Apache-2.0
# Sourced after tests/cli/lib.sh: SoftHSM2 behind a module that reads from a file how it behaves (tests/cli/module_forward.c).
#
#   token_is TRAITS    from the next call on
#   slow_token_use     the vault uses it from now on
# shellcheck shell=sh disable=SC2154

# shellcheck disable=SC2046 # words
${CC:-cc} -shared -fPIC $(pkg-config --cflags p11-kit-1) -o "$work/forward.so" "$top_srcdir/tests/cli/module_forward.c" ||
    bail_out "no forwarding module"

token_is() {
    echo "$1" >"$work/script.new" && mv "$work/script.new" "$work/script"
}
token_is ""

slow_token_use() {
    sed -i "s|^module = .*|module = $work/forward.so|" "$SEALRING_VAULT/sealring.conf"
    cat >>"$SEALRING_VAULT/sealring.conf" <<CONF
module-environment = FORWARD_TO=${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}
module-environment = FORWARD_SCRIPT=$work/script
CONF
}
