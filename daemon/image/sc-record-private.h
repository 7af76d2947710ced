/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a channel needs of a record writer. Nobody else includes this.
 */
#pragma once

#include "image/sc-record.h"

ScRecordType sc_record_writer_get_type (const ScRecordWriter *self);
GByteArray *sc_record_writer_get_payload (ScRecordWriter *self);
