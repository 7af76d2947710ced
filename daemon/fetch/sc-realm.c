/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-realm.h"

#include "base/sc-error-util.h"
#include "fetch/sc-http.h"

static gboolean
refuse (GError **error, const char *what)
{
  return sc_error_set (error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                       "the registry's token server %s", what);
}

static gboolean
is_on_this_machine_or_link (const char *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  if (address == NULL)
    return g_ascii_strcasecmp (host, "localhost") == 0;
  return g_inet_address_get_is_loopback (address) || g_inet_address_get_is_link_local (address)
         || g_inet_address_get_is_any (address);
}

static gboolean
is_same_host (GUri *a, GUri *b)
{
  return g_ascii_strcasecmp (g_uri_get_host (a), g_uri_get_host (b)) == 0;
}

/* Below the same domain that somebody registered, as the list of public suffixes says: neither
 * addresses nor hosts of "co.uk" belong together. */
static gboolean
is_same_site (GUri *a, GUri *b)
{
  g_autofree char *host_a = g_ascii_strdown (g_uri_get_host (a), -1);
  g_autofree char *host_b = g_ascii_strdown (g_uri_get_host (b), -1);
  const char *domain_a = soup_tld_get_base_domain (host_a, NULL);
  const char *domain_b = soup_tld_get_base_domain (host_b, NULL);

  return domain_a != NULL && g_strcmp0 (domain_a, domain_b) == 0;
}

static gboolean
is_pinned (GUri *realm, const char *pinned)
{
  g_autofree char *text = g_strdup_printf ("%s://%s/", g_uri_get_scheme (realm), pinned);
  g_autoptr (GUri) uri = sc_http_parse_uri (NULL, text);

  return uri != NULL && sc_http_is_same_origin (realm, uri);
}

static gboolean
check_login (GUri *realm, const ScRealmRules *rules, GError **error)
{
  const char *pinned = rules->credential->realm;
  g_autofree char *host = sc_failure_name_host (realm);

  if (rules->insecure && !is_same_host (realm, rules->registry))
    return sc_error_set (error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                         "the registry wants the login sent to \"%s\", but it is configured as "
                         "insecure, so that its login goes nowhere else; have it use TLS",
                         host);
  if (pinned != NULL
          ? is_pinned (realm, pinned)
          : is_same_host (realm, rules->registry) || is_same_site (realm, rules->registry))
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                       "the registry wants the login sent to \"%s\", which is neither of its own "
                       "domain nor the token server that was agreed to; if it should have it, log "
                       "in with --token-server=%s",
                       host, host);
}

GUri *
sc_realm_parse (const char *text, const ScRealmRules *rules, GError **error)
{
  g_autoptr (GUri) uri = text != NULL ? sc_http_parse_uri (NULL, text) : NULL;

  if (uri == NULL)
    {
      refuse (error, "has no proper address");
      return NULL;
    }
  if (g_str_equal (g_uri_get_scheme (uri), "http") && !rules->insecure)
    {
      refuse (error, "is not to be reached by https, which is refused");
      return NULL;
    }
  /* The registry chooses the address, but the request comes from here: not to services that trust
   * their neighbours. */
  if (is_on_this_machine_or_link (g_uri_get_host (uri)) && !is_same_host (uri, rules->registry))
    {
      refuse (error, "is at a local address, which is refused");
      return NULL;
    }
  if (rules->credential != NULL && !check_login (uri, rules, error))
    return NULL;
  return g_steal_pointer (&uri);
}
