#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A year of rotations in minutes: clients of different temper against sealringd, sealring-broker, nginx's module and libsealring-client, under
# an injected clock. CLIENTS, ROTATIONS and SEED may be set; LONG=1 is the long form (`make year`).
# shellcheck disable=SC2154,SC2034 # what the files set that are sourced, and what they read
[ "${YEAR_MOUNTS-}" ] || [ "$(id -u)" -ne 0 ] || ! unshare -m true 2>/dev/null || exec unshare -m env YEAR_MOUNTS=1 sh "$0"
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/cli/clock.sh
. "$top_srcdir/tests/cli/clock.sh"
program_libraries=$(dirname "$SEALRING")
sanitize=
# pyenv and similar tools shadow Debian's by settings in the home directory: HOME is the test's own here.
PATH=/usr/bin:/bin:$PATH
front=
nm -D --undefined-only "$program_libraries/libsealring-client.so" | grep -q __asan_init && sanitize=-fsanitize=address,undefined
# shellcheck disable=SC2086 # words
${CC:-cc} -Wall -Wextra -Werror $sanitize -I"$top_srcdir/include" -o "$work/host" "$top_srcdir/tests/year/host.c" -L"$program_libraries" -lsealring-client ||
    bail_out "a program with the library cannot be compiled"
must init --refresh 1s
# Debian's nginx has no sanitizers, and they and libfaketime both want to be loaded first: there, sealringd alone judges.
if [ -z "$sanitize" ]; then
    # shellcheck source=tests/gateway/lib.sh
    . "$top_srcdir/tests/gateway/lib.sh"
    read_env_lines
    env_lines="$env_lines
env FAKETIME_TIMESTAMP_FILE; env FAKETIME_NO_CACHE; env DONT_FAKE_MONOTONIC;"
    SERVER="location / { sealring read; sealring_sunset on; proxy_pass http://unix:$site/upstream; }"
    nginx_configure
    front=$site/front
    echo +0 >"$work/right.clock"
    (
        export LD_PRELOAD="$faketime" FAKETIME_TIMESTAMP_FILE="$work/right.clock" FAKETIME_NO_CACHE=1
        nginx_start
    ) || exit
    trap 'nginx_end; rm -rf "$work"' EXIT
fi
python3 -u -I -B "$top_srcdir/tests/year/year.py" --work "$work" --programs "$program_libraries" --faketime "$faketime" --front "$front" ${YEAR_MOUNTS:+--mounts} \
    --clients "${CLIENTS:-${LONG:+200}}" --rotations "${ROTATIONS:-${LONG:+12}}" --seed "${SEED-}"
