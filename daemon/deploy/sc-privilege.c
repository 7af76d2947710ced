/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-privilege.h"

#include "base/sc-error-util.h"
#include "deploy/sc-host-path.h"

#include <stdarg.h>
#include <string.h>

#define BIND           "bind:"
#define EVERYTHING     "*"
#define MAX_WORD_BYTES 5000 /* a path may have 4096 */
#define MAX_JOINED     10

static const char *const risk_names[] = {
  [SC_RISK_LOW] = "low",
  [SC_RISK_MEDIUM] = "medium",
  [SC_RISK_HIGH] = "high",
};

const char *
sc_risk_name (ScRisk risk)
{
  return risk_names[risk];
}

static void
privilege_free (gpointer data)
{
  ScPrivilege *self = data;

  g_free (self->word);
  g_free (self);
}

GPtrArray *
sc_privilege_list_new (void)
{
  return g_ptr_array_new_with_free_func (privilege_free);
}

static ScPrivilege *
find (GPtrArray *self, const char *word)
{
  for (guint i = 0; i < self->len; i++)
    {
      ScPrivilege *privilege = self->pdata[i];
      if (strcmp (privilege->word, word) == 0)
        return privilege;
    }
  return NULL;
}

static void
add (GPtrArray *self, ScRisk risk, const char *word)
{
  ScPrivilege *present = find (self, word);

  if (present != NULL)
    {
      present->risk = MAX (present->risk, risk);
      return;
    }
  ScPrivilege *privilege = g_new0 (ScPrivilege, 1);
  privilege->word = g_strdup (word);
  privilege->risk = risk;
  g_ptr_array_add (self, privilege);
}

void
sc_privilege_list_add (GPtrArray *self, ScRisk risk, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *word = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_autofree char *safe = sc_text_escape_max (word, MAX_WORD_BYTES);
  add (self, risk, safe);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const ScPrivilege *first = *(ScPrivilege *const *)a;
  const ScPrivilege *second = *(ScPrivilege *const *)b;

  if (first->risk != second->risk)
    return first->risk > second->risk ? -1 : 1;
  return strcmp (first->word, second->word);
}

void
sc_privilege_list_sort (GPtrArray *self)
{
  g_ptr_array_sort (self, compare);
}

/* "bind:PATH:ro", "bind:PATH:rw"; (transfer full) (nullable): the path */
static char *
parse_bind (const char *word, gboolean *is_writable)
{
  const char *end = strrchr (word, ':');

  if (!g_str_has_prefix (word, BIND) || end < word + strlen (BIND))
    return NULL;
  *is_writable = g_str_equal (end, ":rw");
  return g_strndup (word + strlen (BIND), (gsize)(end - word) - strlen (BIND));
}

static gboolean
covers (const char *had, const char *wanted)
{
  gboolean had_writable = FALSE;
  gboolean wants_writable = FALSE;

  if (g_str_equal (had, wanted))
    return TRUE;
  g_autofree char *had_path = parse_bind (had, &had_writable);
  g_autofree char *wanted_path = had_path != NULL ? parse_bind (wanted, &wants_writable) : NULL;
  return wanted_path != NULL && sc_host_path_is_below (wanted_path, had_path)
         && (had_writable || !wants_writable);
}

static gboolean
is_covered (GPtrArray *self, const char *word)
{
  for (guint i = 0; i < self->len; i++)
    if (covers (((const ScPrivilege *)self->pdata[i])->word, word))
      return TRUE;
  return FALSE;
}

GPtrArray *
sc_privilege_list_gains (GPtrArray *from, GPtrArray *to)
{
  GPtrArray *gains = sc_privilege_list_new ();

  for (guint i = 0; i < to->len; i++)
    {
      const ScPrivilege *privilege = to->pdata[i];
      if (privilege->risk > SC_RISK_LOW && !is_covered (from, privilege->word))
        add (gains, privilege->risk, privilege->word);
    }
  return gains;
}

GPtrArray *
sc_privilege_list_without (GPtrArray *self, const char *const *accepted)
{
  GPtrArray *left = sc_privilege_list_new ();

  for (guint i = 0; i < self->len; i++)
    {
      const ScPrivilege *privilege = self->pdata[i];
      if (accepted == NULL
          || (!g_strv_contains (accepted, EVERYTHING)
              && !g_strv_contains (accepted, privilege->word)))
        add (left, privilege->risk, privilege->word);
    }
  return left;
}

char *
sc_privilege_list_join (GPtrArray *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < MIN (self->len, MAX_JOINED); i++)
    g_string_append_printf (text, "%s%s", i == 0 ? "" : ", ",
                            ((const ScPrivilege *)self->pdata[i])->word);
  if (self->len > MAX_JOINED)
    g_string_append_printf (text, " and %u more", self->len - MAX_JOINED);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

GVariant *
sc_privilege_list_to_variant (GPtrArray *self)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; self != NULL && i < self->len; i++)
    {
      const ScPrivilege *privilege = self->pdata[i];
      g_variant_builder_open (&builder, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (&builder, "{sv}", "word", g_variant_new_string (privilege->word));
      g_variant_builder_add (&builder, "{sv}", "risk",
                             g_variant_new_string (sc_risk_name (privilege->risk)));
      g_variant_builder_close (&builder);
    }
  return g_variant_builder_end (&builder);
}
