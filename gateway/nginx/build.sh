#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the module against Debian's nginx-dev: `sh gateway/nginx/build.sh DIRECTORY`. DIRECTORY/ngx_http_sealring_module.so is the result.
#
# SEALRING_INCLUDE and SEALRING_LIBS: where libsealring's headers are, and what to link. CFLAGS, LDFLAGS and CC as usual.
set -eu
[ $# -eq 1 ] || { echo "usage: sh gateway/nginx/build.sh DIRECTORY" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
sources=${NGINX_SOURCES:-/usr/share/nginx/src}
[ -x "$sources/configure" ] || { echo "build.sh: $sources has no nginx sources: install nginx-dev" >&2; exit 1; }
mkdir -p "$1"
built=$(cd "$1" && pwd)
export SEALRING_INCLUDE="${SEALRING_INCLUDE-$here/../../include}" SEALRING_LIBS="${SEALRING_LIBS--lsealring}"

# nginx's configure writes beside its sources, so it gets copies that are made once.
identity="$here ${CC-cc} ${CFLAGS-} ${LDFLAGS-} $SEALRING_INCLUDE $SEALRING_LIBS $(cat "$sources/src/core/nginx.h" "$here/config" | cksum)"
if [ "$(cat "$built/.identity" 2>/dev/null)" != "$identity" ]; then
    rm -rf "$built/nginx"
    cp -R "$sources" "$built/nginx"
    # conf_flags is Debian's list of the options with which its nginx was built: the module must agree with them.
    (cd "$built/nginx" && bash -c '. ./conf_flags && ./configure "${NGX_CONF_FLAGS[@]}" "$@"' configure \
        --with-cc="${CC-cc}" --with-cc-opt="${CFLAGS--O2 -g} -fPIC" --with-ld-opt="${LDFLAGS-}" \
        --add-dynamic-module="$here" --builddir="$built/nginx/objs") >"$built/configure.log" 2>&1 ||
        { tail -n 20 "$built/configure.log" >&2; exit 1; }
    printf '%s\n' "$identity" >"$built/.identity"
fi
make -s -C "$built/nginx" -f objs/Makefile modules >"$built/make.log" 2>&1 || { tail -n 30 "$built/make.log" >&2; exit 1; }
cmp -s "$built/nginx/objs/ngx_http_sealring_module.so" "$built/ngx_http_sealring_module.so" ||
    cp "$built/nginx/objs/ngx_http_sealring_module.so" "$built/ngx_http_sealring_module.so"
