#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Breaks the product's code on purpose, one line at a time, and sees that exploring the small worlds notices each.
# mutants.sh [WORD]: those whose line in mutants.tsv contains WORD
set -u
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
# shellcheck source=tests/lib/mutants.sh
. "$top_srcdir/tests/lib/mutants.sh"
mutants tests/world explore_worlds '' "${1-}"
