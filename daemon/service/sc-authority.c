/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-authority.h"

#include "base/sc-log.h"
#include "service/sc-authority-rules.h"

#include <polkit/polkit.h>
#include <string.h>

#define TIMEOUT_S             30
#define INTERACTIVE_TIMEOUT_S 300

struct _ScAuthority
{
  ScCallers *callers;      /* (not owned) */
  PolkitAuthority *polkit; /* (owned) (nullable) until the first question that needs it */
  gboolean polkit_coming;
  GPtrArray *waiting;    /* (owned) of Check, (not owned): for polkit to come */
  GPtrArray *asked;      /* (owned) of Check, (not owned): for polkit's answer */
  GHashTable *pending;   /* (owned) PendingKey to count: of each uid and kind */
  GCancellable *closing; /* (owned) */
};

typedef struct
{
  ScAuthority *authority; /* (nullable) NULL when it was freed before polkit answered */
  const ScMethodRule *rule;
  GHashTable *details; /* (owned) */
  gboolean has_owner;
  guint owner_uid;
  gboolean interactive;
  ScAuthorityFunc func;
  gpointer user_data;

  ScCaller *caller; /* (owned) (nullable) until it is known */
  gboolean counted;
  GCancellable *cancellable; /* (owned) */
  gulong gone_handler;
  guint timeout;
} Check;

static gboolean
is_inspect (const Check *check)
{
  return strcmp (check->rule->action, SC_ACTION_INSPECT) == 0;
}

/* One counter for what everybody may do and one for what prompts, so that many listings at once, as
 * a web page makes them, are not held against the limit of open prompts. */
static gint64
pending_key (const Check *check)
{
  return ((gint64)check->caller->uid << 1) | is_inspect (check);
}

static gboolean
count_in (Check *check)
{
  guint limit = is_inspect (check) ? SC_AUTHORITY_MAX_PENDING_INSPECT : SC_AUTHORITY_MAX_PENDING;
  gint64 key = pending_key (check);
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (check->authority->pending, &key));

  if (count >= limit)
    return FALSE;
  g_hash_table_insert (check->authority->pending, g_memdup2 (&key, sizeof key),
                       GUINT_TO_POINTER (count + 1));
  check->counted = TRUE;
  return TRUE;
}

static void
count_out (Check *check)
{
  gint64 key = pending_key (check);
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (check->authority->pending, &key));

  check->counted = FALSE;
  if (count > 1)
    g_hash_table_insert (check->authority->pending, g_memdup2 (&key, sizeof key),
                         GUINT_TO_POINTER (count - 1));
  else
    g_hash_table_remove (check->authority->pending, &key);
}

static void
check_free (Check *check)
{
  if (check->counted)
    count_out (check);
  if (check->gone_handler != 0)
    g_signal_handler_disconnect (check->caller->gone, check->gone_handler);
  if (check->timeout != 0)
    g_source_remove (check->timeout);
  g_clear_object (&check->cancellable);
  g_clear_pointer (&check->caller, sc_caller_unref);
  g_hash_table_unref (check->details);
  g_free (check);
}

static void
finish (Check *check, ScVerdict verdict)
{
  ScAuthorityFunc func = check->func;
  gpointer user_data = check->user_data;
  g_autoptr (ScCaller) caller = check->caller != NULL ? sc_caller_ref (check->caller) : NULL;

  check_free (check);
  func (verdict, caller, user_data);
}

static ScVerdict
refusal (const Check *check)
{
  return g_cancellable_is_cancelled (check->caller->gone) ? SC_VERDICT_GONE : SC_VERDICT_DENIED;
}

/* Too late or nobody there: what waits for polkit ends here, what polkit was asked ends in
 * on_checked(). */
static void
give_up (Check *check)
{
  if (check->authority != NULL && g_ptr_array_remove (check->authority->waiting, check))
    finish (check, refusal (check));
  else
    g_cancellable_cancel (check->cancellable);
}

static gboolean
on_timeout (gpointer user_data)
{
  Check *check = user_data;

  check->timeout = 0;
  sc_log (G_LOG_LEVEL_INFO, NULL, "polkit did not answer in time about %s for %s",
          check->rule->method, check->caller->sender);
  give_up (check);
  return G_SOURCE_REMOVE;
}

static void
on_gone (GCancellable *gone, gpointer user_data)
{
  give_up (user_data);
}

static ScVerdict
verdict_of (const Check *check, PolkitAuthorizationResult *answer)
{
  if (g_cancellable_is_cancelled (check->caller->gone))
    return SC_VERDICT_GONE;
  if (polkit_authorization_result_get_is_authorized (answer))
    return SC_VERDICT_ALLOWED;
  if (polkit_authorization_result_get_is_challenge (answer))
    return SC_VERDICT_CHALLENGE;
  return SC_VERDICT_DENIED;
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Check *check = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PolkitAuthorizationResult) answer
      = polkit_authority_check_authorization_finish (POLKIT_AUTHORITY (source), result, &error);

  if (check->authority == NULL)
    {
      check_free (check);
      return;
    }
  g_ptr_array_remove (check->authority->asked, check);
  if (answer != NULL)
    {
      finish (check, verdict_of (check, answer));
      return;
    }
  if (!g_cancellable_is_cancelled (check->cancellable))
    sc_log (G_LOG_LEVEL_INFO, NULL, "polkit failed about %s for %s: %s", check->rule->method,
            check->caller->sender, error->message);
  finish (check, refusal (check));
}

static void
ask (Check *check)
{
  g_autoptr (PolkitSubject) subject = polkit_system_bus_name_new (check->caller->sender);
  g_autoptr (PolkitDetails) details = polkit_details_new ();
  GHashTableIter iter;
  gpointer key;
  gpointer value;

  g_ptr_array_add (check->authority->asked, check);
  g_hash_table_iter_init (&iter, check->details);
  while (g_hash_table_iter_next (&iter, &key, &value))
    polkit_details_insert (details, key, value);
  polkit_authority_check_authorization (
      check->authority->polkit, subject, check->rule->action, details,
      check->interactive ? POLKIT_CHECK_AUTHORIZATION_FLAGS_ALLOW_USER_INTERACTION
                         : POLKIT_CHECK_AUTHORIZATION_FLAGS_NONE,
      check->cancellable, on_checked, check);
}

static void
on_polkit (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  PolkitAuthority *polkit = polkit_authority_get_finish (result, &error);

  if (polkit == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  ScAuthority *self = user_data;
  g_autoptr (GPtrArray) waiting = g_steal_pointer (&self->waiting);
  self->waiting = g_ptr_array_new ();
  self->polkit = polkit;
  self->polkit_coming = FALSE;
  if (polkit == NULL)
    sc_log (G_LOG_LEVEL_WARNING, NULL, "polkit cannot be asked, only root is allowed anything: %s",
            error->message);
  for (guint i = 0; i < waiting->len; i++)
    if (polkit != NULL)
      ask (waiting->pdata[i]);
    else
      finish (waiting->pdata[i], SC_VERDICT_DENIED);
}

static void
ask_or_wait (Check *check)
{
  ScAuthority *self = check->authority;

  if (self->polkit != NULL)
    {
      ask (check);
      return;
    }
  g_ptr_array_add (self->waiting, check);
  if (self->polkit_coming)
    return;
  self->polkit_coming = TRUE;
  polkit_authority_get_async (self->closing, on_polkit, self);
}

static void
on_caller (ScCaller *caller, gpointer user_data)
{
  Check *check = user_data;

  if (caller == NULL)
    {
      finish (check, SC_VERDICT_GONE);
      return;
    }
  check->caller = sc_caller_ref (caller);
  if (caller->uid == 0 || (check->has_owner && caller->uid == check->owner_uid))
    {
      finish (check, SC_VERDICT_ALLOWED);
      return;
    }
  if (check->rule->action == NULL)
    {
      finish (check, SC_VERDICT_DENIED);
      return;
    }
  if (!count_in (check))
    {
      finish (check, SC_VERDICT_BUSY);
      return;
    }

  check->cancellable = g_cancellable_new ();
  check->gone_handler = g_signal_connect (caller->gone, "cancelled", G_CALLBACK (on_gone), check);
  check->timeout = g_timeout_add_seconds (check->interactive ? INTERACTIVE_TIMEOUT_S : TIMEOUT_S,
                                          on_timeout, check);
  ask_or_wait (check);
}

void
sc_authority_check (ScAuthority *self,
                    const char *sender,
                    const ScQuestion *question,
                    ScAuthorityFunc func,
                    gpointer user_data)
{
  const ScMethodRule *rule = sc_method_rule_find (question->interface, question->method);
  if (rule == NULL)
    {
      func (SC_VERDICT_DENIED, NULL, user_data);
      return;
    }

  Check *check = g_new0 (Check, 1);
  check->authority = self;
  check->rule = rule;
  check->details = sc_method_rule_describe (rule, question->subject);
  check->has_owner = question->owner_uid != NULL;
  check->owner_uid = check->has_owner ? *question->owner_uid : 0;
  check->interactive = question->interactive;
  check->func = func;
  check->user_data = user_data;
  sc_callers_lookup (self->callers, sender, on_caller, check);
}

void
sc_authority_refuse (GDBusMethodInvocation *invocation, ScVerdict verdict)
{
  const char *method = g_dbus_method_invocation_get_method_name (invocation);

  if (verdict == SC_VERDICT_BUSY)
    g_dbus_method_invocation_return_error (
        invocation, SYSCONT_ERROR, SYSCONT_ERROR_BUSY,
        "too many calls of this user wait for authorization, try again later");
  else if (verdict == SC_VERDICT_CHALLENGE)
    {
      g_autofree char *message = g_strdup_printf ("%s needs interactive authorization", method);

      g_dbus_method_invocation_return_dbus_error (
          invocation, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", message);
    }
  else
    g_dbus_method_invocation_return_error (invocation, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                                           "not authorized to call %s", method);
}

ScAuthority *
sc_authority_new (ScCallers *callers)
{
  ScAuthority *self = g_new0 (ScAuthority, 1);

  self->callers = callers;
  self->waiting = g_ptr_array_new ();
  self->asked = g_ptr_array_new ();
  self->pending = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->closing = g_cancellable_new ();
  return self;
}

/* The question is given up, its answer has nobody any more to go to. */
static void
abandon (Check *check)
{
  count_out (check);
  check->authority = NULL;
  g_cancellable_cancel (check->cancellable);
  check->func (SC_VERDICT_DENIED, check->caller, check->user_data);
}

void
sc_authority_free (ScAuthority *self)
{
  g_cancellable_cancel (self->closing);
  while (self->waiting->len > 0)
    finish (g_ptr_array_steal_index (self->waiting, 0), SC_VERDICT_DENIED);
  while (self->asked->len > 0)
    abandon (g_ptr_array_steal_index (self->asked, 0));
  g_clear_object (&self->polkit);
  g_ptr_array_unref (self->waiting);
  g_ptr_array_unref (self->asked);
  g_hash_table_unref (self->pending);
  g_object_unref (self->closing);
  g_free (self);
}
