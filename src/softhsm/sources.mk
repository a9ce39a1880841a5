# SPDX-License-Identifier: Apache-2.0
libsealring_core_la_SOURCES += \
	src/softhsm/folder.c src/softhsm/folder.h \
	src/softhsm/object_file.c src/softhsm/object_file.h \
	src/softhsm/objects.c src/softhsm/objects.h \
	src/softhsm/reserve.c src/softhsm/reserve.h \
	src/softhsm/separate.c src/softhsm/separate.h \
	src/softhsm/store.c src/softhsm/store.h \
	src/softhsm/stored.c src/softhsm/stored.h
