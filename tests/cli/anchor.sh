#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An audit token that does not show its anchor is no audit token without one: what might hide an older registry is refused.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

module=${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}
[ -r "$module" ] || bail_out "SoftHSM2's module $module is missing: set SOFTHSM2_MODULE"
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} -shared -fPIC $(pkg-config --cflags p11-kit-1) -o "$work/forward.so" "$top_srcdir/tests/cli/module_forward.c" ||
    bail_out "the module for the tests cannot be built"
mkdir "$work/tokens"
echo "directories.tokendir = $work/tokens" >"$work/tokens.conf"
for label in keys1 audit1 keys2 audit2; do
    SOFTHSM2_CONF=$work/tokens.conf softhsm2-util --init-token --free --label $label --so-pin 50288419 --pin 73914682 \
        >/dev/null || bail_out "no token $label"
done
printf '73914682\n' >"$work/pin"
chmod 600 "$work/pin"

make_vault() { # SUFFIX
    must init --vault "$SEALRING_VAULT" --module "$work/forward.so" --token "pkcs11:token=keys$1" --pin-source "$work/pin" \
        --audit-token "pkcs11:token=audit$1" --audit-pin-source "$work/pin" \
        --module-environment "SOFTHSM2_CONF=$work/tokens.conf" --module-environment "FORWARD_TO=$module"
    must ring create r
    must client add acme
}

older() { # keeps the registry as it is
    rm -rf "$work/older"
    cp -a "$SEALRING_VAULT/registry" "$work/older"
}

put_back() {
    rm -rf "$SEALRING_VAULT/registry"
    cp -a "$work/older" "$SEALRING_VAULT/registry"
}

hiding() { # WHAT ARGUMENT...: the command while the token hides that, or has that trait
    FORWARD_HIDE=$1 FORWARD_AS=$1
    export FORWARD_HIDE FORWARD_AS
    shift
    run "$@"
    unset FORWARD_HIDE FORWARD_AS
}

# ---- A token that keeps data objects ----

make_vault 1
for what in search value refuse-data; do
    hiding $what client add "hidden-$what"
    is "$status" 1 "an act is refused while the token hides its anchor ($what)"
    err_like 'ALARM: the audit token does not show what it knows of the registry.*--take-over' "and says why ($what)"
    run client list
    not_ok "nothing was done ($what)" grep -q "hidden-$what" "$work/out"
    run client add "shown-$what"
    is "$status" 0 "and done when the token shows it ($what)"
    is "$(cat "$work/err")" "" "without a remark ($what)"
    hiding $what doctor
    ok "the doctor reports that it has not seen it ($what)" grep -q "audit-token-unreachable" "$work/out"
    hiding $what client add "forced-$what" --take-over 'the token is being repaired'
    is "$status" 0 "an operator may go on ($what)"
    run client add "after-$what"
    is "$status" 0 "and then it goes on from there ($what)"
done

# Somebody who can write the token puts something else in the anchor's place: that is no token without an anchor either.
vault_id=$(sqlite3 "$SEALRING_VAULT/registry/sealring.db" 'SELECT lower(hex(vault_id)) FROM vault')
label=sealring-anchor/$vault_id
tool() {
    SOFTHSM2_CONF=$work/tokens.conf pkcs11-tool --module "$module" --token-label audit1 --login --pin 73914682 --type data --label "$label" "$@" \
        >"$work/said" 2>&1 || bail_out "pkcs11-tool: $(cat "$work/said")"
}
echo "sealring anchor 2" >"$work/other"
tool --delete-object
tool --write-object "$work/other" --private
run client add replaced
is "$status" 1 "an act is refused while the anchor is something else"
err_like "ALARM: .*has a data object $label with another content.*--take-over" "and says why"
tool --delete-object
run client add replaced
is "$status" 0 "and done when it was removed"
err_like 'the audit token has lost its anchor: whether the registry was rolled back before is not known' "with a remark"
run client add after-replaced
is "$(cat "$work/err")" "" "and then it goes on from there"

# Interruptions may leave an older anchor beside the newest one, and a take-over that the anchor has caught up with: neither counts.
older
tool --read-object --output-file "$work/anchor"
must client add lost
tool --write-object "$work/anchor" --private
label=sealring-take-over/$vault_id
tool --write-object "$work/anchor" --private
put_back
for what in search value refuse-data; do
    hiding $what client add "hidden-$what-2"
    is "$status" 1 "an older registry is not taken for want of an anchor ($what)"
done
run client add x
is "$status" 1 "nor when the token shows it"
err_like 'the registry was rolled back' "which says so"

# The token is away when it is asked for the anchor, and there when the checkpoint is to be signed.
hiding search-at-first prepare r
is "$status" 1 "what permits something is refused"
err_like 'nothing was changed: this act needs a signature .*: ALARM: the registry was rolled back' "as nothing is signed over an older registry"
run client add x
is "$status" 1 "so the next command still notices it"

# ---- A token that keeps no data objects, and refuses to search for them ----

SEALRING_VAULT=$work/vault2
export SEALRING_VAULT
FORWARD_HIDE=data
export FORWARD_HIDE
make_vault 2
is "$(cat "$work/err")" "" "a token without data objects keeps the anchor in a label"
older
must client add lost
put_back
run client add x
is "$status" 1 "an older registry is noticed"
err_like 'the registry was rolled back' "which says so"
run client add x --take-over 'it is lost'
is "$status" 0 "and can be taken over"
run client add y
is "$status" 0 "after which all is well"
is "$(cat "$work/err")" "" "without a remark"
unset FORWARD_HIDE
hiding label client add z
is "$status" 1 "an act is refused while the token does not show the label"
err_like 'ALARM: the audit token does not show what it knows of the registry.*--take-over' "and says why"
run client add z
is "$status" 0 "and done when it does"
is "$(cat "$work/err")" "" "without a remark"

done_testing
