# SPDX-License-Identifier: Apache-2.0
# The library for API clients. It has no token and no registry; what it needs of src/base is compiled in, hidden.
noinst_LTLIBRARIES += libsealring-client-core.la
libsealring_client_core_la_SOURCES = include/sealring/client.h \
	client/libsealring-client/client_answer.c client/libsealring-client/client_answer.h \
	client/libsealring-client/client_claim.c client/libsealring-client/client_claim_key.c client/libsealring-client/client_claim_key.h \
	client/libsealring-client/client_change.c client/libsealring-client/client_parts.h \
	client/libsealring-client/client_file.c client/libsealring-client/client_file.h \
	client/libsealring-client/client_http.c client/libsealring-client/client_http.h \
	client/libsealring-client/client_open.c \
	client/libsealring-client/client_renew.c \
	client/libsealring-client/client_saving.c \
	client/libsealring-client/client_sealed.c client/libsealring-client/client_sealed.h \
	client/unseal/unseal.c client/unseal/unseal.h src/credential/credential_text.c src/log/delivery_note.c src/log/signed_note.c \
	src/base/base62.c src/base/base64.c src/base/name.c src/base/sha256.c \
	client/libsealring-client/client_schedule.c client/libsealring-client/client_schedule.h \
	client/libsealring-client/client_state.c client/libsealring-client/client_state.h \
	client/libsealring-client/client_texts.c client/libsealring-client/client_texts.h \
	client/libsealring-client/client_worker.c \
	src/base/clock.c src/base/error.c src/base/file.c src/base/foreign_text.c src/base/secret.c src/base/struct_size.c \
	src/base/timetext.c src/base/utf8.c src/base/network_filesystem.h
libsealring_client_core_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) $(CURL_CFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS) $(DEFLATE_CFLAGS)
libsealring_client_core_la_LIBADD = $(CURL_LIBS) $(DEFLATE_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) -lpthread

lib_LTLIBRARIES += libsealring-client.la
libsealring_client_la_SOURCES =
libsealring_client_la_LIBADD = libsealring-client-core.la
libsealring_client_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined \
	-Wl,--version-script=$(top_srcdir)/client/libsealring-client/libsealring-client.map
EXTRA_libsealring_client_la_DEPENDENCIES = client/libsealring-client/libsealring-client.map
EXTRA_DIST += client/libsealring-client/libsealring-client.map
sealringinclude_HEADERS += include/sealring/client.h
pkgconfig_DATA += sealring-client.pc
