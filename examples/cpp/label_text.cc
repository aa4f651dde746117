#include <valence/classifier.h>

#include <iostream>

int main() {
  valence::Classifier classifier;
  std::cout << classifier.classify("I love this").label << '\n';
}
