# SPDX-License-Identifier: Apache-2.0
# The command, over the public API only.
bin_PROGRAMS += sealring
sealring_SOURCES = \
	tools/sealring/main.c \
	tools/sealring/command.c tools/sealring/command.h tools/sealring/commands.h \
	tools/sealring/options.c tools/sealring/options.h \
	tools/sealring/suggest.c tools/sealring/suggest.h \
	tools/sealring/help.c tools/sealring/help.h \
	tools/sealring/completion.c tools/sealring/completion.h \
	tools/sealring/completion_bash.c tools/sealring/completion_fish.c tools/sealring/completion_zsh.c \
	tools/sealring/session.c tools/sealring/session.h \
	tools/sealring/crash.c tools/sealring/crash.h \
	tools/sealring/pasted.c tools/sealring/pasted.h \
	tools/sealring/pins.c tools/sealring/pins.h \
	tools/sealring/memory.c tools/sealring/memory.h \
	tools/sealring/output.c tools/sealring/output.h \
	tools/sealring/input.c tools/sealring/input.h \
	tools/sealring/signals.c tools/sealring/signals.h \
	tools/sealring/style.c tools/sealring/style.h \
	tools/sealring/table.c tools/sealring/table.h \
	tools/sealring/terminal.c tools/sealring/terminal.h \
	tools/sealring/moment.c tools/sealring/moment.h \
	tools/sealring/jsontext.c tools/sealring/jsontext.h \
	tools/sealring/ocsf.c tools/sealring/ocsf.h \
	tools/sealring/progress.c tools/sealring/progress.h \
	tools/sealring/waitline.c tools/sealring/waitline.h \
	tools/sealring/handover.c tools/sealring/handover.h \
	tools/sealring/delivery.c tools/sealring/delivery.h \
	tools/sealring/clients_csv.c tools/sealring/clients_csv.h \
	tools/sealring/verdict.c tools/sealring/verdict.h \
	tools/sealring/key_table.c tools/sealring/key_table.h \
	tools/sealring/versions.c tools/sealring/versions.h tools/sealring/timeline.c \
	tools/sealring/page.c tools/sealring/page.h tools/sealring/screen.c tools/sealring/screen.h tools/sealring/traffic_chart.c \
	tools/sealring/traffic_chart.h tools/sealring/plans.c tools/sealring/plans.h tools/sealring/advice.c tools/sealring/advice.h \
	tools/sealring/verifiers.c tools/sealring/verifiers.h tools/sealring/overview.c tools/sealring/overview.h \
	tools/sealring/cmd_init.c tools/sealring/cmd_audit.c tools/sealring/cmd_backup.c tools/sealring/cmd_restore.c \
	tools/sealring/cmd_status.c tools/sealring/cmd_token.c \
	tools/sealring/cmd_run.c \
	tools/sealring/cmd_doctor.c \
	tools/sealring/cmd_ring.c \
	tools/sealring/cmd_client.c \
	tools/sealring/cmd_issue.c \
	tools/sealring/cmd_reissue.c \
	tools/sealring/cmd_key.c \
	tools/sealring/cmd_rekey.c \
	tools/sealring/cmd_verify.c \
	tools/sealring/cmd_verifier.c \
	tools/sealring/cmd_explain.c \
	tools/sealring/cmd_usage.c \
	tools/sealring/cmd_version.c \
	tools/sealring/cmd_help.c
sealring_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) $(JANSSON_CFLAGS)
sealring_LDADD = libsealring-manage.la libsealring.la $(JANSSON_LIBS) $(CSV_LIBS)
