/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a run, each a file of its own. Those named _round are called once per round, so that all share the machine's moods. */
#ifndef BENCH_PARTS_H
#define BENCH_PARTS_H

#include "bench/child.h"
#include "bench/scene.h"

/* Open, rotate and issue with many keys in the registry against few. Before the vault is opened for verifying. */
void scale_measure(struct scene *scene);

/* Has every text seen once, so that the verifier remembers it. */
void cached_prepare(struct scene *scene);
void cached_round(struct scene *scene);

/* Keys that are bound to networks: issues them, and has each seen once. */
void addresses_prepare(struct scene *scene);
void addresses_round(struct scene *scene);
void addresses_end(void);

void threads_round(struct scene *scene);

/* What a user would pick instead. Whatever cannot be prepared is said in the table. */
void rivals_prepare(struct scene *scene);
void rivals_round(struct scene *scene);
void rivals_end(void);

void strangers_round(struct scene *scene);

void first_sight_round(struct scene *scene);

void client_text_round(struct scene *scene);

void webhook_signing_round(struct scene *scene);

void tail_measure(struct scene *scene);
int tail_churn(const char *vault, const char *shared_path);

void revocation_measure(struct scene *scene);
int revocation_poll(const char *vault, const char *shared_path);

void idle_measure(struct scene *scene);
int idle_verify(const char *vault, const char *shared_path);

size_t locks_keys(const struct scene *scene); /* that are in use then */
void locks_measure(struct scene *scene);
int locks_verify(const char *vault, const char *shared_path);
int locks_harvest(const char *vault, const char *shared_path);
int locks_sample(const char *vault, const char *shared_path);

void memory_measure(struct scene *scene);
int memory_fill(const char *vault, const char *shared_path);

/* Before any verifier of the small vault. */
void renewal_measure(struct scene *scene);

/* Before the large vault is opened for verifying; and after it was. */
void renewing_prepare(struct scene *scene);
void renewing_measure(struct scene *scene);
int renewing_renew(const char *vault, const char *shared_path);

/* At the end of a run: revokes a tenth as many keys as there are. */
void closed_measure(struct scene *scene);

#endif
