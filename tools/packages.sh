#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing from Debian's packages: `sh tools/packages.sh [--list] GROUP...`, groups build, gateway, test, bench, ci.
set -eu

# The only list of packages. A group includes what its line names only: ask for `build gateway test` to run the tests.
packages_of()
{
    case $1 in
    build) # the library and the command, and what the quickstart plays with: a software token and a tool to look into it
        echo autoconf automake libtool make gcc libc6-dev pkg-config \
            libssl-dev libsqlite3-dev libp11-dev libp11-kit-dev libdeflate-dev libjansson-dev libcsv-dev \
            libcurl4-openssl-dev libmicrohttpd-dev libsystemd-dev softhsm2 opensc ;;
    gateway) # the nginx module
        echo nginx nginx-dev curl ;;
    test) # the check library, what the scripts call, and the languages of the examples
        echo check g++ binutils jq sqlite3 xz-utils procps git p11-kit libnss3 \
            mandoc zsh fish python3 golang-go nodejs rustc gdb libfaketime sshfs openssh-sftp-server \
            fcgiwrap caddy haproxy libsodium23 python3-aiosmtpd ;;
    bench) # what `make bench` compares with
        echo libjwt-dev libhiredis-dev redis-server wrk nghttp2-client libnginx-mod-http-lua ;;
    ci) # the further checks of .ci/run
        echo clang clang-format clang-tidy cppcheck llvm libclang-rt-dev shellcheck valgrind \
            build-essential dpkg-dev debhelper lintian debootstrap ;;
    *)
        echo "packages.sh: no group \`$1\`: groups are build, gateway, test, bench, ci" >&2
        return 2 ;;
    esac
}

# Prints those of its arguments that dpkg does not have installed.
missing_of()
{
    installed=" $(dpkg-query -W -f '${binary:Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
        sed -n 's/^\([^: ]*\)[^ ]* installed$/\1/p' | tr '\n' ' ') "
    for package in "$@"; do
        case $installed in
        *" $package "*) ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# Runs apt-get, as root or through sudo. Another apt-get at work is waited for.
run_apt()
{
    $become env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 "$@"
}

if [ "${1-}" = --list ]; then
    shift
    for group in "$@"; do
        packages_of "$group"
    done
    exit
fi

[ $# -gt 0 ] || { echo "usage: sh tools/packages.sh [--list] GROUP...: groups are build, gateway, test, bench, ci" >&2; exit 2; }
wanted=
for group in "$@"; do
    wanted="$wanted $(packages_of "$group")"
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "packages.sh: this is no Debian, so nothing is installed for you. On Debian it would be:$wanted" >&2
    exit 0
fi

# shellcheck disable=SC2086 # a list of words
missing=$(missing_of $wanted)
[ -n "$missing" ] || exit 0

become=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "packages.sh: missing: ${missing}- run as root: apt-get install --no-install-recommends $missing" >&2
        exit 1
    fi
    become=sudo
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM HUP
echo "installing from Debian's packages: $missing" >&2
# An update that fails for one source of many need not matter: the installation decides.
run_apt update >"$log" 2>&1 || echo "packages.sh: apt-get update failed in part" >>"$log"
# shellcheck disable=SC2086 # a list of words
if ! run_apt install --no-install-recommends $missing >>"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "packages.sh: apt-get could not install $missing(the end of its log is above)" >&2
    exit 1
fi
