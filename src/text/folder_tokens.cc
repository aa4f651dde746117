#include "text/folder_tokens.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace valence::text {
namespace {

using formats::Json;

constexpr std::string_view kStandardNames[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                               "pad_token", "cls_token", "mask_token"};

bool is_standard(std::string_view name) {
  return std::find(std::begin(kStandardNames), std::end(kStandardNames), name) != std::end(kStandardNames);
}

// A token is its text, or an object that says more about it. `special`: what it is when it does not say.
AddedToken read_token(const Json& json, bool special, const std::string& what) {
  AddedToken token;
  if (json.is_string()) {
    token.content = json.as_string(what);
    token.special = special;
    return token;
  }
  const auto flag = [&](std::string_view name, bool otherwise) {
    const Json* found = json.get(name);
    return found ? found->as_bool(what + ": " + std::string(name)) : otherwise;
  };
  json.as_object(what);
  const Json* content = json.get("content");
  if (!content) throw Error(ErrorCode::kBadData, what + ": content is missing");
  token.content = content->as_string(what + ": content");
  token.special = flag("special", special);
  token.normalized = flag("normalized", !token.special);
  token.single_word = flag("single_word", false);
  token.lstrip = flag("lstrip", false);
  token.rstrip = flag("rstrip", false);
  return token;
}

const AddedToken* find_content(const std::vector<AddedToken>& tokens, std::string_view content) {
  const auto it = std::find_if(tokens.begin(), tokens.end(),
                               [&](const AddedToken& token) { return token.content == content; });
  return it == tokens.end() ? nullptr : &*it;
}

int64_t read_key(const std::string& key) {
  int64_t id = -1;
  const auto result = std::from_chars(key.data(), key.data() + key.size(), id);
  if (result.ec == std::errc() && result.ptr == key.data() + key.size() && id >= 0) return id;
  throw Error(ErrorCode::kBadData, "added_tokens_decoder: " + printable(key, 40) + " is no id");
}

}  // namespace

FolderTokens::FolderTokens(const FolderSettings& settings, std::initializer_list<Named> named)
    : has_decoder_(settings.tokenizer_config.get("added_tokens_decoder") != nullptr) {
  read_added(settings);
  read_named(settings, named);
  read_extra(settings);
}

// Without added_tokens_decoder special_tokens_map.json comes before tokenizer_config.json.
const Json* FolderTokens::find(const FolderSettings& settings, std::string_view name) const {
  const Json* found = has_decoder_ ? nullptr : settings.special_tokens_map.find(name);
  return found ? found : settings.tokenizer_config.find(name);
}

void FolderTokens::append(AddedToken token) {
  if (!token.content.empty() && !find_content(tokens_, token.content)) tokens_.push_back(std::move(token));
}

// added_tokens_decoder {"0": {"content": "[PAD]", ...}}, else added_tokens.json {"[NEW]": 30522}; by id.
void FolderTokens::read_added(const FolderSettings& settings) {
  std::map<int64_t, AddedToken> by_id;
  if (has_decoder_) {
    const Json& decoder = *settings.tokenizer_config.get("added_tokens_decoder");
    for (const auto& [key, json] : decoder.as_object("added_tokens_decoder")) {
      by_id[read_key(key)] = read_token(json, false, "added_tokens_decoder");
    }
  } else if (!settings.added_tokens.is_null()) {
    std::vector<std::string> specials;
    for (const std::string_view name : kStandardNames) {
      const Json* found = find(settings, name);
      if (found && !found->is_null()) specials.push_back(read_token(*found, true, std::string(name)).content);
    }
    for (const auto& [content, id] : settings.added_tokens.as_object("added_tokens.json")) {
      const bool special = std::find(specials.begin(), specials.end(), content) != specials.end();
      AddedToken token{.content = content, .normalized = !special, .special = special};
      by_id[id.as_int("added_tokens.json: the id of a token")] = token;
    }
  }
  for (auto& [id, token] : by_id) {
    if (!ids_.emplace(token.content, id).second) {
      throw Error(ErrorCode::kBadData, "added token " + printable(token.content, 60) + " has two ids");
    }
    append(std::move(token));
  }
}

// The seven names in their order, then names that only this model has.
void FolderTokens::read_named(const FolderSettings& settings, std::initializer_list<Named> named) {
  const auto read = [&](std::string_view name, const Json& json) {
    AddedToken token = read_token(json, true, std::string(name));
    named_[std::string(name)] = token.content;
    token.special = true;
    append(std::move(token));
  };
  for (const std::string_view name : kStandardNames) {
    const auto otherwise =
        std::find_if(named.begin(), named.end(), [&](const Named& n) { return n.name == name; });
    const Json* found = find(settings, name);
    if (found) {
      if (!found->is_null()) read(name, *found);
    } else if (otherwise != named.end()) {
      read(name, Json(std::string(otherwise->otherwise)));
    }
  }
  if (!settings.tokenizer_config.is_object()) return;
  for (const auto& [name, json] : settings.tokenizer_config.as_object("tokenizer_config.json")) {
    if (name.ends_with("_token") && !is_standard(name) && json.is_string()) read(name, json);
  }
}

// A list of texts or objects, or an object of named ones.
void FolderTokens::read_extra(const FolderSettings& settings) {
  for (const char* name : {"extra_special_tokens", "additional_special_tokens"}) {
    const Json* found = find(settings, name);
    if (!found || found->is_null()) continue;
    if (found->is_object()) {
      for (const auto& member : found->as_object(name)) append(read_token(member.second, true, name));
    } else {
      for (const Json& json : found->as_array(name)) append(read_token(json, true, name));
    }
  }
}

std::string FolderTokens::text(std::string_view name) const {
  const auto it = named_.find(name);
  return it == named_.end() ? "" : it->second;
}

void FolderTokens::add_to(Stages& stages, const std::string& where) const {
  for (const AddedToken& token : tokens_) {
    const int32_t got = stages.added.add(token, *stages.model, stages.normalizer.get(), where);
    const auto wanted = ids_.find(token.content);
    if (wanted == ids_.end() || wanted->second == got) continue;
    throw Error(ErrorCode::kBadData, where + ": added token " + printable(token.content, 60) +
                                         " has the id " + std::to_string(got) +
                                         ", but the settings give it " + std::to_string(wanted->second));
  }
}

int32_t FolderTokens::id(std::string_view name, const Stages& stages, const std::string& where) const {
  const auto id = stages.added.id(text(name));
  if (!id) throw Error(ErrorCode::kBadData, where + ": there is no " + std::string(name));
  return *id;
}

}  // namespace valence::text
