/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The error domain that daemon and client share. A code's D-Bus name and the exit status that
 * syscontctl gives it are API: they are only ever added to.
 */
#pragma once

#include <gio/gio.h>

typedef enum
{
  SYSCONT_ERROR_FAILED,
  SYSCONT_ERROR_ALREADY_EXISTS,
  SYSCONT_ERROR_NOT_SUPPORTED,
  SYSCONT_ERROR_HOST_FILE_CONFLICT,
  SYSCONT_ERROR_UNIT_CONFLICT,
  SYSCONT_ERROR_START_FAILED,
  SYSCONT_ERROR_HEALTH_CHECK_FAILED,
  SYSCONT_ERROR_RUNTIME_MISSING,
  SYSCONT_ERROR_NO_PREVIOUS_DEPLOYMENT,
  SYSCONT_ERROR_INTERRUPTED,
  SYSCONT_ERROR_TIMED_OUT,
  SYSCONT_ERROR_DAMAGED,
  SYSCONT_ERROR_INVALID_ARGUMENT,
  SYSCONT_ERROR_INVALID_REFERENCE,
  SYSCONT_ERROR_INVALID_NAME,
  SYSCONT_ERROR_NOT_FOUND,
  SYSCONT_ERROR_MANIFEST_UNKNOWN,
  SYSCONT_ERROR_BUSY,
  SYSCONT_ERROR_HELD,
  SYSCONT_ERROR_PLAN_STALE,
  SYSCONT_ERROR_QUARANTINED,
  SYSCONT_ERROR_TOO_RECENT,
  SYSCONT_ERROR_ROLLED_BACK,
  SYSCONT_ERROR_IMAGE_INVALID,
  SYSCONT_ERROR_LIMIT_EXCEEDED,
  SYSCONT_ERROR_DIGEST_MISMATCH,
  SYSCONT_ERROR_TEMPLATE_INVALID,
  SYSCONT_ERROR_VALUE_MISSING,
  SYSCONT_ERROR_HOST_PATH_REFUSED,
  SYSCONT_ERROR_POLICY_REJECTED,
  SYSCONT_ERROR_SIGNATURE_MISSING,
  SYSCONT_ERROR_SIGNATURE_INVALID,
  SYSCONT_ERROR_PRIVILEGE_GAIN,
  SYSCONT_ERROR_PLATFORM_MISMATCH,
  SYSCONT_ERROR_REGISTRY_UNREACHABLE,
  SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
  SYSCONT_ERROR_REGISTRY_RATE_LIMITED,
  SYSCONT_ERROR_TLS_FAILED,
  SYSCONT_ERROR_NO_SPACE,
  SYSCONT_ERROR_STORAGE_CORRUPT,
  SYSCONT_ERROR_STORAGE_READ_ONLY,
  SYSCONT_ERROR_CANCELLED,
} SyscontError;

#define SYSCONT_N_ERRORS (SYSCONT_ERROR_CANCELLED + 1)
#define SYSCONT_ERROR    (syscont_error_quark ())

/**
 * syscont_error_quark:
 *
 * The domain; the first call registers every code with its bus name, so that GDBus turns one into
 * the other on both sides of the bus.
 */
GQuark syscont_error_quark (void);

/**
 * syscont_error_name:
 *
 * Returns: the D-Bus name of @code, "org.syscont.Error.Failed" for a value that is none
 */
const char *syscont_error_name (int code);

/**
 * syscont_error_from_name:
 * @name: a D-Bus error name
 * @code: (out):
 *
 * Returns: FALSE when @name is not one of ours
 */
gboolean syscont_error_from_name (const char *name, SyscontError *code);

/**
 * syscont_error_exit_status:
 * @dbus_name: the D-Bus name of any error, ours or another's
 *
 * Returns: the exit status of syscontctl for it, 1 for a name it does not know
 */
int syscont_error_exit_status (const char *dbus_name);

/**
 * syscont_error_normalize:
 * @error: any error, as it came out of a library
 *
 * Turns an error of another domain into the code of ours that a caller can act on:
 * G_IO_ERROR_CANCELLED to CANCELLED, NO_SPACE to NO_SPACE, READ_ONLY to STORAGE_READ_ONLY, errors
 * that came over the bus to their own code, all others to FAILED. The message is kept, without
 * GDBus's prefix.
 *
 * Returns: (transfer full): a new error in SYSCONT_ERROR
 */
GError *syscont_error_normalize (const GError *error);
