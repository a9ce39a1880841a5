/* SPDX-License-Identifier: Apache-2.0 */
/* Who acts: user, host and process, for the audit log. */
#ifndef MANAGE_SESSION_ACTOR_H
#define MANAGE_SESSION_ACTOR_H

/* Fills actor: "alice@host 4711", in which the last @ and the last blank separate user, host and process. It is clean UTF-8 (name_contact_problem),
 * although names of users and hosts may contain any byte. */
void actor_describe(char actor[256]);

#endif
