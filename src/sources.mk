# SPDX-License-Identifier: Apache-2.0
# The two libraries. The objects of each are built once, and linked into the shared library and, with their hidden symbols, into the tests.
noinst_LTLIBRARIES += libsealring-core.la libsealring-manage-core.la
include src/libsealring.mk
include src/libsealring-manage.mk
# What libsealring-manage needs of it is exported, so it is compiled with visible symbols; src/private_map.sh hides all others.
libsealring_core_la_CFLAGS = $(AM_CFLAGS) $(SEALRING_EXPORT_CFLAGS)
libsealring_core_la_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS) $(SQLITE_CFLAGS) $(P11KIT_CFLAGS) $(DEFLATE_CFLAGS)
libsealring_core_la_LIBADD = $(CRYPTO_LIBS) $(SQLITE_LIBS) $(P11KIT_LIBS) $(DEFLATE_LIBS)
libsealring_manage_core_la_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS) $(SQLITE_CFLAGS) $(LIBP11_CFLAGS) $(P11KIT_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS)
libsealring_manage_core_la_LIBADD = $(LIBP11_LIBS) $(JANSSON_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS)

# For programs that need more than the public functions: the tests, the benchmarks, the fuzzers.
sealring_objects = libsealring-manage-core.la libsealring-core.la

lib_LTLIBRARIES += libsealring.la libsealring-manage.la
libsealring_la_SOURCES =
libsealring_la_LIBADD = libsealring-core.la
# current:revision:age, to be changed at a release only: revision +1 if the code changed; current +1, revision 0 if the
# interface changed, and then age +1 if it only grew, age 0 if something went away.
libsealring_la_LDFLAGS = $(AM_LDFLAGS) $(SEALRING_EXPORT_LDFLAGS) -version-info 1:0:0 -no-undefined \
	-Wl,--version-script=src/libsealring-all.map
EXTRA_libsealring_la_DEPENDENCIES = src/libsealring-all.map
libsealring_manage_la_SOURCES =
# Not as libsealring.la: libtool would link the library once more at `make install`, in place, under the commands that run from this directory.
libsealring_manage_la_LIBADD = libsealring-manage-core.la $(SEALRING_SHARED)
libsealring_manage_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined \
	-Wl,--version-script=$(top_srcdir)/src/libsealring-manage.map
EXTRA_libsealring_manage_la_DEPENDENCIES = src/libsealring-manage.map libsealring.la
EXTRA_DIST += src/libsealring.map src/libsealring-manage.map src/private_map.sh
CLEANFILES += src/libsealring-all.map
src/libsealring-all.map: src/libsealring.map src/private_map.sh libsealring-core.la libsealring-manage-core.la
	$(AM_V_GEN)$(MKDIR_P) src && $(SHELL) $(top_srcdir)/src/private_map.sh '$(NM)' '$(PACKAGE_VERSION)' \
		$(top_srcdir)/src/libsealring.map .libs/libsealring-core.a .libs/libsealring-manage-core.a >$@.new && mv $@.new $@

sealringincludedir = $(includedir)/sealring
sealringinclude_HEADERS = include/sealring/verify.h include/sealring/manage.h include/sealring/doctor.h include/sealring/backup.h \
	include/sealring/sealed.h include/sealring/claim.h include/sealring/lagging.h include/sealring/outside.h include/sealring/ring_policy.h include/sealring/successors.h include/sealring/renew.h \
	include/sealring/webhooks.h include/sealring/notices.h include/sealring/leaks.h
pkgconfig_DATA = sealring.pc sealring-manage.pc
