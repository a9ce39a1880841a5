# SPDX-License-Identifier: Apache-2.0
# sealringd: its pure parts, and the daemon behind real gateways.
if HAVE_CHECK
c_tests += test_sealringd
test_sealringd_SOURCES = tests/gateway/test_sealringd.c $(sealringd_pure)
test_sealringd_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)
test_sealringd_LDADD = $(TEST_LIBS) $(JANSSON_LIBS)
c_tests += test_broker
test_broker_SOURCES = tests/gateway/test_broker.c $(broker_pure)
test_broker_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)
test_broker_LDADD = $(TEST_LIBS)
endif
gateway_tests = tests/gateway/sealringd.sh tests/gateway/sealringd-load.sh tests/gateway/sealringd-group.sh tests/gateway/renew.sh tests/gateway/claim.sh tests/gateway/leaks.sh tests/gateway/broker.sh tests/gateway/caddy.sh tests/gateway/haproxy.sh tests/gateway/nginx-auth_request.sh tests/gateway/recorded.sh
TESTS += $(gateway_tests)
EXTRA_DIST += $(gateway_tests) tests/gateway/broker_peer.py tests/gateway/daemon.sh tests/gateway/front.sh tests/gateway/upstream.py tests/gateway/raw.pl tests/gateway/load.pl
