#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds sealring and plays its story on a SoftHSM2 token, in a directory that goes away after.
#
#   sh tools/quickstart.sh            KEEP=1 keeps the directory with the vault, to play on
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
unset SEALRING_VAULT

sh "$top/tools/packages.sh" build

# shellcheck source=tools/build.sh
. "$top/tools/build.sh"
build_place "$top" quickstart
build_or_explain "$build/build.log" "building sealring"
build_leave
built=$build/sealring

here=$(mktemp -d)
finish()
{
    status=$?
    trap - EXIT
    if [ -n "${KEEP-}" ]; then
        echo "Kept in $here. To go on: export SEALRING_VAULT=$here/vault; $built status"
    else
        cd /
        rm -rf "$here"
    fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP
cd "$here"
umask 077

# ---- How the story is told ----

sealring()
{
    "$built" --vault "$here/vault" "$@"
}

bold=
plain=
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
    bold=$(printf '\033[1m')
    plain=$(printf '\033[0m')
fi

say()
{
    printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

# show STATUS COMMAND: prints the command line, runs it, and insists on its exit status. Hints at what to do next and what
# the guards looked at are left out: the story tells.
show()
{
    printf '$ %s\n' "$2"
    status=0
    eval "$2" 2>"talk" || status=$?
    grep -v '^next: \|^guards: ' "talk" >&2 || :
    if [ "$status" -ne "$1" ]; then
        echo "quickstart: this should have ended with status $1, not $status" >&2
        exit 1
    fi
}

# The credential of client $2 in the CSV file $1.
credential_of()
{
    awk -F, -v client="$2" 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
        $column["client"] == client { print $column["credential"] }' "$1"
}

# The value of key $1 in the vault's configuration; paths in it start at the vault.
configured()
{
    sed -n "s/^$1 = //p" vault/sealring.conf
}

# ---- The story ----

say "A vault: a registry and a PKCS#11 token, here one in software. The signing secrets will never leave the token."
show 0 'sealring init'

say "A ring is one API's line of keys. Predecessors stay good for the overlap, and until nobody has used them for
the quiet period: days in real life, seconds here."
show 0 'sealring ring create payments --prefix acme_live --overlap 3s --quiet-period 2s'

cat >clients.csv <<'CSV'
client,contact,label,scopes,expires
corner-shop,ops@corner-shop.example,default,payments:read payments:write,
blue-bikes,it@blue-bikes.example,default,payments:read,
CSV
say "API keys for the clients of a CSV file, and what one of them looks like."
show 0 'cat clients.csv'
show 0 'sealring issue payments --from clients.csv --out issued.csv'
credential_of issued.csv corner-shop >old.key
show 0 'cat old.key'

say "A server asks one question (here the command does): is this credential good, whose is it, what may it do?"
show 0 'sealring verify --scope payments:write <old.key'

say "Rotation: a new secret in the token becomes version 2. Clients get their new credentials ..."
show 0 'sealring rotate payments'
show 0 'sealring reissue payments --all --out reissued.csv'
credential_of reissued.csv corner-shop >new.key

say "... and both are good meanwhile. The old one is told to move, and until when."
show 0 'sealring verify <old.key'
show 0 'sealring verify <new.key'

say "Something is wrong? One step back, and forward again. Nobody is locked out on the way."
show 0 'sealring rollback payments'
show 0 'sealring activate payments 2'

say "Once its window is over and nobody uses it any more, not before, the old version retires; its key in the token stops signing."
show 5 'sealring retire payments 1'
until sealring retire payments 1 --dry-run >/dev/null 2>&1; do
    sleep 0.2
done
show 0 'sealring retire payments 1'
show 1 'sealring verify <old.key'
show 0 'sealring verify <new.key'

say "One API key is leaked: revoke it."
key=$(cut -d_ -f3 new.key)
show 0 "sealring revoke $key --reason leaked"
show 1 'sealring verify <new.key'

say "The token's own view: one secret key per version, sensitive, never extractable."
module=$(configured module)
token=$(configured token | sed 's/.*token=\([^;?]*\).*/\1/; s/%20/ /g')
SOFTHSM2_CONF=$(configured module-environment | sed -n 's/^SOFTHSM2_CONF=//p')
pin_source=$(configured pin-source)
case $pin_source in
/*) ;;
*) pin_source=vault/$pin_source ;;
esac
PIN=$(cat "$pin_source")
export SOFTHSM2_CONF PIN
# --pin env:PIN keeps it out of the process list.
printf '$ pkcs11-tool --token-label "%s" --login --list-objects --type secrkey\n' "$token"
pkcs11-tool --module "$module" --token-label "$token" --login --pin env:PIN --list-objects --type secrkey 2>objects.err |
    grep -E '^Secret|label:|Access:' || { cat objects.err >&2; exit 1; }

say "That was the story. Next: README.md, then KEEP=1 sh tools/quickstart.sh for a vault that stays, to play with."
