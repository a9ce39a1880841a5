# SPDX-License-Identifier: Apache-2.0
libsealring_core_la_SOURCES += \
	src/vault/audit.c \
	src/vault/backup.c \
	src/vault/backup_file.c src/vault/backup_file.h \
	src/vault/batch.c src/vault/batch.h \
	src/vault/claim.c src/vault/claim.h \
	src/vault/client.c src/vault/client.h \
	src/vault/closing.c src/vault/closing.h \
	src/vault/config.c src/vault/config.h \
	src/vault/config_place.c \
	src/vault/confront.c src/vault/confront.h \
	src/vault/copies.c src/vault/copies.h \
	src/vault/exports.c src/vault/exports.h \
	src/vault/harvest.c src/vault/harvest.h \
	src/vault/harvest_age.c \
	src/vault/init.c \
	src/vault/install.c src/vault/install.h \
	src/vault/issue.c \
	src/vault/key.c src/vault/key.h \
	src/vault/late.c \
	src/vault/late.h \
	src/vault/make.c src/vault/make.h \
	src/vault/manager.c src/vault/manager.h \
	src/vault/software.c src/vault/software.h \
	src/vault/open.c \
	src/vault/orphan.c src/vault/owned.c src/vault/owned.h \
	src/vault/parallel.c src/vault/parallel.h \
	src/vault/redo.c src/vault/redo.h \
	src/vault/recover.c src/vault/recover.h \
	src/vault/reissue.c \
	src/vault/rekey.c \
	src/vault/replay.c src/vault/replay.h \
	src/vault/restore.c \
	src/vault/retrace.c src/vault/retrace.h \
	src/vault/request.c src/vault/request.h \
	src/vault/ring.c \
	src/vault/roster.c src/vault/roster.h \
	src/vault/doctor.c src/vault/doctor.h \
	src/vault/doctor_audit.c \
	src/vault/doctor_copies.c src/vault/doctor_files.c \
	src/vault/doctor_kinds.c \
	src/vault/doctor_registry.c \
	src/vault/doctor_repairs.c \
	src/vault/doctor_reports.c \
	src/vault/doctor_token.c \
	src/vault/evidence.c src/vault/evidence.h \
	src/vault/waiting.c src/vault/waiting.h \
	src/vault/verifiers.c \
	src/vault/seal.c src/vault/seal.h \
	src/vault/state.c src/vault/state.h \
	src/vault/text.c \
	src/vault/token_files.c src/vault/token_files.h \
	src/vault/traffic.c \
	src/vault/transition.c src/vault/transition.h \
	src/vault/trust.c src/vault/trust.h \
	src/vault/usage.c \
	src/vault/usage_files.c src/vault/usage_files.h \
	src/vault/plan.c src/vault/plan.h \
	src/vault/run.c \
	src/vault/version.c src/vault/version.h \
	src/vault/witness.c src/vault/witness.h
