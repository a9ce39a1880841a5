# SPDX-License-Identifier: Apache-2.0
libsealring_core_la_SOURCES += \
	src/audit/checkpoint.c src/audit/checkpoint.h \
	src/audit/entry.c src/audit/entry.h \
	src/audit/merkle.c src/audit/merkle.h \
	src/audit/note.c src/audit/note.h
