# SPDX-License-Identifier: Apache-2.0
libsealring_core_la_SOURCES += \
	src/registry/audit.c src/registry/audit.h \
	src/registry/change.c \
	src/registry/checkpoint.c \
	src/registry/client.c \
	src/registry/clock_row.c \
	src/registry/closed.c \
	src/registry/columns.h \
	src/registry/copy.c src/registry/copy.h \
	src/registry/credential.c \
	src/registry/db.h \
	src/registry/examine.c src/registry/examine.h \
	src/registry/filesystem.c src/registry/filesystem.h \
	src/registry/handle.c src/registry/handle.h \
	src/registry/holder.c \
	src/registry/intention.c \
	src/registry/key.c \
	src/registry/lock.c src/registry/lock.h \
	src/registry/lock_holder.c src/registry/lock_holder.h \
	src/registry/opened.c src/registry/opened.h \
	src/registry/present.c \
	src/registry/query.c src/registry/query.h \
	src/registry/registry.c src/registry/registry.h \
	src/registry/ring.c \
	src/registry/rows.h \
	src/registry/schema/schema.h src/registry/schema/sqlite.c \
	src/registry/sqlite.c src/registry/sqlite.h \
	src/registry/sqlite_examine.c \
	src/registry/sqlite_copy.c \
	src/registry/sqlite_open.c \
	src/registry/sqlite_schema.c \
	src/registry/standing.c \
	src/registry/transaction.c \
	src/registry/usage.c src/registry/usage_rows.h \
	src/registry/usage_names.c \
	src/registry/usage_roll.c \
	src/registry/usage_seat.c \
	src/registry/vault_row.c \
	src/registry/verifier.c \
	src/registry/version.c
