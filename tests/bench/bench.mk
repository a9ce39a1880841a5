# SPDX-License-Identifier: Apache-2.0
# `make bench` measures on fresh vaults with SoftHSM2 and prints the table of docs/benchmarks.md. No test: it judges nothing.
#     make bench QUICK=1 JSON=bench.json     a short run, for machines as well
#     make bench RENEWALS=1                  only the rate of renewals, and verification beside them
#     make bench LOCKS=1                     only how long a revocation takes during a harvest, and how much the locks are held
#     make bench-publish                     a full run whose table is put into docs/benchmarks.md
EXTRA_PROGRAMS += tests/bench/measure
tests_bench_measure_SOURCES = tests/bench/measure.c tests/bench/parts.h \
	tests/bench/addresses.c \
	tests/bench/bare.c tests/bench/bare.h \
	tests/bench/cached.c \
	tests/bench/child.c tests/bench/child.h \
	tests/bench/client_text.c \
	tests/bench/closed.c \
	tests/bench/first_sight.c \
	tests/bench/histogram.c tests/bench/histogram.h \
	tests/bench/idle.c \
	tests/bench/locks.c \
	tests/bench/machine.c tests/bench/machine.h \
	tests/bench/memory.c \
	tests/bench/renewal.c \
	tests/bench/renewing.c \
	tests/bench/revocation.c \
	tests/bench/rivals.c tests/bench/rivals.h \
	tests/bench/rival_jwt.c tests/bench/rival_redis.c tests/bench/rival_sqlite.c \
	tests/bench/scale.c \
	tests/bench/scene.c tests/bench/scene.h \
	tests/bench/series.c tests/bench/series.h \
	tests/bench/slice.c tests/bench/slice.h \
	tests/bench/strangers.c \
	tests/bench/table.c tests/bench/table.h \
	tests/bench/tail.c \
	tests/bench/threads.c \
	tests/bench/webhook_signing.c
tests_bench_measure_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(P11KIT_CFLAGS) $(CRYPTO_CFLAGS) $(SQLITE_CFLAGS) \
	$(JANSSON_CFLAGS) $(DEFLATE_CFLAGS) $(LIBJWT_CFLAGS) $(HIREDIS_CFLAGS)
tests_bench_measure_LDADD = $(sealring_objects) libsealring-client-core.la $(P11KIT_LIBS) $(CRYPTO_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) \
	$(DEFLATE_LIBS) $(LIBJWT_LIBS) $(HIREDIS_LIBS) -lm
CLEANFILES += tests/bench/measure$(EXEEXT) bench-table.md
EXTRA_DIST += tests/bench/publish.sh

.PHONY: bench bench-publish
bench: tests/bench/measure$(EXEEXT)
	./tests/bench/measure$(EXEEXT) $(if $(QUICK),--quick) $(if $(LOCKS),--locks) $(if $(RENEWALS),--renewals) $(if $(JSON),--json '$(JSON)')
bench-publish: tests/bench/measure$(EXEEXT)
	./tests/bench/measure$(EXEEXT) $(if $(QUICK),--quick) $(if $(JSON),--json '$(JSON)') --markdown bench-table.md
	$(SHELL) $(top_srcdir)/tests/bench/publish.sh bench-table.md $(top_srcdir)/docs/benchmarks.md
# What a gateway pays for a verified request. bash, as the other scripts of .ci/run.
EXTRA_DIST += tests/bench/gateway.sh tests/bench/gateway_sqlite.c
.PHONY: bench-gateway
bench-gateway: all nginx-module
	$(AM_TESTS_ENVIRONMENT) QUICK='$(QUICK)' bash $(top_srcdir)/tests/bench/gateway.sh
