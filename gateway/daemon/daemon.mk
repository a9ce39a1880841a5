# SPDX-License-Identifier: Apache-2.0
# What sealring's daemons share.
daemon_sources = \
	gateway/daemon/journal.c gateway/daemon/journal.h \
	gateway/daemon/listener.c gateway/daemon/listener.h \
	gateway/daemon/option_value.c gateway/daemon/option_value.h \
	gateway/daemon/daemon_process.c gateway/daemon/daemon_process.h
