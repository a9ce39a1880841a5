# SPDX-License-Identifier: Apache-2.0
# Sourced after tests/cli/lib.sh: Debian's nginx with the module, on sockets in the scratch directory.
#
#   nginx_configure FILE       makes $work/nginx/nginx.conf of the blocks in FILE: MAIN, HTTP and SERVER (see there)
#   nginx_start, nginx_stop    and waits until it answers
#   nginx_was_well             two cases: no sanitizer complained, and no worker crashed
#   request ARGUMENT...        curl; $code is the status, $work/body and $work/headers are the response
# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154

: "${top_builddir:=$PWD}"
module=$(cd "$top_builddir" && pwd)/gateway/nginx/ngx_http_sealring_module.so
site=$work/nginx
sanitizer=
code=
: "${CC:=cc}"
command -v nginx >/dev/null || PATH=$PATH:/usr/sbin
for program in nginx curl fcgiwrap; do
    command -v $program >/dev/null || bail_out "$program is missing: sh tools/packages.sh test"
done
# Tests run side by side; one of them builds the module.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GNUMAKEFLAGS
flock "$top_builddir/config.status" make -s -C "$top_builddir" nginx-module >"$work/out" 2>"$work/err" || {
    explain_output
    bail_out "the module cannot be built"
}
# Where the library has the sanitizers, Debian's nginx loads their runtime first. What it never frees is no leak of the module.
if nm -D --undefined-only "$libraries/libsealring.so" | grep -q __asan_init; then
    sanitizer=$($CC -print-file-name=libasan.so)
    export ASAN_OPTIONS="detect_leaks=0:log_path=$work/asan"
fi
run_nginx() {
    env ${sanitizer:+LD_PRELOAD="$sanitizer${preload:+:$preload}"} ${preload:+LD_PRELOAD="${sanitizer:+$sanitizer:}$preload"} nginx -c "$site/nginx.conf" -e "$site/error.log" "$@"
}
mkdir -p "$site"

# Ends what the test started, whatever happens.
nginx_end() {
    [ ! -f "$site/pid" ] || kill "$(cat "$site/pid")" 2>/dev/null
    until_true nginx_gone
}
# fcgiwrap's child outlives it.
fcgi_end() {
    pkill -f "^fcgiwrap -s unix:$site/fcgi"
}
nginx_gone() {
    [ ! -f "$site/pid" ]
}
# dash knows no jobs in a command substitution.
jobs_end() {
    jobs -p >"$work/jobs"
    # shellcheck disable=SC2046 # words
    kill $(cat "$work/jobs") 2>/dev/null
}
trap 'nginx_end; fcgi_end; jobs_end; rm -rf "$work"' EXIT

# An upstream server that answers with what it got is part of each configuration: unix:$site/upstream.
nginx_configure() { # with MAIN, HTTP and SERVER as the test sets them
    cat >"$site/nginx.conf" <<CONF
load_module $module;
daemon on;
$([ "$(id -u)" -ne 0 ] || echo "user ${WORKER_USER-root};")
worker_processes 2;
error_log $site/error.log info;
pid $site/pid;
thread_pool sealring threads=4 max_queue=1024;
${ENV_LINES-$env_lines}
${MAIN-}
events { worker_connections 512; }
http {
    access_log $site/access.log;
    client_body_temp_path $site/t1; proxy_temp_path $site/t2; fastcgi_temp_path $site/t3; uwsgi_temp_path $site/t4; scgi_temp_path $site/t5;
    ${VAULT_LINE-sealring_vault $SEALRING_VAULT;}
    ${HTTP-}
    server {
        listen unix:$site/front;
        listen unix:$site/front2 http2;
        ${SERVER-}
    }
    server {
        listen unix:$site/upstream;
        listen unix:$site/upstream2 http2;
        location / {
            return 200 "authorization=\$http_authorization key=\$http_x_api_key client=\$http_x_sealring_client other=\$http_x_sealring_other x=\$http_x_other uri=\$request_uri\n";
        }
    }
}
CONF
}

nginx_answers() {
    [ "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$site/upstream" http://x/)" = 200 ]
}

nginx_start() {
    run_nginx >"$work/out" 2>"$work/err" || {
        status=$?
        explain_output
        bail_out "nginx does not start"
    }
    until_true nginx_answers || bail_out "nginx does not answer"
}

# SIGKILL is the master process's own, for a worker that takes more than a second to end.
nginx_was_well() {
    ok "no sanitizer complained" sh -c "! ls $work/asan.* 2>/dev/null"
    not_ok "no worker ended by a fault" grep -q 'exited on signal [^9]' "$site/error.log"
}

request() { # CURL-ARGUMENT...: the last is the path
    code=$(curl -s -m 30 -o "$work/body" -D "$work/headers" -w '%{http_code}' --unix-socket "$site/front" "$@")
}

header() { # NAME: of the response
    tr -d '\r' <"$work/headers" | sed -n "s/^$1: //Ip"
}

bearer() { # FILE
    printf 'Authorization: Bearer %s' "$(cat "$1")"
}

# The lines that nginx needs for the token's module.
read_env_lines() {
    env_lines=$(sed -n 's/^module-environment *= *\([A-Za-z0-9_]*\)=\(.*\)$/env \1=\2;/p' "$SEALRING_VAULT/sealring.conf")
}

make_vault() {
    must init --refresh 1s
    read_env_lines
}
