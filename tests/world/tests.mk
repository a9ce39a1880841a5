# SPDX-License-Identifier: Apache-2.0
# Every state of small worlds, with the product's own rules; and that breaking these rules is noticed.
#     make explore                 without a bound on the number of events: an hour, and 2 GB for each world
#     make explore WORLDS=barrier  one of them
#     ./explore_worlds --events 9 everything
check_PROGRAMS += explore_worlds
TESTS += explore_worlds
explore_worlds_SOURCES = tests/world/automation.c tests/world/canon.c tests/world/explore.c tests/world/keys.c \
	tests/world/ledger.c tests/world/operator.c tests/world/roster.c \
	tests/world/settings.c tests/world/settings.h tests/world/truth.c tests/world/verifying.c tests/world/world.h
explore_worlds_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
explore_worlds_LDADD = $(sealring_objects)
TESTS += tests/world/mutants.sh
EXTRA_DIST += tests/world/mutants.sh tests/world/mutants.tsv

.PHONY: explore
explore: explore_worlds$(EXEEXT)
	./explore_worlds$(EXEEXT) --deep $(WORLDS)
