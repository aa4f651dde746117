/* Valence from C, and from whatever calls C.
 *
 *   valence_classifier* classifier;
 *   if (valence_load("default", NULL, &classifier) != VALENCE_OK) fail(valence_error_message());
 *   valence_text text = {"I love this", 11};
 *   valence_results* results;
 *   if (valence_classify(classifier, &text, 1, &results) != VALENCE_OK) fail(valence_error_message());
 *   printf("%s\n", valence_results_at(results, 0)->label);
 *   valence_results_free(results);
 *   valence_free(classifier);
 *
 * No function throws, prints or ends the program. Every pointer that is not said to be optional must not be
 * NULL. What the library hands out stays valid until the object that it belongs to is freed. Strings are
 * UTF-8.
 */
#ifndef VALENCE_VALENCE_H_
#define VALENCE_VALENCE_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define VALENCE_API __attribute__((visibility("default")))
#else
#define VALENCE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* How a call ended; the numbers are the exit statuses of the program. */
typedef enum valence_status {
  VALENCE_OK = 0,
  VALENCE_RUNTIME = 1,      /* something outside failed: memory, a disk */
  VALENCE_USAGE = 2,        /* the call asks for something that has no meaning */
  VALENCE_BAD_DATA = 65,    /* a file of the model is not what its format says */
  VALENCE_NO_INPUT = 66,    /* a file is absent or unreadable */
  VALENCE_UNAVAILABLE = 69, /* the model cannot be had: unknown, not downloaded */
  VALENCE_BAD_CONFIG = 78,  /* the model's configuration contradicts itself or is not supported */
  VALENCE_INTERRUPTED = 130
} valence_status;

/* What went wrong in this thread's last call that did not return VALENCE_OK: one line. */
VALENCE_API const char* valence_error_message(void);

/* "0.1.0" */
VALENCE_API const char* valence_version(void);

/* Begin with VALENCE_OPTIONS_INIT and set what differs: later versions add fields at the end, and `size`
 * tells them which ones the caller knew. */
typedef struct valence_options {
  size_t size;
  const char* dtype; /* "fp32", "bf16", "int8", "nf4"; NULL or "auto": the type that the model is stored in */
  const char* adapter; /* a PEFT LoRA folder; NULL: none */
  const char* social; /* the preprocessing of tweets: "on", "off"; NULL or "auto": as the model was trained */
  const char* long_text; /* a text beyond the model's length: "truncate", "error"; NULL or "windows" */
  int threads;           /* 0: every core that this process may use */
} valence_options;

#define VALENCE_OPTIONS_INIT {sizeof(valence_options), NULL, NULL, NULL, NULL, 0}

typedef struct valence_classifier valence_classifier;

/* Loads a model: "default" (carried by the library), a folder, or a name in the cache of downloaded models
 * ("org/name", "org/name@revision"). Nothing is downloaded. `options` may be NULL. On success *classifier is
 * to be freed with valence_free(); otherwise it is NULL. */
VALENCE_API valence_status valence_load(const char* model, const valence_options* options,
                                        valence_classifier** classifier);
VALENCE_API void valence_free(valence_classifier* classifier); /* NULL is allowed */

/* The labels in the order of the model's outputs (id2label). NULL beyond the last. */
VALENCE_API size_t valence_label_count(const valence_classifier* classifier);
VALENCE_API const char* valence_label(const valence_classifier* classifier, size_t index);

/* Need not end in 0, and may hold one. */
typedef struct valence_text {
  const char* data;
  size_t size; /* bytes */
} valence_text;

/* What is known about one text. When the text could not be used, `error` says why ("empty_text",
 * "invalid_encoding", "too_long"), `error_message` says it in words, and the other members are 0 or NULL. */
typedef struct valence_result {
  const char* error; /* NULL: the text was classified */
  const char* error_message;
  const char* label;   /* the one with the largest score */
  size_t label_index;  /* its place among the labels */
  double score;        /* scores[label_index] */
  double polarity;     /* -1 (negative) to 1 (positive); NaN when the labels say nothing about it */
  const float* scores; /* [labels] probabilities; of a regression model the values themselves */
  const float* logits; /* [labels] */
  int64_t tokens;      /* special tokens included, before any cut */
  int32_t windows;     /* overlapping parts in which the text was read: 1 when it fits the model */
  int32_t truncated;   /* 1 when a part of the text was not read */
} valence_result;

typedef struct valence_results valence_results;

/* Classifies `count` texts. A text's result is the same, bit for bit, whatever the other texts are. Many
 * texts in one call are the fast way. May be called from several threads; the calls then follow each other.
 * On success *results is to be freed with valence_results_free(); otherwise it is NULL. */
VALENCE_API valence_status valence_classify(valence_classifier* classifier, const valence_text* texts,
                                            size_t count, valence_results** results);
VALENCE_API size_t valence_results_count(const valence_results* results);
/* In the order of the texts. NULL beyond the last. Valid until the results are freed. */
VALENCE_API const valence_result* valence_results_at(const valence_results* results, size_t index);
VALENCE_API void valence_results_free(valence_results* results); /* NULL is allowed */

#ifdef __cplusplus
}
#endif

#endif /* VALENCE_VALENCE_H_ */
