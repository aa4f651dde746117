// The models of a server, each under the name that requests call it by.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/classifier.h"

namespace valence::serve {

// A model as it was loaded; does not change. Requests hold on to it, so that a reload loses none.
struct ServedModel {
  std::string name;
  std::shared_ptr<pipeline::Classifier> classifier;
  pipeline::Provenance provenance;
  std::string provenance_json;
  std::string license, card;  // of its README.md; empty when it has none
  int64_t bytes = 0;          // of the weights in memory
};
using ModelPointer = std::shared_ptr<const ServedModel>;

// Describes a loaded classifier: reads its weights once more for their hash.
ModelPointer serve_as(std::string name, std::shared_ptr<pipeline::Classifier> classifier, std::string card);

// Any thread may call any member.
class Models {
 public:
  using Load = std::function<std::vector<ModelPointer>()>;
  // `load` gives the models, the default first, at least one; it is called now and by each reload().
  // Errors: those of `load`.
  explicit Models(Load load);

  std::vector<ModelPointer> all() const;
  ModelPointer first() const;
  // nullptr when there is none of that name.
  ModelPointer find(std::string_view name) const;

  // Loads everything again; requests that began keep the models that they began with. When that fails the
  // models stay as they are. Errors: those of `load`; kBadConfig when the number of workers changes.
  void reload();

 private:
  Load load_;
  mutable std::mutex mutex_;
  std::vector<ModelPointer> models_;
};

}  // namespace valence::serve
