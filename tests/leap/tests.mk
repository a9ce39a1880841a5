# SPDX-License-Identifier: Apache-2.0
# A simulated year of policy against reviewed golden files.
c_tests += test_leap
test_leap_SOURCES = tests/leap/test_leap.c tests/leap/world.c tests/leap/world.h
test_leap_CPPFLAGS = $(TEST_CPPFLAGS)
test_leap_LDADD = $(TEST_LIBS)
EXTRA_DIST += tests/leap/year.golden tests/leap/faster.golden tests/leap/stays.golden tests/leap/clocks.golden \
	tests/leap/off.golden tests/leap/policy.golden tests/leap/rollback.golden tests/leap/compromise-standby.golden \
	tests/leap/compromise.golden
