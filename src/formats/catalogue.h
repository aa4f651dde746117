// Models that the program knows by name: where they are, and what their configuration does not say.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace valence::formats {

struct CatalogueEntry {
  std::string name;                 // the short name for --model
  std::string repository;           // org/name on the hub
  std::string licence;              // SPDX where there is one; "not stated"
  std::string description;          // one line for people
  bool social = false;              // was trained on tweets prepared as text/social.h does
  std::vector<std::string> labels;  // what LABEL_0.. stand for, reviewed; empty where config.json names them
  bool featured = false;            // one of the models that `valence models` offers
};

std::span<const CatalogueEntry> catalogue();

// By short name or repository; null when unknown.
const CatalogueEntry* find_in_catalogue(std::string_view name);

}  // namespace valence::formats
