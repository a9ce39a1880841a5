# SPDX-License-Identifier: Apache-2.0
# Against a real SoftHSM2, each test with a token of its own; further down against other tokens.
c_tests += test_token_open
test_token_open_SOURCES = tests/token/test_token_open.c
test_token_open_CPPFLAGS = $(TEST_CPPFLAGS)
test_token_open_LDADD = $(TEST_LIBS)
c_tests += test_token_login
test_token_login_SOURCES = tests/token/test_token_login.c tests/token/raw.h
test_token_login_CPPFLAGS = $(TEST_CPPFLAGS)
test_token_login_LDADD = $(TEST_LIBS)
c_tests += test_token_pin
test_token_pin_SOURCES = tests/token/test_token_pin.c tests/token/raw.h
test_token_pin_CPPFLAGS = $(TEST_CPPFLAGS)
test_token_pin_LDADD = $(TEST_LIBS)
c_tests += test_token_exit
test_token_exit_SOURCES = tests/token/test_token_exit.c
test_token_exit_CPPFLAGS = $(TEST_CPPFLAGS)
test_token_exit_LDADD = $(TEST_LIBS)
c_tests += test_token_key
test_token_key_SOURCES = tests/token/test_token_key.c tests/token/raw.h
test_token_key_CPPFLAGS = $(TEST_CPPFLAGS)
test_token_key_LDADD = $(TEST_LIBS)
c_tests += test_token_hmac
test_token_hmac_SOURCES = tests/token/test_token_hmac.c tests/token/raw.h tests/unit/hexadecimal.h \
	tests/vectors/kdf_counter_hmac_sha256.h
test_token_hmac_CPPFLAGS = $(TEST_CPPFLAGS)
test_token_hmac_LDADD = $(TEST_LIBS)
c_tests += test_token_outage
test_token_outage_SOURCES = tests/token/test_token_outage.c
test_token_outage_CPPFLAGS = $(TEST_CPPFLAGS)
test_token_outage_LDADD = $(TEST_LIBS)
c_tests += test_token_threads
test_token_threads_SOURCES = tests/token/test_token_threads.c
test_token_threads_CPPFLAGS = $(TEST_CPPFLAGS)
test_token_threads_LDADD = $(TEST_LIBS)
c_tests += test_token_provision
test_token_provision_SOURCES = tests/token/test_token_provision.c tests/token/raw.h
test_token_provision_CPPFLAGS = $(TEST_CPPFLAGS)
test_token_provision_LDADD = $(TEST_LIBS)

# The same programs on a second and a third token: TEST_TOKEN chooses (tests/lib/token_kind.h).
token_tests = test_token_open test_token_login test_token_exit test_token_key test_token_hmac test_token_outage test_token_threads \
	test_token_provision
softokn_tests = softokn_token_open.softokn softokn_token_login.softokn softokn_token_exit.softokn softokn_token_key.softokn softokn_token_hmac.softokn \
	softokn_token_outage.softokn softokn_token_threads.softokn softokn_token_provision.softokn
p11kit_tests = p11kit_token_open.p11kit p11kit_token_login.p11kit p11kit_token_exit.p11kit p11kit_token_key.p11kit p11kit_token_hmac.p11kit \
	p11kit_token_outage.p11kit p11kit_token_threads.p11kit p11kit_token_provision.p11kit
$(softokn_tests) $(p11kit_tests): $(token_tests)
	$(AM_V_GEN)$(LN_S) -f `echo '$@' | sed 's/^[a-z0-9]*_/test_/; s/\.[a-z0-9]*$$//'` '$@'
check_SCRIPTS += $(softokn_tests) $(p11kit_tests)
TESTS += $(softokn_tests) $(p11kit_tests)
CLEANFILES += $(softokn_tests) $(p11kit_tests)
c_tests += test_token_signer
test_token_signer_SOURCES = tests/token/test_token_signer.c tests/token/raw.h
test_token_signer_CPPFLAGS = $(TEST_CPPFLAGS)
test_token_signer_LDADD = $(TEST_LIBS)
c_tests += test_token_trace
test_token_trace_SOURCES = tests/token/test_token_trace.c
test_token_trace_CPPFLAGS = $(TEST_CPPFLAGS)
test_token_trace_LDADD = $(TEST_LIBS)
