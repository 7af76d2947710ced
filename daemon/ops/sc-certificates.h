/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Certificates for registries, as podman and docker have them (containers-certs.d(5)): below
 * /etc/containers/certs.d or /etc/docker/certs.d a directory HOST[:PORT] with authorities (*.crt)
 * and a client's certificate and key (NAME.cert, NAME.key). They are read here, and parsed by
 * syscont-fetch.
 */
#pragma once

#include "base/sc-paths.h"
#include "image/sc-endpoint.h"

/**
 * sc_certificates_read:
 *
 * Puts what is there for the endpoint's registry into it. The first of the two directories counts,
 * and the first pair in it. TLS_FAILED names the file that is unreadable, too large, writable by
 * others than root, or the half of a pair.
 */
gboolean sc_certificates_read (const ScPaths *paths, ScEndpoint *endpoint, GError **error);
