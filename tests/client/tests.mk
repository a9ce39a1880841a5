# SPDX-License-Identifier: Apache-2.0
# sealring-client and libsealring-client, against a server that fails on demand.
client_tests = tests/client/command.sh
TESTS += $(client_tests)
EXTRA_DIST += $(client_tests) tests/client/lib.sh tests/client/renewal_server.py
