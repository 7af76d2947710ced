/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-challenge.h"

#include "base/sc-error-util.h"

#include <string.h>

static gboolean
is_token_char (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("!#$%&'*+-.^_`|~", c) != NULL);
}

static gboolean
is_token68_char (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("-._~+/", c) != NULL);
}

static const char *
skip_blanks (const char *at)
{
  return at + strspn (at, " \t");
}

static gboolean
is_element_end (const char *at)
{
  return *at == '\0' || *at == ',';
}

static char *
take_token (const char **at)
{
  const char *start = *at;

  while (is_token_char (**at))
    (*at)++;
  return *at > start ? g_ascii_strdown (start, *at - start) : NULL;
}

/* The text between quotes; NULL when they are not closed. */
static char *
take_quoted (const char **at)
{
  g_autoptr (GString) value = g_string_new (NULL);

  for (const char *p = *at + 1; *p != '\0'; p++)
    {
      if (*p == '"')
        {
          *at = p + 1;
          return g_string_free (g_steal_pointer (&value), FALSE);
        }
      if (*p == '\\' && *++p == '\0')
        return NULL;
      g_string_append_c (value, *p);
    }
  return NULL;
}

static char *
take_value (const char **at)
{
  const char *start = *at;

  if (*start == '"')
    return take_quoted (at);
  while (is_token_char (**at))
    (*at)++;
  return *at > start ? g_strndup (start, (gsize)(*at - start)) : NULL;
}

/* Credentials of another kind than parameters, as in "Negotiate YII=": one word up to the end of
 * the element. */
static const char *
skip_token68 (const char *at)
{
  const char *p = at;

  while (is_token68_char (*p))
    p++;
  if (p == at)
    return at;
  while (*p == '=')
    p++;
  p = skip_blanks (p);
  return is_element_end (p) ? p : at;
}

static gboolean
fail (GError **error, const char *what)
{
  return sc_error_set (error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                       "the registry asks for a login in a way that is not understood: %s", what);
}

static gboolean
add_challenge (GPtrArray *challenges, char *scheme, GError **error)
{
  g_autofree char *owned_scheme = scheme;

  if (challenges->len == SC_CHALLENGE_MAX_CHALLENGES)
    return fail (error, "too many challenges");

  ScChallenge *challenge = g_new0 (ScChallenge, 1);
  challenge->scheme = g_steal_pointer (&owned_scheme);
  challenge->parameters = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_ptr_array_add (challenges, challenge);
  return TRUE;
}

static gboolean
add_parameter (ScChallenge *challenge, char *name, const char **at, GError **error)
{
  g_autofree char *owned_name = name;
  g_autofree char *value = take_value (at);

  if (value == NULL)
    return fail (error, "a parameter without a proper value");
  if (g_hash_table_size (challenge->parameters) == SC_CHALLENGE_MAX_PARAMETERS)
    return fail (error, "too many parameters");
  if (g_hash_table_contains (challenge->parameters, owned_name))
    return fail (error, "a parameter that is there twice");

  g_hash_table_insert (challenge->parameters, g_steal_pointer (&owned_name),
                       g_steal_pointer (&value));
  return TRUE;
}

/* One scheme, with its first parameter if it has any, or one more parameter of the last scheme. */
static gboolean
take_element (GPtrArray *challenges, const char **at, GError **error)
{
  g_autofree char *token = take_token (at);
  if (token == NULL)
    return fail (error, "neither a scheme nor a parameter");

  const char *next = skip_blanks (*at);
  if (*next == '=')
    {
      if (challenges->len == 0)
        return fail (error, "a parameter without a scheme");
      *at = skip_blanks (next + 1);
      return add_parameter (challenges->pdata[challenges->len - 1], g_steal_pointer (&token), at,
                            error);
    }

  if (!add_challenge (challenges, g_steal_pointer (&token), error))
    return FALSE;
  if (is_element_end (next))
    return TRUE;
  if (next == *at)
    return fail (error, "no blank after a scheme");

  *at = skip_token68 (next);
  if (is_element_end (*at))
    return TRUE;

  g_autofree char *name = take_token (at);
  *at = skip_blanks (*at);
  if (name == NULL || **at != '=')
    return fail (error, "neither a scheme nor a parameter");
  *at = skip_blanks (*at + 1);
  return add_parameter (challenges->pdata[challenges->len - 1], g_steal_pointer (&name), at, error);
}

static gboolean
check_text (const char *text, GError **error)
{
  if (strlen (text) > SC_CHALLENGE_MAX_BYTES)
    return fail (error, "too long");
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isprint (*p) && *p != '\t')
      return fail (error, "a control character");
  return TRUE;
}

GPtrArray *
sc_challenge_parse (const char *text, GError **error)
{
  g_autoptr (GPtrArray) challenges
      = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_challenge_free);

  if (!check_text (text, error))
    return NULL;

  for (const char *at = text + strspn (text, " \t,"); *at != '\0'; at += strspn (at, " \t,"))
    {
      if (!take_element (challenges, &at, error))
        return NULL;
      at = skip_blanks (at);
      if (!is_element_end (at))
        {
          fail (error, "no comma between two parameters");
          return NULL;
        }
    }

  if (challenges->len == 0)
    {
      fail (error, "an empty challenge");
      return NULL;
    }
  return g_steal_pointer (&challenges);
}

const ScChallenge *
sc_challenge_find (GPtrArray *challenges, const char *scheme)
{
  for (guint i = 0; i < challenges->len; i++)
    {
      const ScChallenge *challenge = challenges->pdata[i];
      if (g_str_equal (challenge->scheme, scheme))
        return challenge;
    }
  return NULL;
}

const char *
sc_challenge_get (const ScChallenge *self, const char *name)
{
  return g_hash_table_lookup (self->parameters, name);
}

void
sc_challenge_free (ScChallenge *self)
{
  g_free (self->scheme);
  g_hash_table_unref (self->parameters);
  g_free (self);
}
