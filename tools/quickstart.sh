#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs missing packages, builds sealring and runs a demonstration on a SoftHSM2 token, in a temporary directory.
#
#   sh tools/quickstart.sh            KEEP=1 keeps the directory with the vault; NAME=x and CONFIGURE='--enable-…' name another build
#                                     directory (build/x), which may have been built, and how it is configured
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
unset SEALRING_VAULT

sh "$top/tools/packages.sh" build gateway

# shellcheck source=tools/build.sh
. "$top/tools/build.sh"
build_place "$top" "${NAME:-quickstart}"
# shellcheck disable=SC2086 # CONFIGURE is a list of words
build_or_explain "$build/build.log" "building sealring" ${CONFIGURE-}
build_make "$build/build.log" "building the nginx module" nginx-module || { tail -n 40 "$build/build.log" >&2; exit 1; }
build_leave
built=$build/sealring

here=$(mktemp -d)
helpers=
finish()
{
    status=$?
    trap - EXIT
    [ ! -f "$here/nginx.pid" ] || kill "$(cat "$here/nginx.pid")"
    # shellcheck disable=SC2086 # a list
    [ -z "$helpers" ] || kill $helpers 2>/dev/null || :
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

# ---- Showing commands ----

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

# show STATUS COMMAND: prints the command line, runs it, and insists on its exit status. Hints and the
# guards' results are left out, because the demonstration explains them.
show()
{
    printf '$ %s\n' "$2"
    status=0
    eval "$2" 2>"talk" || status=$?
    grep -v '^next: \|^guards: ' "talk" >&2 || :
    if [ "$status" -ne "$1" ]; then
        echo "quickstart: the command ended with status $status instead of $1" >&2
        exit 1
    fi
}

# await CONDITION: until it holds, for a minute at most.
await()
{
    tries=0
    until eval "$1" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || { echo "quickstart: waited in vain: $1" >&2; cat ./*.log >&2; exit 1; }
        sleep 0.1
    done
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

# ---- The demonstration ----

say "Create a vault: a database and a PKCS#11 token, here one in software. The signing secrets never leave the token."
show 0 'sealring init'

say "A ring is the series of secrets of one API. An old version stays accepted for the overlap, and until nobody has used it for
the quiet period: usually days, here seconds."
show 0 'sealring ring create payments --prefix acme_live --overlap 3s --quiet-period 2s'

cat >clients.csv <<'CSV'
client,contact,label,scopes,expires
corner-shop,ops@corner-shop.example,default,payments:read payments:write,
blue-bikes,it@blue-bikes.example,default,payments:read,
CSV
say "Issue API keys to the clients in a CSV file. One of them is printed."
show 0 'cat clients.csv'
show 0 'sealring issue payments --from clients.csv --out issued.csv'
credential_of issued.csv corner-shop >old.key
show 0 'cat old.key'

say "A server verifies a credential, as the command does here: is it valid, whose is it, what may it do?"
show 0 'sealring verify --scope payments:write <old.key'

say "Rotate: the token generates a new secret, which is version 2. Clients get new credentials ..."
show 0 'sealring rotate payments'
show 0 'sealring reissue payments --all --out reissued.csv'
credential_of reissued.csv corner-shop >new.key

say "... and both are accepted. For the old one, the command prints until when the client should change."
show 0 'sealring verify <old.key'
show 0 'sealring verify <new.key'

say "If something is wrong, roll back, and later activate version 2 again. No client is locked out."
show 0 'sealring rollback payments'
show 0 'sealring activate payments 2'

say "The old version retires when its overlap has ended and nobody uses it any more. Its key in the token can then sign no more."
show 5 'sealring retire payments 1'
await 'sealring retire payments 1 --dry-run'
show 0 'sealring retire payments 1'
show 1 'sealring verify <old.key'
show 0 'sealring verify <new.key'

say "An API key has leaked: revoke it."
key=$(cut -d_ -f3 new.key)
show 0 "sealring revoke $key --reason leaked"
show 1 'sealring verify <new.key'

say "Another program lists the token's objects: one secret key for each version, sensitive, never extractable."
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

say "A gateway: nginx verifies credentials by itself. The upstream server gets the client's name, not the credential."
credential_of reissued.csv blue-bikes >blue.key
command -v nginx >/dev/null || PATH=$PATH:/usr/sbin
cat >nginx.conf <<CONF
load_module $build/gateway/nginx/ngx_http_sealring_module.so;
pid $here/nginx.pid;
error_log $here/nginx.log;
thread_pool sealring threads=4;
env SOFTHSM2_CONF=$SOFTHSM2_CONF;
$([ "$(id -u)" -ne 0 ] || echo "user root;")
events {}
http {
    access_log off;
    client_body_temp_path $here/t1; proxy_temp_path $here/t2; fastcgi_temp_path $here/t3; uwsgi_temp_path $here/t4; scgi_temp_path $here/t5;
    sealring_vault $here/vault;
    server {
        listen unix:$here/nginx.socket;
        location /payments {
            sealring payments:read;
            proxy_set_header X-Sealring-Client \$sealring_client;
            proxy_pass http://unix:$here/upstream.socket;
        }
    }
    server {
        listen unix:$here/upstream.socket;
        location / { return 200 "upstream: hello \$http_x_sealring_client, Authorization is '\$http_authorization'\n"; }
    }
}
CONF
sed -n '/location .payments/,/^        }/p' nginx.conf
LD_LIBRARY_PATH=$build/.libs nginx -c "$here/nginx.conf" -e "$here/nginx.log" 2>>nginx.log || { cat nginx.log >&2; exit 1; }
# shellcheck disable=SC2016 # show evaluates it
show 0 'curl -s --unix-socket nginx.socket -H "Authorization: Bearer $(cat blue.key)" http://api/payments'
# shellcheck disable=SC2016 # show evaluates it
show 0 'curl -s --unix-socket nginx.socket -o /dev/null -w "%{http_code}\n" http://api/payments'
# shellcheck disable=SC2016 # show evaluates it
show 0 'curl -s --unix-socket nginx.socket -o /dev/null -w "%{http_code}, it was revoked\n" -H "Authorization: Bearer $(cat new.key)" http://api/payments'

say "Rotate, and the clients move by themselves: sealring-client asks sealringd for the successor, and replaces its file. sealring-broker
makes the successor: it alone may change the vault."
show 0 'sealring ring set payments --renew bearer'
"$build/sealring-broker" --vault vault --allow-user "$(id -u)" --listen unix:broker.socket 2>broker.log &
helpers=$!
"$build/sealringd" --vault vault --listen unix:sealringd.socket --renew-listen unix:renew.socket --broker broker.socket 2>sealringd.log &
helpers="$helpers $!"
# shellcheck disable=SC2016 # await evaluates it
await '[ "$(curl -s --unix-socket sealringd.socket http://x/readyz)" = "{\"renewal\":true}" ]'
# shellcheck disable=SC2016 # it is shown only
echo '$ sealring-client watch blue.key --url unix:$PWD/renew.socket --interval 1s &'
"$build/sealring-client" watch blue.key --url "unix:$PWD/renew.socket" --interval 1s --spread 1s 2>client.log &
helpers="$helpers $!"
show 0 'sealring rotate payments'
# shellcheck disable=SC2016 # await evaluates it
await '[ "$(cut -d_ -f4 blue.key)" = 3 ]'
# shellcheck disable=SC2016 # show evaluates it
show 0 'curl -s --unix-socket nginx.socket -H "Authorization: Bearer $(cat blue.key)" http://api/payments'

say "sealring status --watch shows who has moved, and what holds the old version open. Here it is, once:"
await 'sealring retire payments 2 --dry-run'
show 0 'sealring status payments'
show 0 'sealring retire payments 2'

say "Next: read README.md. To keep the vault and try more commands: KEEP=1 sh tools/quickstart.sh"
