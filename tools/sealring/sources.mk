# SPDX-License-Identifier: Apache-2.0
# The command, over the public API only.
bin_PROGRAMS += sealring
sealring_SOURCES = \
	tools/sealring/main.c \
	tools/sealring/command.c tools/sealring/command.h tools/sealring/commands.h \
	tools/sealring/options.c tools/sealring/options.h \
	tools/sealring/suggest.c tools/sealring/suggest.h \
	tools/sealring/help.c tools/sealring/help.h \
	tools/sealring/completion/completion.c tools/sealring/completion/completion.h \
	tools/sealring/completion/completion_scripts.c \
	tools/sealring/session.c tools/sealring/session.h \
	tools/sealring/crash.c tools/sealring/crash.h \
	tools/sealring/terminal/pasted.c tools/sealring/terminal/pasted.h \
	tools/sealring/pins.c tools/sealring/pins.h \
	tools/sealring/terminal/memory.c tools/sealring/terminal/memory.h \
	tools/sealring/output.c tools/sealring/output.h \
	tools/sealring/input.c tools/sealring/input.h \
	tools/sealring/terminal/unseen.c tools/sealring/terminal/unseen.h \
	tools/sealring/terminal/signals.c tools/sealring/terminal/signals.h \
	tools/sealring/terminal/style.c tools/sealring/terminal/style.h \
	tools/sealring/terminal/table.c tools/sealring/terminal/table.h \
	tools/sealring/terminal/terminal.c tools/sealring/terminal/terminal.h \
	tools/sealring/terminal/moment.c tools/sealring/terminal/moment.h \
	tools/sealring/terminal/jsontext.c tools/sealring/terminal/jsontext.h \
	tools/sealring/views/archives.c tools/sealring/views/archives.h tools/sealring/views/ocsf.c tools/sealring/views/ocsf.h \
	tools/sealring/terminal/progress.c tools/sealring/terminal/progress.h \
	tools/sealring/views/waitline.c tools/sealring/views/waitline.h \
	tools/sealring/delivery/handover.c tools/sealring/delivery/handover.h \
	tools/sealring/delivery/delivery.c tools/sealring/delivery/delivery.h \
	tools/sealring/delivery/certificate_file.c tools/sealring/delivery/certificate_file.h \
	tools/sealring/delivery/claim_page.c tools/sealring/delivery/claim_page.h \
	tools/sealring/delivery/clients_csv.c tools/sealring/delivery/clients_csv.h \
	tools/sealring/views/verdict.c tools/sealring/views/verdict.h \
	tools/sealring/views/listing.c tools/sealring/views/listing.h \
	tools/sealring/views/versions.c tools/sealring/views/versions.h tools/sealring/views/timeline.c \
	tools/sealring/terminal/page.c tools/sealring/terminal/page.h tools/sealring/terminal/screen.c tools/sealring/terminal/screen.h tools/sealring/views/traffic_chart.c \
	tools/sealring/views/traffic_chart.h tools/sealring/views/plans.c tools/sealring/views/plans.h tools/sealring/views/advice.c tools/sealring/views/advice.h \
	tools/sealring/views/log_health.c tools/sealring/views/log_health.h tools/sealring/views/verifiers.c tools/sealring/views/verifiers.h tools/sealring/views/overview.c tools/sealring/views/overview.h \
	tools/sealring/vault/cmd_init.c tools/sealring/vault/cmd_archive.c tools/sealring/vault/cmd_audit.c tools/sealring/vault/cmd_audit_rekey.c tools/sealring/vault/cmd_backup.c tools/sealring/vault/cmd_restore.c tools/sealring/vault/cmd_upgrade.c \
	tools/sealring/rings/cmd_status.c tools/sealring/vault/cmd_token.c \
	tools/sealring/rings/cmd_run.c \
	tools/sealring/vault/cmd_doctor.c \
	tools/sealring/rings/cmd_ring.c tools/sealring/rings/policy_options.c tools/sealring/rings/policy_options.h \
	tools/sealring/keys/cmd_client.c \
	tools/sealring/keys/cmd_issue.c \
	tools/sealring/keys/cmd_reissue.c tools/sealring/keys/cmd_renew.c tools/sealring/keys/holders_option.h \
	tools/sealring/views/contested_view.c tools/sealring/views/contested_view.h \
	tools/sealring/views/renewing_view.c tools/sealring/views/renewing_view.h \
	tools/sealring/keys/cmd_leaks.c tools/sealring/views/leaks_view.c tools/sealring/views/leaks_view.h \
	tools/sealring/rings/scanner_rule.c tools/sealring/rings/scanner_rule.h \
	tools/sealring/keys/cmd_key.c \
	tools/sealring/keys/cmd_rekey.c tools/sealring/keys/cmd_claim.c \
	tools/sealring/keys/cmd_verify.c \
	tools/sealring/keys/cmd_handover.c tools/sealring/views/handovers.c tools/sealring/views/handovers.h \
	tools/sealring/rings/cmd_verifier.c \
	tools/sealring/notices/cmd_notify_secret.c tools/sealring/keys/cmd_notify.c tools/sealring/notices/notices_view.c tools/sealring/notices/notices_view.h \
	tools/sealring/keys/cmd_explain.c \
	tools/sealring/keys/cmd_usage.c tools/sealring/keys/show_lagging.c tools/sealring/keys/show_lagging.h \
	tools/sealring/rings/cmd_version.c \
	tools/sealring/vault/cmd_help.c
sealring_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) $(JANSSON_CFLAGS)
sealring_LDADD = libsealring-manage.la libsealring.la $(JANSSON_LIBS) $(CSV_LIBS)
