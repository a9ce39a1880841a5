#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the fixture of tests/upgrade: a small vault of an older sealring, with everything that an upgrade has to keep, in one archive.
#
#   sh tests/upgrade/make-old-vault.sh PROGRAM ARCHIVE
#
# PROGRAM: the command `sealring` of the older release, built from its commit (see tests/upgrade/README.md). ARCHIVE: the new file. The vault has its own
# software tokens, so that it can be unpacked anywhere (tests/upgrade/unpack.sh). Beside it: what a client would keep, in keys/NAME.key, and
# verdicts.txt with what the older program answers for each.
set -eu
old=$1
archive=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
SEALRING_VAULT=$work/vault
HOME=$work
LC_ALL=C.UTF-8
TZ=UTC
export SEALRING_VAULT HOME LC_ALL TZ
mkdir "$work/keys"

s() {
    "$old" "$@" </dev/null >"$work/out" 2>"$work/err" || {
        cat "$work/out" "$work/err" >&2
        echo "sealring $* failed" >&2
        exit 1
    }
}
issue() { # NAME RING CLIENT ARGUMENT...
    name=$1
    ring=$2
    client=$3
    shift 3
    s issue "$ring" --client "$client" --label "$name" --out "$work/keys/$name.key" "$@"
}
key_id() { # NAME
    "$old" key list --json | jq -r --arg name "$1" '.keys[] | select(.label == $name) | .key_id'
}

s init
s ring create payments --overlap 3000d
s ring create reports --overlap 1s
s client add alice --contact alice@example.org
s client add bob
issue plain payments alice --scope read --scope write
issue suspended payments alice --scope read
issue narrowed payments alice --scope read --scope write
issue relabelled payments bob --scope read
issue rekeyed payments bob --scope read
issue revoked payments bob --scope read
issue resumed payments bob --scope read
issue reported reports alice --scope read
issue retired reports bob --scope read
s key suspend "$(key_id suspended)" --reason "a drill"
s key suspend "$(key_id resumed)"
s key resume "$(key_id resumed)"
s key set "$(key_id narrowed)" --scope read
s key set "$(key_id relabelled)" --label renamed
s key rekey "$(key_id rekeyed)" --overlap 3000d --out "$work/keys/rekeyed2.key"
s revoke "$(key_id revoked)" --reason "a drill"
printf 'an-older-key-of-the-client-0123456789' >"$work/keys/imported.key"
{
    echo client,label,sha256,scopes,expires
    echo "alice,imported,$(sha256sum <"$work/keys/imported.key" | cut -d' ' -f1),read,3000d"
} >"$work/imported.csv"
s import payments --sha256 "$work/imported.csv"
s rotate payments --no-wait
issue rotated payments alice --scope read
s rotate reports --no-wait
s reissue "$(key_id reported)" --out "$work/keys/reported2.key"
s retire reports 1 --overrule "a drill" --overrule-succession "a drill"
s audit checkpoint
cp "$work/out" "$work/checkpoint.note"
s audit key
cp "$work/out" "$work/audit.vkey"
for file in "$work"/keys/*.key; do
    verdict=$("$old" verify --json <"$file" | jq -r .verdict) || true
    echo "$(basename "$file" .key) $verdict"
done >"$work/verdicts.txt"
cat "$work/verdicts.txt"
echo "${SEALRING_VAULT}" >"$work/made-at.txt"
rm -f "$work"/vault/verifiers/* "$work"/vault/vault.* "$work"/vault/registry/*-shm
tar --sort=name --owner=0 --group=0 --numeric-owner -cJf "$archive" -C "$work" vault keys verdicts.txt checkpoint.note audit.vkey made-at.txt
