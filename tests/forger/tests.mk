# SPDX-License-Identifier: Apache-2.0
# A forger built from sealring's own code: every cell edited at every point, and consistent forgeries without a signature.
test_forger_SOURCES = tests/forger/forger.c tests/forger/edits.c tests/forger/edits.h tests/forger/files.c tests/forger/files.h \
	tests/forger/forge.c tests/forger/forge.h tests/forger/forgeries.c tests/forger/forgeries.h \
	tests/forger/judge.c tests/forger/judge.h tests/forger/limits.c tests/forger/limits.h \
	tests/forger/shortcuts.c tests/forger/shortcuts.h \
	tests/forger/trial.c tests/forger/trial.h tests/forger/world.c tests/forger/world.h
test_forger_CPPFLAGS = $(TEST_CPPFLAGS) $(JANSSON_CFLAGS)
test_forger_LDADD = $(TEST_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS)
