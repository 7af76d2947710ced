/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-credential.h"

#include "base/sc-json.h"

#include <string.h>

static gboolean
refuse (GError **error, const char *why)
{
  return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "%s", why);
}

static gboolean
has_control (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      return TRUE;
  return FALSE;
}

/* An identity token goes into a form and is escaped there; whatever is no visible ASCII is none. */
static gboolean
is_visible_ascii (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isgraph (*p))
      return FALSE;
  return *text != '\0';
}

static gboolean
check (ScCredentialKind kind, const char *user, const char *secret, GError **error)
{
  if (strlen (user) > SC_CREDENTIAL_MAX_BYTES || strlen (secret) > SC_CREDENTIAL_MAX_BYTES)
    return refuse (error, "the user's name, the password or the token is too long");
  if (kind == SC_CREDENTIAL_IDENTITY_TOKEN)
    return is_visible_ascii (secret) || refuse (error, "the identity token is none");
  /* RFC 7617, 2: the first colon ends the user's name; control characters are forbidden. */
  if (*user == '\0' || strchr (user, ':') != NULL)
    return refuse (error, "the user's name is empty, or has a \":\"");
  if (has_control (user) || has_control (secret))
    return refuse (error, "the user's name or the password has a control character");
  return TRUE;
}

ScCredential *
sc_credential_new (
    ScCredentialKind kind, const char *user, const char *secret, const char *realm, GError **error)
{
  if (!check (kind, user, secret, error))
    return NULL;

  ScCredential *self = g_new0 (ScCredential, 1);
  self->kind = kind;
  self->user = g_strdup (user);
  self->secret = g_strdup (secret);
  self->realm = g_strdup (realm);
  return self;
}

ScCredential *
sc_credential_copy (const ScCredential *self)
{
  if (self == NULL)
    return NULL;

  ScCredential *copy = g_new0 (ScCredential, 1);
  copy->kind = self->kind;
  copy->user = g_strdup (self->user);
  copy->secret = g_strdup (self->secret);
  copy->realm = g_strdup (self->realm);
  return copy;
}

void
sc_credential_free (ScCredential *self)
{
  explicit_bzero (self->secret, strlen (self->secret));
  g_free (self->user);
  g_free (self->secret);
  g_free (self->realm);
  g_free (self);
}

/* @auth: base64 of USER:PASSWORD; Docker once wrote zero bytes behind it */
static ScCredential *
decode_auth (const char *auth, const char *realm, GError **error)
{
  gsize n_bytes = 0;
  gboolean is_base64 = strlen (auth) % 4 == 0
                       && strspn (auth, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "0123456789+/=")
                              == strlen (auth);
  g_autofree guchar *bytes = is_base64 ? g_base64_decode (auth, &n_bytes) : NULL;
  g_autofree char *text = bytes != NULL ? g_strndup ((const char *)bytes, n_bytes) : NULL;
  char *colon = text != NULL ? strchr (text, ':') : NULL;

  while (n_bytes > 0 && bytes[n_bytes - 1] == '\0')
    n_bytes--;
  if (colon == NULL || strlen (text) != n_bytes || !g_utf8_validate (text, -1, NULL))
    {
      refuse (error, "\"auth\" is not base64 of USER:PASSWORD");
      return NULL;
    }
  *colon = '\0';
  return sc_credential_new (SC_CREDENTIAL_BASIC, text, colon + 1, realm, error);
}

ScCredential *
sc_credential_from_entry (JsonObject *entry, GError **error)
{
  const char *auth;
  const char *token;
  const char *realm;
  g_autoptr (GError) reason = NULL;

  if (!sc_json_get_string (entry, "auth", &auth, &reason)
      || !sc_json_get_string (entry, "identitytoken", &token, &reason)
      || !sc_json_get_string (entry, "realm", &realm, &reason))
    {
      refuse (error, reason->message);
      return NULL;
    }
  if (token != NULL && *token != '\0')
    return sc_credential_new (SC_CREDENTIAL_IDENTITY_TOKEN, "", token, realm, error);
  return auth != NULL && *auth != '\0' ? decode_auth (auth, realm, error) : NULL;
}

JsonObject *
sc_credential_to_entry (const ScCredential *self)
{
  JsonObject *entry = json_object_new ();

  if (self->kind == SC_CREDENTIAL_IDENTITY_TOKEN)
    json_object_set_string_member (entry, "identitytoken", self->secret);
  else
    {
      g_autofree char *text = g_strconcat (self->user, ":", self->secret, NULL);
      g_autofree char *auth = g_base64_encode ((const guchar *)text, strlen (text));
      json_object_set_string_member (entry, "auth", auth);
    }
  if (self->realm != NULL)
    json_object_set_string_member (entry, "realm", self->realm);
  return entry;
}

char *
sc_credential_describe (const ScCredential *self)
{
  if (self->kind == SC_CREDENTIAL_IDENTITY_TOKEN)
    return g_strdup ("the identity token");

  g_autofree char *escaped = sc_text_escape_max (self->user, 64);
  return g_strdup_printf ("user \"%s\"", escaped);
}
