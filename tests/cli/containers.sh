#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/containers.md: each of its commands, with the kernel's namespaces, and what it says of them.
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$here/server.sh"

skip() {
    echo "1..0 # SKIP $1"
    exit 0
}
[ "$(id -u)" -eq 0 ] || skip "namespaces take root here"
for each in "--pid --fork --mount-proc --uts --ipc" "--time --boottime 100000 --fork" "--user --map-root-user" "--mount"; do
    # shellcheck disable=SC2086 # a list of options
    unshare $each true 2>/dev/null || skip "the kernel or a sandbox does not allow unshare $each"
done

# shellcheck disable=SC2154 # set by lib.sh
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work" "$work.layers"' EXIT
VAULT=$SEALRING_VAULT
EMPTY=$work/empty
LAYERS=$work/layers
export VAULT EMPTY LAYERS
mkdir "$EMPTY" "$LAYERS" "$LAYERS/upper" "$LAYERS/work" "$work/bin"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$SEALRING" >"$work/bin/sealring"
chmod +x "$work/bin/sealring"
PATH=$work/bin:$PATH

# page NAME: runs that command of the page.
page() {
    awk -v name="# $1" '$0 == "```" { on = 0 } on { print } $0 == name { on = 1 }' "$top_srcdir/docs/containers.md" >"$work/command"
    [ -s "$work/command" ] || bail_out "docs/containers.md has no command $1"
    (cd "$work" && timeout 60 sh "$work/command") >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

export SEALRING
must init --lease 2s
must ring create payments
for name in alice bob carol; do
    must client add $name
    must issue payments --client $name --scope read --out "$work/$name.key"
done
cp "$work/alice.key" "$work/credential"

for name in process time user; do
    page $name
    succeeds "$name: a credential is verified"
    out_like '^accepted' "$name: it is accepted"
done
page proc
status_is 1 "without /proc a rotation is refused"
err_like 'boot_id, which identifies the present boot, cannot be read; mount /proc' "and what to do is said"
page read-only
status_is 1 "with a vault that is mounted read-only no server starts"
err_like "report cannot be made in $VAULT/verifiers.*Read-only file system" "and why is said"
page another-path
succeeds "under another path the same directory is the vault"
out_like '^alice' "with what is in it"
page overlay
if grep -q 'mount' "$work/err" && ! grep -q sealring: "$work/err"; then
    echo "# no overlay can be mounted here: $(head -n 1 "$work/err")"
else
    status_is 1 "an overlay of the vault is refused"
    err_like "$EMPTY is a copy of the vault $VAULT/, whose keys it would change" "as the copy that it is"
    # The lower layer's directory lends it its inode, and where the vault was there is none: so it would pass for a vault that was renamed.
    mkdir "$work/lower" "$work/merged" "$LAYERS/upper2" "$LAYERS/work2"
    must init --vault "$work/lower/vault"
    must client add dora --vault "$work/lower/vault"
    # shellcheck disable=SC2016 # for another shell to expand
    below=$(stat -c %i "$work/lower/vault") unshare --mount sh -c 'mount -t overlay -o "lowerdir=$1/lower,upperdir=$LAYERS/upper2,workdir=$LAYERS/work2" none "$1/merged" &&
        mount -t tmpfs none "$1/lower" && { [ "$(stat -c %i "$1/merged/vault")" = "$below" ] || exit 77; } && exec sealring client list --vault "$1/merged/vault"' \
        sh "$work" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    if [ "$status" -eq 77 ]; then
        echo "# overlays have inodes of their own here"
    else
        status_is 1 "so is one whose original is out of sight"
        err_like "$work/merged/vault is a copy of the vault $work/lower/vault/, whose keys it would change" "as a copy, too"
    fi
fi

page overlay-at-its-path
if grep -q 'mount' "$work/err" && ! grep -q sealring: "$work/err"; then
    echo "# no overlay can be mounted here"
else
    status_is 1 "so is one under the vault's own path"
    err_like "$VAULT is an overlay's copy of the vault, .*: mount the directory itself there" "what to do is said"
    # As a container's root shows it: the vault in a lower layer, with the inode that it has.
    mkdir "$work.layers" "$work.layers/upper" "$work.layers/work"
    above="mount -t overlay -o 'lowerdir=$work,upperdir=$work.layers/upper,workdir=$work.layers/work' none '$work'"
    is "$(unshare --mount sh -c "$above && stat -c %i '$VAULT'")" "$(stat -c %i "$VAULT")" "in an overlay above the vault its inode is the same"
    for command in "client list" "revoke $(cut -d_ -f2 "$work/bob.key")" verify; do
        unshare --mount sh -c "$above && exec \"$SEALRING\" $command" <"$work/alice.key" >"$work/out" 2>"$work/err"
        status=$?
        status_is 1 "under it ${command%% *} is refused"
        err_like "$VAULT is an overlay's copy of the vault" "as a copy"
    done
    # A vault that was made in a container's own layer is no copy there, nor after that container was started again.
    mkdir "$work/own" "$work/own/lower" "$work/own/upper" "$work/own/work" "$work/own/root"
    layer="mount -t overlay -o 'lowerdir=$work/own/lower,upperdir=$work/own/upper,workdir=$work/own/work' none '$work/own/root'"
    for steps in "init && sealring ring create r && sealring client add c && sealring issue r --client c --scope read --out '$work/own.key'" \
        "verify <'$work/own.key' && sealring doctor && sealring key list"; do
        (
            SEALRING_VAULT=$work/own/root/vault
            unshare --mount sh -c "$layer && sealring $steps" >"$work/out" 2>"$work/err" </dev/null
        )
        status=$?
        succeeds "in the container that it was made in: ${steps%% *}"
    done
    ok "its configuration has the word for it" grep -Eq '^vault-inode = [0-9]+ overlay$' "$work/own/upper/vault/sealring.conf"
fi
page part
status_is 1 "a vault with another mount over its verifiers/ is refused"
err_like "$VAULT/verifiers is on another mount than the vault: .*mount the vault's directory as a whole" "the part is named, and what to do"

# Each part, whatever is mounted there: an empty file system, another directory of the same one, a file over a lock.
mkdir "$work/part"
part_refused() { # NAME MOUNT NAMED COMMAND...
    name=$1
    mounting=$2
    part=$3
    shift 3
    for command in "$@"; do
        unshare --mount sh -c "$mounting && exec \"$SEALRING\" $command" <"$work/alice.key" >"$work/out" 2>"$work/err"
        status=$?
        cat "$work/out" >>"$work/err" # the doctor reports it as a finding
        err_like "$part is on another mount than the vault" "$name: ${command%% *} names the mount"
        not_ok "$name: and does not succeed" test "$status" -eq 0
    done
}
part_refused "a tmpfs over verifiers/" "mount -t tmpfs none '$VAULT/verifiers'" "$VAULT/verifiers" \
    "revoke $(cut -d_ -f2 "$work/bob.key")" "rotate payments" "run --once" "client list" verify doctor
part_refused "a directory over verifiers/" "mount --bind '$work/part' '$VAULT/verifiers'" "$VAULT/verifiers" "client list" verify
cp -a "$VAULT/registry/." "$work/part"
part_refused "a copy over registry/" "mount --bind '$work/part' '$VAULT/registry'" "$VAULT/registry" "client list" verify
part_refused "a tmpfs over login/" "mount -t tmpfs none '$VAULT/login'" "$VAULT/login" "client list" verify
part_refused "a file over the lock" "mount --bind '$work/bob.key' '$VAULT/vault.lock'" "$VAULT/vault.lock" "client list" verify
mv "$VAULT/verifiers" "$work/linked"
ln -s "$work/linked" "$VAULT/verifiers"
part_refused "a link to another mount" "mount -t tmpfs none '$work/linked'" "$VAULT/verifiers" "client list" verify
rm "$VAULT/verifiers"
mv "$work/linked" "$VAULT/verifiers"
run_with "$work/bob.key" verify
succeeds "nothing was revoked by any of them"
unshare --mount sh -c 'mount --bind "$VAULT" "$VAULT" && exec "$SEALRING" verify' <"$work/alice.key" >"$work/out" 2>"$work/err"
status=$?
succeeds "the whole vault may be a mount"
unshare --mount sh -c 'mount --bind "$VAULT" "$VAULT" && mount -o remount,bind,ro "$VAULT" && exec "$SEALRING" client list' >"$work/out" 2>"$work/err"
status=$?
succeeds "a read-only one, too, for what only reads"

# One vault for several containers: nobody is passed over, whatever the container shows of process, host, boot and time.
build_server
mv "$work/server" "$work/server.real"
cat >"$work/server" <<END
#!/bin/sh
exec unshare --pid --fork --mount-proc --uts --ipc --time --boottime 100000 --kill-child sh -c '
    hostname elsewhere
    echo 01234567-89ab-cdef-0123-456789abcdef >"$work/boot-id.\$\$" &&
        mount --bind "$work/boot-id.\$\$" /proc/sys/kernel/random/boot_id
    exec "$work/server.real" "\$@"' sh "\$@"
END
chmod +x "$work/server"
serve one
serve two
for server in one two; do
    is "$(verdict_of $server "$work/alice.key")" "200 accepted" "a server in container $server accepts"
    is "$(verdict_of $server "$work/bob.key")" "200 accepted" "another credential, too"
done
run verifier list --json
json_is '[.verifiers[] | select(.state == "serving")] | length' 2 "the operator sees both"
run revoke "$(cut -d_ -f2 "$work/alice.key")"
succeeds "a revocation is effective"
for server in one two; do
    is "$(verdict_of $server "$work/alice.key")" "401 revoked" "and container $server rejects from then on"
done
kill -STOP "$(pgrep -P "$(process_of two)" | head -n 1)" 2>/dev/null
run verifier list --json
json_is '[.verifiers[] | select(.state == "dead")] | length' 0 "one that is stopped is not dead"
kill -CONT "$(pgrep -P "$(process_of two)" | head -n 1)" 2>/dev/null
unshare --time --boottime 200000 --fork "$SEALRING" revoke "$(cut -d_ -f2 "$work/bob.key")" >"$work/out" 2>"$work/err" </dev/null
status=$?
succeeds "so is one by an operator in a time namespace"
for server in one two; do
    is "$(verdict_of $server "$work/bob.key")" "401 revoked" "and container $server rejects"
    is "$(verdict_of $server "$work/carol.key")" "200 accepted" "and goes on"
done
leave one
leave two
done_testing
