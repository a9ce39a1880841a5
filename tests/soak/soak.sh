#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ten seconds of the soak; `make soak SECONDS=3600` goes on for longer.
set -u
: "${top_builddir:=.}"
exec "$top_builddir/tests/soak/soak" "${SOAK_SECONDS:-10}" ${SOAK_SEED:+"$SOAK_SEED"}
