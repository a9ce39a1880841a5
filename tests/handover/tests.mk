# SPDX-License-Identifier: Apache-2.0
# Successors that hooks and directories get.
c_tests += test_run_hook
test_run_hook_SOURCES = tests/handover/test_run_hook.c
test_run_hook_CPPFLAGS = $(TEST_CPPFLAGS)
test_run_hook_LDADD = $(TEST_LIBS)
