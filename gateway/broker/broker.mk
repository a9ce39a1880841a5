# SPDX-License-Identifier: Apache-2.0
# The broker, over the public API only.
sbin_PROGRAMS += sealring-broker
broker_pure = \
	gateway/daemon/leak_message.c gateway/daemon/leak_message.h \
	gateway/daemon/renewal_message.c gateway/daemon/renewal_message.h \
	gateway/broker/key_limit.c gateway/broker/key_limit.h
sealring_broker_SOURCES = $(broker_pure) $(daemon_sources) \
	gateway/broker/broker.c \
	gateway/broker/broker_options.c gateway/broker/broker_options.h \
	gateway/broker/leak_reporter.c gateway/broker/leak_reporter.h \
	gateway/broker/peers.c gateway/broker/peers.h \
	gateway/broker/renewer.c gateway/broker/renewer.h \
	gateway/broker/report_results.c gateway/broker/report_results.h \
	gateway/broker/request_queue.c gateway/broker/request_queue.h \
	gateway/broker/serve.c gateway/broker/serve.h
sealring_broker_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) $(SYSTEMD_CFLAGS)
sealring_broker_CFLAGS = $(AM_CFLAGS) $(SEALRING_PROGRAM_CFLAGS)
sealring_broker_LDFLAGS = $(AM_LDFLAGS) $(SEALRING_PROGRAM_LDFLAGS)
sealring_broker_LDADD = libsealring-manage.la libsealring.la $(SYSTEMD_LIBS) -lpthread
