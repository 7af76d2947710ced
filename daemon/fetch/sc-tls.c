/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-tls.h"

#include "base/sc-error-util.h"

#include <string.h>

#define BEGIN_CERTIFICATE "-----BEGIN CERTIFICATE-----"
#define END_CERTIFICATE   "-----END CERTIFICATE-----"

struct _ScTls
{
  char *host;              /* (owned) of the registry */
  GPtrArray *authorities;  /* (owned) of GTlsCertificate */
  GTlsCertificate *client; /* (owned) (nullable) */
};

static gboolean
refuse (GError **error, const ScEndpoint *endpoint, const char *what, const GError *reason)
{
  return sc_error_set (error, SYSCONT_ERROR_TLS_FAILED,
                       "%s for \"%s\" in certs.d cannot be read: %s", what, endpoint->registry,
                       reason->message);
}

/* GIO makes one certificate of a text, and its issuers out of the others in it. */
static gboolean
add_authorities (ScTls *self, const ScEndpoint *endpoint, GError **error)
{
  gsize size_bytes;
  const char *data = g_bytes_get_data (endpoint->ca, &size_bytes);
  g_autofree char *text = g_strndup (data, size_bytes);
  g_autoptr (GError) reason = NULL;

  for (const char *begin = text; (begin = strstr (begin, BEGIN_CERTIFICATE)) != NULL;)
    {
      const char *end = strstr (begin, END_CERTIFICATE);
      gssize n = end != NULL ? end + strlen (END_CERTIFICATE) - begin : -1;
      GTlsCertificate *authority = g_tls_certificate_new_from_pem (begin, n, &reason);
      if (authority == NULL)
        return refuse (error, endpoint, "an authority (*.crt)", reason);
      g_ptr_array_add (self->authorities, authority);
      begin += strlen (BEGIN_CERTIFICATE);
    }
  if (self->authorities->len > 0)
    return TRUE;
  g_set_error_literal (&reason, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE,
                       "there is no PEM certificate in them");
  return refuse (error, endpoint, "the authorities (*.crt)", reason);
}

static gboolean
has_key (GTlsCertificate *certificate)
{
  g_autofree char *pem = NULL;

  g_object_get (certificate, "private-key-pem", &pem, NULL);
  return pem != NULL;
}

static gboolean
read_client (ScTls *self, const ScEndpoint *endpoint, GError **error)
{
  GByteArray *both = g_byte_array_new ();
  GBytes *parts[] = { endpoint->client_certificate, endpoint->client_key };
  g_autoptr (GError) reason = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      gsize size_bytes;
      const guint8 *data = g_bytes_get_data (parts[i], &size_bytes);
      g_byte_array_append (both, data, (guint)size_bytes);
      g_byte_array_append (both, (const guint8 *)"\n", 1);
    }
  self->client
      = g_tls_certificate_new_from_pem ((const char *)both->data, (gssize)both->len, &reason);
  g_byte_array_unref (both);
  if (self->client != NULL && !has_key (self->client))
    g_set_error_literal (&reason, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE,
                         "there is no PEM key in it");
  return reason == NULL
         || refuse (error, endpoint, "the client certificate (*.cert, *.key)", reason);
}

ScTls *
sc_tls_new (const ScEndpoint *endpoint, GError **error)
{
  g_autoptr (ScTls) self = g_new0 (ScTls, 1);
  g_autofree char *text = g_strdup_printf ("https://%s/", endpoint->registry);
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);

  self->host = g_strdup (uri != NULL ? g_uri_get_host (uri) : NULL);
  self->authorities = g_ptr_array_new_with_free_func (g_object_unref);
  if ((endpoint->ca != NULL && !add_authorities (self, endpoint, error))
      || (endpoint->client_certificate != NULL && !read_client (self, endpoint, error)))
    return NULL;
  return g_steal_pointer (&self);
}

void
sc_tls_free (ScTls *self)
{
  g_free (self->host);
  g_ptr_array_unref (self->authorities);
  g_clear_object (&self->client);
  g_free (self);
}

GTlsCertificateFlags
sc_tls_check (ScTls *self, GTlsCertificate *certificate, GUri *uri, GTlsCertificateFlags flags)
{
  g_autoptr (GSocketConnectable) identity = g_network_address_new (g_uri_get_host (uri), 0);

  for (guint i = 0; flags != 0 && i < self->authorities->len; i++)
    {
      GTlsCertificateFlags own
          = g_tls_certificate_verify (certificate, identity, self->authorities->pdata[i]);
      if ((own & G_TLS_CERTIFICATE_UNKNOWN_CA) == 0)
        flags = own;
    }
  return flags;
}

GTlsCertificate *
sc_tls_get_client (ScTls *self, GUri *uri)
{
  return g_ascii_strcasecmp (g_uri_get_host (uri), self->host) == 0 ? self->client : NULL;
}
