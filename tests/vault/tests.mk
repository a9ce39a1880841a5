# SPDX-License-Identifier: Apache-2.0
# The operations on a whole vault: real tokens, a real registry.
c_tests += test_verify
test_verify_SOURCES = tests/vault/test_verify.c
test_verify_CPPFLAGS = $(TEST_CPPFLAGS)
test_verify_LDADD = $(TEST_LIBS)
c_tests += test_manage
test_manage_SOURCES = tests/vault/test_manage.c
test_manage_CPPFLAGS = $(TEST_CPPFLAGS)
test_manage_LDADD = $(TEST_LIBS)
c_tests += test_config
test_config_SOURCES = tests/vault/test_config.c
test_config_CPPFLAGS = $(TEST_CPPFLAGS)
test_config_LDADD = $(TEST_LIBS)
c_tests += test_recover
test_recover_SOURCES = tests/vault/test_recover.c
test_recover_CPPFLAGS = $(TEST_CPPFLAGS)
test_recover_LDADD = $(TEST_LIBS)
# Dies inside of calls that --wrap lets it stand before.
c_tests += test_restore
test_restore_SOURCES = tests/vault/test_restore.c
test_restore_CPPFLAGS = $(TEST_CPPFLAGS) $(JANSSON_CFLAGS)
test_restore_LDFLAGS = -Wl,--wrap=rename -Wl,--wrap=registry_audit_append -Wl,--wrap=registry_checkpoint_insert \
	-Wl,--wrap=token_data_write -Wl,--wrap=witness_sign_text
test_restore_LDADD = $(TEST_LIBS) $(JANSSON_LIBS)
c_tests += test_foreign_entries
test_foreign_entries_SOURCES = tests/vault/test_foreign_entries.c
test_foreign_entries_CPPFLAGS = $(TEST_CPPFLAGS) $(JANSSON_CFLAGS)
test_foreign_entries_LDADD = $(TEST_LIBS) $(JANSSON_LIBS)
c_tests += test_waiting
test_waiting_SOURCES = tests/vault/test_waiting.c
test_waiting_CPPFLAGS = $(TEST_CPPFLAGS)
test_waiting_LDADD = $(TEST_LIBS)
c_tests += test_doorbell
test_doorbell_SOURCES = tests/vault/test_doorbell.c
test_doorbell_CPPFLAGS = $(TEST_CPPFLAGS)
test_doorbell_LDADD = $(TEST_LIBS)
c_tests += test_hidden
test_hidden_SOURCES = tests/vault/test_hidden.c
test_hidden_CPPFLAGS = $(TEST_CPPFLAGS)
test_hidden_LDADD = $(TEST_LIBS)
c_tests += test_identity
test_identity_SOURCES = tests/vault/test_identity.c
test_identity_CPPFLAGS = $(TEST_CPPFLAGS)
test_identity_LDADD = $(TEST_LIBS)
c_tests += test_run
test_run_SOURCES = tests/vault/test_run.c
test_run_CPPFLAGS = $(TEST_CPPFLAGS)
test_run_LDADD = $(TEST_LIBS)
c_tests += test_usage_files
test_usage_files_SOURCES = tests/vault/test_usage_files.c
test_usage_files_CPPFLAGS = $(TEST_CPPFLAGS)
test_usage_files_LDADD = $(TEST_LIBS)
c_tests += test_harvest
test_harvest_SOURCES = tests/vault/test_harvest.c $(verifier_stage)
test_harvest_CPPFLAGS = $(VERIFIER_CPPFLAGS)
test_harvest_LDADD = $(TEST_LIBS)
EXTRA_test_harvest_DEPENDENCIES = module_count.la
c_tests += test_token_files
test_token_files_SOURCES = tests/vault/test_token_files.c
test_token_files_CPPFLAGS = $(TEST_CPPFLAGS)
test_token_files_LDADD = $(TEST_LIBS)
# Refuses to write as long as there is a reserve.
c_tests += test_token_copies
test_token_copies_SOURCES = tests/vault/test_token_copies.c
test_token_copies_CPPFLAGS = $(TEST_CPPFLAGS) $(P11KIT_CFLAGS)
test_token_copies_LDFLAGS = -Wl,--wrap=pwrite
test_token_copies_LDADD = $(TEST_LIBS)
# Stops inside of a call that --wrap lets it stand before.
c_tests += test_yield
test_yield_SOURCES = tests/vault/test_yield.c $(verifier_stage)
test_yield_CPPFLAGS = $(VERIFIER_CPPFLAGS)
test_yield_LDFLAGS = -Wl,--wrap=registry_usage_same
test_yield_LDADD = $(TEST_LIBS)
EXTRA_test_yield_DEPENDENCIES = module_count.la
c_tests += test_conflicts
test_conflicts_SOURCES = tests/vault/test_conflicts.c tests/lib/conflict.c tests/lib/conflict.h tests/lib/touches.h
test_conflicts_CPPFLAGS = $(TEST_CPPFLAGS)
test_conflicts_LDFLAGS = -Wl,--wrap=registry_open,--wrap=nanosleep
test_conflicts_LDADD = $(TEST_LIBS)
c_tests += test_notice_cost
test_notice_cost_SOURCES = tests/vault/test_notice_cost.c tests/lib/conflict.c tests/lib/conflict.h tests/lib/touches.h
test_notice_cost_CPPFLAGS = $(TEST_CPPFLAGS)
test_notice_cost_LDFLAGS = -Wl,--wrap=registry_open,--wrap=nanosleep
test_notice_cost_LDADD = $(TEST_LIBS)
