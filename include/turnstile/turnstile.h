// Everything but the C handle (native.h) and the outside view (diagnose.h).
#pragma once

#include "turnstile/async.h"
#include "turnstile/database.h"
#include "turnstile/error.h"
#include "turnstile/info.h"
#include "turnstile/lane.h"
#include "turnstile/metrics.h"
#include "turnstile/migration.h"
#include "turnstile/observation.h"
#include "turnstile/options.h"
#include "turnstile/priority.h"
#include "turnstile/schema.h"
#include "turnstile/statement.h"
#include "turnstile/transaction.h"
#include "turnstile/value.h"
#include "turnstile/version.h"
