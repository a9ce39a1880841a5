#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Caddy with the configuration of docs/gateways/caddy.md, in front of sealringd.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/daemon.sh"
# shellcheck source=tests/gateway/front.sh
. "$(dirname "$0")/front.sh"
command -v caddy >/dev/null || bail_out "caddy is missing: sh tools/packages.sh test"

front_prepare caddy.md
configuration caddyfile | sed "s|unix//run/sealringd/sealringd.sock|unix/$socket|; s|127.0.0.1:8081|unix/$work/upstream|
    s|^http://:8080 {|http:// {\n	bind unix/$work/front|" >"$work/Caddyfile"
front_answers caddy run --config "$work/Caddyfile" --adapter caddyfile
done_testing
