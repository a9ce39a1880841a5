# SPDX-License-Identifier: Apache-2.0
# Units for systemd, with the command's place filled in.
systemdunitdir = $(prefix)/lib/systemd/system
nodist_systemdunit_DATA = systemd/sealring.service systemd/sealring-run.service systemd/sealringd.service systemd/sealring-client@.service systemd/sealring-broker.service
dist_systemdunit_DATA = systemd/sealring.timer systemd/sealringd.socket systemd/sealring-client@.timer systemd/sealringd-renew.socket systemd/sealring-broker.socket
EXTRA_DIST += systemd/sealring.service.in systemd/sealring-run.service.in systemd/sealringd.service.in systemd/sealring-client@.service.in systemd/sealring-broker.service.in systemd/sealringd.sysusers
CLEANFILES += $(nodist_systemdunit_DATA)
fill_in_unit = $(AM_V_GEN)$(MKDIR_P) $(@D) && sed 's|@bindir[@]|$(bindir)|g; s|@sbindir[@]|$(sbindir)|g'
systemd/sealring.service: $(top_srcdir)/systemd/sealring.service.in Makefile
	$(fill_in_unit) $(top_srcdir)/systemd/sealring.service.in >$@.new && mv $@.new $@
systemd/sealring-run.service: $(top_srcdir)/systemd/sealring-run.service.in Makefile
	$(fill_in_unit) $(top_srcdir)/systemd/sealring-run.service.in >$@.new && mv $@.new $@
systemd/sealringd.service: $(top_srcdir)/systemd/sealringd.service.in Makefile
	$(fill_in_unit) $(top_srcdir)/systemd/sealringd.service.in >$@.new && mv $@.new $@
systemd/sealring-broker.service: $(top_srcdir)/systemd/sealring-broker.service.in Makefile
	$(fill_in_unit) $(top_srcdir)/systemd/sealring-broker.service.in >$@.new && mv $@.new $@
systemd/sealring-client@.service: $(top_srcdir)/systemd/sealring-client@.service.in Makefile
	$(fill_in_unit) $(top_srcdir)/systemd/sealring-client@.service.in >$@.new && mv $@.new $@
# The user of sealringd: sysusers.d(5) wants another name for the file.
sysusersdir = $(prefix)/lib/sysusers.d
install-data-local: install-sysusers
install-sysusers:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)' && $(INSTALL_DATA) $(top_srcdir)/systemd/sealringd.sysusers '$(DESTDIR)$(sysusersdir)/sealringd.conf'
uninstall-local: uninstall-sysusers
uninstall-sysusers:
	rm -f '$(DESTDIR)$(sysusersdir)/sealringd.conf'
.PHONY: install-sysusers uninstall-sysusers
