# SPDX-License-Identifier: Apache-2.0
# The verifier: what a server asks about every request. Part of libsealring-core.
libsealring_core_la_SOURCES += \
	src/verifier/cache.c src/verifier/cache.h \
	src/verifier/connections.c src/verifier/connections.h \
	src/verifier/derive.c src/verifier/derive.h \
	src/verifier/entry.c src/verifier/entry.h \
	src/verifier/flight.c src/verifier/flight.h \
	src/verifier/hours.c src/verifier/hours.h \
	src/verifier/imports.c src/verifier/imports.h \
	src/verifier/judge.c src/verifier/judge.h \
	src/verifier/lanes.c src/verifier/lanes.h \
	src/verifier/late_clock.c src/verifier/late_clock.h \
	src/verifier/limbo.c src/verifier/limbo.h \
	src/verifier/look.c src/verifier/look.h \
	src/verifier/maintenance.c src/verifier/maintenance.h \
	src/verifier/membership.c src/verifier/membership.h \
	src/verifier/messages.c src/verifier/messages.h \
	src/verifier/protocol.c src/verifier/protocol.h \
	src/verifier/prove.c \
	src/verifier/report.c src/verifier/report.h \
	src/verifier/report_free.c \
	src/verifier/report_header.c src/verifier/report_header.h \
	src/verifier/report_index.c src/verifier/report_index.h \
	src/verifier/report_map.c src/verifier/report_map.h \
	src/verifier/report_read.c \
	src/verifier/report_seat.c src/verifier/report_seat.h \
	src/verifier/report_usage.c \
	src/verifier/sight.c src/verifier/sight.h \
	src/verifier/snapshot.c src/verifier/snapshot.h \
	src/verifier/table.c src/verifier/table.h \
	src/verifier/verifier.c src/verifier/verifier.h \
	src/verifier/warm.c src/verifier/warm.h \
	src/verifier/inside.h \
	src/verifier/report_check.c src/verifier/report_check.h \
	src/verifier/report_format.h \
	src/verifier/report_parts.h
