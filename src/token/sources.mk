# SPDX-License-Identifier: Apache-2.0
libsealring_core_la_SOURCES += \
	src/token/attempt.c src/token/attempt.h \
	src/token/attributes.c src/token/attributes.h \
	src/token/code.c src/token/code.h \
	src/token/connection.c src/token/connection.h \
	src/token/data.c src/token/data.h \
	src/token/environment.c src/token/environment.h \
	src/token/generate.c src/token/key.h \
	src/token/hmac.c src/token/hmac.h \
	src/token/identify.c src/token/index.c src/token/index.h \
	src/token/interruption.c src/token/interruption.h \
	src/token/key.c \
	src/token/login.c src/token/login.h \
	src/token/module.c src/token/module.h \
	src/token/object.c src/token/object.h src/token/origin.c src/token/origin.h \
	src/token/pin.c src/token/pin.h \
	src/token/pin_memory.c src/token/pin_memory.h \
	src/token/pin_source.c src/token/pin_source.h \
	src/token/probe.c \
	src/token/provision.c src/token/provision.h \
	src/token/record.c src/token/record.h \
	src/token/session.c src/token/session.h \
	src/token/signer.c src/token/signs.c src/token/signs.h src/token/signer.h \
	src/token/sigpipe.c src/token/sigpipe.h \
	src/token/slot.c src/token/slot.h \
	src/token/token.c src/token/token.h \
	src/token/trace.c src/token/trace.h \
	src/token/trace_call.c src/token/trace_call.h \
	src/token/trace_file.c src/token/trace_file.h \
	src/token/trace_line.c src/token/trace_line.h
