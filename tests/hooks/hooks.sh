#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The hooks of docs/hooks against servers that compare each request with the documentation.
command -v python3 >/dev/null || {
    echo "Bail out! python3 is missing: sh tools/packages.sh test"
    exit 99
}
exec python3 "$(dirname "$0")/hooks.py"
