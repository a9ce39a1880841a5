#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# HAProxy with the configuration of docs/gateways/haproxy.md and the Lua script, in front of sealringd.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/daemon.sh"
# shellcheck source=tests/gateway/front.sh
. "$(dirname "$0")/front.sh"
PATH=$PATH:/usr/sbin
command -v haproxy >/dev/null || bail_out "haproxy is missing: sh tools/packages.sh test"

front_prepare haproxy.md
sed "s|/run/sealringd/sealringd.sock|$socket|" "$top_srcdir/gateway/haproxy/sealring.lua" >"$work/sealring.lua"
configuration haproxy | sed "s|/usr/share/sealring/haproxy/sealring.lua|$work/sealring.lua|; s|127.0.0.1:8081|unix@$work/upstream|
    s|bind :8080|bind unix@$work/front|" >"$work/haproxy.cfg"
front_answers haproxy -db -f "$work/haproxy.cfg"
done_testing
