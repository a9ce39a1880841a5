#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bad clients of the nginx module: tricks with paths and framing, credentials of a MiB, headers that never end, ten thousand idle connections.
# shellcheck disable=SC2016,SC2034,SC2317,SC3045 # variables are nginx's, or for nginx_configure; functions are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/lib.sh
. "$(dirname "$0")/lib.sh"

make_vault
must ring create web --prefix acme_live
must client add acme
must issue web --client acme --scope read --out "$work/key"
UP="proxy_pass http://unix:$site/upstream;"
HTTP='log_format verdicts "$status $sealring_verdict $uri"; access_log '$site/verdicts.log' verdicts;'
SERVER='client_header_timeout 600s;
    location / { return 404; }
    location /read/ { sealring read; '$UP' }
    location /off/ { sealring off; '$UP' }'
idle=10000
ulimit -n 14000 2>/dev/null || bail_out "10,000 connections need 14,000 open files, and the limit is $(ulimit -Hn)" # root may raise it
MAIN='worker_rlimit_nofile 14000;'
nginx_configure
sed -i 's/^worker_processes 2;/worker_processes 1;/; s/worker_connections 512/worker_connections 13000/' "$site/nginx.conf"
nginx_start
worker=$(pgrep -P "$(cat "$site/pid")")
gets_in() {
    request -H "$(bearer "$work/key")" http://x/read/a
    [ "$code" = 200 ]
}
ok "a valid credential gets in" until_true gets_in

# ---- Paths ----

# One that reaches /read/ in any spelling is judged; one that does not reach it reaches nothing of it.
for path in /off/../read/a /off/%2e%2e/read/a /off/./../read/a //read/a /read//a /off/..//read/a '/%72ead/a' '/read/%2e/a' '/off/x/../../read/a'; do
    request --path-as-is "http://x$path"
    is "$code" 401 "$path is judged"
    request --path-as-is -H "$(bearer "$work/key")" "http://x$path"
    is "$code" 200 "$path gets in with a credential"
done
for path in '/off/..%2fread/a' '/off/..;/read/a' '/off/%2e%2e%2fread/a' '/off/..%5cread/a'; do
    request --path-as-is "http://x$path"
    ok "$path is not served as /read/: $code" sh -c "! grep -q 'uri=/read' '$work/body'"
done
request --path-as-is 'http://x/off/%00/../read/a'
is "$code" 400 "a zero byte is a bad request"

# ---- Framing ----

raw() { # TEXT: what nginx answers, status lines only
    printf %b "$1" | timeout 20 perl -MIO::Socket::UNIX -e '
        $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; local $/; print $s <STDIN>; print for <$s>' "$site/front" 2>/dev/null |
        grep -a -o '^HTTP/1.1 [0-9]*' | tr '\n' ' '
}
close='Host: x\r\nConnection: close\r\n'
smuggled='GET /read/a HTTP/1.1\r\nHost: x\r\n\r\n'
# Whatever nginx makes of these, no answer may be a 200: no credential is sent.
for case in "length and chunks|Content-Length: 4\r\nTransfer-Encoding: chunked\r\n" "two lengths|Content-Length: 4\r\nContent-Length: 40\r\n" \
    "a folded header|X-A: 1\r\n Authorization: Bearer x\r\n" "a space before the colon|Transfer-Encoding : chunked\r\n" \
    "an unknown coding|Transfer-Encoding: xchunked\r\n"; do
    answer=$(raw "POST /read/a HTTP/1.1\r\n$close${case#*|}\r\n0\r\n\r\n$smuggled")
    ok "${case%%|*}: $answer" sh -c "case '$answer' in *' 200 '*|'') exit 1 ;; esac"
done
key=$(cat "$work/key")
is "$(raw "GET /read/a HTTP/1.1\r\n${close}Authorization: Bearer $key\r\nAuthorization: Bearer other\r\n\r\n" | sed 's/400/4xx/')" "HTTP/1.1 4xx " \
    "two Authorization headers do not get in"
is "$(raw "GET /read/a HTTP/1.1\r\n${close}Authorization: Bearer $key\\\\0\r\n\r\n")" "HTTP/1.1 401 " "nor does a credential with more behind it"
is "$(raw "GET /read/a HTTP/1.0\r\nAuthorization: Bearer $key\r\n\r\n")" "HTTP/1.1 200 " "HTTP/1.0 does"

# ---- Size and time ----

rss() {
    awk '/^VmRSS/ { print $2 }' "/proc/$worker/status"
}
head -c 1048576 /dev/zero | tr '\0' a >"$work/mib"
printf 'Authorization: Bearer ' | cat - "$work/mib" >"$work/mib.header"
before=$(rss)
for number in 1 2 3 4 5; do
    request -H "@$work/mib.header" http://x/read/a
    echo "$code"
done >"$work/codes"
not_ok "a credential of a MiB does not get in: nginx answers 400, or closes the connection first" grep -qv "^\(400\|000\)$" "$work/codes"
cat >"$work/crowd.pl" <<'PERL'
use IO::Socket::UNIX;
my ($path, $count, $text) = @ARGV;
my @open;
for (1 .. $count) {
    my $s;
    until ($s = IO::Socket::UNIX->new(Peer => $path)) { select undef, undef, undef, 0.01 }
    print $s $text if length $text;
    $s->flush;
    push @open, $s;
}
sleep 3600;
PERL
perl "$work/crowd.pl" "$site/front" $idle "" >"$work/crowd1" 2>&1 &
perl "$work/crowd.pl" "$site/front" 1000 "GET /read/a HTTP/1.1
Authorization: Bearer $(head -c 200 "$work/mib")" >"$work/crowd2" 2>&1 &
connected() {
    # shellcheck disable=SC2012 # as find asks for each of them what it is
    [ "$(ls "/proc/$worker/fd" | wc -l)" -gt $((idle + 1000)) ]
}
ok "ten thousand idle connections and a thousand that never end their headers" until_true connected
request -H "$(bearer "$work/key")" http://x/read/a
is "$code" 200 "others are served"
after=$(rss)
ok "in bounded memory: $(((after - before) / 1024)) MiB more for 11,000 connections" test $((after - before)) -lt 131072

# nginx itself logs such a header, at the level info (docs/gateways/nginx.md).
grep -v 'client sent duplicate header line' "$site/error.log" >"$work/error.log"
not_ok "no credential is in a log" grep -qF "$key" "$work/error.log" "$site/verdicts.log"
nginx_was_well
done_testing
