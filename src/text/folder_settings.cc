#include "base/error.h"
#include "text/loaders.h"

namespace valence::text {
namespace {

using formats::Json;

Json read_object(const formats::ModelFiles& files, std::string_view name) {
  if (!files.has(name)) return Json();
  const auto bytes = files.open(name);
  Json json = Json::parse(bytes->text(), files.describe(name));
  json.as_object(files.describe(name));
  return json;
}

}  // namespace

FolderSettings FolderSettings::read(const formats::ModelFiles& files) {
  FolderSettings out;
  out.tokenizer_config = read_object(files, "tokenizer_config.json");
  out.special_tokens_map = read_object(files, "special_tokens_map.json");
  out.added_tokens = read_object(files, "added_tokens.json");
  out.config = read_object(files, "config.json");
  return out;
}

bool FolderSettings::flag(std::string_view name, bool otherwise) const {
  const Json* found = tokenizer_config.get(name);
  return found ? found->as_bool("tokenizer_config.json: " + std::string(name)) : otherwise;
}

std::string FolderSettings::model_type() const {
  const Json* found = config.get("model_type");
  return found && found->is_string() ? found->as_string("model_type") : "";
}

std::string FolderSettings::tokenizer_class() const {
  for (const Json* file : {&tokenizer_config, &config}) {
    const Json* found = file->get("tokenizer_class");
    if (found && found->is_string()) return found->as_string("tokenizer_class");
  }
  return "";
}

}  // namespace valence::text
