/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-pending-call.h"

ScPendingCall *
sc_pending_call_new (const ScParts *parts, GDBusMethodInvocation *invocation, ScRequest *request)
{
  ScPendingCall *self = g_new0 (ScPendingCall, 1);

  self->parts = parts;
  self->invocation = invocation;
  self->request = request;
  sc_idle_hold (parts->idle);
  return self;
}

void
sc_pending_call_free (ScPendingCall *self)
{
  sc_idle_release (self->parts->idle);
  g_clear_object (&self->invocation);
  g_clear_pointer (&self->caller, sc_caller_unref);
  g_clear_pointer (&self->rows, g_variant_unref);
  sc_request_free (self->request);
  g_free (self);
}

void
sc_pending_call_return (ScPendingCall *self, GVariant *value)
{
  g_dbus_method_invocation_return_value (g_steal_pointer (&self->invocation), value);
}

void
sc_pending_call_return_error (ScPendingCall *self, const GError *error)
{
  g_autoptr (GError) normal = syscont_error_normalize (error);

  g_dbus_method_invocation_return_gerror (g_steal_pointer (&self->invocation), normal);
}
