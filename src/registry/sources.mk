libsealring_core_la_SOURCES += \
	src/registry/registry.c src/registry/registry.h \
	src/registry/rows.h
