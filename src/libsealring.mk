# SPDX-License-Identifier: Apache-2.0
# What a verifying server needs: libsealring (docs/ARCHITECTURE.md, "Two libraries").
libsealring_core_la_SOURCES = \
	src/base/array.c src/base/array.h \
	src/base/base62.c src/base/base62.h \
	src/base/base64.c src/base/base64.h \
	src/base/capped.h \
	src/base/clock.c src/base/clock.h \
	src/base/error.c src/base/error.h \
	src/base/foreign_text.c src/base/foreign_text.h \
	src/base/file.c src/base/file.h \
	src/base/fork.c src/base/fork.h \
	src/base/name.c src/base/name.h \
	src/base/network_filesystem.h \
	src/base/secret.c src/base/secret.h \
	src/base/sha256.c src/base/sha256.h \
	src/base/struct_size.c src/base/struct_size.h \
	src/verifier/request/state_names.c \
	src/base/timetext.c src/base/timetext.h \
	src/base/utf8.c src/base/utf8.h \
	src/base/wiped.c src/base/wiped.h \
	src/base/writer.c src/base/writer.h \
	src/bell/bell.c src/bell/bell.h \
	src/config/config.c src/config/config.h \
	src/config/config_keys.h \
	src/config/config_pin.c src/config/config_place.c src/config/verifier_group.c src/config/verifier_group.h \
	src/config/config_append.c src/config/config_audit.c src/config/config_write.c \
	src/config/file_trust.c src/config/file_trust.h \
	src/config/software_token.c src/config/software_token.h \
	src/credential/credential_text.c src/credential/credential_text.h \
	src/credential/key_ends.c src/credential/key_ends.h \
	src/credential/holders.c src/credential/holders.h \
	src/credential/claim_code.c src/credential/claim_code.h src/credential/key_claim.c src/credential/key_claim.h \
	src/credential/networks.c src/credential/networks.h src/credential/scope.c src/credential/scope.h \
	src/kdf/claims.c src/kdf/claims.h \
	src/kdf/kdf.c src/kdf/kdf.h \
	src/lifecycle/clockwatch.c src/lifecycle/clockwatch.h \
	src/lifecycle/transition_table.c src/lifecycle/transition_table.h \
	src/lifecycle/verifier_liveness.c src/lifecycle/verifier_liveness.h \
	src/log/audit_keys.c src/log/audit_keys.h \
	src/log/checkpoint.c src/log/checkpoint.h \
	src/log/key_change.c src/log/key_change.h \
	src/log/signed_note.c src/log/signed_note.h \
	src/log/signed_time.c src/log/signed_time.h \
	src/registry/connection/ended_eras.c src/registry/connection/ended_eras.h \
	src/registry/connection/filesystem.c src/registry/connection/filesystem.h \
	src/registry/connection/handle.c src/registry/connection/handle.h \
	src/registry/connection/opened.c src/registry/connection/opened.h \
	src/registry/connection/cursor.h src/registry/connection/query.c src/registry/connection/query.h \
	src/registry/connection/registry.c src/registry/connection/registry.h \
	src/registry/connection/schema_check.c src/registry/connection/schema_check.h \
	src/registry/connection/transaction.c \
	src/registry/connection/vault_row.c src/registry/connection/vault_row.h \
	src/registry/driver/driver.h \
	src/registry/driver/schema.h \
	src/registry/driver/schema_changes.c src/registry/driver/schema_sqlite.c \
	src/registry/driver/sqlite.c src/registry/driver/sqlite.h \
	src/registry/driver/sqlite_compare.c \
	src/registry/driver/sqlite_copy.c \
	src/registry/driver/sqlite_examine.c \
	src/registry/driver/sqlite_open.c \
	src/registry/driver/sqlite_result.c src/registry/driver/sqlite_schema.c \
	src/registry/lock/lock.c src/registry/lock/lock.h \
	src/registry/lock/lock_holder.c src/registry/lock/lock_holder.h \
	src/registry/log/checkpoint_rows.c \
	src/registry/log/cut_rows.c \
	src/registry/log/entry_rows.c \
	src/registry/log/packed_detail.c src/registry/log/packed_detail.h \
	src/registry/log/key_change_rows.c \
	src/registry/log/log_rows.h \
	src/registry/rows/poll_rows.c \
	src/registry/rows/closed_facts.c src/registry/rows/closed_facts.h \
	src/registry/rows/credential_rows.c \
	src/registry/rows/facts_begin.c \
	src/registry/rows/ring_facts.c src/registry/rows/ring_facts.h \
	src/registry/rows/version_facts.c src/registry/rows/version_facts.h \
	src/registry/rows/columns.h \
	src/registry/rows/key_rows.c \
	src/registry/rows/presented_row.c \
	src/registry/rows/ring_rows.c \
	src/registry/rows/rows.h \
	src/registry/rows/version_rows.c \
	src/registry/usage/usage_rows.h \
	src/registry/usage/usage_seat.c \
	src/softhsm/folder.c src/softhsm/folder.h \
	src/softhsm/object_file.c src/softhsm/object_file.h \
	src/softhsm/reserve.c src/softhsm/reserve.h \
	src/softhsm/separate.c src/softhsm/separate.h \
	src/softhsm/store.c src/softhsm/store.h \
	src/softhsm/stored.c src/softhsm/stored.h \
	src/token/key/attributes.c src/token/key/attributes.h \
	src/token/key/hmac.c src/token/key/hmac.h \
	src/token/key/origin.c src/token/key/origin.h \
	src/token/module/module.c src/token/module/module.h \
	src/token/module/return_code.c src/token/module/return_code.h \
	src/token/module/signal_block.c src/token/module/signal_block.h \
	src/token/module/slot.c src/token/module/slot.h \
	src/token/module/trace.c src/token/module/trace.h \
	src/token/module/trace_call.c src/token/module/trace_call.h \
	src/token/module/trace_file.c src/token/module/trace_file.h \
	src/token/module/trace_line.c src/token/module/trace_line.h \
	src/token/object/object.c src/token/object/object.h \
	src/token/pin/pin.c src/token/pin/pin.h \
	src/token/pin/pin_memory.c src/token/pin/pin_memory.h \
	src/token/pin/pin_source.c src/token/pin/pin_source.h \
	src/token/pin/process_environment.c src/token/pin/process_environment.h \
	src/token/session/attempt.c src/token/session/attempt.h \
	src/token/session/connection.c src/token/session/connection.h \
	src/token/session/handle_index.c src/token/session/handle_index.h \
	src/token/session/key_reference.h \
	src/token/session/login.c src/token/session/login.h \
	src/token/session/login_record.c src/token/session/login_record.h \
	src/token/session/session_pool.c src/token/session/session_pool.h \
	src/token/session/token.c src/token/session/token.h \
	src/verifier/cache/cache.c src/verifier/cache/cache.h \
	src/verifier/cache/cache_entry.c src/verifier/cache/cache_entry.h \
	src/verifier/cache/hash_table.c src/verifier/cache/hash_table.h \
	src/verifier/cache/imports.c src/verifier/cache/imports.h \
	src/verifier/cache/reader_lanes.c src/verifier/cache/reader_lanes.h \
	src/verifier/cache/deferred_free.c src/verifier/cache/deferred_free.h \
	src/verifier/cache/single_flight.c src/verifier/cache/single_flight.h \
	src/verifier/cache/snapshot.c src/verifier/cache/snapshot.h \
	src/verifier/fresh/usage_hours.c src/verifier/fresh/usage_hours.h \
	src/verifier/fresh/check_head.c src/verifier/fresh/check_head.h \
	src/verifier/fresh/follow_closed.c src/verifier/fresh/follow_closed.h \
	src/verifier/fresh/reload_key.c src/verifier/fresh/reload_key.h \
	src/verifier/fresh/follow_keys.c src/verifier/fresh/follow_keys.h \
	src/verifier/fresh/late_clock.c src/verifier/fresh/late_clock.h \
	src/verifier/fresh/load_changes.c src/verifier/fresh/load_changes.h \
	src/verifier/fresh/listen.c src/verifier/fresh/listen.h \
	src/verifier/fresh/look_registry.c src/verifier/fresh/look_registry.h \
	src/verifier/fresh/poll.c src/verifier/fresh/poll.h \
	src/verifier/fresh/poll_report.c src/verifier/fresh/poll_report.h \
	src/verifier/fresh/prove_ahead.c src/verifier/fresh/prove_ahead.h \
	src/verifier/fresh/warm.c src/verifier/fresh/warm.h \
	src/verifier/fresh/watch_schema.c src/verifier/fresh/watch_schema.h \
	src/verifier/process/maintenance.c src/verifier/process/maintenance.h \
	src/verifier/process/membership.c src/verifier/process/membership.h \
	src/verifier/process/open.c src/verifier/process/open.h \
	src/verifier/process/verifier.c src/verifier/process/verifier.h \
	src/verifier/report/report.c src/verifier/report/report.h \
	src/verifier/report/report_check.c src/verifier/report/report_check.h \
	src/verifier/report/report_format.h \
	src/verifier/report/report_free.c \
	src/verifier/report/report_index.c src/verifier/report/report_index.h \
	src/verifier/report/report_map.c src/verifier/report/report_map.h \
	src/verifier/report/report_parts.h \
	src/verifier/report/report_read.c \
	src/verifier/report/report_reader.h \
	src/verifier/report/report_walk.c \
	src/verifier/report/report_seat.c src/verifier/report/report_seat.h \
	src/verifier/report/report_usage.c \
	src/verifier/request/claim_check.c src/verifier/request/claim_check.h \
	src/verifier/request/derive.c src/verifier/request/derive.h \
	src/verifier/request/first_sight.c src/verifier/request/first_sight.h \
	src/verifier/request/judge.c src/verifier/request/judge.h \
	src/verifier/state/connections.c src/verifier/state/connections.h \
	src/verifier/state/demand.h src/verifier/state/judge_time.h \
	src/verifier/state/log_messages.c src/verifier/state/log_messages.h \
	src/verifier/state/closed_chain.c src/verifier/state/closed_chain.h \
	src/verifier/state/closed_keys.c src/verifier/state/closed_keys.h \
	src/verifier/state/closed_tail.c src/verifier/state/closed_tail.h \
	src/verifier/state/closed_versions.c src/verifier/state/closed_versions.h \
	src/verifier/state/filter_protocol.c src/verifier/state/filter_protocol.h \
	src/verifier/state/key_filter.c src/verifier/state/key_filter.h \
	src/verifier/state/key_facts.c src/verifier/state/key_facts.h \
	src/verifier/state/freshness_protocol.c src/verifier/state/freshness_protocol.h \
	src/verifier/state/verifier_setup.h \
	src/verifier/state/verifier_state.h
