# SPDX-License-Identifier: Apache-2.0
# Commands that are killed, lose power, disk or memory at every point: old or new, and nothing between.
crash_sources = tests/crash/commands.c tests/crash/commands.h tests/crash/scene.c tests/crash/scene.h tests/crash/state.c \
	tests/crash/state.h tests/crash/trial.c tests/crash/trial.h tests/crash/verdict.c tests/crash/verdict.h tests/crash/vfs.c \
	tests/crash/vfs.h tests/crash/warm.c tests/crash/warm.h tests/crash/wraps.c tests/crash/wraps.h tests/fault/faulting.h
# The linker has the product ask the wrappers of tests/crash/wraps.c; libp11 finds dlopen there as well.
crash_ldflags = $(AM_LDFLAGS) -Wl,--export-dynamic-symbol=dlopen -Wl,--wrap=open,--wrap=write,--wrap=pwrite,--wrap=ftruncate \
	-Wl,--wrap=fflush,--wrap=mkdir,--wrap=rmdir,--wrap=link,--wrap=unlink,--wrap=unlinkat,--wrap=remove \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
check_LTLIBRARIES += crash_preload.la
crash_preload_la_SOURCES = tests/crash/preload.c tests/crash/vfs.c tests/crash/vfs.h tests/fault/faulting.h tests/lib/forward.h \
	tests/lib/touches.h
crash_preload_la_CPPFLAGS = $(TEST_CPPFLAGS)
crash_preload_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath $(abs_top_builddir)
crash_preload_la_LIBADD = $(SQLITE_LIBS)
# The tokens' own files: the real command under ptrace, killed at each call that changes one of them.
c_tests += test_token_kill
test_token_kill_SOURCES = tests/crash/test_token_kill.c tests/crash/calls.c tests/crash/calls.h tests/crash/disk.c tests/crash/disk.h \
	tests/crash/holder.c tests/crash/holder.h tests/crash/kill_after.c tests/crash/kill_commands.c \
	tests/crash/kill_commands.h tests/crash/kill_judge.c tests/crash/kill_judge.h \
	tests/crash/kill_run.c tests/crash/kill_run.h tests/crash/kill_server.c \
	tests/crash/kill_server.h tests/crash/kill_trial.c tests/crash/kill_trial.h tests/crash/orphan.c tests/crash/orphan.h \
	tests/crash/points.c tests/crash/points.h \
	tests/crash/scene.c tests/crash/scene.h tests/crash/state.c tests/crash/state.h tests/crash/tracer.c tests/crash/tracer.h \
	tests/crash/unsynced.c tests/crash/unsynced.h tests/crash/warm.c tests/crash/warm.h tests/fault/faulting.h
test_token_kill_CPPFLAGS = $(FAULT_CPPFLAGS) $(JANSSON_CFLAGS) -DCRASH_BUILD='"$(abs_top_builddir)"'
test_token_kill_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=note_verify
test_token_kill_LDADD = $(TEST_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS)
EXTRA_test_token_kill_DEPENDENCIES = sealring$(EXEEXT)
c_tests += test_crash
test_crash_SOURCES = tests/crash/test_crash.c tests/lib/conflict.c tests/lib/conflict.h $(crash_sources)
test_crash_CPPFLAGS = $(FAULT_CPPFLAGS) $(JANSSON_CFLAGS) -DCRASH_PRELOAD='"$(abs_top_builddir)/.libs/crash_preload.so"' \
	-DCRASH_BUILD='"$(abs_top_builddir)"'
test_crash_LDFLAGS = $(crash_ldflags) -Wl,--wrap=note_verify,--wrap=registry_open,--wrap=nanosleep
test_crash_LDADD = $(TEST_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS)
EXTRA_test_crash_DEPENDENCIES = module_fault.la crash_preload.la sealring$(EXEEXT)
c_tests += test_crash_init
test_crash_init_SOURCES = tests/crash/test_crash_init.c tests/crash/scene.h tests/crash/vfs.c tests/crash/vfs.h tests/crash/wraps.c \
	tests/crash/wraps.h tests/fault/faulting.h
test_crash_init_CPPFLAGS = $(FAULT_CPPFLAGS) $(JANSSON_CFLAGS)
test_crash_init_LDFLAGS = $(crash_ldflags)
test_crash_init_LDADD = $(TEST_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS)
EXTRA_test_crash_init_DEPENDENCIES = module_fault.la
