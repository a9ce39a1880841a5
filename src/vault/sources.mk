libsealring_core_la_SOURCES += \
	src/verifier/names.c
