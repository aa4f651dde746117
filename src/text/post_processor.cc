#include "text/post_processor.h"

#include <algorithm>

#include "base/error.h"
#include "text/vocab.h"

namespace valence::text {
namespace {

using formats::Json;

void trim(std::vector<PlacedToken>& tokens, bool add_prefix_space) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    const PlacedToken& token = tokens[i];
    Offset& offset = tokens[i].offset;
    if (token.leading > 0) {
      const bool first = i == 0 || offset.begin == 0;
      const uint32_t leading = first && add_prefix_space && token.leading == 1 ? 0 : token.leading;
      offset.begin = std::min(offset.begin + leading, offset.end);
    }
    if (token.trailing > 0 && offset.end >= token.trailing) {
      offset.end = std::max(offset.end - token.trailing, offset.begin);
    }
  }
}

const Json& member(const Json& json, std::string_view name, const std::string& where) {
  const Json* found = json.get(name);
  if (!found) throw Error(ErrorCode::kBadData, where + ": " + std::string(name) + " is missing");
  return *found;
}

int32_t read_id(const Json& json, const std::string& where) {
  const int64_t id = json.as_int(where);
  if (id < 0 || id > kMaxTokenId)
    throw Error(ErrorCode::kBadData, where + ": no token has the id " + json.dump());
  return static_cast<int32_t>(id);
}

// ["[SEP]", 102]
int32_t read_pair(const Json& json, std::string_view name, const std::string& where) {
  const Json::Array& pair = member(json, name, where).as_array(where + ": " + std::string(name));
  if (pair.size() != 2)
    throw Error(ErrorCode::kBadData, where + ": " + std::string(name) + " is not a token and its id");
  return read_id(pair[1], where + ": the id of " + std::string(name));
}

bool read_bool(const Json& json, std::string_view name, bool otherwise, const std::string& where) {
  const Json* found = json.get(name);
  return found ? found->as_bool(where + ": " + std::string(name)) : otherwise;
}

std::vector<int32_t> special_ids(const Json& piece, const Json& specials, const std::string& where) {
  const std::string& name = member(piece, "id", where).as_string(where + ": id");
  const Json* special = specials.get(name);
  if (!special) throw Error(ErrorCode::kBadData, where + ": no special token " + printable(name, 60));
  std::vector<int32_t> ids;
  for (const Json& id : member(*special, "ids", where).as_array(where + ": ids"))
    ids.push_back(read_id(id, where));
  return ids;
}

int64_t type_of(const Json& piece, const std::string& where) {
  const Json* type = piece.get("type_id");
  return type ? type->as_int(where + ": type_id") : 0;
}

// The "pair" of a template, where it is of the common kind: `before`, $A, ids, $B, `after`, all of token type
// 0 up to $B, and of one type from there on.
std::optional<PairTemplate> parse_pair(const Json& pieces, const Json& specials, const std::string& where,
                                       const std::vector<int32_t>& before,
                                       const std::vector<int32_t>& after) {
  std::vector<int32_t> around[3];
  size_t texts = 0;
  int64_t types[3] = {0, 0, 0};  // the largest of each stretch: up to $A, up to $B, from $B on
  for (const Json& piece : pieces.as_array(where + ": pair")) {
    if (const Json* sequence = piece.get("Sequence")) {
      const Json* id = sequence->get("id");
      if (!id || texts == 2 || id->as_string(where) != (texts == 0 ? "A" : "B")) return std::nullopt;
      types[++texts] = type_of(*sequence, where);
    } else {
      const Json& special = member(piece, "SpecialToken", where);
      const std::vector<int32_t> ids = special_ids(special, specials, where);
      around[texts].insert(around[texts].end(), ids.begin(), ids.end());
      if (type_of(special, where) != types[texts]) return std::nullopt;
    }
  }
  const bool common = texts == 2 && around[0] == before && around[2] == after && types[1] == 0 &&
                      (types[2] == 0 || types[2] == 1);
  if (!common) return std::nullopt;
  return PairTemplate{around[1], types[2] == 1};
}

void parse_template(const Json& json, const std::string& where, PostProcessor& out) {
  const Json& specials = member(json, "special_tokens", where);
  std::vector<int32_t> around[2];
  int texts = 0;
  for (const Json& piece : member(json, "single", where).as_array(where + ": single")) {
    if (const Json* sequence = piece.get("Sequence")) {
      const Json* id = sequence->get("id");
      if (!id || id->as_string(where) != "A" || ++texts > 1) texts = 2;
    } else {
      const std::vector<int32_t> ids = special_ids(member(piece, "SpecialToken", where), specials, where);
      around[texts > 0].insert(around[texts > 0].end(), ids.begin(), ids.end());
    }
  }
  if (texts != 1)
    throw Error(ErrorCode::kBadData, where + ": the template of a single text must hold it exactly once");
  std::optional<PairTemplate> pair;
  if (const Json* pieces = json.get("pair"); pieces && pieces->is_array())
    pair = parse_pair(*pieces, specials, where, around[0], around[1]);
  out.add_template(around[0], around[1], std::move(pair));
}

void parse_step(const Json& json, const std::string& where, int depth, PostProcessor& out) {
  const std::string& type = member(json, "type", where).as_string(where + ": type");
  if (type == "TemplateProcessing") {
    parse_template(json, where, out);
  } else if (type == "BertProcessing") {
    const int32_t sep = read_pair(json, "sep", where);
    out.add_template({read_pair(json, "cls", where)}, {sep}, PairTemplate{{sep}, true});
  } else if (type == "RobertaProcessing") {
    if (read_bool(json, "trim_offsets", true, where))
      out.add_trim(read_bool(json, "add_prefix_space", true, where));
    const int32_t sep = read_pair(json, "sep", where);
    out.add_template({read_pair(json, "cls", where)}, {sep}, PairTemplate{{sep, sep}, false});
  } else if (type == "ByteLevel") {
    if (read_bool(json, "trim_offsets", true, where))
      out.add_trim(read_bool(json, "add_prefix_space", true, where));
  } else if (type == "Sequence") {
    if (depth == 0) throw Error(ErrorCode::kBadData, where + ": nested too deep");
    for (const Json& step : member(json, "processors", where).as_array(where + ": processors")) {
      parse_step(step, where, depth - 1, out);
    }
  } else {
    throw Error(ErrorCode::kBadData, where + ": the type " + printable(type, 60) + " is not supported");
  }
}

}  // namespace

void PostProcessor::add_template(std::vector<int32_t> before, std::vector<int32_t> after,
                                 std::optional<PairTemplate> pair) {
  pair_ = ++templates_ == 1 ? std::move(pair) : std::nullopt;
  prefix_.insert(prefix_.begin(), before.begin(), before.end());
  suffix_.insert(suffix_.end(), after.begin(), after.end());
  steps_.push_back({.before = std::move(before), .after = std::move(after)});
}

void PostProcessor::add_trim(bool add_prefix_space) {
  steps_.push_back({.trim = true, .add_prefix_space = add_prefix_space, .before = {}, .after = {}});
}

bool PostProcessor::trims() const {
  return std::any_of(steps_.begin(), steps_.end(), [](const Step& step) { return step.trim; });
}

void PostProcessor::process(std::vector<PlacedToken>& tokens) const {
  for (const Step& step : steps_) {
    if (step.trim) trim(tokens, step.add_prefix_space);
    const auto special = [](int32_t id) { return PlacedToken{id, {0, 0}}; };
    std::vector<PlacedToken> around;
    std::transform(step.before.begin(), step.before.end(), std::back_inserter(around), special);
    tokens.insert(tokens.begin(), around.begin(), around.end());
    std::transform(step.after.begin(), step.after.end(), std::back_inserter(tokens), special);
  }
}

PostProcessor parse_post_processor(const Json* json, const std::string& where) {
  PostProcessor out;
  constexpr int kMaxDepth = 16;
  if (json && !json->is_null()) parse_step(*json, where + ": post_processor", kMaxDepth, out);
  return out;
}

}  // namespace valence::text
