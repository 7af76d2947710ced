/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-endpoint.h"

#include "base/sc-error-util.h"

#include <string.h>

ScEndpoint *
sc_endpoint_new (const char *registry, const char *repository)
{
  ScEndpoint *self = g_new0 (ScEndpoint, 1);

  self->registry = g_strdup (registry);
  self->repository = g_strdup (repository);
  return self;
}

void
sc_endpoint_free (ScEndpoint *self)
{
  g_free (self->registry);
  g_free (self->repository);
  g_free (self->proxy);
  g_clear_pointer (&self->ca, g_bytes_unref);
  g_clear_pointer (&self->client_certificate, g_bytes_unref);
  g_clear_pointer (&self->client_key, g_bytes_unref);
  g_clear_pointer (&self->credential, sc_credential_free);
  g_free (self);
}

GPtrArray *
sc_endpoint_list_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)sc_endpoint_free);
}

/* --- the members of a record, in its order --- */

typedef enum
{
  MEMBER_STRING,
  MEMBER_FLAG,
  MEMBER_BYTES,
  MEMBER_CREDENTIAL,
} MemberType;

typedef struct
{
  const char *name;
  MemberType type;
  gsize offset;
  gsize max_bytes;
} MemberRow;

#define AT(member) offsetof (ScEndpoint, member)

static const MemberRow rows[] = {
  { "name", MEMBER_STRING, AT (registry), SC_ENDPOINT_MAX_TEXT_BYTES },
  { "repository", MEMBER_STRING, AT (repository), SC_ENDPOINT_MAX_TEXT_BYTES },
  { "Insecure", MEMBER_FLAG, AT (insecure) },
  { "DigestOnly", MEMBER_FLAG, AT (digest_only) },
  { "proxy", MEMBER_STRING, AT (proxy), SC_ENDPOINT_MAX_TEXT_BYTES },
  { "authorities", MEMBER_BYTES, AT (ca), SC_ENDPOINT_MAX_CA_BYTES },
  { "client certificate", MEMBER_BYTES, AT (client_certificate),
    SC_ENDPOINT_MAX_CERTIFICATE_BYTES },
  { "client key", MEMBER_BYTES, AT (client_key), SC_ENDPOINT_MAX_KEY_BYTES },
  { "login", MEMBER_CREDENTIAL, AT (credential) },
};

static gboolean
check_size (const ScEndpoint *endpoint, const MemberRow *row, gsize size_bytes, GError **error)
{
  return size_bytes <= row->max_bytes
         || sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                          "registry \"%s\": its %s has more than %" G_GSIZE_FORMAT " bytes",
                          endpoint->registry, row->name, row->max_bytes);
}

static void
put_credential (ScRecordWriter *writer, const ScCredential *credential)
{
  sc_record_writer_put_u32 (writer, credential != NULL ? credential->kind : SC_CREDENTIAL_NONE);
  if (credential == NULL)
    return;
  sc_record_writer_put_string (writer, credential->user);
  sc_record_writer_put_string (writer, credential->secret);
  sc_record_writer_put_string (writer, credential->realm);
}

static gboolean
put_member (ScRecordWriter *writer,
            const ScEndpoint *endpoint,
            const MemberRow *row,
            GError **error)
{
  const char *text = NULL;
  GBytes *bytes = NULL;
  gsize size_bytes = 0;

  switch (row->type)
    {
    case MEMBER_STRING:
      text = G_STRUCT_MEMBER (char *, endpoint, row->offset);
      if (!check_size (endpoint, row, text != NULL ? strlen (text) : 0, error))
        return FALSE;
      sc_record_writer_put_string (writer, text);
      return TRUE;
    case MEMBER_BYTES:
      bytes = G_STRUCT_MEMBER (GBytes *, endpoint, row->offset);
      if (!check_size (endpoint, row, bytes != NULL ? g_bytes_get_size (bytes) : 0, error))
        return FALSE;
      gconstpointer data = bytes != NULL ? g_bytes_get_data (bytes, &size_bytes) : NULL;
      sc_record_writer_put_bytes (writer, data, size_bytes);
      return TRUE;
    case MEMBER_FLAG:
      sc_record_writer_put_u32 (writer, G_STRUCT_MEMBER (gboolean, endpoint, row->offset) ? 1 : 0);
      return TRUE;
    case MEMBER_CREDENTIAL:
    default:
      put_credential (writer, endpoint->credential);
      return TRUE;
    }
}

ScRecordWriter *
sc_record_writer_new_fetch_open (GPtrArray *endpoints, GError **error)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_OPEN);

  g_return_val_if_fail (endpoints->len > 0, NULL);
  if (endpoints->len > SC_ENDPOINT_MAX)
    {
      sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                    "there are more than %d mirrors for one image", SC_ENDPOINT_MAX - 1);
      return NULL;
    }

  sc_record_writer_put_u32 (writer, endpoints->len);
  for (guint i = 0; i < endpoints->len; i++)
    for (gsize j = 0; j < G_N_ELEMENTS (rows); j++)
      if (!put_member (writer, endpoints->pdata[i], &rows[j], error))
        return NULL;
  return g_steal_pointer (&writer);
}

static char *
take_string (ScRecord *record, gsize max_bytes)
{
  g_autofree char *text = sc_record_dup_string (record);

  record->failed |= strlen (text) > max_bytes;
  return text[0] != '\0' ? g_steal_pointer (&text) : NULL;
}

static GBytes *
take_bytes (ScRecord *record, gsize max_bytes)
{
  g_autoptr (GBytes) bytes = sc_record_dup_bytes (record);

  record->failed |= g_bytes_get_size (bytes) > max_bytes;
  return g_bytes_get_size (bytes) > 0 ? g_steal_pointer (&bytes) : NULL;
}

static guint32
take_number (ScRecord *record, guint32 max)
{
  guint32 number = sc_record_get_u32 (record);

  record->failed |= number > max;
  return number;
}

static ScCredential *
take_credential (ScRecord *record)
{
  ScCredentialKind kind = take_number (record, SC_CREDENTIAL_N_KINDS - 1);
  if (kind == SC_CREDENTIAL_NONE)
    return NULL;

  g_autofree char *user = sc_record_dup_string (record);
  g_autofree char *secret = sc_record_dup_string (record);
  g_autofree char *realm = take_string (record, SC_ENDPOINT_MAX_TEXT_BYTES);
  ScCredential *credential = sc_credential_new (kind, user, secret, realm, NULL);
  record->failed |= credential == NULL;
  return credential;
}

static void
take_member (ScRecord *record, ScEndpoint *endpoint, const MemberRow *row)
{
  switch (row->type)
    {
    case MEMBER_STRING:
      G_STRUCT_MEMBER (char *, endpoint, row->offset) = take_string (record, row->max_bytes);
      break;
    case MEMBER_BYTES:
      G_STRUCT_MEMBER (GBytes *, endpoint, row->offset) = take_bytes (record, row->max_bytes);
      break;
    case MEMBER_FLAG:
      G_STRUCT_MEMBER (gboolean, endpoint, row->offset) = take_number (record, 1) == 1;
      break;
    case MEMBER_CREDENTIAL:
    default:
      endpoint->credential = take_credential (record);
    }
}

GPtrArray *
sc_record_dup_endpoints (ScRecord *self, GError **error)
{
  g_autoptr (GPtrArray) endpoints = sc_endpoint_list_new ();
  guint32 n = take_number (self, SC_ENDPOINT_MAX);

  self->failed |= n == 0;
  for (guint32 i = 0; i < n && !self->failed; i++)
    {
      ScEndpoint *endpoint = sc_endpoint_new (NULL, NULL);
      g_ptr_array_add (endpoints, endpoint);
      for (gsize j = 0; j < G_N_ELEMENTS (rows); j++)
        take_member (self, endpoint, &rows[j]);
      endpoint->repository = endpoint->repository != NULL ? endpoint->repository : g_strdup ("");
      self->failed |= endpoint->registry == NULL
                      || (endpoint->client_certificate == NULL) != (endpoint->client_key == NULL);
    }
  return sc_record_finish (self, error) ? g_steal_pointer (&endpoints) : NULL;
}
