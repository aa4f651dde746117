#include "formats/catalogue.h"

#include <algorithm>

namespace valence::formats {

std::span<const CatalogueEntry> catalogue() {
  // Labels: from the models' own cards. Cardiff's mapping file of TweetEval says 0 negative, 1 neutral, 2
  // positive.
  static const std::vector<CatalogueEntry> kEntries = {
      {"twitter-roberta",
       "cardiffnlp/twitter-roberta-base-sentiment-latest",
       "CC-BY-4.0",
       "RoBERTa-base for English tweets: negative, neutral, positive",
       true,
       {},
       true},
      {"multilingual-5-classes",
       "tabularisai/multilingual-sentiment-analysis",
       "CC-BY-NC-4.0",
       "DistilBERT-base multilingual: five classes from Very Negative to Very Positive",
       false,
       {},
       true},
      {"distilbert-base",
       "distilbert/distilbert-base-uncased",
       "Apache-2.0",
       "DistilBERT-base uncased without a head: the base to fine-tune your own model on",
       false,
       {},
       true},
      {"twitter-roberta-2020",
       "cardiffnlp/twitter-roberta-base-sentiment",
       "not stated",
       "RoBERTa-base for English tweets, 2020",
       true,
       {"negative", "neutral", "positive"},
       false},
      {"twitter-xlm-roberta",
       "cardiffnlp/twitter-xlm-roberta-base-sentiment",
       "not stated",
       "XLM-RoBERTa-base for tweets in eight languages",
       true,
       {"negative", "neutral", "positive"},
       false},
  };
  return kEntries;
}

const CatalogueEntry* find_in_catalogue(std::string_view name) {
  const auto entries = catalogue();
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const CatalogueEntry& entry) {
    return entry.name == name || entry.repository == name;
  });
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace valence::formats
