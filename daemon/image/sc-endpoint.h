/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One place where an image can be got from: a mirror, or the registry itself, and all that
 * syscont-fetch needs to know to speak to it. syscontd reads that from root's configuration;
 * syscont-fetch gets it in SC_RECORD_FETCH_OPEN and opens no configuration of its own.
 */
#pragma once

#include "image/sc-credential.h"
#include "image/sc-record.h"

#define SC_ENDPOINT_MAX                   10 /* in one list */
#define SC_ENDPOINT_MAX_TEXT_BYTES        1024
#define SC_ENDPOINT_MAX_CA_BYTES          (256 * 1024)
#define SC_ENDPOINT_MAX_CERTIFICATE_BYTES (64 * 1024)
#define SC_ENDPOINT_MAX_KEY_BYTES         (64 * 1024)

typedef struct
{
  char *registry;             /* (owned) host[:port] */
  char *repository;           /* (owned) of the image there; "" for the registry itself */
  gboolean insecure;          /* http and unverified TLS are allowed */
  gboolean digest_only;       /* a mirror that is never asked what a tag means */
  char *proxy;                /* (owned) (nullable) URI; NULL for what the environment says */
  GBytes *ca;                 /* (owned) (nullable) PEM, beside the system's authorities */
  GBytes *client_certificate; /* (owned) (nullable) PEM */
  GBytes *client_key;         /* (owned) (nullable) PEM; there when @client_certificate is */
  ScCredential *credential;   /* (owned) (nullable) */
} ScEndpoint;

/** sc_endpoint_new: strict, without proxy, certificates and credential */
ScEndpoint *sc_endpoint_new (const char *registry, const char *repository);

/** sc_endpoint_free: the secrets are overwritten */
void sc_endpoint_free (ScEndpoint *self);

/** sc_endpoint_list_new: (transfer full): an empty array of owned ScEndpoint */
GPtrArray *sc_endpoint_list_new (void);

/**
 * sc_record_writer_new_fetch_open:
 * @endpoints: 1 to SC_ENDPOINT_MAX of ScEndpoint, in the order in which they are to be asked: mirrors
 * first, the registry itself last. LIMIT_EXCEEDED names a member that is too large for a record.
 */
ScRecordWriter *sc_record_writer_new_fetch_open (GPtrArray *endpoints, GError **error);

/** sc_record_dup_endpoints: (transfer full) (nullable): of an SC_RECORD_FETCH_OPEN; IMAGE_INVALID
 * when it is malformed */
GPtrArray *sc_record_dup_endpoints (ScRecord *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScEndpoint, sc_endpoint_free)
