#include <iostream>
#include <valence/classifier.h>

int main() {
  valence::Classifier classifier;
  std::cout << classifier.classify("I love this").label << '\n';
}
