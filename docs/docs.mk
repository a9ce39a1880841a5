# SPDX-License-Identifier: Apache-2.0
# Documentation and examples that are part of the distribution, and where they are installed.
dist_doc_DATA = README.md CHANGELOG.md SECURITY.md docs/ARCHITECTURE.md docs/GLOSSARY.md docs/benchmarks.md docs/containers.md docs/decisions.md docs/formats.md docs/threat-model.md docs/tokens.md
examplesdir = $(docdir)/examples
dist_examples_DATA = docs/examples/server.c docs/examples/event_loop.c docs/examples/verify.py docs/examples/verify.rs
examplesgodir = $(examplesdir)/go
dist_examplesgo_DATA = docs/examples/go/go.mod docs/examples/go/verify.go
examplesgosealringdir = $(examplesdir)/go/sealring
dist_examplesgosealring_DATA = docs/examples/go/sealring/sealring.go
playbooksdir = $(docdir)/playbooks
dist_playbooks_DATA = docs/playbooks/a-versions-leak.md docs/playbooks/audit-key.md docs/playbooks/failed-rollover.md docs/playbooks/one-clients-leak.md \
	docs/playbooks/planned-rotation.md docs/playbooks/suspected-host.md docs/playbooks/token-lost.md
dist_doc_DATA += docs/promises.md
gatewaysdir = $(docdir)/gateways
dist_gateways_DATA = docs/gateways/caddy.md docs/gateways/envoy.md docs/gateways/haproxy.md docs/gateways/nginx-auth_request.md \
	docs/gateways/traefik.md docs/gateways/nginx.md
clientsdir = $(docdir)/clients
dist_clients_DATA = docs/clients/README.md docs/clients/follow.js docs/clients/follow.py docs/clients/follow.sh docs/clients/sidecar.yaml
clientsgodir = $(clientsdir)/go
dist_clientsgo_DATA = docs/clients/go/go.mod docs/clients/go/follow.go
hooksdir = $(docdir)/hooks
dist_hooks_DATA = docs/hooks/README.md docs/hooks/sealring_hook.py
dist_hooks_SCRIPTS = docs/hooks/aws-secrets-manager docs/hooks/github-actions docs/hooks/kubernetes-secret docs/hooks/vault-kv
# They are for sealring run alone.
AM_INSTALLCHECK_STD_OPTIONS_EXEMPT = $(dist_hooks_SCRIPTS)
EXTRA_DIST += tools/packages.sh tools/build.sh tools/quickstart.sh tools/coverage.sh

# Man pages. A page about several names is found under each of them: links are made as its NAME section says.
dist_man_MANS = \
	docs/man/sealring-audit.1 docs/man/sealring-backup.1 docs/man/sealring-restore.1 docs/man/sealring-upgrade.1 docs/man/sealring_upgrade.3 docs/man/sealring-client.1 docs/man/sealring-doctor.1 docs/man/sealring-handover.1 docs/man/sealring_successors_deliver.3 docs/man/sealring_doctor.3 docs/man/sealring-help.1 docs/man/sealring-import.1 docs/man/sealring-init.1 docs/man/sealring-issue.1 \
	docs/man/sealring-key.1 docs/man/sealring-reissue.1 docs/man/sealring-claim.1 docs/man/sealring-renew.1 docs/man/sealring-ring.1 docs/man/sealring-status.1 \
	docs/man/sealring-usage.1 docs/man/sealring-run.1 docs/man/sealring-verify.1 docs/man/sealring-version.1 \
	docs/man/sealring.1 docs/man/libsealring.3 docs/man/sealring-verifier.1 docs/man/sealring-token.1 \
	docs/man/sealring_audit_archive.3 docs/man/sealring_audit_list.3 docs/man/sealring_audit_rekey.3 docs/man/sealring_audit_verify.3 docs/man/sealring_backup.3 docs/man/sealring_client_add.3 docs/man/sealring_client_set_certified.3 docs/man/sealring_seal_credentials.3 docs/man/sealring_environment.3 docs/man/sealring_explain.3 docs/man/sealring_harvest.3 \
	docs/man/sealring_import.3 docs/man/sealring_init.3 docs/man/sealring_issue.3 docs/man/sealring_key_list.3 docs/man/sealring_lagging.3 docs/man/sealring-leaks.1 docs/man/sealring_report_leaks.3 \
	docs/man/sealring_key_set_state.3 docs/man/sealring_library_version.3 docs/man/sealring_maintain.3 \
	docs/man/sealring_manager_open.3 docs/man/sealring_object_destroy.3 \
	docs/man/sealring_open.3 docs/man/sealring_open_with_pin.3 docs/man/sealring_reissue.3 docs/man/sealring_rekey.3 \
	docs/man/sealring_renew.3 docs/man/sealring_claim.3 docs/man/sealring_key_set_holders.3 \
	docs/man/sealring_ring_create.3 docs/man/sealring_text_escape.3 docs/man/sealring_time_format.3 docs/man/sealring_usage_list.3 \
	docs/man/sealring_verdict_name.3 docs/man/sealring_run_once.3 docs/man/sealring_verify.3 \
	docs/man/sealring_version_change.3 docs/man/sealring_version_list.3 docs/man/sealring_version_state_name.3 \
	docs/man/sealring-notify.1 docs/man/sealring_notices_send.3 docs/man/sealring_client_set_notified.3 docs/man/sealring_webhook_secret_derive.3 \
	docs/man/sealring.conf.5 docs/man/sealringd.8 docs/man/sealring-client.8 docs/man/sealring_client_open.3 docs/man/sealring-broker.8 docs/man/sealring_verifier_list.3 docs/man/sealring_wait_barrier.3

# "SECTION FILE NAME" for each name that is not the file's own.
list_man_links = for page in $(dist_man_MANS); do \
	file=`basename $$page`; section=$${file\#\#*.}; \
	sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \([^ ]*\).*/\1/p' "$(top_srcdir)/$$page" | grep -vxF "$${file%.*}" | \
		sed "s/^/$$section $$file /"; \
	done

install-data-hook: install-man-links
install-man-links: install-man
	@$(list_man_links) | while read -r section file name; do \
		ln -sf "$$file" "$(DESTDIR)$(mandir)/man$$section/$$name.$$section" || exit 1; done
uninstall-hook: uninstall-man-links
uninstall-man-links:
	@$(list_man_links) | while read -r section file name; do \
		rm -f "$(DESTDIR)$(mandir)/man$$section/$$name.$$section" || exit 1; done
.PHONY: install-man-links uninstall-man-links

# Completion scripts are printed by the command, so that they cannot fall behind it. To cross-compile, name one that runs
# here: make SEALRING_HERE=/usr/bin/sealring
SEALRING_HERE = ./sealring$(EXEEXT)
bashcompletiondir = $(datadir)/bash-completion/completions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
zshcompletiondir = $(datadir)/zsh/site-functions
nodist_bashcompletion_DATA = tools/completions/bash/sealring
nodist_fishcompletion_DATA = tools/completions/fish/sealring.fish
nodist_zshcompletion_DATA = tools/completions/zsh/_sealring
CLEANFILES += $(nodist_bashcompletion_DATA) $(nodist_fishcompletion_DATA) $(nodist_zshcompletion_DATA)
print_completion = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(SEALRING_HERE) help --completion
$(nodist_bashcompletion_DATA): sealring$(EXEEXT)
	$(print_completion) bash >$@.new && mv $@.new $@
$(nodist_fishcompletion_DATA): sealring$(EXEEXT)
	$(print_completion) fish >$@.new && mv $@.new $@
$(nodist_zshcompletion_DATA): sealring$(EXEEXT)
	$(print_completion) zsh >$@.new && mv $@.new $@
