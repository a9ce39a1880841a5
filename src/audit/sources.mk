# SPDX-License-Identifier: Apache-2.0
libsealring_core_la_SOURCES += \
	src/audit/backup.c src/audit/backup.h \
	src/audit/checkpoint.c src/audit/checkpoint.h \
	src/audit/entry.c src/audit/entry.h \
	src/audit/examine.c src/audit/examine.h \
	src/audit/image.c src/audit/image.h \
	src/audit/leaf.c src/audit/leaf.h \
	src/audit/merkle.c src/audit/merkle.h \
	src/audit/note.c src/audit/note.h \
	src/audit/signed_time.c src/audit/signed_time.h \
	src/audit/tree.c src/audit/tree.h
