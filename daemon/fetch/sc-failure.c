/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-failure.h"

#include "base/sc-error-util.h"

#include <string.h>

static gboolean
is_io_error (const GError *raw, const int *codes, guint n_codes)
{
  if (raw->domain != G_IO_ERROR)
    return FALSE;
  for (guint i = 0; i < n_codes; i++)
    if (raw->code == codes[i])
      return TRUE;
  return FALSE;
}

ScFailure
sc_failure_classify (const GError *raw)
{
  static const int connect_codes[]
      = { G_IO_ERROR_CONNECTION_REFUSED,  G_IO_ERROR_HOST_UNREACHABLE,
          G_IO_ERROR_NETWORK_UNREACHABLE, G_IO_ERROR_HOST_NOT_FOUND,
          G_IO_ERROR_PROXY_FAILED,        G_IO_ERROR_PROXY_AUTH_FAILED,
          G_IO_ERROR_PROXY_NEED_AUTH,     G_IO_ERROR_PROXY_NOT_ALLOWED };
  static const int final_codes[] = { G_IO_ERROR_CANCELLED, G_IO_ERROR_NOT_SUPPORTED,
                                     G_IO_ERROR_INVALID_ARGUMENT, G_IO_ERROR_PERMISSION_DENIED };

  if (raw->domain == SYSCONT_ERROR)
    return SC_FAILURE_REFUSED;
  if (is_io_error (raw, final_codes, G_N_ELEMENTS (final_codes)))
    return SC_FAILURE_FINAL;
  if (raw->domain == G_TLS_ERROR)
    return raw->code == G_TLS_ERROR_MISC || raw->code == G_TLS_ERROR_EOF
                   || raw->code == G_TLS_ERROR_HANDSHAKE
               ? SC_FAILURE_CONNECT
               : SC_FAILURE_FINAL;
  if (raw->domain == G_RESOLVER_ERROR)
    return raw->code == G_RESOLVER_ERROR_TEMPORARY_FAILURE ? SC_FAILURE_BROKEN : SC_FAILURE_CONNECT;
  if (is_io_error (raw, connect_codes, G_N_ELEMENTS (connect_codes)))
    return SC_FAILURE_CONNECT;
  return SC_FAILURE_BROKEN;
}

char *
sc_failure_name_host (GUri *uri)
{
  const char *host = g_uri_get_host (uri);
  gboolean is_ipv6 = strchr (host, ':') != NULL;
  g_autofree char *bracketed = g_strdup_printf (is_ipv6 ? "[%s]" : "%s", host);
  g_autofree char *escaped = sc_text_escape (bracketed);
  int port = g_uri_get_port (uri);
  int usual_port = g_str_equal (g_uri_get_scheme (uri), "https") ? 443 : 80;

  if (port <= 0 || port == usual_port)
    return g_steal_pointer (&escaped);
  return g_strdup_printf ("%s:%d", escaped, port);
}

static gboolean
set_tls (GError **error, const GError *raw, const char *host)
{
  if (raw->code == G_TLS_ERROR_BAD_CERTIFICATE)
    return sc_error_set (
        error, SYSCONT_ERROR_TLS_FAILED,
        "the certificate of \"%s\" is not accepted: %s; have the registry's certificate renewed, "
        "put its authority's into /etc/containers/certs.d/%s as a file *.crt, or add the registry "
        "to Insecure= in "
        "[Registries] of syscont.conf",
        host, raw->message, host);
  if (raw->code == G_TLS_ERROR_CERTIFICATE_REQUIRED)
    return sc_error_set (error, SYSCONT_ERROR_TLS_FAILED,
                         "\"%s\" wants a client certificate: put NAME.cert and NAME.key into "
                         "/etc/containers/certs.d/%s",
                         host, host);

  g_autofree char *reason = sc_text_escape (raw->message);
  return sc_error_set (
      error, SYSCONT_ERROR_TLS_FAILED,
      "no TLS connection to \"%s\": %s; check that the registry offers TLS 1.2 or later there, or, "
      "if it "
      "is meant to be without TLS, add it to Insecure= in [Registries] of syscont.conf",
      host, reason);
}

gboolean
sc_failure_set (GError **error, const GError *raw, GUri *uri)
{
  g_autofree char *host = sc_failure_name_host (uri);

  if (raw->domain == SYSCONT_ERROR)
    {
      g_propagate_error (error, g_error_copy (raw));
      return FALSE;
    }
  if (g_error_matches (raw, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return sc_error_set (error, SYSCONT_ERROR_CANCELLED, "cancelled");
  if (raw->domain == G_TLS_ERROR)
    return set_tls (error, raw, host);
  if (raw->domain == G_RESOLVER_ERROR
      || g_error_matches (raw, G_IO_ERROR, G_IO_ERROR_HOST_NOT_FOUND))
    return sc_error_set (
        error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
        "the name \"%s\" cannot be resolved; check its spelling and this host's DNS", host);
  if (g_error_matches (raw, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return sc_error_set (
        error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
        "\"%s\" refuses the connection; check that the registry runs, and its port", host);

  g_autofree char *reason = sc_text_escape (raw->message);
  return sc_error_set (
      error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
      "the connection to \"%s\" failed: %s; check the network, the proxy and the registry", host,
      reason);
}

char *
sc_failure_explain_certificate (GTlsCertificateFlags flags)
{
  static const struct
  {
    GTlsCertificateFlags flag;
    const char *text;
  } reasons[] = {
    { G_TLS_CERTIFICATE_EXPIRED, "it has expired" },
    { G_TLS_CERTIFICATE_NOT_ACTIVATED, "it is not valid yet (is this host's clock right?)" },
    { G_TLS_CERTIFICATE_BAD_IDENTITY, "it is for another name" },
    { G_TLS_CERTIFICATE_REVOKED, "it was revoked" },
    { G_TLS_CERTIFICATE_UNKNOWN_CA, "it is signed by an authority that this host does not trust" },
    { G_TLS_CERTIFICATE_INSECURE, "it uses an algorithm that is no longer secure" },
  };
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    if (flags & reasons[i].flag)
      g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", reasons[i].text);
  if (text->len == 0)
    g_string_append (text, "it cannot be verified");
  return g_string_free (g_steal_pointer (&text), FALSE);
}
