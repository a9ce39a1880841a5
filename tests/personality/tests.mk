# SPDX-License-Identifier: Apache-2.0
# Tokens of other kinds, by a module that hands everything on to SoftHSM2 and is another where a test asks it to be.
personality_tests = tests/personality/closing.sh tests/personality/labels.sh tests/personality/macs.sh \
	tests/personality/namesakes.sh tests/personality/objects.sh
TESTS += $(personality_tests)
EXTRA_DIST += $(personality_tests) tests/personality/lib.sh
