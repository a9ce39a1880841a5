#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# File systems whose locks and shared memory may not reach other hosts, with sshfs as the example: nothing is made or opened there.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

skip() {
    echo "1..0 # SKIP $1"
    exit 0
}
[ "$(id -u)" -eq 0 ] || skip "mounting takes root"
[ -c /dev/fuse ] || skip "there is no /dev/fuse"
command -v sshfs >/dev/null || bail_out "sshfs is missing (Debian: sshfs)"
sftp=
for each in /usr/lib/openssh/sftp-server /usr/libexec/sftp-server /usr/libexec/openssh/sftp-server; do
    [ -x "$each" ] && sftp=$each
done
[ -n "$sftp" ] || bail_out "sftp-server is missing (Debian: openssh-sftp-server)"

mounted=
trap 'for each in $mounted; do umount -l "$each"; done 2>/dev/null; kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT

# as_host DIRECTORY PLACE: what another host's sshfs of DIRECTORY looks like, at PLACE.
as_host() {
    mkdir -p "$2"
    name=$(basename "$2").$$
    mkfifo "$work/$name.requests" "$work/$name.answers"
    "$sftp" >"$work/$name.answers" <"$work/$name.requests" 2>/dev/null &
    sshfs ":$1" "$2" -f -o passive <"$work/$name.answers" >"$work/$name.requests" 2>"$work/$name.log" &
    until_true mountpoint -q "$2" || skip "sshfs does not mount here: $(tail -n 1 "$work/$name.log")"
    mounted="$2 $mounted"
}

must init
must ring create payments
must client add alice
must issue payments --client alice --scope read --out "$work/alice.key"
mkdir "$work/store"
cp -a "$work/vault" "$work/store/vault"
as_host "$work/store" "$work/host"

refused() { # NAME
    status_is 4 "$1: refused"
    err_like 'FUSE file system \(fuse\.sshfs\).*put the vault on a local disk' "$1: the type is named, and what to do"
    one_line_error "$1: in one line"
}
SEALRING_VAULT=$work/host/new/below
run init --dry-run
refused "init --dry-run"
run init
refused "init"
not_ok "init makes no directory there" test -e "$work/host/new"
SEALRING_VAULT=$work/host/vault
for command in "status" "client list" "client add bob" "rotate payments" "run --once" "backup $work/backup" "verifier list"; do
    # shellcheck disable=SC2086 # a list of words
    run $command
    refused "$command"
done
run_with "$work/alice.key" verify
refused "verify"
sed -i '/^vault\(-inode\)\{0,1\} *=/d' "$work/store/vault/sealring.conf" # which are another directory's: else it counts as a copy
run doctor
out_like 'fuse\.sshfs' "doctor finds it"

# One directory of the vault is enough.
SEALRING_VAULT=$work/vault
for part in verifiers registry login; do
    mkdir "$work/store/$part"
    cp -a "$work/vault/$part/." "$work/store/$part/"
    as_host "$work/store/$part" "$work/vault/$part"
    run client add "by-$part"
    refused "$part alone"
    run_with "$work/alice.key" verify
    refused "$part alone, verify"
    umount "$work/vault/$part"
done
run_with "$work/alice.key" verify
succeeds "where nothing is mounted it is opened again"
done_testing
