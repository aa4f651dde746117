#include <stdio.h>
#include <string.h>
#include <valence/valence.h>

/* Labels each argument: label_text_c "I love this" "worst day ever" */
int main(int argc, char** argv) {
  valence_classifier* classifier;
  if (valence_load("default", NULL, &classifier) != VALENCE_OK) {
    fprintf(stderr, "%s\n", valence_error_message());
    return 1;
  }
  for (int k = 1; k < argc; ++k) {
    const valence_text text = {argv[k], strlen(argv[k])};
    valence_results* results;
    if (valence_classify(classifier, &text, 1, &results) != VALENCE_OK) {
      fprintf(stderr, "%s\n", valence_error_message());
      valence_free(classifier);
      return 1;
    }
    const valence_result* result = valence_results_at(results, 0);
    printf("%s\t%.3f\n", result->error ? result->error : result->label, result->score);
    valence_results_free(results);
  }
  valence_free(classifier);
  return 0;
}
