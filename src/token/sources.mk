libsealring_core_la_SOURCES += \
	src/token/module.c src/token/module.h \
	src/token/token.c src/token/token.h \
	src/token/key.h \
	src/token/provision.c src/token/provision.h
