# SPDX-License-Identifier: Apache-2.0
# The daemon, over the public API only.
sbin_PROGRAMS += sealringd
sealringd_pure = \
	gateway/daemon/leak_message.c gateway/daemon/leak_message.h \
	gateway/daemon/alerts.c gateway/daemon/alerts.h \
	gateway/daemon/alert_keys.c gateway/daemon/alert_keys.h \
	gateway/daemon/renewal_message.c gateway/daemon/renewal_message.h \
	gateway/daemon/address_limit.c gateway/sealringd/address_limit.h \
	gateway/daemon/claim_body.c gateway/daemon/claim_body.h \
	gateway/sealringd/target.c gateway/sealringd/target.h \
	gateway/sealringd/presented.c gateway/sealringd/presented.h \
	gateway/sealringd/renewal_response.c gateway/sealringd/renewal_response.h \
	gateway/sealringd/answer.c gateway/sealringd/answer.h
sealringd_SOURCES = $(sealringd_pure) $(daemon_sources) \
	gateway/sealringd/sealringd.c \
	gateway/sealringd/daemon_options.c gateway/sealringd/daemon_options.h \
	gateway/sealringd/alert_request.c gateway/sealringd/alert_request.h \
	gateway/sealringd/http.c gateway/sealringd/http.h \
	gateway/sealringd/direct_clients.c gateway/sealringd/direct_clients.h \
	gateway/sealringd/claim_request.c gateway/sealringd/claim_request.h \
	gateway/sealringd/respond.c gateway/sealringd/respond.h \
	gateway/sealringd/kept_responses.c gateway/sealringd/kept_responses.h \
	gateway/sealringd/question.c gateway/sealringd/question.h \
	gateway/sealringd/waiters.c gateway/sealringd/waiters.h \
	gateway/sealringd/broker_link.c gateway/sealringd/broker_link.h \
	gateway/daemon/tls_files.c gateway/daemon/tls_files.h \
	gateway/sealringd/served.c gateway/sealringd/served.h
sealringd_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) $(MICROHTTPD_CFLAGS) $(SYSTEMD_CFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
sealringd_CFLAGS = $(AM_CFLAGS) $(SEALRING_PROGRAM_CFLAGS)
sealringd_LDFLAGS = $(AM_LDFLAGS) $(SEALRING_PROGRAM_LDFLAGS)
sealringd_LDADD = libsealring.la $(MICROHTTPD_LIBS) $(SYSTEMD_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) -lpthread

# HAProxy's way to ask it.
haproxydir = $(datadir)/sealring/haproxy
dist_haproxy_DATA = gateway/haproxy/sealring.lua
