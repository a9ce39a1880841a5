# SPDX-License-Identifier: Apache-2.0
# `make bench` measures on a fresh vault with SoftHSM2. No test: it judges nothing. BENCH_ARGUMENTS=--json for machines.
EXTRA_PROGRAMS += tests/bench/rates
tests_bench_rates_SOURCES = tests/bench/rates.c \
	tests/bench/bare.c tests/bench/bare.h \
	tests/bench/series.c tests/bench/series.h
tests_bench_rates_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(P11KIT_CFLAGS)
tests_bench_rates_LDADD = libsealring-core.la $(P11KIT_LIBS)
CLEANFILES += tests/bench/rates$(EXEEXT)
BENCH_ARGUMENTS =

.PHONY: bench
bench: tests/bench/rates$(EXEEXT)
	./tests/bench/rates$(EXEEXT) $(BENCH_ARGUMENTS)
