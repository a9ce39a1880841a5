# SPDX-License-Identifier: Apache-2.0
# The command for programs in any language, over the public API only.
bin_PROGRAMS += sealring-client
sealring_client_SOURCES = \
	client/sealring-client/client_main.c \
	client/sealring-client/client_exec.c client/sealring-client/client_exec.h \
	client/sealring-client/client_options.c client/sealring-client/client_options.h
sealring_client_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) $(JANSSON_CFLAGS)
sealring_client_CFLAGS = $(AM_CFLAGS) $(SEALRING_PROGRAM_CFLAGS)
sealring_client_LDFLAGS = $(AM_LDFLAGS) $(SEALRING_PROGRAM_LDFLAGS)
sealring_client_LDADD = libsealring-client.la $(JANSSON_LIBS)
dist_bashcompletion_DATA = client/sealring-client/completions/sealring-client
dist_fishcompletion_DATA = client/sealring-client/completions/sealring-client.fish
dist_zshcompletion_DATA = client/sealring-client/completions/_sealring-client
