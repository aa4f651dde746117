/* valence.h as a C program sees it; called by api_test.cc. */
#include <string.h>
#include <valence/valence.h>

/* The number of labels of `model` when it labels a text, else 0. */
size_t labels_from_c(const char* model);

size_t labels_from_c(const char* model) {
  valence_options options = VALENCE_OPTIONS_INIT;
  valence_classifier* classifier;
  valence_results* results;
  const valence_text text = {"a good day", 10};
  size_t labels = 0;
  options.threads = 1;
  if (valence_load(model, &options, &classifier) != VALENCE_OK) return 0;
  if (valence_classify(classifier, &text, 1, &results) == VALENCE_OK) {
    const valence_result* result = valence_results_at(results, 0);
    if (result->error == NULL && strcmp(result->label, valence_label(classifier, result->label_index)) == 0) {
      labels = valence_label_count(classifier);
    }
    valence_results_free(results);
  }
  valence_free(classifier);
  return labels;
}
