# SPDX-License-Identifier: Apache-2.0
# The tests: each program and script speaks TAP, so that every case is counted.
# The longest first, so that none of them runs alone at the end: before all, those that mostly wait.
TESTS += tests/cli/locks.sh tests/tamper/tamper.sh tests/tamper/labels.sh tests/cli/identity.sh tests/cli/bad-races.sh
include tests/year/tests.mk
# Shared by all C tests: the runner, a fresh SoftHSM2 token per test (token, vault, …), and what several programs build on, compiled once.
if HAVE_CHECK
check_LTLIBRARIES += libtest.la
libtest_la_SOURCES = tests/lib/forward.h tests/lib/touches.h tests/lib/runner.c tests/lib/runner.h tests/lib/suite.h tests/lib/sanitized.h tests/lib/test_token.c tests/lib/test_token.h \
	tests/lib/record_rows.c tests/lib/record_rows.h tests/lib/test_vault.c tests/lib/test_vault.h tests/lib/token_kind.c tests/lib/token_kind.h tests/lib/thread_sanitizer.c tests/lib/thread_sanitizer.h \
	tests/fault/ground.c tests/fault/ground.h tests/fault/faulting.h tests/registry/fixture.c tests/registry/fixture.h \
	tests/verifier/stage.c tests/verifier/stage.h tests/verifier/counting.h
TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(CHECK_CFLAGS) $(CRYPTO_CFLAGS) $(DEFLATE_CFLAGS) $(P11KIT_CFLAGS) $(SQLITE_CFLAGS) \
	-DTEST_SOURCE_DIR='"$(abs_top_srcdir)/tests"'
TEST_LIBS = libtest.la $(sealring_objects) $(CHECK_LIBS)
libtest_la_CPPFLAGS = $(VERIFIER_CPPFLAGS) $(FAULT_DEFINES)

# The first of these waits for two minutes, and needs no processor; the others are the longest.
c_tests = test_verifier_filter test_verifier_life test_forger
include tests/crash/tests.mk
include tests/unit/tests.mk
include tests/token/tests.mk
include tests/registry/tests.mk
include tests/audit/tests.mk
include tests/vault/tests.mk
include tests/verifier/tests.mk
include tests/fault/tests.mk
include tests/leap/tests.mk
include tests/renew/tests.mk
include tests/forger/tests.mk
include tests/handover/tests.mk
check_PROGRAMS += $(c_tests)
TESTS += $(c_tests)
endif
# What `make coverage-unit` runs: all that is about life cycle, derivation and credentials, and of the verifier's what takes its paths.
coverage_tests = $(unit_tests) test_verifier_strangers test_verifier_cached test_verifier_state test_verifier_claims \
	test_verifier_flight test_verifier_freshness test_verifier_fork test_verifier_outage test_verifier_usage \
	test_verifier_warming test_verifier_crowd
# Not a sample but all of them: hours of computing.
.PHONY: fault-all
fault-all: test_fault_codes module_fault.la
	SOFTHSM2_MODULE='$(softhsm2_module)' CK_DEFAULT_TIMEOUT=36000 ./test_fault_codes all $(TASKS)

.PHONY: crash-all
crash-all: test_crash test_crash_init test_token_kill module_fault.la crash_preload.la
	CK_DEFAULT_TIMEOUT=36000 ./test_crash all
	CK_DEFAULT_TIMEOUT=36000 ./test_crash_init 1
	CK_DEFAULT_TIMEOUT=36000 ./test_token_kill all
	CK_DEFAULT_TIMEOUT=36000 ./test_token_kill random 1000
	CK_DEFAULT_TIMEOUT=36000 ./test_token_kill random-full 1000

include tests/world/tests.mk
include tests/facts/tests.mk
include tests/cli/tests.mk
include tests/gateway/sealringd.mk
include tests/personality/tests.mk
include tests/tamper/tests.mk
include tests/upgrade/tests.mk
include tests/gateway/tests.mk
include tests/client/tests.mk
include tests/notify/tests.mk
include tests/bench/bench.mk
include tests/fuzz/fuzz.mk
include tests/soak/soak.mk
EXTRA_DIST += tests/lib/contained.sh tests/lib/mutants.sh tests/leaks.supp tests/valgrind.supp tests/run.sh tests/figures.sh tests/distcheck.sh tests/packages.sh
# What `make check` runs where configure was told SEALRING_CHECK=short (distcheck, package builds): all of it works on any
# machine within a minute. Whoever names TESTS decides.
short_tests = $(unit_tests) replay_text tests/cli/story.sh
# What has to be built for them.
short_programs = $(unit_tests) replay_text
short_libraries =
if HAVE_CHECK
short_libraries += libtest.la
endif
