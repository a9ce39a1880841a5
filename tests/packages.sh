#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No install step is missing: Debian packages are built and looked over by lintian; in a bare Debian they are installed and
# the story is told; in another one the quickstart installs what it needs by itself. TAP. Not part of `make check`.
#
#   sh tests/packages.sh      as root: it wants chroot and mounts, in a mount namespace of its own
#
# Mirror, suite and keyring are those of the host's apt. The bare system and downloaded packages are kept in build/packages.
set -u
LC_ALL=C.UTF-8
DEBIAN_FRONTEND=noninteractive
export LC_ALL DEBIAN_FRONTEND
top=$(cd "$(dirname "$0")/.." && pwd)
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES DESTDIR SEALRING_VAULT SEALRING_CHECK CC CFLAGS CPPFLAGS LDFLAGS TMPDIR

# In a namespace of its own every mount and every process is gone when this script is, however it ends. What is left to do
# outside is to remove the scratch directory.
if [ -z "${PACKAGES_WORK-}" ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "Bail out! tests/packages.sh must be root, to mount and to chroot"
        exit 1
    fi
    PACKAGES_WORK=$(mktemp -d) || exit 1
    export PACKAGES_WORK
    inner=
    # shellcheck disable=SC2317 # by trap
    leave()
    {
        [ -z "$inner" ] || kill -KILL "$inner" 2>/dev/null
        wait
        # Whoever was writing there may be dying still.
        rm -rf --one-file-system "$PACKAGES_WORK" 2>/dev/null || { sleep 2; rm -rf --one-file-system "$PACKAGES_WORK"; }
    }
    trap leave EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    unshare --mount --propagation private --pid --fork --kill-child sh "$top/tests/packages.sh" &
    inner=$!
    wait "$inner"
    status=$?
    inner=
    exit $status
fi
work=$PACKAGES_WORK
log=$work/log
number=0
failed=0
: >"$log"

# result STATUS WORDS: one TAP line; on failure the end of the log follows.
result()
{
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        failed=1
        echo "not ok $number - $2"
        tail -n 40 "$log" | sed 's/^/# /'
    fi
    : >"$log"
}

# check WORDS COMMAND...: the command is expected to succeed.
check()
{
    words=$1
    shift
    "$@" >>"$log" 2>&1 </dev/null
    result $? "$words"
}

# need WORDS COMMAND...: without it nothing that follows makes sense.
need()
{
    before=$failed
    failed=0
    check "$@"
    if [ "$failed" -ne 0 ]; then
        echo "Bail out! $1"
        exit 1
    fi
    failed=$before
}

# ---- The source, the packages ----

# What git would archive if all were committed; without git, what was unpacked.
copy_source() # DIRECTORY
{
    mkdir -p "$1" || return 1
    if [ -e "$top/.git" ]; then
        git -c safe.directory="$top" -C "$top" ls-files -z --cached --others --exclude-standard >"$work/files" &&
            (cd "$top" && tar --null --ignore-failed-read -T "$work/files" -cf "$work/source.tar") 2>/dev/null
        tar -C "$1" -xf "$work/source.tar"
    else
        (cd "$top" && tar --exclude='./build*' -cf - .) | tar -C "$1" -xf -
    fi
}

build_packages()
{
    cd "$work/package/source" && dpkg-buildpackage -us -uc -b -j"$(nproc)"
}

look_over()
{
    lintian --allow-root --fail-on error,warning "$work"/package/*.changes
}

# ---- A bare Debian ----

# Debian's own archives among those that the host's apt uses, as lines of sources.list. apt reads its configuration itself.
archives()
{
    # shellcheck disable=SC2016 # for apt to expand
    apt-get indextargets --format '$(ORIGIN)|$(SIGNED_BY)|$(REPO_URI)|$(CODENAME)|$(COMPONENT)' 'Identifier: Packages' |
        awk -F '|' -v suite="$suite" '$1 == "Debian" && index($4, suite) == 1 {
            signed = $2 ~ /^\// ? "[signed-by=" $2 "] " : ""
            print "deb " signed $3, $4, $5
        }' | sort -u
}

# mirror_of SUITE: the address of the archive that has it.
mirror_of()
{
    awk -v suite="$1" '{ sub(/\[[^]]*\] /, "") } $3 == suite && $4 == "main" { print $2; exit }' "$work/sources.list"
}

# Unpacks a bare system, made once by debootstrap.
bare_system() # DIRECTORY
{
    if [ ! -f "$base" ]; then
        rm -rf "$work/base"
        debootstrap --variant=minbase "$suite" "$work/base" "$(mirror_of "$suite")" || return 1
        rm -f "$work"/base/var/cache/apt/archives/*.deb
        tar -C "$work/base" --numeric-owner --exclude='./dev/*' -cf "$base.new" . && mv "$base.new" "$base" || return 1
        rm -rf --one-file-system "$work/base"
    fi
    mkdir "$1" && tar -C "$1" --numeric-owner -xpf "$base"
}

# What a running system has and a bare one needs: processes, devices, the network's names, apt's sources and its settings.
furnish() # DIRECTORY
{
    mount -t proc proc "$1/proc" && mount -t tmpfs -o mode=755 tmpfs "$1/dev" || return 1
    mkdir -m 1777 "$1/dev/shm" || return 1
    for device in null zero full random urandom tty; do
        : >"$1/dev/$device" && mount --bind "/dev/$device" "$1/dev/$device" || return 1
    done
    ln -s /proc/self/fd "$1/dev/fd"
    cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
    cp "$work/sources.list" "$1/etc/apt/sources.list"
    # Keys that the sources name; and what the host's apt had to be told to reach them, a proxy for instance.
    sed -n 's/.*\[signed-by=\([^]]*\)\].*/\1/p' "$work/sources.list" | sort -u | while read -r key; do
        mkdir -p "$1$(dirname "$key")" && cp "$key" "$1$key"
    done
    apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv|Languages|IndexTargets)' >"$1/etc/apt/apt.conf.d/80host"
    # Nobody needs this system after a power failure.
    echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/unsafe-io"
    # Services are not started.
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"
    mkdir -p "$archive/partial" && mount --bind "$archive" "$1/var/cache/apt/archives" || return 1
    inside "$1" apt-get -q update
}

# inside DIRECTORY COMMAND...
inside()
{
    root=$1
    shift
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        ${http_proxy:+http_proxy="$http_proxy"} chroot "$root" "$@"
}

# as_user DIRECTORY SHELL-TEXT: as somebody without rights, at home.
as_user()
{
    inside "$1" setpriv --reuid=1000 --regid=1000 --clear-groups sh -c "cd /home/someone && HOME=\$PWD && $2"
}

add_user()
{
    inside "$1" useradd --uid 1000 --create-home someone
}

# Makes the packages known to a system's apt, so that it finds by itself what depends on what.
offer_packages() # DIRECTORY
{
    mkdir "$1/srv/packages" && cp "$work"/package/*.deb "$1/srv/packages/" &&
        (cd "$1/srv/packages" && dpkg-scanpackages . >Packages) &&
        echo 'deb [trusted=yes] file:/srv/packages ./' >"$1/etc/apt/sources.list.d/offered.list" &&
        inside "$1" apt-get -q update -o Dir::Etc::SourceList=sources.list.d/offered.list -o Dir::Etc::SourceParts=- \
            -o APT::Get::List-Cleanup=0
}

# Whether the system has no file of ours any more.
nothing_left()
{
    left=$(find "$1"/usr "$1"/etc "$1"/var/lib/dpkg/info -name '*sealring*')
    echo "$left"
    [ -z "$left" ]
}

# ---- One after the other ----

# shellcheck source=tools/build.sh
. "$top/tools/build.sh"
build_place "$top" packages
archive=$build/archives
suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
base=$build/$suite-$(dpkg --print-architecture).tar

need "the source is copied" copy_source "$work/package/source"
need "dpkg-buildpackage makes the packages" build_packages
for name in sealring sealringd sealring-broker libsealring1 libsealring-dev libsealring-manage0 libsealring-manage-dev libsealring-client0 libsealring-client-dev sealring-client libnginx-mod-http-sealring sealring-doc; do
    check "there is $name" test -f "$(echo "$work/package/$name"_*.deb)"
done
check "lintian finds no error and no warning" look_over

need "the host's apt knows Debian's archives" sh -c "apt-get -q update && test -n '$suite'"
archives >"$work/sources.list" 2>>"$log"
need "among them the one of its own suite, $suite" test -n "$(mirror_of "$suite")"

installed=$work/installed
need "a bare system is made" bare_system "$installed"
need "and furnished" furnish "$installed"
need "the packages are offered there" offer_packages "$installed"
need "the command is installed with what it depends on" inside "$installed" apt-get -y -q install sealring
need "and the documentation" inside "$installed" apt-get -y -q install sealring-doc
need "and the daemon" inside "$installed" apt-get -y -q install sealringd
check "the daemon runs, and has its user" inside "$installed" sh -c "sealringd --version && getent passwd sealringd && getent group sealring-gateway"
check "the command runs" inside "$installed" sealring --version
check "every library it wants is there" sh -c "! chroot '$installed' ldd /usr/bin/sealring | grep 'not found'"
need "and the client's command" inside "$installed" apt-get -y -q install sealring-client
# libp11-kit comes with GnuTLS, which libcurl needs
check "which runs, and brought neither the vault's libraries nor a token" inside "$installed" sh -c \
    "sealring-client --version && ! ldd /usr/bin/sealring-client | grep -E 'libp11[.]so|libsealring[.]so|not found'"
need "what the story's script calls is installed" inside "$installed" apt-get -y -q install --no-install-recommends jq opensc
need "somebody without rights is there" add_user "$installed"
mkdir "$installed/srv/tests" && cp -R "$work/package/source/tests/cli" "$installed/srv/tests/"
check "the story is told from the packages, by somebody without rights" as_user "$installed" \
    "SEALRING=/usr/bin/sealring sh /srv/tests/cli/story.sh"
need "the nginx module is installed with what it depends on" inside "$installed" apt-get -y -q install --no-install-recommends libnginx-mod-http-sealring nginx
check "it is enabled, and nginx takes its directives" inside "$installed" sh -c \
    "grep -q '^load_module modules/ngx_http_sealring_module.so;' /etc/nginx/modules-enabled/*sealring.conf && nginx -t"
need "and the broker" inside "$installed" apt-get -y -q install sealring-broker
check "the broker runs" inside "$installed" sealring-broker --version
check "the packages are removed again" inside "$installed" apt-get -y -q purge sealring sealringd sealring-broker sealring-client libsealring-client0 libnginx-mod-http-sealring libsealring1 libsealring-manage0 sealring-doc
check "and leave nothing behind" nothing_left "$installed"

fresh=$work/fresh
need "another bare system is made" bare_system "$fresh"
need "and furnished too" furnish "$fresh"
need "the source is put there" copy_source "$fresh/srv/sealring"
# What is missing does not depend on optimisation, which takes a third of the time; the packages above have it.
check "sh tools/quickstart.sh installs what it needs, builds and runs the demonstration" \
    inside "$fresh" env CFLAGS=-O0 sh /srv/sealring/tools/quickstart.sh
# shellcheck disable=SC2016 # for make to expand
check "sh tests/run.sh installs what it needs, builds every test and runs some" \
    inside "$fresh" env CI=1 CFLAGS=-O0 sh /srv/sealring/tests/run.sh \
    'TESTS=$(short_tests) tests/cli/abi.sh tests/cli/install.sh tests/cli/layers.sh tests/cli/style.sh'
# That system has a compiler by now, and nothing else of a developer's.
need "the packages are offered there, too" offer_packages "$fresh"
check "libsealring-dev is installed with what it depends on" inside "$fresh" \
    apt-get -y -q install --no-install-recommends libsealring-dev
# shellcheck disable=SC2016 # for the shell inside to expand
check "the example compiles against it" inside "$fresh" sh -c \
    'gcc -Wall -Wextra -Werror -o /srv/server /srv/sealring/docs/examples/server.c $(pkg-config --cflags --libs sealring) -pthread'
check "and is linked against the installed library" sh -c \
    "chroot '$fresh' ldd /srv/server | grep -q 'libsealring.so.1 => /lib/\|libsealring.so.1 => /usr/lib/'"
check "and needs nothing that only operators need" sh -c "! chroot '$fresh' ldd /srv/server | grep -q 'libp11[.]so\|jansson\|libcsv\|manage'"
check "libsealring-manage-dev is installed as well" inside "$fresh" apt-get -y -q install --no-install-recommends libsealring-manage-dev
check "its pages and the others' are in one place each" inside "$fresh" sh -c \
    'dpkg -L libsealring-manage-dev | grep -q man3/sealring_issue && dpkg -L libsealring-dev | grep -q man3/sealring_verify'
echo "1..$number"
[ "$failed" -eq 0 ]
