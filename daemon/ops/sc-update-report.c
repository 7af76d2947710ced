/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-update-report.h"

#include "base/sc-log.h"
#include "dbus/sc-bus-path.h"
#include "ops/sc-inventory.h"
#include "ops/sc-op-private.h"
#include "ops/sc-recover.h"

#include <string.h>

void
sc_update_report_init (ScUpdateReport *self)
{
  memset (self, 0, sizeof *self);
  self->from = SC_NO_DEPLOYMENT;
  self->to = SC_NO_DEPLOYMENT;
}

void
sc_update_report_clear (ScUpdateReport *self)
{
  g_free (self->from_digest);
  g_free (self->digest);
  g_free (self->reference);
  g_free (self->skipped);
  g_strfreev (self->notes);
  g_clear_pointer (&self->gains, g_ptr_array_unref);
  g_free (self->blocked);
}

static gboolean
settle (const ScOpContext *context, const char *name, GError **error)
{
  g_autoptr (ScSystemd) systemd = sc_systemd_new (context->bus, error);

  return systemd != NULL
         && sc_recover_container (context->paths, context->config, systemd, name, error);
}

ScContainer *
sc_update_load (const ScOpContext *context,
                const char *name,
                ScUpdateReport *report,
                GError **error)
{
  if (!settle (context, name, error))
    return NULL;
  g_autoptr (ScContainer) container = sc_container_load (context->paths, name, error);
  if (container == NULL)
    return NULL;

  g_autofree char *damage = sc_inventory_find_damage (context->paths, container);
  const ScDeploymentRecord *current = sc_container_find (container, container->current);
  if (damage != NULL || current == NULL)
    {
      sc_error_set (error, SYSCONT_ERROR_DAMAGED, "%s; repair that, or uninstall the container",
                    damage != NULL ? damage : "its current deployment is not recorded");
      return NULL;
    }
  report->from = (gint64)container->current;
  sc_set_text (&report->from_digest, current->digest);
  sc_set_text (&report->digest, current->digest);
  sc_set_text (&report->reference, container->reference);
  return g_steal_pointer (&container);
}

static void
log_event (const ScUpdateReport *self,
           const ScOpContext *context,
           const char *name,
           const char *event,
           const char *message_id)
{
  g_autofree char *from = self->from != SC_NO_DEPLOYMENT
                              ? g_strdup_printf (" from deployment %" G_GINT64_FORMAT " (%s)",
                                                 self->from, self->from_digest)
                              : g_strdup ("");

  sc_log (G_LOG_LEVEL_MESSAGE,
          &(ScLogFields){ .job = context->job_id,
                          .operation = "update",
                          .container = name,
                          .image = self->digest,
                          .message_id = message_id,
                          .has_caller_uid = TRUE,
                          .caller_uid = context->caller_uid },
          "%s \"%s\"%s to deployment %" G_GINT64_FORMAT " (%s)", event, name, from, self->to,
          self->digest);
}

static void
log_revert (const ScUpdateReport *self,
            const ScOpContext *context,
            const char *name,
            const GError *failure)
{
  sc_log (G_LOG_LEVEL_WARNING,
          &(ScLogFields){ .job = context->job_id,
                          .operation = "update",
                          .container = name,
                          .image = self->digest,
                          .message_id = SC_MESSAGE_ROLLED_BACK,
                          .has_caller_uid = TRUE,
                          .caller_uid = context->caller_uid },
          "\"%s\" did not run with %s: %s", name, self->digest, failure->message);
}

void
sc_update_report_record (const ScUpdateReport *self,
                         const ScOpContext *context,
                         const char *name,
                         const char *event,
                         const GError *failure)
{
  g_autoptr (GError) normal = failure != NULL ? syscont_error_normalize (failure) : NULL;
  gboolean is_revert = g_error_matches (normal, SYSCONT_ERROR, SYSCONT_ERROR_ROLLED_BACK);
  const ScHistoryEvent entry = {
    .event = is_revert ? "update-rolled-back" : event,
    .container = name,
    .from_digest = self->from_digest,
    .to_digest = self->digest,
    .from = self->from,
    .to = self->to,
  };

  if (normal == NULL && !self->changed)
    return;
  sc_op_record (context, &entry, failure);
  if (is_revert)
    log_revert (self, context, name, normal);
  else if (normal == NULL)
    log_event (self, context, name, event, SC_MESSAGE_UPDATED);
}

static void
add_string (GVariantBuilder *builder, const char *key, const char *text)
{
  if (text != NULL)
    g_variant_builder_add (builder, "{sv}", key, g_variant_new_string (text));
}

static void
add_number (GVariantBuilder *builder, const char *key, gint64 number)
{
  if (number != SC_NO_DEPLOYMENT)
    g_variant_builder_add (builder, "{sv}", key, g_variant_new_uint64 ((guint64)number));
}

GVariant *
sc_update_report_to_dict (const ScUpdateReport *self, const char *name, const GError *failure)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autoptr (GError) normal = failure != NULL ? syscont_error_normalize (failure) : NULL;
  g_autofree char *path = sc_bus_path_container (name);

  add_string (&builder, "name", name);
  g_variant_builder_add (&builder, "{sv}", "container", g_variant_new_object_path (path));
  add_string (&builder, "from-digest", self->from_digest);
  add_string (&builder, "digest", self->digest);
  add_string (&builder, "reference", self->reference);
  add_number (&builder, "from-deployment", self->from);
  add_number (&builder, "deployment", self->to);
  g_variant_builder_add (&builder, "{sv}", "changed", g_variant_new_boolean (self->changed));
  g_variant_builder_add (&builder, "{sv}", "available", g_variant_new_boolean (self->available));
  if (self->newly_available)
    g_variant_builder_add (&builder, "{sv}", "newly-available", g_variant_new_boolean (TRUE));
  add_string (&builder, "due", self->due);
  add_string (&builder, "skipped", self->skipped);
  if (self->notes != NULL)
    g_variant_builder_add (&builder, "{sv}", "notes",
                           g_variant_new_strv ((const char *const *)self->notes, -1));
  if (self->gains != NULL && self->gains->len > 0)
    g_variant_builder_add (&builder, "{sv}", "privilege-gains",
                           sc_privilege_list_to_variant (self->gains));
  add_string (&builder, "blocked", self->blocked);
  if (normal != NULL)
    {
      add_string (&builder, "error-name", syscont_error_name (normal->code));
      add_string (&builder, "error-message", normal->message);
    }
  return g_variant_builder_end (&builder);
}
