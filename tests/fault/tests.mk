# SPDX-License-Identifier: Apache-2.0
# A token that is bad by script, and real ones that are taken away.
check_LTLIBRARIES += module_fault.la
module_fault_la_SOURCES = tests/fault/module_fault.c tests/fault/handles.c tests/fault/handles.h tests/fault/faulting.h \
	tests/lib/forward.h tests/lib/touches.h
module_fault_la_CPPFLAGS = $(TEST_CPPFLAGS)
module_fault_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath $(abs_top_builddir)
FAULT_DEFINES = -DMODULE_FAULT='"$(abs_top_builddir)/.libs/module_fault.so"'
FAULT_CPPFLAGS = $(TEST_CPPFLAGS) $(FAULT_DEFINES)
c_tests += test_fault_codes
test_fault_codes_SOURCES = tests/fault/test_fault_codes.c tests/fault/actor.c tests/fault/actor.h tests/fault/faulting.h tests/fault/codes.h
test_fault_codes_CPPFLAGS = $(FAULT_CPPFLAGS)
test_fault_codes_LDADD = $(TEST_LIBS)
EXTRA_test_fault_codes_DEPENDENCIES = module_fault.la
c_tests += test_fault_token
test_fault_token_SOURCES = tests/fault/test_fault_token.c tests/fault/actor.c tests/fault/actor.h tests/fault/faulting.h
test_fault_token_CPPFLAGS = $(FAULT_CPPFLAGS)
test_fault_token_LDADD = $(TEST_LIBS)
EXTRA_test_fault_token_DEPENDENCIES = module_fault.la
c_tests += test_fault_real
test_fault_real_SOURCES = tests/fault/test_fault_real.c tests/fault/faulting.h
test_fault_real_CPPFLAGS = $(FAULT_CPPFLAGS)
test_fault_real_LDADD = $(TEST_LIBS)
EXTRA_test_fault_real_DEPENDENCIES = module_fault.la
