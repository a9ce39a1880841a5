#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The attempts of attempts.txt that are about live keys, on tokens whose labels do not last or cannot be changed.
# shellcheck disable=SC2034 # read by tamper.sh
OTHER_TOKENS="no-label volatile-label fixed-label"
# shellcheck source=tests/tamper/tamper.sh
. "$(dirname "$0")/tamper.sh"
