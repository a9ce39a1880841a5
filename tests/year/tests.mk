# SPDX-License-Identifier: Apache-2.0
# A year of rotations with the real parts: 24 clients and four rotations in `make check`; `make year` has 200 clients and twelve rotations.
TESTS += tests/year/year.sh
EXTRA_DIST += tests/year/year.sh tests/year/year.py tests/year/parts.py tests/year/host.c

.PHONY: year
year: all
	$(AM_TESTS_ENVIRONMENT) LONG=1 CLIENTS='$(CLIENTS)' ROTATIONS='$(ROTATIONS)' SEED='$(SEED)' sh '$(srcdir)/tests/year/year.sh'
