/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dbus/sc-error.h"

#define PREFIX "org.syscont.Error."

typedef struct
{
  int code;
  const char *name;
  int exit_status;
} ErrorRow;

static const ErrorRow rows[] = {
  { SYSCONT_ERROR_FAILED, PREFIX "Failed", 1 },
  { SYSCONT_ERROR_ALREADY_EXISTS, PREFIX "AlreadyExists", 1 },
  { SYSCONT_ERROR_NOT_SUPPORTED, PREFIX "NotSupported", 1 },
  { SYSCONT_ERROR_HOST_FILE_CONFLICT, PREFIX "HostFileConflict", 1 },
  { SYSCONT_ERROR_UNIT_CONFLICT, PREFIX "UnitConflict", 1 },
  { SYSCONT_ERROR_START_FAILED, PREFIX "StartFailed", 1 },
  { SYSCONT_ERROR_HEALTH_CHECK_FAILED, PREFIX "HealthCheckFailed", 1 },
  { SYSCONT_ERROR_RUNTIME_MISSING, PREFIX "RuntimeMissing", 1 },
  { SYSCONT_ERROR_NO_PREVIOUS_DEPLOYMENT, PREFIX "NoPreviousDeployment", 1 },
  { SYSCONT_ERROR_INTERRUPTED, PREFIX "Interrupted", 1 },
  { SYSCONT_ERROR_TIMED_OUT, PREFIX "TimedOut", 1 },
  { SYSCONT_ERROR_DAMAGED, PREFIX "Damaged", 1 },
  { SYSCONT_ERROR_INVALID_ARGUMENT, PREFIX "InvalidArgument", 2 },
  { SYSCONT_ERROR_INVALID_REFERENCE, PREFIX "InvalidReference", 2 },
  { SYSCONT_ERROR_INVALID_NAME, PREFIX "InvalidName", 2 },
  { SYSCONT_ERROR_NOT_FOUND, PREFIX "NotFound", 3 },
  { SYSCONT_ERROR_MANIFEST_UNKNOWN, PREFIX "ManifestUnknown", 3 },
  { SYSCONT_ERROR_BUSY, PREFIX "Busy", 5 },
  { SYSCONT_ERROR_HELD, PREFIX "Held", 5 },
  { SYSCONT_ERROR_PLAN_STALE, PREFIX "PlanStale", 5 },
  { SYSCONT_ERROR_QUARANTINED, PREFIX "Quarantined", 5 },
  { SYSCONT_ERROR_TOO_RECENT, PREFIX "TooRecent", 5 },
  { SYSCONT_ERROR_ROLLED_BACK, PREFIX "RolledBack", 6 },
  { SYSCONT_ERROR_IMAGE_INVALID, PREFIX "ImageInvalid", 7 },
  { SYSCONT_ERROR_LIMIT_EXCEEDED, PREFIX "LimitExceeded", 7 },
  { SYSCONT_ERROR_DIGEST_MISMATCH, PREFIX "DigestMismatch", 7 },
  { SYSCONT_ERROR_TEMPLATE_INVALID, PREFIX "TemplateInvalid", 7 },
  { SYSCONT_ERROR_VALUE_MISSING, PREFIX "ValueMissing", 7 },
  { SYSCONT_ERROR_HOST_PATH_REFUSED, PREFIX "HostPathRefused", 7 },
  { SYSCONT_ERROR_POLICY_REJECTED, PREFIX "PolicyRejected", 7 },
  { SYSCONT_ERROR_SIGNATURE_MISSING, PREFIX "SignatureMissing", 7 },
  { SYSCONT_ERROR_SIGNATURE_INVALID, PREFIX "SignatureInvalid", 7 },
  { SYSCONT_ERROR_PRIVILEGE_GAIN, PREFIX "PrivilegeGain", 7 },
  { SYSCONT_ERROR_PLATFORM_MISMATCH, PREFIX "PlatformMismatch", 7 },
  { SYSCONT_ERROR_REGISTRY_UNREACHABLE, PREFIX "RegistryUnreachable", 8 },
  { SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED, PREFIX "RegistryAuthRequired", 8 },
  { SYSCONT_ERROR_REGISTRY_RATE_LIMITED, PREFIX "RegistryRateLimited", 8 },
  { SYSCONT_ERROR_TLS_FAILED, PREFIX "TlsFailed", 8 },
  { SYSCONT_ERROR_NO_SPACE, PREFIX "NoSpace", 9 },
  { SYSCONT_ERROR_STORAGE_CORRUPT, PREFIX "StorageCorrupt", 9 },
  { SYSCONT_ERROR_STORAGE_READ_ONLY, PREFIX "StorageReadOnly", 9 },
  { SYSCONT_ERROR_CANCELLED, PREFIX "Cancelled", 10 },
};

G_STATIC_ASSERT (G_N_ELEMENTS (rows) == SYSCONT_N_ERRORS);

GQuark
syscont_error_quark (void)
{
  static gsize initialized = 0;
  static GQuark quark = 0;

  if (g_once_init_enter (&initialized))
    {
      quark = g_quark_from_static_string ("syscont-error-quark");
      for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
        {
          g_assert (rows[i].code == (int)i);
          g_dbus_error_register_error (quark, rows[i].code, rows[i].name);
        }
      g_once_init_leave (&initialized, 1);
    }

  return quark;
}

const char *
syscont_error_name (int code)
{
  if (code < 0 || code >= SYSCONT_N_ERRORS)
    return rows[SYSCONT_ERROR_FAILED].name;
  return rows[code].name;
}

gboolean
syscont_error_from_name (const char *name, SyscontError *code)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      if (!g_str_equal (rows[i].name, name))
        continue;
      *code = rows[i].code;
      return TRUE;
    }
  return FALSE;
}

int
syscont_error_exit_status (const char *dbus_name)
{
  static const char *const denied[] = {
    "org.freedesktop.DBus.Error.AccessDenied",
    "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
    "org.freedesktop.DBus.Error.AuthFailed",
    NULL,
  };
  SyscontError code;

  if (g_strv_contains (denied, dbus_name))
    return 4;
  if (g_str_equal (dbus_name, "org.freedesktop.DBus.Error.InvalidArgs"))
    return 2;
  return syscont_error_from_name (dbus_name, &code) ? rows[code].exit_status : 1;
}

static int
code_of_foreign (const GError *error)
{
  if (error->domain != G_IO_ERROR)
    return SYSCONT_ERROR_FAILED;

  switch (error->code)
    {
    case G_IO_ERROR_CANCELLED:
      return SYSCONT_ERROR_CANCELLED;
    case G_IO_ERROR_NO_SPACE:
      return SYSCONT_ERROR_NO_SPACE;
    case G_IO_ERROR_READ_ONLY:
      return SYSCONT_ERROR_STORAGE_READ_ONLY;
    case G_IO_ERROR_TIMED_OUT:
      return SYSCONT_ERROR_TIMED_OUT;
    default:
      return SYSCONT_ERROR_FAILED;
    }
}

GError *
syscont_error_normalize (const GError *error)
{
  g_autoptr (GError) copy = g_error_copy (error);
  g_dbus_error_strip_remote_error (copy);

  if (copy->domain == SYSCONT_ERROR)
    return g_steal_pointer (&copy);
  return g_error_new_literal (SYSCONT_ERROR, code_of_foreign (copy), copy->message);
}
