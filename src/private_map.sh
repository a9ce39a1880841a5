#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the symbol map of libsealring: the public nodes, and a private node of this very release with what libsealring-manage needs of it.
#
#   private_map.sh NM VERSION MAP CORE MANAGE     CORE, MANAGE: the archives of the two libraries' objects
#
# Code that both libraries need exists once, in libsealring: two copies would each have a table of the modules that are loaded, and one's
# C_Finalize would end the other's sessions.
set -eu
nm=$1 version=$2 map=$3 core=$4 manage=$5
LC_ALL=C
export LC_ALL
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shellcheck disable=SC2086 # NM may have options
$nm -g "$core" | awk 'NF == 3 && $2 ~ /^[ABCDGRSTVW]$/ { print $3 }' | sort -u >"$work/defined"
# shellcheck disable=SC2086
$nm -g "$manage" | awk 'NF == 2 && $1 == "U" { print $2 }' | sort -u >"$work/needed"
sed -n 's/^\t\([a-z_0-9]*\);$/\1/p' "$map" | sort -u >"$work/public"
comm -12 "$work/defined" "$work/needed" | comm -23 - "$work/public" >"$work/private"
[ -s "$work/private" ] || { echo "$0: nothing of $core is needed by $manage" >&2; exit 1; }

cat "$map"
echo
echo "/* For libsealring-manage of the same release only. */"
echo "SEALRING_PRIVATE_$version {"
echo "global:"
sed 's/.*/\t&;/' "$work/private"
echo "};"
