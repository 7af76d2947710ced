/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * syscont-fetch against a registry on the loopback interface that behaves, and misbehaves on
 * purpose. The registry lives in a thread of its own; what a test lets it do is a function that is
 * called for each request.
 */
#pragma once

#include "dbus/sc-error.h"
#include "fetch/sc-mirrors.h"

#define MANIFEST   "{\"schemaVersion\":2}"
#define MEDIA_TYPE "application/vnd.oci.image.manifest.v1+json"
#define BLOB_BYTES (600 * 1024)

/* Self-signed, for 127.0.0.1. */
extern const char good_certificate[];
extern const char expired_certificate[];
/* Of somebody else. */
extern const char other_certificate[];

typedef struct _Fixture Fixture;

/* @n: how many requests came before this one, to whatever path */
typedef void (*Behaviour) (Fixture *fixture, SoupServerMessage *message, const char *path, guint n);

typedef struct
{
  Behaviour behaviour;
  gboolean is_expired; /* the certificate */
  gboolean secure;     /* the client checks it */
} Setup;

struct _Fixture
{
  guint8 *data; /* (owned) the blob */
  char *digest; /* (owned) of it */
  Behaviour behaviour;

  GMutex mutex;
  GPtrArray *log; /* (owned) of char*: "PATH authorization=… range=… accept=…" */
  guint64 sent_bytes;
  GPtrArray *held; /* (owned) of GIOStream: connections that stay open in silence */

  GMainContext *context; /* (owned) of the registry's thread */
  GMainLoop *loop;       /* (owned) */
  GThread *thread;
  SoupServer *server;        /* (owned) */
  SoupServer *other_server;  /* (owned) at another port, of the same behaviour */
  SoupServer *mirror_server; /* (owned) one more with TLS, of the same behaviour */
  guint port;
  guint other_port;
  guint mirror_port;

  ScRetryPolicy policy;
  gboolean is_secure;        /* the client checks certificates */
  GPtrArray *endpoints;      /* (owned) of ScEndpoint */
  ScMirrors *mirrors;        /* (owned) */
  guint served;              /* number of the endpoint that sent the last manifest */
  GCancellable *cancellable; /* (owned) */
  gsize offset;              /* from where get_blob() wants the blob */
  guint64 line_bytes;        /* what came of it, as get_blob() was told */
};

/* --- the registry --- */

void set_header (SoupServerMessage *message, const char *name, const char *value);
void answer (SoupServerMessage *message, guint status, const char *type, const char *body);

/** get_range_start: of the part of the blob that is wanted */
guint64 get_range_start (SoupServerMessage *message);

/** make_head: of a response with a body from @start to the end of @length bytes */
char *make_head (guint64 start, guint64 length);

/** write_raw: takes the connection away from libsoup and writes @head and @n_bytes of @data to it
 */
GIOStream *write_raw (Fixture *fixture,
                      SoupServerMessage *message,
                      const char *head,
                      const guint8 *data,
                      gsize n_bytes);

typedef enum
{
  THEN_CLOSE,
  THEN_RESET,
  THEN_HOLD,
} Then;

/** send_part: sends @n_bytes of the blob from where it is wanted, announcing all of the rest */
void
send_part (Fixture *fixture, SoupServerMessage *message, guint64 start, gsize n_bytes, Then then);

/** behave: as a registry should */
void behave (Fixture *fixture, SoupServerMessage *message, const char *path, guint n);
/** behave_unknown: has nothing */
void behave_unknown (Fixture *fixture, SoupServerMessage *message, const char *path, guint n);
/** behave_silent: begins an answer and leaves it at that */
void behave_silent (Fixture *fixture, SoupServerMessage *message, const char *path, guint n);

/** count_requests: those so far whose line in the log has @text */
guint count_requests (Fixture *fixture, const char *text);

/** open_mirrors: after a change of the endpoints or the policy; @proxy: (nullable) */
void open_mirrors (Fixture *fixture, GProxyResolver *proxy);

/** set_registry: from now on @name is asked for the repository "a/b"; @proxy: (nullable) */
void set_registry (Fixture *fixture, const char *name, GProxyResolver *proxy);

/** get_registry_name: host:port of the one that is asked last */
const char *get_registry_name (Fixture *fixture);

/**
 * set_registry_to_silence: from now on it is one of which there is no more than an address
 *
 * Returns: its socket
 */
int set_registry_to_silence (Fixture *fixture, gboolean listening);

/* --- the client --- */

/** trust: @certificate and no other; until trust_system() */
void trust (const char *certificate);
void trust_system (void);

/** get_manifest: (transfer full): that of "a/b" */
char *get_manifest (Fixture *fixture, const char *tag, guint max_bytes, GError **error);

/** get_blob: from the fixture's offset on; asserts that what arrives is, as far as it goes, the blob
 */
gboolean get_blob (Fixture *fixture, GError **error);

void assert_message (const GError *error, const char *text);

/* --- the program --- */

typedef struct
{
  const char *path;
  Setup setup;
  void (*test) (Fixture *fixture, gconstpointer data);
} RegistryTest;

/** fixture_main: @tests: static */
int fixture_main (int argc, char **argv, const RegistryTest *tests, gsize n_tests);
