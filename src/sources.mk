# SPDX-License-Identifier: Apache-2.0
# libsealring. The core is built once and linked into the shared library and, with its hidden symbols, into the tests.
noinst_LTLIBRARIES += libsealring-core.la
libsealring_core_la_SOURCES = \
	src/base/base62.c src/base/base62.h \
	src/base/base64.c src/base/base64.h \
	src/base/clock.c src/base/clock.h \
	src/base/error.c src/base/error.h \
	src/base/fork.c src/base/fork.h src/base/wiped.c src/base/wiped.h \
	src/base/name.c src/base/name.h \
	src/base/outside.c src/base/outside.h \
	src/base/secret.c src/base/secret.h \
	src/base/sha256.c src/base/sha256.h \
	src/base/sized.c src/base/sized.h \
	src/base/state_names.c \
	src/base/timetext.c src/base/timetext.h \
	src/base/utf8.c src/base/utf8.h \
	src/base/writer.c src/base/writer.h \
	src/kdf/kdf.c src/kdf/kdf.h \
	src/kdf/claims.c src/kdf/claims.h \
	src/credential/text.c src/credential/text.h \
	src/credential/scope.c src/credential/scope.h \
	src/lifecycle/policy.c src/lifecycle/policy.h \
	src/lifecycle/table.c src/lifecycle/table.h \
	src/lifecycle/guard.c src/lifecycle/guard.h \
	src/lifecycle/watch.c src/lifecycle/watch.h \
	src/lifecycle/invariant.c src/lifecycle/invariant.h \
	src/lifecycle/decide.c src/lifecycle/decide.h \
	src/lifecycle/schedule.c src/lifecycle/schedule.h \
	src/lifecycle/clockwatch.c src/lifecycle/clockwatch.h
include src/softhsm/sources.mk
include src/token/sources.mk
include src/registry/sources.mk
include src/verifier/sources.mk
include src/audit/sources.mk
include src/vault/sources.mk
libsealring_core_la_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS) $(SQLITE_CFLAGS) $(LIBP11_CFLAGS) $(P11KIT_CFLAGS) \
	$(DEFLATE_CFLAGS) $(JANSSON_CFLAGS)
libsealring_core_la_LIBADD = $(CRYPTO_LIBS) $(SQLITE_LIBS) $(LIBP11_LIBS) $(P11KIT_LIBS) $(DEFLATE_LIBS) $(JANSSON_LIBS)

lib_LTLIBRARIES += libsealring.la
libsealring_la_SOURCES =
libsealring_la_LIBADD = libsealring-core.la
# current:revision:age, to be changed at a release only: revision +1 if the code changed; current +1, revision 0 if the
# interface changed, and then age +1 if it only grew, age 0 if something went away.
libsealring_la_LDFLAGS = $(AM_LDFLAGS) -version-info 1:0:0 -no-undefined \
	-Wl,--version-script=$(top_srcdir)/src/libsealring.map
EXTRA_libsealring_la_DEPENDENCIES = src/libsealring.map
EXTRA_DIST += src/libsealring.map

sealringincludedir = $(includedir)/sealring
sealringinclude_HEADERS = include/sealring/verify.h include/sealring/manage.h include/sealring/doctor.h include/sealring/backup.h \
	include/sealring/outside.h
pkgconfig_DATA = sealring.pc
