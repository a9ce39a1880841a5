#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealringd as its unit runs it: another user than the vault's, in the verifier group, with the PIN as a credential of systemd. And sealring-broker as
# the vault's owner, whom that user alone may ask.
# shellcheck disable=SC2119 # no arguments are none
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/daemon.sh"

module=${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}
if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
    echo "1..0 # SKIP other users take root and setpriv"
    exit 0
fi
chmod 755 "$work"
group=3000
as_daemon="setpriv --reuid=3001 --regid=3001 --groups=$group --inh-caps=-all --bounding-set=-all"
if ! $as_daemon "$SEALRINGD" --version >/dev/null 2>&1; then
    echo "1..0 # SKIP another user cannot run $SEALRINGD"
    exit 0
fi

# A token that the group's users can use, as they can a hardware token.
mkdir -m 2770 "$work/tokens"
echo "directories.tokendir = $work/tokens" >"$work/tokens.conf"
SOFTHSM2_CONF=$work/tokens.conf softhsm2-util --init-token --free --label keys --so-pin 50288419 --pin 73914682 >/dev/null || bail_out "no token"
share_tokens() {
    chgrp -R $group "$work/tokens" && chmod -R g+rwX "$work/tokens"
}
mkdir "$work/credentials"
printf '73914682\n' >"$work/credentials/keys"
cp "$work/credentials/keys" "$work/pin"
chmod 600 "$work/pin"
chmod 400 "$work/credentials/keys"
chown 3001 "$work/credentials/keys"
must init --verifier-group $group --module "$module" --token pkcs11:token=keys --pin-source "$work/pin" \
    --module-environment "SOFTHSM2_CONF=$work/tokens.conf"
must ring create payments --prefix acme_live --renew bearer
must client add shop
must issue payments --client shop --scope read --out "$work/credential"
share_tokens
sed -i 's/^pin-source = .*/pin-source = credential:keys/' "$SEALRING_VAULT/sealring.conf"
mkdir "$work/run"
chown 3001 "$work/run"
socket=$work/run/sealringd
CREDENTIALS_DIRECTORY=$work/credentials
export CREDENTIALS_DIRECTORY
DAEMON_WITH=$as_daemon
BROKER_WITH='setpriv --inh-caps=-all --bounding-set=-all,+dac_read_search'
mkdir -m 711 "$work/run.broker"
broker_socket=$work/run.broker/broker
broker_start --allow-user 3001 --socket-mode 0666
daemon_start --renew-listen "unix:$work/run/renew" --broker "$broker_socket"
unset CREDENTIALS_DIRECTORY

is "$(stat -c %u "/proc/$daemon/mem")" 0 "its memory is for root only"
is "$(awk '/^Uid/ { print $2 } /^CapEff/ { print $2 }' "/proc/$daemon/status" | tr '\n' ' ')" "3001 0000000000000000 " "it has a user of its own, and no capability"
request -H "$(bearer "$work/credential")" http://x/v1/verify/read/-
is "$code" 200 "it verifies"
is "$(find "$SEALRING_VAULT" -user 3001 ! -path '*/verifiers/*')" "" "it owns nothing in the vault but what is in verifiers/"
# shellcheck disable=SC2016,SC2086 # for that shell; words
not_ok "and it can write nothing else there" $as_daemon sh -c \
    'for file in "$0" "$0"/sealring.conf "$0"/vault.* "$0"/registry "$0"/registry/* "$0"/login "$0"/login/*; do [ ! -w "$file" ] || exit 0; done; exit 1' "$SEALRING_VAULT"
must prepare payments --pin-source "$work/pin"
share_tokens # before the daemon has to prove the version
must activate payments --pin-source "$work/pin"
renew() {
    code=$(curl -s -m 30 -o "$work/body" -w '%{http_code}' --unix-socket "$work/run/renew" -X POST -H "$(bearer "$work/credential")" http://x/v1/renew)
    [ "$code" = 200 ]
}
ok "the broker renews for it, without root's powers" until_true renew
jq -r .credential "$work/body" >"$work/successor"
request -H "$(bearer "$work/successor")" http://x/v1/verify/read/-
is "$code" 200 "the successor is accepted"
is "$(awk '/^CapEff/ { print $2 }' "/proc/$broker/status") $(stat -c %u "/proc/$broker/mem")" "0000000000000004 0" "it has one capability"
is "$(find "$SEALRING_VAULT" -user 3001 ! -path '*/verifiers/*')" "" "which changes nothing about who owns what"
must revoke "$(cut -d _ -f 3 "$work/credential")" --pin-source "$work/pin"
renew
is "$code" 401 "what is revoked is not renewed"
broker_stop
request -H "$(bearer "$work/credential")" http://x/v1/verify/read/-
is "$code" 401 "a revocation waits for it"
daemon_stop
status_is 0 "it ends"
done_testing
