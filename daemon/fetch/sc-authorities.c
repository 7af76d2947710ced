/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-authorities.h"

#define SC_TYPE_AUTHORITIES (sc_authorities_get_type ())
G_DECLARE_FINAL_TYPE (ScAuthorities, sc_authorities, SC, AUTHORITIES, GTlsDatabase)

struct _ScAuthorities
{
  GTlsDatabase parent_instance;
  GMutex mutex;         /* handshakes may check in threads */
  GTlsDatabase *system; /* (owned) (nullable) (mutex) before the first check */
};

G_DEFINE_FINAL_TYPE (ScAuthorities, sc_authorities, G_TYPE_TLS_DATABASE)

/* Asks the backend itself: the function of GIO would answer with what was set as the default. */
static GTlsDatabase *
get_system (ScAuthorities *self)
{
  GTlsBackend *backend = g_tls_backend_get_default ();
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);

  if (self->system == NULL)
    self->system = G_TLS_BACKEND_GET_INTERFACE (backend)->get_default_database (backend);
  return self->system;
}

static GTlsCertificateFlags
verify_chain (GTlsDatabase *database,
              GTlsCertificate *chain,
              const char *purpose,
              GSocketConnectable *identity,
              GTlsInteraction *interaction,
              GTlsDatabaseVerifyFlags flags,
              GCancellable *cancellable,
              GError **error)
{
  return g_tls_database_verify_chain (get_system (SC_AUTHORITIES (database)), chain, purpose,
                                      identity, interaction, flags, cancellable, error);
}

static void
sc_authorities_init (ScAuthorities *self)
{
  g_mutex_init (&self->mutex);
}

static void
sc_authorities_finalize (GObject *object)
{
  ScAuthorities *self = SC_AUTHORITIES (object);

  g_clear_object (&self->system);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (sc_authorities_parent_class)->finalize (object);
}

static void
sc_authorities_class_init (ScAuthoritiesClass *class)
{
  G_OBJECT_CLASS (class)->finalize = sc_authorities_finalize;
  G_TLS_DATABASE_CLASS (class)->verify_chain = verify_chain;
}

GTlsDatabase *
sc_authorities_new (void)
{
  return g_object_new (SC_TYPE_AUTHORITIES, NULL);
}
