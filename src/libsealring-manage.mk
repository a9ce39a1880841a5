# SPDX-License-Identifier: Apache-2.0
# What an operator needs beyond that: libsealring-manage.
libsealring_manage_core_la_SOURCES = \
	src/base/name_table.h \
	src/kdf/webhook_input.c src/kdf/webhook_input.h \
	src/lifecycle/decide.c src/lifecycle/decide.h \
	src/lifecycle/guard.c src/lifecycle/guard_text.c src/lifecycle/guard.h \
	src/lifecycle/invariant.c src/lifecycle/invariant.h \
	src/lifecycle/policy.c src/lifecycle/policy.h \
	src/lifecycle/schedule.c src/lifecycle/schedule.h \
	src/log/archive_note.c src/log/archive_note.h \
	src/log/backup_note.c src/log/backup_note.h \
	src/log/tail/fact_effect.c src/log/tail/fact_effect.h \
	src/log/tail/entry_tail.c src/log/tail/entry_tail.h \
	src/log/tail/fact_tail.c src/log/tail/fact_tail.h \
	src/log/delivery_note.c src/log/delivery_note.h \
	src/log/leaf.c src/log/leaf.h \
	src/log/log_cut.c src/log/log_cut.h \
	src/log/log_entry.c src/log/log_entry.h \
	src/log/contradiction.c src/log/contradiction.h src/log/log_examine.c src/log/log_examine.h \
	src/log/log_tree.c src/log/log_tree.h \
	src/log/merkle.c src/log/merkle.h \
	src/log/tail/own_note.c src/log/tail/own_note.h \
	src/log/row_image.c src/log/row_image.h \
	src/manage/fleet/contested_holders.c src/manage/fleet/contested_holders.h \
	src/manage/leaks/act_on_leak.c src/manage/leaks/leak_batch.h \
	src/manage/leaks/find_credentials.c \
	src/manage/leaks/leak_answer.c \
	src/manage/leaks/leak_list.c src/manage/leaks/leak_list.h \
	src/manage/leaks/prove_leak.c \
	src/manage/leaks/report_leaks.c \
	src/manage/renew/contested_keys.c \
	src/manage/renew/record_errors.c \
	src/manage/renew/count_renewing.c \
	src/manage/renew/encrypt_successor.c \
	src/manage/renew/make_successor.c \
	src/manage/renew/read_predecessor.c \
	src/manage/renew/renew_answer.c \
	src/manage/renew/renew.c src/manage/renew/renew_batch.h \
	src/manage/handover/deliver_successor.c src/manage/handover/deliver_successor.h \
	src/manage/handover/delivery_file.c src/manage/handover/delivery_file.h \
	src/manage/handover/owed_successors.c \
	src/manage/act/act.h \
	src/manage/act/begin_act.c \
	src/manage/act/end_act.c \
	src/manage/act/foreign_tail.c src/manage/act/foreign_tail.h \
	src/manage/act/era_check.c src/manage/act/era_check.h \
	src/manage/act/clock_check.c src/manage/act/clock_check.h \
	src/manage/audit/audit_key.c \
	src/manage/audit/change_audit_key.c \
	src/manage/audit/audit_log.c src/manage/audit/audit_log.h src/manage/audit/describe_vault.c \
	src/manage/audit/value_facts.c src/manage/audit/value_facts.h \
	src/manage/audit/log_history.c src/manage/audit/log_history.h \
	src/manage/audit/read_archive.c src/manage/audit/read_archive.h \
	src/manage/audit/client_proofs.c src/manage/audit/client_proofs.h \
	src/manage/audit/read_export.c src/manage/audit/read_export.h \
	src/manage/audit/list_archives.c \
	src/manage/audit/redo_entry.c src/manage/audit/redo_entry.h \
	src/manage/audit/changed_members.c src/manage/audit/changed_members.h \
	src/manage/audit/compare_rows.c src/manage/audit/compare_rows.h \
	src/manage/audit/issued_keys.c src/manage/audit/issued_keys.h \
	src/manage/audit/retrace.c src/manage/audit/retrace.h \
	src/manage/audit/row_text.c src/manage/audit/row_text.h \
	src/manage/backup/archive_log.c \
	src/manage/backup/backup.c src/manage/backup/unannounced_backup.h \
	src/manage/backup/backup_file.c src/manage/backup/backup_file.h \
	src/manage/backup/compare_with_token.c src/manage/backup/compare_with_token.h \
	src/manage/backup/install_registry.c \
	src/manage/backup/replay_export.c src/manage/backup/replay_export.h \
	src/manage/backup/restore.c src/manage/backup/restore.h \
	src/manage/backup/restore_losses.c \
	src/manage/backup/restore_token_files.c src/manage/backup/restore_token_files.h \
	src/manage/backup/upgrade.c \
	src/manage/backup/write_archive.c src/manage/backup/write_archive.h \
	src/manage/delivery/certificate.c src/manage/delivery/certificate.h \
	src/manage/delivery/envelope.c src/manage/delivery/envelope.h \
	src/manage/delivery/sealed_delivery.c src/manage/delivery/sealed_delivery.h \
	src/manage/delivery/notice_settings.c src/manage/delivery/notice_settings.h \
	src/manage/delivery/recipient.c src/manage/delivery/recipient.h \
	src/manage/doctor/doctor.c src/manage/doctor/doctor_channels.c \
	src/manage/doctor/doctor_altered.c src/manage/doctor/doctor_entries.c src/manage/doctor/doctor_space.c src/manage/doctor/doctor_audit.c \
	src/manage/doctor/doctor_copies.c \
	src/manage/doctor/doctor_files.c \
	src/manage/doctor/doctor_findings.c \
	src/manage/doctor/doctor_kinds.h \
	src/manage/doctor/doctor_parts.h \
	src/manage/doctor/doctor_registry.c \
	src/manage/doctor/doctor_repairs.c \
	src/manage/doctor/doctor_reports.c \
	src/manage/doctor/doctor_token.c \
	src/manage/fleet/effective.c src/manage/fleet/effective.h \
	src/manage/fleet/filters.c src/manage/fleet/filters.h \
	src/manage/fleet/evidence.c src/manage/fleet/evidence.h \
	src/manage/fleet/usage_files.c src/manage/fleet/usage_files.h \
	src/manage/init/claim_directory.c src/manage/init/claim_directory.h \
	src/manage/init/init.c \
	src/manage/init/init_group.c src/manage/init/init_group.h src/manage/init/init_tokens.c src/manage/init/init_tokens.h \
	src/manage/keys/batch.c src/manage/keys/batch.h \
	src/manage/keys/batch_plan.c \
	src/manage/keys/clients.c src/manage/keys/clients.h src/manage/keys/list_clients.c \
	src/manage/keys/claim_offer.c src/manage/keys/claim_offer.h \
	src/manage/claims/take_claim.c src/manage/claims/list_claims.c \
	src/manage/keys/issue.c \
	src/manage/keys/issue_request.c src/manage/keys/issue_request.h \
	src/manage/keys/keys.c src/manage/keys/keys.h \
	src/manage/keys/list_keys.c \
	src/manage/keys/reissue.c \
	src/manage/keys/rekey.c \
	src/manage/keys/renewal.c src/manage/keys/renewal.h \
	src/manage/keys/seal.c src/manage/keys/seal.h \
	src/manage/notices/notice_channel.h \
	src/manage/notices/compose_message.c src/manage/notices/compose_message.h \
	src/manage/notices/derive_notices.c \
	src/manage/notices/list_notices.c \
	src/manage/notices/notice_confirm.c src/manage/notices/notice_confirm.h \
	src/manage/notices/notice_entry.c src/manage/notices/notice_entry.h \
	src/manage/notices/notice_events.c src/manage/notices/notice_events.h \
	src/manage/notices/notice_schedule.c src/manage/notices/notice_schedule.h \
	src/manage/notices/notice_text.c src/manage/notices/notice_text.h \
	src/manage/notices/notices.c src/manage/notices/notice_turn.h \
	src/manage/notices/outbox.c \
	src/manage/notices/send_message.c src/manage/notices/send_message.h \
	src/manage/notices/channel_options.h src/manage/notices/webhook_secret.c src/manage/notices/webhook_secret.h \
	src/manage/rings/rings.c \
	src/manage/session/actor.c src/manage/session/actor.h \
	src/manage/session/anchor.c \
	src/manage/session/anchor_check.c \
	src/manage/session/audit_token.c src/manage/session/audit_token.h src/manage/session/audit_token_parts.h \
	src/manage/session/commit.c \
	src/manage/session/own_token_files.c src/manage/session/own_token_files.h \
	src/manage/session/manage_names.c \
	src/manage/session/manager.c src/manage/session/manager.h \
	src/manage/session/open_with_pin.c \
	src/manage/session/parallel_work.c src/manage/session/parallel_work.h \
	src/manage/session/text_functions.c \
	src/manage/session/ring_state.c src/manage/session/ring_state.h \
	src/manage/roster/roster.c src/manage/roster/roster.h \
	src/manage/roster/roster_judge.c \
	src/manage/roster/roster_read.c \
	src/manage/session/facts_check.c \
	src/manage/session/sign_checkpoint.c \
	src/manage/session/sign_first.c \
	src/manage/session/unsigned_notes.c src/manage/session/unsigned_notes.h \
	src/manage/tokens/token_file_copies.c src/manage/tokens/token_file_copies.h \
	src/manage/tokens/token_file_repair.c \
	src/manage/tokens/make_object.c src/manage/tokens/make_object.h \
	src/manage/tokens/object_label.c src/manage/tokens/object_label.h \
	src/manage/tokens/key_inventory.c src/manage/tokens/key_inventory.h \
	src/manage/tokens/version_object.c src/manage/tokens/version_object.h \
	src/manage/tokens/recover_interrupted.c src/manage/tokens/recover_interrupted.h \
	src/manage/usage/harvest.c src/manage/usage/harvest.h \
	src/manage/usage/harvest_age.c \
	src/manage/usage/harvest_file.c \
	src/manage/usage/version_traffic.c \
	src/manage/usage/list_lagging.c \
	src/manage/usage/usage_list.c \
	src/manage/verifiers/verifier_list.c \
	src/manage/verifiers/waiting.c \
	src/manage/versions/close_object.c src/manage/versions/close_object.h \
	src/manage/versions/destroy_orphan.c \
	src/manage/versions/policy_plan.c src/manage/versions/policy_plan.h \
	src/manage/versions/run_policy.c \
	src/manage/versions/ring_correction.c src/manage/versions/ring_correction.h \
	src/manage/versions/run_stock.c src/manage/versions/run_stock.h \
	src/manage/versions/transition.c src/manage/versions/transition.h \
	src/manage/versions/version_events.c src/manage/versions/version_events.h \
	src/notify/hook_directory.c \
	src/notify/mail_message.c src/notify/mail_message.h \
	src/notify/password_file.c src/notify/password_file.h \
	src/notify/public_address.c src/notify/public_address.h \
	src/notify/run_hook.c src/notify/run_hook.h \
	src/notify/send_mail.c src/notify/send_mail.h \
	src/notify/send_result.h \
	src/notify/send_webhook.c src/notify/send_webhook.h \
	src/notify/transfer.c src/notify/transfer.h \
	src/notify/webhook_signature.c src/notify/webhook_signature.h \
	src/registry/connection/registry_copy.c src/registry/connection/registry_copy.h \
	src/registry/notices/outbox_rows.c src/registry/notices/outbox_rows.h \
	src/registry/rows/client_rows.c src/registry/rows/client_notices.h \
	src/registry/rows/clock_row.c \
	src/registry/rows/current_rows.c src/registry/rows/current_rows.h \
	src/registry/rows/holder_rows.c \
	src/registry/rows/intention_rows.c \
	src/registry/rows/verifier_rows.c \
	src/registry/handover/handover_rows.c src/registry/handover/handover_rows.h \
	src/registry/usage/renewal_counts.c src/registry/usage/renewal_counts.h \
	src/registry/usage/renewal_errors.c src/registry/usage/renewal_errors.h \
	src/registry/usage/usage_counts.h \
	src/registry/usage/usage_names.c \
	src/registry/usage/usage_roll.c \
	src/registry/usage/usage_totals.c \
	src/softhsm/objects.c src/softhsm/objects.h \
	src/token/key/generate.c \
	src/token/key/identify.c \
	src/token/key/key_object.c src/token/key/key_object.h \
	src/token/key/probe.c \
	src/token/key/signing_key.c src/token/key/signing_key.h \
	src/token/object/data_object.c src/token/object/data_object.h \
	src/token/object/provision.c src/token/object/provision.h
