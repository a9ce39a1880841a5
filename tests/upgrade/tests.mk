# SPDX-License-Identifier: Apache-2.0
# A vault of an older sealring, and what becomes of it.
TESTS += tests/upgrade/upgrade.sh
EXTRA_DIST += tests/upgrade/upgrade.sh tests/upgrade/make-old-vault.sh tests/upgrade/old-vault.tar.xz tests/upgrade/README.md
if HAVE_CHECK
c_tests += test_value_facts
test_value_facts_SOURCES = tests/upgrade/test_value_facts.c tests/registry/fixture.h
test_value_facts_CPPFLAGS = $(TEST_CPPFLAGS)
test_value_facts_LDADD = $(TEST_LIBS) $(SQLITE_LIBS)
endif
