# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh: a token of the test's own, behind a module that can be another kind of token (tests/cli/module_forward.c).
#
#   personality_token           makes the token, the PIN file and the module
#   init_as TRAIT...            a fresh vault on a fresh token that has these traits
#   become TRAIT...             from now on it has these, for running servers too
# shellcheck shell=sh disable=SC2154

softhsm=${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}
[ -r "$softhsm" ] || bail_out "SoftHSM2's module $softhsm is missing: set SOFTHSM2_MODULE"
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} -shared -fPIC $(pkg-config --cflags p11-kit-1) -o "$work/forward.so" "$top_srcdir/tests/cli/module_forward.c" ||
    bail_out "the forwarding module cannot be built"
printf '7391468205\n' >"$work/pin"
chmod 600 "$work/pin"

become() {
    echo "$*" >"$work/traits.new"
    mv "$work/traits.new" "$work/traits"
}

new_token() {
    rm -rf "$work/tokens" "$work/state" "$work/vault"
    mkdir "$work/tokens" "$work/state"
    echo "directories.tokendir = $work/tokens" >"$work/tokens.conf"
    SOFTHSM2_CONF=$work/tokens.conf softhsm2-util --init-token --free --label own --so-pin 50288419 --pin 7391468205 \
        >/dev/null || bail_out "no token can be made"
    SOFTHSM2_CONF=$work/tokens.conf
    export SOFTHSM2_CONF
}

run_init() {
    run init --module "$work/forward.so" --token pkcs11:token=own --pin-source "$work/pin" \
        --module-environment "SOFTHSM2_CONF=$work/tokens.conf" --module-environment "FORWARD_TO=$softhsm" \
        --module-environment "FORWARD_SCRIPT=$work/traits" --module-environment "FORWARD_STATE=$work/state"
}

init_as() {
    new_token
    become "$@"
    run_init
    [ "$status" -eq 0 ] || {
        explain_output
        bail_out "no vault can be made on a token that is: $*"
    }
}

# The module's environment, as a program that links libsealring sets it.
forward_environment() {
    FORWARD_TO=$softhsm FORWARD_SCRIPT=$work/traits FORWARD_STATE=$work/state
    export FORWARD_TO FORWARD_SCRIPT FORWARD_STATE
}

serve_personality() { # NAME
    forward_environment
    serve "$1"
}
