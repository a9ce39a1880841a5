# SPDX-License-Identifier: Apache-2.0
TESTS += tests/cli/layers.sh tests/cli/house.sh
EXTRA_DIST += tests/cli/layers.sh tests/layers.txt tests/file-circles.txt tests/cli/house.sh
TESTS += tests/cli/style.sh
EXTRA_DIST += tests/cli/style.sh
TESTS += tests/cli/install.sh
EXTRA_DIST += tests/cli/install.sh tests/cli/requests.pl
TESTS += tests/cli/systemd.sh
EXTRA_DIST += tests/cli/systemd.sh
TESTS += tests/cli/docs.sh tests/cli/bindings.sh
EXTRA_DIST += tests/cli/docs.sh tests/cli/docs.pl tests/cli/bindings.sh
TESTS += tests/cli/dialect.sh
EXTRA_DIST += tests/cli/dialect.sh tests/cli/dialect.pl tests/dialect.txt
TESTS += tests/cli/cells.sh
EXTRA_DIST += tests/cli/cells.sh
# The command, as an operator uses it.
cli_tests = tests/cli/story.sh tests/cli/init.sh tests/cli/ring.sh tests/cli/client.sh tests/cli/certificate.sh tests/cli/issue.sh \
	tests/cli/bulk.sh tests/cli/verify.sh tests/cli/lifecycle.sh tests/cli/key.sh tests/cli/usage.sh tests/cli/lagging.sh tests/cli/import.sh \
	tests/cli/reissue.sh tests/cli/handover.sh tests/cli/renew.sh tests/cli/sealed.sh tests/cli/claim.sh tests/cli/notify.sh tests/cli/succession.sh tests/cli/json.sh tests/cli/help.sh tests/cli/exitcodes.sh tests/cli/run.sh tests/cli/verifier.sh tests/cli/forks.sh \
	tests/cli/playbooks.sh tests/cli/status.sh tests/cli/audit.sh tests/cli/doctor.sh tests/cli/backup.sh tests/cli/restore-keys.sh \
	tests/cli/secrets.sh tests/cli/trace.sh tests/cli/late-clock.sh tests/cli/filesystem.sh tests/cli/whose-vault.sh tests/cli/exit.sh tests/cli/one-process.sh tests/cli/containers.sh \
	tests/cli/outside.sh tests/cli/reports.sh tests/cli/orphan.sh tests/cli/restrictions.sh tests/cli/altered-schema.sh \
	tests/cli/edited-rows.sh tests/cli/archive.sh tests/cli/event-loop.sh tests/cli/audit-away.sh tests/cli/group.sh tests/cli/audit-rekey.sh tests/cli/narrow.sh tests/cli/addresses.sh tests/cli/scanner-rule.sh tests/cli/leaks.sh
TESTS += $(cli_tests)
EXTRA_DIST += $(cli_tests) tests/cli/locks.sh tests/cli/identity.sh tests/cli/clean.pl tests/cli/clock.sh tests/cli/lib.sh tests/cli/server.sh tests/cli/object.c tests/cli/one_process.c tests/cli/reseal.pl tests/cli/forge-entry.pl
TESTS += tests/cli/abi.sh
EXTRA_DIST += tests/cli/abi.sh tests/abi/libsealring.symbols tests/abi/interface.c
# The client's side of a sealed delivery, for sealed.sh.
check_PROGRAMS += unseal_file
unseal_file_SOURCES = tests/cli/unseal_file.c client/unseal/unseal.c client/unseal/unseal.h
unseal_file_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)
unseal_file_LDADD = $(sealring_objects) $(CRYPTO_LIBS)
# What nobody may be able to break anything with.
bad_tests = tests/cli/bad-input.sh tests/cli/bad-csv.sh tests/cli/bad-token.sh tests/cli/anchor.sh tests/cli/bad-registry.sh
TESTS += $(bad_tests)
EXTRA_DIST += $(bad_tests) tests/cli/bad-races.sh tests/cli/bad-input.tsv tests/cli/snapshot.sh tests/cli/module_forward.c \
	tests/cli/module_crash.c tests/cli/module_canary.c tests/cli/canaries.pl
if HAVE_CHECK
c_tests += test_bad_credentials
test_bad_credentials_SOURCES = tests/cli/test_bad_credentials.c
test_bad_credentials_CPPFLAGS = $(TEST_CPPFLAGS)
test_bad_credentials_LDADD = $(TEST_LIBS)
endif
TESTS += tests/hooks/hooks.sh
EXTRA_DIST += tests/hooks/hooks.sh tests/hooks/hooks.py
