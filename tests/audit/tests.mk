# SPDX-License-Identifier: Apache-2.0
# The audit log: its tree, its notes, its entries, and what becomes of it under attack.
audit_units = test_audit_keys test_image test_merkle test_note
unit_tests += $(audit_units)
test_audit_keys_SOURCES = tests/audit/test_audit_keys.c
test_audit_keys_CPPFLAGS = $(TEST_CPPFLAGS)
test_audit_keys_LDADD = $(TEST_LIBS) $(CRYPTO_LIBS)
test_merkle_SOURCES = tests/audit/test_merkle.c tests/audit/inclusion.h
test_merkle_CPPFLAGS = $(TEST_CPPFLAGS)
test_merkle_LDADD = $(TEST_LIBS)
test_image_SOURCES = tests/audit/test_image.c
test_image_CPPFLAGS = $(TEST_CPPFLAGS) $(JANSSON_CFLAGS)
test_image_LDADD = $(TEST_LIBS) $(JANSSON_LIBS)
test_note_SOURCES = tests/audit/test_note.c
test_note_CPPFLAGS = $(TEST_CPPFLAGS)
test_note_LDADD = $(TEST_LIBS) $(CRYPTO_LIBS)
# It dies inside of calls that --wrap lets it stand before.
c_tests += test_audit_log
test_audit_log_SOURCES = tests/audit/test_audit_log.c tests/audit/inclusion.h
test_audit_log_CPPFLAGS = $(TEST_CPPFLAGS) $(JANSSON_CFLAGS)
test_audit_log_LDFLAGS = -Wl,--wrap=token_signer_sign -Wl,--wrap=registry_checkpoint_insert -Wl,--wrap=token_data_write
test_audit_log_LDADD = $(TEST_LIBS)
c_tests += test_archive
test_archive_SOURCES = tests/audit/test_archive.c tests/audit/inclusion.h
test_archive_CPPFLAGS = $(TEST_CPPFLAGS) $(JANSSON_CFLAGS)
test_archive_LDADD = $(TEST_LIBS)
check_PROGRAMS += bench_audit
bench_audit_SOURCES = tests/audit/bench_audit.c tests/registry/fixture.h
bench_audit_CPPFLAGS = $(TEST_CPPFLAGS) $(JANSSON_CFLAGS)
bench_audit_LDADD = $(TEST_LIBS) $(SQLITE_LIBS)
