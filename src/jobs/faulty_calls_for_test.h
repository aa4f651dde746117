// The calls by which a job changes files, made to fail or to be the last of their process: a test links this
// file with --wrap for each of them.
#pragma once

namespace valence::jobs {

struct Faults {
  enum class Kind {
    kNone,
    kDie,       // SIGKILL at step `at`
    kFail,      // from step `at` on every call fails with `error`: a full disk
    kFailOnce,  // the call at step `at` fails
  };
  Kind kind = Kind::kNone;
  int at = 0;
  int error = 0;
  bool short_writes = false;      // each write stops early
  int steps = 0;                  // so far
  bool renamed_unsynced = false;  // a file was renamed while written bytes were not synced
};

// Those of the process.
Faults& faults();
void set_faults(Faults::Kind kind, int at = 0, int error = 0);

}  // namespace valence::jobs
