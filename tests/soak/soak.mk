# SPDX-License-Identifier: Apache-2.0
# The soak: real processes verify while operators and accidents do what they can; every answer is checked afterwards.
#     make soak SECONDS=3600 SEED=1     both may be left out: 60 seconds, any seed
soak_sources = tests/soak/answers.c tests/soak/answers.h \
	tests/soak/checker.c tests/soak/checker.h \
	tests/soak/counts.c tests/soak/counts.h \
	tests/soak/history.c tests/soak/history.h \
	tests/soak/turns.c tests/soak/turns.h
check_PROGRAMS += tests/soak/soak
tests_soak_soak_SOURCES = tests/soak/soak.c $(soak_sources) \
	tests/soak/acts.c tests/soak/acts.h \
	tests/soak/barrier.c tests/soak/barrier.h \
	tests/soak/operator.c tests/soak/operators.h tests/soak/scheduler.c \
	tests/soak/processes.c tests/soak/processes.h \
	tests/soak/tell.c tests/soak/tell.h \
	tests/soak/verifying.c tests/soak/verifying.h
tests_soak_soak_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(CRYPTO_CFLAGS) $(P11KIT_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
tests_soak_soak_LDADD = $(sealring_objects) $(SQLITE_LIBS)

.PHONY: soak
SECONDS = 60
SEED =
soak: tests/soak/soak$(EXEEXT)
	./tests/soak/soak$(EXEEXT) $(SECONDS) $(SEED)

if HAVE_CHECK
# The checker on made-up histories; then the soak itself, for as long as a test may last.
c_tests += test_soak_checker
test_soak_checker_SOURCES = tests/soak/test_soak_checker.c $(soak_sources)
test_soak_checker_CPPFLAGS = $(TEST_CPPFLAGS) $(JANSSON_CFLAGS)
test_soak_checker_LDADD = $(TEST_LIBS)
endif
# Of `.ci/run soak`, not of `make check`: a minute by itself tells more than ten seconds beside other tests.
EXTRA_DIST += tests/soak/soak.sh
