# SPDX-License-Identifier: Apache-2.0
# Debian's nginx with the module.
nginx_tests = tests/gateway/nginx.sh tests/gateway/nginx-token.sh tests/gateway/nginx-clients.sh tests/gateway/nginx-worker.sh \
	tests/gateway/nginx-restart.sh tests/gateway/nginx-reload.sh tests/gateway/nginx-streams.sh
TESTS += $(nginx_tests)
EXTRA_DIST += $(nginx_tests) tests/gateway/lib.sh tests/gateway/slow_token.sh tests/gateway/load.sh tests/gateway/streams.py
