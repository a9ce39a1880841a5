#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The systemd units: generated with the command's place, hardened, and good for systemd itself where it can be asked.
set -u
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
: "${SEALRING:=$PWD/sealring}"
: "${SEALRINGD:=$(dirname "$SEALRING")/sealringd}"
: "${BROKER:=$(dirname "$SEALRINGD")/sealring-broker}"
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
number=0
units=$top_builddir/systemd
make -s -C "$top_builddir" systemd/sealring.service systemd/sealring-run.service systemd/sealringd.service systemd/sealring-broker.service \
    systemd/sealring-client@.service || exit 99

# check WORDS COMMAND…: one TAP line; its output follows if the command fails.
check()
{
    words=$1
    shift
    number=$((number + 1))
    if "$@" >"$work/log" 2>&1; then
        echo "ok $number - $words"
    else
        echo "not ok $number - $words"
        sed 's/^/# /' "$work/log" | head -n 40
    fi
}

nothing_left_open()
{
    ! grep -n '@[a-z]*dir@' "$units/sealring.service" "$units/sealring-run.service" "$units/sealringd.service" "$units/sealring-broker.service" "$units/sealring-client@.service"
}

# What must be set, and to what, in each service; a later drop of one of them has to be noticed.
is_hardened()
{
    missing=0
    while read -r line; do
        grep -Fxq "$line" "$1" || { echo "$1 lacks $line"; missing=1; }
    done <<'LINES'
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_DAC_READ_SEARCH
ProtectSystem=strict
ReadWritePaths=/var/lib/sealring
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallFilter=@system-service
SystemCallArchitectures=native
LimitCORE=0
LINES
    return $missing
}

# The command line of a unit, as the command itself understands it: its vault is replaced by one that there is not.
is_understood()
{
    arguments=$(sed -n 's|^ExecStart=[^ ]*/sealring[a-z-]* ||p' "$1" | sed "s|/var/lib/sealring|$work/none|")
    [ -n "$arguments" ] || return 1
    # shellcheck disable=SC2086 # words are wanted
    timeout 2 "${2-$SEALRING}" $arguments ${3-} >"$work/said" 2>&1
    cat "$work/said"
    grep -Fq "there is no vault at $work/none" "$work/said"
}

loosened()
{
    grep -v '^NoNewPrivileges' "$units/sealring.service" >"$work/loose.service"
    ! is_hardened "$work/loose.service"
}

# The daemon has no capability, no network, and its own user.
daemon_is_hardened()
{
    sed 's/^CapabilityBoundingSet=$/CapabilityBoundingSet=CAP_DAC_READ_SEARCH/; s/^RestrictAddressFamilies=AF_UNIX$/& AF_INET AF_INET6/' \
        "$units/sealringd.service" >"$work/daemon.service"
    is_hardened "$work/daemon.service" && for line in User=sealringd CapabilityBoundingSet= PrivateNetwork=yes RestrictAddressFamilies=AF_UNIX; do
        grep -Fxq "$line" "$units/sealringd.service" || { echo "sealringd.service lacks $line"; return 1; }
    done
}

# The broker has no network, and one capability.
broker_is_hardened()
{
    sed 's/^RestrictAddressFamilies=AF_UNIX$/& AF_INET AF_INET6/' "$units/sealring-broker.service" >"$work/broker.service"
    is_hardened "$work/broker.service" && for line in PrivateNetwork=yes RestrictAddressFamilies=AF_UNIX; do
        grep -Fxq "$line" "$units/sealring-broker.service" || { echo "sealring-broker.service lacks $line"; return 1; }
    done
}

same_hardening()
{
    for unit in sealring sealring-run; do
        sed -n '/^CapabilityBoundingSet/,/^KeyringMode/p' "$units/$unit.service" >"$work/$unit.part"
    done
    [ -s "$work/sealring.part" ] && diff "$work/sealring.part" "$work/sealring-run.part"
}

# systemd looks whether the command is there: it is where it was built.
prepare()
{
    mkdir "$work/units"
    cp "$units/sealring.service" "$units/sealring-run.service" "$units/sealringd.service" "$units/sealring-broker.service" "$units/sealring-client@.service" "$top_srcdir/systemd"/*.timer \
        "$top_srcdir/systemd"/*.socket "$work/units"
    sed -i "s|^ExecStart=[^ ]*/sealring-client |ExecStart=$(dirname "$SEALRING")/sealring-client |" "$work/units/sealring-client@.service"
    sed -i "s|^ExecStart=[^ ]*/sealringd |ExecStart=$SEALRINGD |" "$work/units/sealringd.service"
    sed -i "s|^ExecStart=[^ ]*/sealring-broker |ExecStart=$BROKER |" "$work/units/sealring-broker.service"
    sed -i "s|^ExecStart=[^ ]*/sealring |ExecStart=$SEALRING |" "$work/units"/*.service
}

good_for_systemd()
{
    SYSTEMD_UNIT_PATH=$work/units: systemd-analyze verify --man=no "$work/units"/* 2>&1 | grep -F "$work" | tee "$work/complaints"
    [ ! -s "$work/complaints" ]
}

# 0 is as tight as can be, 10 is no protection at all.
tight_enough()
{
    systemd-analyze security --offline=true --threshold="${2-25}" "$work/units/$1"
}

check "every place is filled in" nothing_left_open
check "sealring.service is hardened" is_hardened "$units/sealring.service"
check "sealring-run.service is hardened" is_hardened "$units/sealring-run.service"
check "sealringd.service is hardened" daemon_is_hardened
check "sealring-broker.service is hardened" broker_is_hardened
check "a service that is not would be noticed" loosened
check "both are hardened alike" same_hardening
check "the command understands sealring.service" is_understood "$units/sealring.service"
check "the command understands sealring-run.service" is_understood "$units/sealring-run.service"
check "the daemon understands sealringd.service" is_understood "$units/sealringd.service" "$SEALRINGD" "--listen=unix:$work/socket"
sed 's/--allow-user sealringd/--allow-user 0/' "$units/sealring-broker.service" >"$work/broker.service" # there is no such user here
check "the broker understands sealring-broker.service" is_understood "$work/broker.service" "$BROKER" "--listen=unix:$work/socket"
prepare
if command -v systemd-analyze >/dev/null; then
    check "systemd takes the units" good_for_systemd
    check "and finds sealring.service tight" tight_enough sealring.service
    check "and sealring-run.service" tight_enough sealring-run.service
    check "and sealringd.service, below 2.0" tight_enough sealringd.service 19
    check "and sealring-client@.service" tight_enough sealring-client@.service 30
    check "and sealring-broker.service, below 2.0" tight_enough sealring-broker.service 19
    for unit in sealringd sealring-broker; do
        echo "# figure: $unit-unit $(systemd-analyze security --offline=true "$work/units/$unit.service" | sed -n 's/.*Overall exposure level[^:]*: \([0-9.]*\).*/exposure=\1/p')"
    done
else
    for unit in sealring.service sealring-run.service sealring.timer sealringd.service sealringd.socket sealringd-renew.socket sealring-broker.service sealring-broker.socket; do
        check "$unit has its sections" grep -q '^\[Unit\]$' "$work/units/$unit"
    done
fi
echo "1..$number"
