/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What somebody logs in to a registry with, as one entry of an auth.json says it
 * (containers-auth.json(5)). It never goes into a message.
 */
#pragma once

#include <json-glib/json-glib.h>

/* Docker's ids of tokens are long, but a header carries them. */
#define SC_CREDENTIAL_MAX_BYTES (16 * 1024)

typedef enum
{
  SC_CREDENTIAL_NONE,
  SC_CREDENTIAL_BASIC,          /* user and password */
  SC_CREDENTIAL_IDENTITY_TOKEN, /* a refresh token for the registry's token server */
} ScCredentialKind;

#define SC_CREDENTIAL_N_KINDS (SC_CREDENTIAL_IDENTITY_TOKEN + 1)

typedef struct
{
  ScCredentialKind kind;
  char *user;   /* (owned) "" for an identity token */
  char *secret; /* (owned) the password or the token */
  char *realm; /* (owned) (nullable) host[:port] of the one token server that may see it; NULL: what
                 * sc_realm_check() says */
} ScCredential;

/**
 * sc_credential_new:
 * @realm: (nullable)
 *
 * Returns: (transfer full) (nullable): INVALID_ARGUMENT for what could not be sent: a user with ":"
 * or nobody, control characters, more than SC_CREDENTIAL_MAX_BYTES
 */
ScCredential *sc_credential_new (
    ScCredentialKind kind, const char *user, const char *secret, const char *realm, GError **error);
void sc_credential_free (ScCredential *self);

/** sc_credential_copy: (nullable): NULL for NULL */
ScCredential *sc_credential_copy (const ScCredential *self);

/**
 * sc_credential_from_entry:
 * @entry: {"auth": base64 of USER:PASSWORD, "identitytoken": TOKEN, "realm": HOST[:PORT]}; other
 *   members are not looked at. An identity token comes before a password; "realm" is our own.
 *
 * Returns: (transfer full) (nullable): NULL without @error for an entry without a login, as Docker
 *   leaves behind where a helper has it; INVALID_ARGUMENT for a broken one
 */
ScCredential *sc_credential_from_entry (JsonObject *entry, GError **error);

/** sc_credential_to_entry: (transfer full) */
JsonObject *sc_credential_to_entry (const ScCredential *self);

/** sc_credential_describe: (transfer full): who logs in, for a message: the user's name, or that it
 * is a token */
char *sc_credential_describe (const ScCredential *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScCredential, sc_credential_free)
