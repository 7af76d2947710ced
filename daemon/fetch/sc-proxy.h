/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The proxy: a registry's own, or else from the environment that the unit gives the worker:
 * http_proxy, https_proxy and no_proxy. The desktop's settings are not asked.
 */
#pragma once

#include <gio/gio.h>

/** sc_proxy_resolver_new: @environment: as from g_get_environ(); (transfer full) */
GProxyResolver *sc_proxy_resolver_new (char **environment);

/** sc_proxy_resolver_new_fixed: @proxy: a URI, "direct://" for none; (transfer full) */
GProxyResolver *sc_proxy_resolver_new_fixed (const char *proxy);

/** sc_proxy_find: (transfer full) (nullable): the proxy that @uri is asked through; does not block */
GUri *sc_proxy_find (GProxyResolver *resolver, GUri *uri);

/** sc_proxy_make_authorization: (transfer full) (nullable): what Proxy-Authorization is to say to
 * @proxy (RFC 7617); NULL when its URI has no user */
char *sc_proxy_make_authorization (GUri *proxy);
