#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/clients/sidecar.yaml: its fields are those of a pod, and its commands do with their files what it promises, as its user, with a root file
# system that is read-only and without capabilities. There is no cluster here.
# shellcheck disable=SC2154 # what lib.sh sets
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh"
pod=$top_srcdir/docs/clients/sidecar.yaml

# ---- Its text ----

# Of Pod, PodSpec, Container, PodSecurityContext, SecurityContext, VolumeMount, EnvVar, Volume and their sources in Kubernetes' API v1.
cat >"$work/fields" <<'END'
allowPrivilegeEscalation
apiVersion
capabilities
command
containers
defaultMode
drop
emptyDir
env
fsGroup
image
initContainers
kind
medium
metadata
mountPath
name
readOnly
readOnlyRootFilesystem
runAsGroup
runAsUser
secret
secretName
securityContext
sizeLimit
spec
value
volumeMounts
volumes
END
sed 's/#.*//; s/"[^"]*"//g' "$pod" | grep -oE '[A-Za-z]+:( |$)' | tr -d ': ' | sort -u >"$work/used"
is "$(sort "$work/fields" | comm -13 - "$work/used")" "" "each field exists"
is "$(sed -n 's/.*{ name: \([a-z]*\), mountPath.*/\1/p' "$pod" | sort -u | tr '\n' ' ')" \
    "$(sed -n '/^  volumes:/,$s/^    - name: //p' "$pod" | sort -u | tr '\n' ' ')" "each volume that is mounted exists"

# ---- Its commands ----

user=$(sed -n 's/^ *runAsUser: //p' "$pod")
words() { # N: the words of the nth command, each on a line, with this test's paths and server
    sed -n 's/^ *command: //p' "$pod" | sed -n "$1p" | jq -r '.[]' |
        sed "s|/secret/|$work/secret/|g; s|/key/|$work/key/|g; s|^https://keys.example.com\$|$url|"
}
server_start unix
mkdir "$work/secret" "$work/key"
echo $first >"$work/secret/api.key"
chmod 440 "$work/secret/api.key"
confined=
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && unshare -m true 2>/dev/null; then
    chmod 711 "$work"
    chgrp "$user" "$work/secret/api.key" "$work/key"
    chmod 2777 "$work/key" # as a volume with fsGroup
    chmod 711 "$served"
    chmod 666 "$served/socket"
    confined="unshare -m sh -c 'mount -o remount,bind,ro / && exec \"\$@\"' sh setpriv --reuid=$user --regid=$user --clear-groups --bounding-set=-all --no-new-privs"
fi
instead=
run_confined() { # WORD...: with $instead, in the place of this process
    if [ -n "$confined" ]; then
        eval "set -- $confined \"\$@\""
    fi
    $instead "$@" >"$work/out" 2>"$work/err"
    status=$?
}
first_key() {
    script=$(words 1 | tail -n +3)
    run_confined sh -c "$script"
}
first_key
succeeds "the init container copies the first key"
ok "whole" contains "$work/key/api.key" $first
is "$(stat -c %a "$work/key/api.key")" 600 "for its user only"
chain $first $second
# shellcheck disable=SC2046 # words
set -- $(words 2)
is "$1" sealring-client "the sidecar runs sealring-client"
shift
(instead='exec' && run_confined "$CLIENT" "$@" --interval 1s --spread 1s) &
sidecar=$!
daemons="$daemons $sidecar"
ok "which replaces it by its successor" until_true contains "$work/key/api.key" $second
is "$(stat -c '%a' "$work/key/api.key")" 600 "for its user only"
is "$(cat "$work/secret/api.key")" $first "the secret stays as it is"
first_key
succeeds "the init container of a pod that is started again"
ok "keeps the successor" contains "$work/key/api.key" $second
is "$(sed -n 's/.*SEALRING_CREDENTIAL_FILE, value: \([^ ]*\) .*/\1/p' "$pod" | sed "s|^/key|$work/key|")" "$work/key/api.key" \
    "the other container finds it where it is"
kill $sidecar
wait $sidecar
is $? 0 "it ends on request"
done_testing
