#include "serve/models.h"

#include <algorithm>

#include "base/error.h"
#include "pipeline/answer_json.h"

namespace valence::serve {
namespace {

// "license: apache-2.0" of the front matter of a model card.
std::string license_of(std::string_view card) {
  if (!card.starts_with("---\n")) return "";
  std::string_view front = card.substr(4, card.find("\n---", 4) - 4);
  while (!front.empty()) {
    const size_t end = std::min(front.find('\n'), front.size());
    std::string_view line = front.substr(0, end);
    front.remove_prefix(std::min(end + 1, front.size()));
    if (!line.starts_with("license:")) continue;
    line.remove_prefix(8);
    const size_t begin = line.find_first_not_of(" \"'");
    return begin == std::string_view::npos
               ? ""
               : std::string(line.substr(begin, line.find_last_not_of(" \"'\r") + 1 - begin));
  }
  return "";
}

}  // namespace

ModelPointer serve_as(std::string name, std::shared_ptr<pipeline::Classifier> classifier, std::string card) {
  auto model = std::make_shared<ServedModel>();
  model->name = std::move(name);
  model->provenance = classifier->provenance();
  model->provenance_json = pipeline::json_of(model->provenance);
  model->license = license_of(card);
  model->card = std::move(card);
  model->bytes = static_cast<int64_t>(classifier->weight_bytes());
  model->classifier = std::move(classifier);
  return model;
}

Models::Models(Load load) : load_(std::move(load)), models_(load_()) { VALENCE_CHECK(!models_.empty()); }

std::vector<ModelPointer> Models::all() const {
  const std::lock_guard lock(mutex_);
  return models_;
}

ModelPointer Models::first() const {
  const std::lock_guard lock(mutex_);
  return models_.front();
}

ModelPointer Models::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::ranges::find_if(models_, [&](const ModelPointer& model) { return model->name == name; });
  return found == models_.end() ? nullptr : *found;
}

void Models::reload() {
  std::vector<ModelPointer> fresh = load_();
  VALENCE_CHECK(!fresh.empty());
  const std::lock_guard lock(mutex_);
  models_ = std::move(fresh);
}

}  // namespace valence::serve
