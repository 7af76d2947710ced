/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a failed connection means: for the caller, as an error that names the host and a remedy, and
 * for the request, whether it is worth another try.
 */
#pragma once

#include <gio/gio.h>

typedef enum
{
  SC_FAILURE_NONE,
  SC_FAILURE_FINAL,   /* the same again would give the same */
  SC_FAILURE_REFUSED, /* the same, and it was an answer that is not accepted */
  SC_FAILURE_CONNECT, /* nobody was reached */
  SC_FAILURE_BROKEN,  /* somebody was reached, and then the connection broke or went silent */
} ScFailure;

/** sc_failure_classify: @raw: as it came out of libsoup or GIO */
ScFailure sc_failure_classify (const GError *raw);

/**
 * sc_failure_set:
 * @raw: as it came out of libsoup or GIO; one in SYSCONT_ERROR is copied
 * @uri: what was asked
 *
 * Sets CANCELLED, TLS_FAILED or REGISTRY_UNREACHABLE. Returns: always FALSE
 */
gboolean sc_failure_set (GError **error, const GError *raw, GUri *uri);

/** sc_failure_explain_certificate: (transfer full): what is wrong with a certificate, as words */
char *sc_failure_explain_certificate (GTlsCertificateFlags flags);

/** sc_failure_name_host: (transfer full): "host" or "host:port" of @uri, as a reference has it,
 * safe in a message */
char *sc_failure_name_host (GUri *uri);
