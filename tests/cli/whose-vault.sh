#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A copy of a vault's directory, and a vault of somebody else: nothing is done there to the original's keys, and nothing of theirs is loaded.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create payments
must client add alice
must issue payments --client alice --scope read --out "$work/alice.key"
original=$SEALRING_VAULT

# ---- Copies ----

good() { # NAME: the original is as it was
    SEALRING_VAULT=$original
    run_with "$work/alice.key" verify
    succeeds "$1: the original verifies"
    count_of=$((${count_of-0} + 1))
    run issue payments --client alice --label "label$count_of" --scope read
    succeeds "$1: the original issues"
}
refused_copy() { # NAME ARGUMENT...
    name=$1
    shift
    run "$@"
    status_is 1 "$name: sealring $1 ${2-} is refused"
    err_like "$SEALRING_VAULT is a copy of the vault $original/, whose keys it would change: .*doctor --repair" "$name: both are named, and what to do"
}
cp -a "$original" "$work/copy"
for at in "$work/copy" "$work/link"; do
    [ -e "$at" ] || ln -s copy "$at"
    SEALRING_VAULT=$work/copy
    run compromise payments 1 --reason "a drill" --vault "$at"
    status_is 1 "a copy at $(basename "$at"): a drill is refused"
    err_like "is a copy of the vault" "for that reason"
done
SEALRING_VAULT=$work/copy
for command in "rotate payments" "status" "client add bob" "run --once" "compromise payments 1 --reason drill" "backup $work/out-of-copy" \
    "issue payments --client alice --label two --scope read" "verifier list"; do
    # shellcheck disable=SC2086 # a list of words
    refused_copy "a copy" $command
done
run_with "$work/alice.key" verify
status_is 1 "a copy verifies nothing"
run doctor --json
json_is '.doctor.findings[] | select(.code == "config-unusable") | .what | test("is a copy of the vault")' true "the doctor finds that it is one"
run doctor --repair
out_like "1 found, 0 repaired, 1 remains" "and repairs nothing there"
good "after all that"

# The same directory by another name is none.
ln -s vault "$work/alias"
SEALRING_VAULT=$work/alias
run status
succeeds "a symbolic link leads to the original"
mv "$original" "$work/renamed"
cp "$work/renamed/sealring.conf" "$work/conf"
sed -i "s|=$original/|=$work/renamed/|" "$work/renamed/sealring.conf"
sed -i "s|$original/|$work/renamed/|" "$work/renamed/tokens/softhsm2.conf"
SEALRING_VAULT=$work/renamed
run client add renamed
succeeds "a vault that was renamed is no copy"
mkdir "$original"
cp "$work/conf" "$original/sealring.conf"
run client add twice
status_is 1 "unless there is a vault where it was"
rm -r "$original"
cp "$work/conf" "$work/renamed/sealring.conf"
sed -i "s|$work/renamed/|$original/|" "$work/renamed/tokens/softhsm2.conf"
mv "$work/renamed" "$original"
good "after it was moved back"

# Moved to where nothing is known of it: the documented way.
cp -a "$original" "$work/moved"
mv "$original" "$work/aside"
SEALRING_VAULT=$work/moved
refused_copy "a vault that was moved as a copy" client list
sed -i "/^vault/d; s|$original/|$work/moved/|" "$work/moved/sealring.conf"
sed -i "s|$original/|$work/moved/|" "$work/moved/tokens/softhsm2.conf"
run doctor --repair
succeeds "the doctor takes it for moved"
ok "and writes down where it is" grep -q "^vault = $work/moved/\$" "$work/moved/sealring.conf"
run client add moved
succeeds "it goes on there"
rm -rf "$work/moved"
mv "$work/aside" "$original"

# A drill with a token of its own: all paths are edited.
cp -a "$original" "$work/drill"
sed -i "s|$original/|$work/drill/|" "$work/drill/sealring.conf" "$work/drill/tokens/softhsm2.conf"
SEALRING_VAULT=$work/drill
run compromise payments 1 --reason "a drill"
status_is 0 "a copy with a token of its own does what it is told to"
good "after a drill on a token of its own"

# ---- Other users' ----

SEALRING_VAULT=$original
if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
    echo "# other users' vaults: takes root and setpriv"
    done_testing
fi
cat >"$work/module.c" <<'END'
#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void)
{
    FILE *file = fopen(MARK, "a");
    if (file != NULL)
        fclose(file);
}
END
${CC:-cc} -shared -fPIC -DMARK="\"$work/mark/loaded\"" -o "$work/module.so" "$work/module.c" || bail_out "no module"
mkdir -m 1777 "$work/mark"
chmod 755 "$work"
cp -a "$original" "$work/theirs"
sed -i "s|^module = .*|module = $work/module.so|; /^vault/d; /^module-environment/d" "$work/theirs/sealring.conf"
chmod -R a+rX "$work/theirs"
# as USER COMMAND...
as() {
    user=$1
    shift
    setpriv --reuid="$user" --regid="$user" --clear-groups "$SEALRING" "$@" >"$work/out" 2>"$work/err" <"$work/alice.key"
    status=$?
}
chmod a+r "$work/alice.key"
loads() { # NAME
    ok "$1: the module is loaded" test -e "$work/mark/loaded"
    rm -f "$work/mark/loaded"
}
loads_not() { # NAME
    not_ok "$1: nothing is loaded" test -e "$work/mark/loaded"
    rm -f "$work/mark/loaded"
}
SEALRING_VAULT=$work/theirs
as 2001 --help
if [ "$status" -ne 0 ]; then
    echo "# another user cannot run $SEALRING"
    done_testing
fi
chown -R 2002:2002 "$work/theirs"
as 2002 verify
loads "its owner"
for command in status verify "rotate payments" "client add bob" doctor "run --once"; do
    # shellcheck disable=SC2086 # a list of words
    as 2001 $command
    loads_not "$command by another user"
done
as 2001 verify
status_is 2 "another user's configuration is refused"
err_like 'sealring.conf belongs to uid 2002, and this runs as uid 2001' "with both of them"
run status
loads_not "root"
chown -R 0:0 "$work/theirs"
chown -R 2001 "$work/theirs/verifiers" "$work/theirs/login" "$work/theirs/registry" # what a server writes
as 2001 verify
loads "a user of root's vault"

# On the way to it.
mkdir "$work/way"
mv "$work/theirs" "$work/way/theirs"
SEALRING_VAULT=$work/way/theirs
as 2001 verify
loads "below a directory of root's"
chown 2002 "$work/way"
as 2001 verify
loads_not "below a directory of another user's"
err_like "way, above the vault, belongs to uid 2002" "it is named"
chown 0 "$work/way"
chmod 777 "$work/way"
as 2001 verify
loads_not "below a directory that everybody can write"
err_like "way, above the vault, can be written by" "it is named"
chmod 775 "$work/way"
as 2001 verify
loads_not "below a directory that its group can write"
chmod 1777 "$work/way"
as 2001 verify
loads "below one with the sticky bit, as /tmp"
chmod 755 "$work/way"

# In a user namespace everybody that it does not map appears as user 65534: above the vault that may be root, of the vault itself it may not.
inside() { # COMMAND...: as 2001, who is root there
    setpriv --reuid=2001 --regid=2001 --clear-groups unshare --user --map-root-user "$SEALRING" "$@" >"$work/out" 2>"$work/err" <"$work/alice.key"
    status=$?
}
if setpriv --reuid=2001 --regid=2001 --clear-groups unshare --user --map-root-user true 2>/dev/null; then
    inside verify
    loads_not "in a user namespace: a vault of a user who is not mapped"
    chown -R 2001 "$SEALRING_VAULT"
    inside verify
    loads "in a user namespace: the vault of one who is, below directories of root's"
    chown -R 0 "$SEALRING_VAULT"
    chown -R 2001 "$SEALRING_VAULT/verifiers" "$SEALRING_VAULT/login" "$SEALRING_VAULT/registry"
else
    echo "# no user namespaces for other users than root here"
fi
chown 65534 "$work/way"
as 2001 verify
loads_not "outside of one user 65534 is somebody else"
chown 0 "$work/way"

# What it names.
chmod 757 "$work/module.so"
as 2001 verify
loads_not "a module that everybody can write"
err_like "module.so can be written by everybody" "it is named"
chmod 755 "$work/module.so"
echo "directories.tokendir = /nowhere" >"$work/softhsm2.conf"
echo "module-environment = SOFTHSM2_CONF=$work/softhsm2.conf" >>"$SEALRING_VAULT/sealring.conf"
as 2001 verify
loads "with SoftHSM2's configuration of root's"
chown 2002 "$work/softhsm2.conf"
as 2001 verify
loads_not "with SoftHSM2's configuration of another user's"
err_like "softhsm2.conf belongs to uid 2002" "it is named"

# ---- Root's commands beside a service's user ----

SEALRING_VAULT=$work/served
must init --lease 1s
must ring create payments --overlap 1s
must client add alice
must issue payments --client alice
cp "$work/out" "$work/served.key"
chown -R 2001:2001 "$SEALRING_VAULT"/*
chown 0:0 "$SEALRING_VAULT/sealring.conf" "$SEALRING_VAULT/tokens/softhsm2.conf"
chmod 755 "$SEALRING_VAULT"
chmod 644 "$SEALRING_VAULT/sealring.conf" "$SEALRING_VAULT/tokens/softhsm2.conf"
find "$SEALRING_VAULT/tokens/copies" -name token.object -exec rm {} +
run_with "$work/served.key" verify
succeeds "root verifies in a vault whose registry, tokens and reports belong to a service's user"
is "$(stat -c '%u %g %a' "$SEALRING_VAULT"/verifiers/*.report)" "0 2001 640" "its report stays root's, and that user's group may read it"
is "$(find "$SEALRING_VAULT/tokens/copies" -name token.object -exec stat -c %u {} + | sort -u)" 2001 "copies that root made are that user's"
is "$(find "$SEALRING_VAULT/tokens/copies" -user 0 | wc -l)" 0 "as all that root made among the copies"
as 2001 rotate payments --wait 60s
succeeds "that user's rotation hears of root's verifier"
as 2001 usage payments --json
json_is '.usage[0].accepted' 1 "root's use counts"
nowhere "Permission denied" "nothing is passed over"
chgrp 0 "$SEALRING_VAULT"/verifiers/*.report
as 2001 doctor --json
json_is '[.doctor.findings[] | select(.code == "report-unreadable") | .mend | test("^as root: chgrp 2001 /")] | all and length == 1' true \
    "of a report that an older sealring left as root the doctor proposes to give it the group"
run_with "$work/served.key" verify
is "$(stat -c %g "$SEALRING_VAULT"/verifiers/*.report)" 2001 "root's next command mends it as well"
done_testing
