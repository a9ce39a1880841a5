# SPDX-License-Identifier: Apache-2.0
# sealring-client and libsealring-client, against a server that fails on demand.
client_tests = tests/client/command.sh tests/client/exec.sh tests/client/kill.sh tests/client/library.sh tests/client/languages.sh tests/client/real.sh tests/client/claim.sh
TESTS += $(client_tests)
EXTRA_DIST += $(client_tests) tests/client/lib.sh tests/client/renewal_server.py tests/client/kill_before.c tests/client/program.c
if HAVE_CHECK
c_tests += test_client
test_client_SOURCES = tests/client/test_client.c
test_client_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir) $(JANSSON_CFLAGS) $(CURL_CFLAGS)
test_client_LDADD = libtest.la libsealring-client-core.la $(sealring_objects) $(CHECK_LIBS)
endif
# What is beside it for shells and clusters.
TESTS += tests/client/completion.sh tests/client/sidecar.sh
EXTRA_DIST += tests/client/completion.sh tests/client/sidecar.sh
