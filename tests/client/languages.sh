#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The programs of docs/clients follow a file that sealring-client replaces: no request of theirs is refused.
# shellcheck disable=SC2154,SC2317,SC2329 # what lib.sh sets; functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh"
examples=$top_srcdir/docs/clients
key=$work/api.key
server_start https
export SSL_CERT_FILE="$served/certificate" NODE_EXTRA_CA_CERTS="$served/certificate" CURL_CA_BUNDLE="$served/certificate"
unset MALLOC_PERTURB_ LD_PRELOAD GOFLAGS GOENV

build_go() {
    (cd "$examples/go" && GOPROXY=off GOTOOLCHAIN=local GOCACHE=$work/gocache GOPATH=$work/gopath CGO_ENABLED=0 go "$@")
}
python() { python3 -I -W error "$examples/follow.py" "$@"; }
go_program() { "$work/follow" "$@"; }
javascript() { node "$examples/follow.js" "$@"; }
shell() { sh "$examples/follow.sh" "$@"; }

command -v go >/dev/null || bail_out "go is missing: sh tools/packages.sh test"
build_go build -buildvcs=false -o "$work/follow" . >"$work/out" 2>"$work/err"
status=$?
succeeds "Go: the example compiles"
is "$(gofmt -l "$examples/go" 2>&1)" "" "Go: it is formatted"
command -v node >/dev/null || bail_out "node is missing: sh tools/packages.sh test"
languages="python go_program shell javascript"

answered() { # COUNT
    [ "$(wc -l <"$work/answers")" -ge "$1" ]
}
for language in $languages; do
    rm -f "$work/questions" "$served/requests"
    mkfifo "$work/questions"
    : >"$work/answers"
    fresh "$key" $first
    chain $first $second
    "$language" "$key" "$url/" <"$work/questions" >"$work/answers" 2>"$work/err" &
    process=$!
    exec 3>"$work/questions"
    echo >&3
    until_true answered 1
    client renew "$key" --url "$url" --ca "$served/certificate"
    succeeds "$language: the key is renewed meanwhile"
    echo $second >"$served/successors" # the former one is refused from now on
    echo >&3
    until_true answered 2
    echo >&3
    until_true answered 3
    exec 3>&-
    wait "$process"
    is $? 0 "$language: it ends"
    is "$(tr '\n' ' ' <"$work/answers")" "200 204 204 " "$language: every request is accepted"
    is "$(grep -c "^GET / $second" "$served/requests")" 2 "$language: with the new key after the renewal"
    is "$(cat "$work/err")" "" "$language: without a message"
done
rm -f "$work/questions"
: >"$work/none"
for language in $languages; do
    "$language" "$work/nowhere" "$url/" <"$work/none" >"$work/out" 2>"$work/err"
    is $? 0 "$language: nothing to send"
done
done_testing
