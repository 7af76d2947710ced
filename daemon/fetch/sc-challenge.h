/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * WWW-Authenticate (RFC 9110, 11.6.1), as a registry sends it with status 401: a small parser of
 * its own, strict and bounded, because what it finds decides where the next request goes. It
 * decides nothing itself.
 */
#pragma once

#include <glib.h>

#define SC_CHALLENGE_MAX_BYTES      (8 * 1024)
#define SC_CHALLENGE_MAX_CHALLENGES 8
#define SC_CHALLENGE_MAX_PARAMETERS 16

typedef struct
{
  char *scheme;           /* (owned) lower case */
  GHashTable *parameters; /* (owned) char* to char*: names in lower case, values unquoted */
} ScChallenge;

/**
 * sc_challenge_parse:
 * @text: value of the header; several headers are joined with ", "
 *
 * Refused are control characters and bytes above ASCII, a quote that is not closed, a parameter
 * that is there twice and whatever exceeds the limits above.
 *
 * Returns: (transfer full) (nullable): of ScChallenge, at least one; REGISTRY_AUTH_REQUIRED
 * otherwise
 */
GPtrArray *sc_challenge_parse (const char *text, GError **error);

/** sc_challenge_find: (nullable): the first of @challenges with @scheme, which is lower case */
const ScChallenge *sc_challenge_find (GPtrArray *challenges, const char *scheme);

/** sc_challenge_get: (nullable): a parameter; @name is lower case */
const char *sc_challenge_get (const ScChallenge *self, const char *name);

void sc_challenge_free (ScChallenge *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScChallenge, sc_challenge_free)
