/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The certificates that root keeps for one registry: authorities beside those of the system, and
 * the client's own.
 */
#pragma once

#include "image/sc-endpoint.h"

#include <gio/gio.h>

typedef struct _ScTls ScTls;

/** sc_tls_new: @endpoint: copied; TLS_FAILED says which of its texts is no certificate or key */
ScTls *sc_tls_new (const ScEndpoint *endpoint, GError **error);
void sc_tls_free (ScTls *self);

/**
 * sc_tls_check:
 * @uri: who showed @certificate
 * @flags: what the system's authorities think of it
 *
 * Returns: what remains wrong with it; 0 when one of the registry's authorities vouches for it
 */
GTlsCertificateFlags
sc_tls_check (ScTls *self, GTlsCertificate *certificate, GUri *uri, GTlsCertificateFlags flags);

/** sc_tls_get_client: (transfer none) (nullable): for who asks at @uri: nobody but the registry's
 * host is shown it */
GTlsCertificate *sc_tls_get_client (ScTls *self, GUri *uri);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScTls, sc_tls_free)
