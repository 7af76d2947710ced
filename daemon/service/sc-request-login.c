/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-request-private.h"

#include "image/sc-auth-file.h"

static gboolean
set_prefix (ScRequest *request, const char *prefix, GError **error)
{
  if (!sc_auth_prefix_check (prefix, error))
    return FALSE;
  request->subject.prefix = g_strdup (prefix);
  return TRUE;
}

static gboolean
parse_set (const ScCall *call, ScRequest *request, GError **error)
{
  const char *prefix;
  gint32 handle;

  g_variant_get (call->parameters, "(&sh@a{sv})", &prefix, &handle, NULL);
  if (!set_prefix (request, prefix, error))
    return FALSE;
  request->secret = sc_request_take_secret (call, handle, error);
  return request->secret != NULL;
}

static gboolean
parse_remove (const ScCall *call, ScRequest *request, GError **error)
{
  const char *prefix;

  g_variant_get (call->parameters, "(&s@a{sv})", &prefix, NULL);
  return set_prefix (request, prefix, error);
}

static gboolean
parse_login (const ScCall *call, ScRequest *request, GError **error)
{
  if (!parse_set (call, request, error))
    return FALSE;
  request->op = sc_op_new_login (request->subject.prefix, g_steal_pointer (&request->secret));
  return TRUE;
}

static const ScOptionSpec login_options[] = {
  { "no-queue", "b" },
  { NULL, NULL },
};

const ScMethod sc_request_login_methods[] = {
  { "Login", login_options, parse_login },
  { "SetRegistryCredential", sc_request_no_options, parse_set },
  { "RemoveRegistryCredential", sc_request_no_options, parse_remove },
  { NULL, NULL, NULL },
};
