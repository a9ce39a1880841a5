# SPDX-License-Identifier: Apache-2.0
# Debian's nginx with the module.
TESTS += tests/gateway/nginx.sh tests/gateway/nginx-token.sh tests/gateway/nginx-clients.sh
EXTRA_DIST += tests/gateway/lib.sh tests/gateway/slow_token.sh tests/gateway/nginx.sh tests/gateway/nginx-token.sh tests/gateway/nginx-clients.sh
