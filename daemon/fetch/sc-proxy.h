/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The proxy, from the environment that the unit gives the worker: http_proxy, https_proxy and
 * no_proxy. The desktop's settings are not asked.
 */
#pragma once

#include <gio/gio.h>

/** sc_proxy_resolver_new: @environment: as from g_get_environ(); (transfer full) */
GProxyResolver *sc_proxy_resolver_new (char **environment);
