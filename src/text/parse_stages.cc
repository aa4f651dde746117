// Reads the "normalizer" and "pre_tokenizer" of a tokenizer.json. A type or setting that is not known is
// refused: leaving one out would give other ids than the model was trained on.
#include "base/error.h"
#include "base/utf8.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/unicode.h"

namespace valence::text {
namespace {

using formats::Json;

constexpr int kMaxDepth = 16;  // of sequences in sequences

Error bad(const std::string& where, const std::string& what) {
  return Error(ErrorCode::kBadData, where + ": " + what);
}

// One stage's settings, with what messages call it.
struct Settings {
  const Json& json;
  const std::string& where;

  const Json& at(std::string_view name) const {
    const Json* found = json.get(name);
    if (!found) throw bad(where, std::string(name) + " is missing");
    return *found;
  }
  std::string name(std::string_view member) const { return where + ": " + std::string(member); }
  bool flag(std::string_view member) const { return at(member).as_bool(name(member)); }
  bool flag(std::string_view member, bool otherwise) const {
    const Json* found = json.get(member);
    return found ? found->as_bool(name(member)) : otherwise;
  }
  std::u32string text(std::string_view member) const { return to_utf32(at(member).as_string(name(member))); }
  char32_t character(std::string_view member) const {
    const std::u32string codes = text(member);
    if (codes.size() != 1) throw bad(where, std::string(member) + " is not one character");
    return codes[0];
  }
};

std::unique_ptr<Normalizer> read_normalizer(const Json& json, const std::string& where, int depth);

std::unique_ptr<Normalizer> read_bert_normalizer(const Settings& settings) {
  BertNormalizer::Settings out;
  out.clean_text = settings.flag("clean_text");
  out.split_ideographs = settings.flag("handle_chinese_chars");
  out.lowercase = settings.flag("lowercase");
  out.strip_accents = settings.flag("strip_accents", out.lowercase);
  return std::make_unique<BertNormalizer>(out);
}

std::unique_ptr<Normalizer> read_precompiled(const Settings& settings) {
  const Json* map = settings.json.get("precompiled_charsmap");
  if (!map) return nullptr;  // null: a model without a map
  const std::string bytes =
      decode_base64(map->as_string(settings.name("precompiled_charsmap")), settings.where);
  return std::make_unique<Precompiled>(Charsmap(bytes, settings.where));
}

std::unique_ptr<Normalizer> read_normalizer_sequence(const Settings& settings, int depth) {
  if (depth == 0) throw bad(settings.where, "nested too deep");
  std::vector<std::unique_ptr<Normalizer>> steps;
  for (const Json& step : settings.at("normalizers").as_array(settings.name("normalizers"))) {
    if (auto normalizer = read_normalizer(step, settings.where, depth - 1))
      steps.push_back(std::move(normalizer));
  }
  return std::make_unique<NormalizerSequence>(std::move(steps));
}

std::unique_ptr<Normalizer> read_normalizer(const Json& json, const std::string& where, int depth) {
  const Settings settings{json, where};
  const std::string& type = settings.at("type").as_string(where + ": type");
  if (type == "BertNormalizer") return read_bert_normalizer(settings);
  if (type == "Sequence") return read_normalizer_sequence(settings, depth);
  if (type == "NFC") return std::make_unique<UnicodeForm>(false, true);
  if (type == "NFD") return std::make_unique<UnicodeForm>(false, false);
  if (type == "NFKC") return std::make_unique<UnicodeForm>(true, true);
  if (type == "NFKD") return std::make_unique<UnicodeForm>(true, false);
  if (type == "Lowercase") return std::make_unique<Lowercase>();
  if (type == "StripAccents") return std::make_unique<StripAccents>();
  if (type == "Strip")
    return std::make_unique<Strip>(settings.flag("strip_left"), settings.flag("strip_right"));
  if (type == "Prepend") return std::make_unique<Prepend>(settings.text("prepend"));
  if (type == "Nmt") return std::make_unique<Nmt>();
  if (type == "Precompiled") return read_precompiled(settings);
  if (type == "ByteLevel") return std::make_unique<ByteLevelNormalizer>();
  if (type == "Replace") {
    return std::make_unique<Replace>(parse_pattern(json.get("pattern"), where), settings.text("content"));
  }
  throw bad(where, "the type " + printable(type, 60) + " is not supported");
}

SplitBehavior read_behavior(const Json& json, const std::string& where) {
  const std::string& name = json.as_string(where + ": behavior");
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  throw bad(where, "behavior " + printable(name, 60) + " is not known");
}

// Old files say add_prefix_space, new ones prepend_scheme; str_rep is the replacement once more.
std::unique_ptr<PreTokenizer> read_metaspace(const Settings& settings) {
  const Json* scheme = settings.json.get("prepend_scheme");
  auto prepend = Metaspace::Prepend::kAlways;
  if (scheme) {
    const std::string& name = scheme->as_string(settings.name("prepend_scheme"));
    if (name == "first") {
      prepend = Metaspace::Prepend::kFirst;
    } else if (name == "never") {
      prepend = Metaspace::Prepend::kNever;
    } else if (name != "always") {
      throw bad(settings.where, "prepend_scheme " + printable(name, 60) + " is not known");
    }
  }
  if (!settings.flag("add_prefix_space", true)) {
    if (scheme && prepend != Metaspace::Prepend::kNever) {
      throw bad(settings.where, "add_prefix_space and prepend_scheme contradict each other");
    }
    prepend = Metaspace::Prepend::kNever;
  }
  return std::make_unique<Metaspace>(settings.character("replacement"), prepend,
                                     settings.flag("split", true));
}

std::unique_ptr<PreTokenizer> read_pre_tokenizer(const Json& json, const std::string& where, int depth);

std::unique_ptr<PreTokenizer> read_pre_tokenizer_sequence(const Settings& settings, int depth) {
  if (depth == 0) throw bad(settings.where, "nested too deep");
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  for (const Json& step : settings.at("pretokenizers").as_array(settings.name("pretokenizers"))) {
    steps.push_back(read_pre_tokenizer(step, settings.where, depth - 1));
  }
  return std::make_unique<PreTokenizerSequence>(std::move(steps));
}

Matcher match_flag(uint32_t flag) {
  return match_each([flag](char32_t c) { return UnicodeTable::get().has(c, flag); });
}

std::unique_ptr<PreTokenizer> read_pre_tokenizer(const Json& json, const std::string& where, int depth) {
  using enum SplitBehavior;
  const Settings settings{json, where};
  const std::string& type = settings.at("type").as_string(where + ": type");
  if (type == "BertPreTokenizer") return std::make_unique<BertPreTokenizer>();
  if (type == "ByteLevel") {
    return std::make_unique<ByteLevel>(settings.flag("add_prefix_space"), settings.flag("use_regex", true));
  }
  if (type == "Metaspace") return read_metaspace(settings);
  if (type == "Sequence") return read_pre_tokenizer_sequence(settings, depth);
  if (type == "Whitespace") return std::make_unique<Split>(match_words(), kRemoved, true);
  if (type == "WhitespaceSplit") return std::make_unique<WhitespaceSplit>();
  if (type == "Punctuation") {
    const Json* behavior = json.get("behavior");
    return std::make_unique<Split>(match_flag(kPunctuation),
                                   behavior ? read_behavior(*behavior, where) : kIsolated);
  }
  if (type == "Digits") {
    return std::make_unique<Split>(match_flag(kNumeric),
                                   settings.flag("individual_digits") ? kIsolated : kContiguous);
  }
  if (type == "CharDelimiterSplit") {
    const char32_t delimiter = settings.character("delimiter");
    return std::make_unique<Split>(match_each([delimiter](char32_t c) { return c == delimiter; }), kRemoved);
  }
  if (type == "Split") {
    return std::make_unique<Split>(parse_pattern(json.get("pattern"), where),
                                   read_behavior(settings.at("behavior"), where), settings.flag("invert"));
  }
  throw bad(where, "the type " + printable(type, 60) + " is not supported");
}

}  // namespace

std::unique_ptr<Normalizer> parse_normalizer(const Json* json, const std::string& where) {
  if (!json || json->is_null()) return nullptr;
  return read_normalizer(*json, where + ": normalizer", kMaxDepth);
}

std::unique_ptr<PreTokenizer> parse_pre_tokenizer(const Json* json, const std::string& where) {
  if (!json || json->is_null()) return nullptr;
  return read_pre_tokenizer(*json, where + ": pre_tokenizer", kMaxDepth);
}

}  // namespace valence::text
