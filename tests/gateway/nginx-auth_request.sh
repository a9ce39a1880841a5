#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nginx with the configuration of docs/gateways/nginx-auth_request.md, in front of sealringd.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/daemon.sh"
# shellcheck source=tests/gateway/front.sh
. "$(dirname "$0")/front.sh"
PATH=$PATH:/usr/sbin
command -v nginx >/dev/null || bail_out "nginx is missing: sh tools/packages.sh test"

front_prepare nginx-auth_request.md
{
    # What the page leaves to nginx's defaults, for a process of the test's user in a scratch directory.
    [ "$(id -u)" -ne 0 ] || echo "user root;"
    echo "daemon off; worker_processes 2; pid $work/nginx.pid; error_log stderr;"
    configuration nginx | sed "s|unix:/run/sealringd/sealringd.sock|unix:$socket|; s|http://127.0.0.1:8081|http://unix:$work/upstream|
        s|listen 8080|listen unix:$work/front|
        s|^http {|http { access_log off; client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;|"
} >"$work/nginx.conf"
# The page warns of it: nginx removes only what the configuration names.
export OTHERS_PASS=x-sealring-other
front_answers nginx -c "$work/nginx.conf" -e stderr
done_testing
