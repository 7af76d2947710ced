/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-proxy.h"

#include <string.h>

/* HTTP_PROXY in capitals is not read, as everywhere: a CGI script gets it from its caller. */
static const char *
find_variable (char **environment, const char *lower, const char *upper)
{
  const char *value = g_environ_getenv (environment, lower);

  if (value == NULL && upper != NULL)
    value = g_environ_getenv (environment, upper);
  return value != NULL && *value != '\0' ? value : NULL;
}

static void
set_proxy (GSimpleProxyResolver *resolver, const char *scheme, const char *proxy)
{
  if (proxy == NULL)
    return;

  g_autofree char *uri
      = strstr (proxy, "://") != NULL ? g_strdup (proxy) : g_strconcat ("http://", proxy, NULL);
  g_simple_proxy_resolver_set_uri_proxy (resolver, scheme, uri);
}

static char **
split_hosts (const char *no_proxy)
{
  g_autoptr (GStrvBuilder) hosts = g_strv_builder_new ();
  g_auto (GStrv) parts = g_strsplit (no_proxy, ",", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    if (*g_strstrip (parts[i]) != '\0')
      g_strv_builder_add (hosts, parts[i]);
  return g_strv_builder_end (hosts);
}

GProxyResolver *
sc_proxy_resolver_new (char **environment)
{
  const char *no_proxy = find_variable (environment, "no_proxy", "NO_PROXY");
  g_auto (GStrv) ignored = split_hosts (no_proxy != NULL ? no_proxy : "");
  gboolean none = g_strv_contains ((const char *const *)ignored, "*");
  GProxyResolver *resolver = g_simple_proxy_resolver_new (NULL, none ? NULL : ignored);

  if (!none)
    {
      GSimpleProxyResolver *simple = G_SIMPLE_PROXY_RESOLVER (resolver);
      set_proxy (simple, "http", find_variable (environment, "http_proxy", NULL));
      set_proxy (simple, "https", find_variable (environment, "https_proxy", "HTTPS_PROXY"));
    }
  return resolver;
}

GProxyResolver *
sc_proxy_resolver_new_fixed (const char *proxy)
{
  return g_simple_proxy_resolver_new (proxy, NULL);
}

GUri *
sc_proxy_find (GProxyResolver *resolver, GUri *uri)
{
  g_autofree char *text = g_uri_to_string (uri);
  g_auto (GStrv) proxies = g_proxy_resolver_lookup (resolver, text, NULL, NULL);

  if (proxies == NULL || proxies[0] == NULL || g_str_equal (proxies[0], "direct://"))
    return NULL;
  return g_uri_parse (proxies[0], G_URI_FLAGS_HAS_PASSWORD, NULL);
}

char *
sc_proxy_make_authorization (GUri *proxy)
{
  const char *password = g_uri_get_password (proxy);

  if (g_uri_get_user (proxy) == NULL)
    return NULL;

  g_autofree char *pair
      = g_strdup_printf ("%s:%s", g_uri_get_user (proxy), password != NULL ? password : "");
  g_autofree char *encoded = g_base64_encode ((const guchar *)pair, strlen (pair));
  return g_strconcat ("Basic ", encoded, NULL);
}
