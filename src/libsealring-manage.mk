# SPDX-License-Identifier: Apache-2.0
# What an operator needs beyond that: libsealring-manage.
libsealring_manage_core_la_SOURCES = \
	src/base/name_table.h \
	src/lifecycle/decide.c src/lifecycle/decide.h \
	src/lifecycle/guard.c src/lifecycle/guard.h \
	src/lifecycle/invariant.c src/lifecycle/invariant.h \
	src/lifecycle/policy.c src/lifecycle/policy.h \
	src/lifecycle/schedule.c src/lifecycle/schedule.h \
	src/log/backup_note.c src/log/backup_note.h \
	src/log/leaf.c src/log/leaf.h \
	src/log/log_entry.c src/log/log_entry.h \
	src/log/log_examine.c src/log/log_examine.h \
	src/log/log_tree.c src/log/log_tree.h \
	src/log/merkle.c src/log/merkle.h \
	src/log/row_image.c src/log/row_image.h \
	src/manage/act/act.h \
	src/manage/act/begin.c \
	src/manage/act/end.c \
	src/manage/act/era.c src/manage/act/era.h \
	src/manage/act/late.c src/manage/act/late.h \
	src/manage/audit/audit_log.c \
	src/manage/audit/exports.c src/manage/audit/exports.h \
	src/manage/audit/redo.c src/manage/audit/redo.h \
	src/manage/audit/retrace.c src/manage/audit/retrace.h \
	src/manage/backup/backup.c \
	src/manage/backup/backup_file.c src/manage/backup/backup_file.h \
	src/manage/backup/confront.c src/manage/backup/confront.h \
	src/manage/backup/install.c src/manage/backup/install.h \
	src/manage/backup/replay.c src/manage/backup/replay.h \
	src/manage/backup/restore.c \
	src/manage/backup/token_files.c src/manage/backup/token_files.h \
	src/manage/doctor/doctor.c \
	src/manage/doctor/doctor_audit.c \
	src/manage/doctor/doctor_copies.c \
	src/manage/doctor/doctor_files.c \
	src/manage/doctor/doctor_kinds.c \
	src/manage/doctor/doctor_parts.h \
	src/manage/doctor/doctor_registry.c \
	src/manage/doctor/doctor_repairs.c \
	src/manage/doctor/doctor_reports.c \
	src/manage/doctor/doctor_token.c \
	src/manage/fleet/effective.c src/manage/fleet/effective.h \
	src/manage/fleet/evidence.c src/manage/fleet/evidence.h \
	src/manage/fleet/usage_files.c src/manage/fleet/usage_files.h \
	src/manage/init/claim.c src/manage/init/claim.h \
	src/manage/init/init.c \
	src/manage/keys/batch.c src/manage/keys/batch.h \
	src/manage/keys/clients.c src/manage/keys/clients.h \
	src/manage/keys/issue.c \
	src/manage/keys/issue_request.c src/manage/keys/issue_request.h \
	src/manage/keys/keys.c src/manage/keys/keys.h \
	src/manage/keys/reissue.c \
	src/manage/keys/rekey.c \
	src/manage/keys/seal.c src/manage/keys/seal.h \
	src/manage/rings/rings.c \
	src/manage/session/actor.c src/manage/session/actor.h \
	src/manage/session/audit_token.c src/manage/session/audit_token.h \
	src/manage/session/commit.c \
	src/manage/session/kept_token.c src/manage/session/kept_token.h \
	src/manage/session/manage_names.c \
	src/manage/session/manager.c src/manage/session/manager.h \
	src/manage/session/open_with_pin.c \
	src/manage/session/parallel.c src/manage/session/parallel.h \
	src/manage/session/public_text.c \
	src/manage/session/ring_state.c src/manage/session/ring_state.h \
	src/manage/session/roster.c src/manage/session/roster.h \
	src/manage/tokens/copies.c src/manage/tokens/copies.h \
	src/manage/tokens/make.c src/manage/tokens/make.h \
	src/manage/tokens/owned.c src/manage/tokens/owned.h \
	src/manage/tokens/recover.c src/manage/tokens/recover.h \
	src/manage/usage/harvest.c src/manage/usage/harvest.h \
	src/manage/usage/harvest_age.c \
	src/manage/usage/traffic.c \
	src/manage/usage/usage_list.c \
	src/manage/verifiers/verifier_list.c \
	src/manage/verifiers/waiting.c \
	src/manage/versions/closing.c src/manage/versions/closing.h \
	src/manage/versions/orphan.c \
	src/manage/versions/plan.c src/manage/versions/plan.h \
	src/manage/versions/run.c \
	src/manage/versions/transition.c src/manage/versions/transition.h \
	src/manage/versions/version_events.c src/manage/versions/version_events.h \
	src/registry/connection/registry_copy.c src/registry/connection/registry_copy.h \
	src/registry/connection/registry_examine.c src/registry/connection/registry_examine.h \
	src/registry/rows/client_rows.c \
	src/registry/rows/clock_row.c \
	src/registry/rows/credential_rows.c \
	src/registry/rows/current_rows.c src/registry/rows/current_rows.h \
	src/registry/rows/holder.c \
	src/registry/rows/intention_rows.c \
	src/registry/rows/verifier_rows.c \
	src/registry/usage/usage_names.c \
	src/registry/usage/usage_roll.c \
	src/registry/usage/usage_totals.c \
	src/softhsm/objects.c src/softhsm/objects.h \
	src/token/key/generate.c \
	src/token/key/identify.c \
	src/token/key/key_object.c src/token/key/key_object.h \
	src/token/key/probe.c \
	src/token/key/signing_key.c src/token/key/signing_key.h \
	src/token/key/signs.c src/token/key/signs.h \
	src/token/object/data_object.c src/token/object/data_object.h \
	src/token/object/provision.c src/token/object/provision.h
