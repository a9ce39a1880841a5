# SPDX-License-Identifier: Apache-2.0
# Every state of small worlds of facts: what operators, servers and a forger can do to a registry, with the product's own code.
#     ./explore_facts --deep eras
check_PROGRAMS += explore_facts
TESTS += explore_facts
explore_facts_SOURCES = tests/facts/explore_facts.c tests/facts/facts.h tests/facts/forger.c tests/facts/hashes.c \
	tests/facts/operators.c tests/facts/promises.c tests/facts/registry_of_data.c tests/facts/servers.c tests/facts/token_of_data.c
explore_facts_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) -I$(top_srcdir)/tests
# What the world provides instead of the product: its registry, token, locks, files and clocks.
explore_facts_LDFLAGS = $(AM_LDFLAGS) -Wl,@$(top_srcdir)/tests/facts/wrapped.txt
TESTS += tests/facts/mutants.sh
EXTRA_DIST += tests/facts/mutants.sh tests/facts/mutants.tsv tests/facts/wrapped.txt
explore_facts_LDADD = $(sealring_objects)
