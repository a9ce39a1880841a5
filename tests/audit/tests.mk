# SPDX-License-Identifier: Apache-2.0
# The audit log: its tree, its notes, its entries, and what becomes of it under attack.
audit_units = test_merkle test_note
unit_tests += $(audit_units)
test_merkle_SOURCES = tests/audit/test_merkle.c
test_merkle_CPPFLAGS = $(TEST_CPPFLAGS)
test_merkle_LDADD = $(TEST_LIBS)
test_note_SOURCES = tests/audit/test_note.c
test_note_CPPFLAGS = $(TEST_CPPFLAGS)
test_note_LDADD = $(TEST_LIBS) $(CRYPTO_LIBS)
