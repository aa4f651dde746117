// tokenizer.json of the tokenizers library, in the spellings of all its versions.
#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/utf8.h"
#include "text/bpe.h"
#include "text/json_cursor.h"
#include "text/loaders.h"
#include "text/pipeline_tokenizer.h"
#include "text/unigram.h"
#include "text/wordpiece.h"

namespace valence::text {
namespace {

using formats::Json;

// "model", taken apart: its settings as a tree, its vocabulary and merges as the lists that they are.
class ModelReader {
 public:
  explicit ModelReader(std::string where) : where_(std::move(where)) {}

  void read(JsonCursor& cursor) {
    cursor.object([&](std::string_view key) {
      const std::string name(key);
      if (!seen_.insert(name).second) cursor.fail("\"" + printable(name, 60) + "\" occurs twice");
      if (name == "vocab") {
        cursor.peek() == '[' ? read_scored_vocab(cursor) : read_vocab(cursor);
      } else if (name == "merges") {
        read_merges(cursor);
      } else {
        settings_.emplace_back(name, cursor.value());
      }
    });
  }

  std::unique_ptr<Model> build() {
    const Json settings(std::move(settings_));
    if (!seen_.count("vocab")) throw bad("the model has no vocab");
    const std::string type = model_type(settings);
    if (scored_ != (type == "Unigram"))
      throw bad("the vocab is not of the form that a " + type + " model has");
    if (type == "WordPiece") return word_piece(settings);
    if (type == "BPE") return bpe(settings);
    return unigram(settings);
  }

 private:
  Error bad(const std::string& what) const { return Error(ErrorCode::kBadData, where_ + ": " + what); }

  // {"token": id, ...}
  void read_vocab(JsonCursor& cursor) {
    cursor.object([&](std::string_view key) {
      token_ = key;
      const auto id = static_cast<int32_t>(cursor.integer(kMaxTokenId));
      if (vocab_.has_id(id)) cursor.fail("two tokens have the id " + std::to_string(id));
      if (!vocab_.add(token_, id)) cursor.fail("the token " + printable(token_, 60) + " occurs twice");
    });
  }

  // [["token", score], ...], ids by position
  void read_scored_vocab(JsonCursor& cursor) {
    scored_ = true;
    cursor.array([&] {
      if (scores_.size() > static_cast<size_t>(kMaxTokenId)) cursor.fail("too many tokens");
      cursor.expect('[');
      token_ = cursor.string();
      cursor.expect(',');
      vocab_.add(token_, static_cast<int32_t>(scores_.size()));
      scores_.push_back(cursor.number());
      cursor.expect(']');
    });
  }

  // ["a b", ...] or [["a", "b"], ...]
  void read_merges(JsonCursor& cursor) {
    cursor.array([&] {
      if (cursor.accept('[')) {
        const uint32_t begin = put(cursor.string());
        cursor.expect(',');
        const uint32_t middle = put(cursor.string());
        merges_.push_back({begin, middle, static_cast<uint32_t>(merge_bytes_.size())});
        cursor.expect(']');
        return;
      }
      const std::string_view both = cursor.string();
      if (both.starts_with("#version")) return;
      const size_t space = both.find(' ');
      if (space == both.npos || both.find(' ', space + 1) != both.npos) {
        cursor.fail("a merge is not two tokens: " + printable(both, 60));
      }
      const uint32_t begin = put(both.substr(0, space));
      const uint32_t middle = put(both.substr(space + 1));
      merges_.push_back({begin, middle, static_cast<uint32_t>(merge_bytes_.size())});
    });
  }

  uint32_t put(std::string_view text) {
    const auto begin = static_cast<uint32_t>(merge_bytes_.size());
    merge_bytes_.append(text);
    return begin;
  }

  // Old files leave the type out; the reference then takes the first one whose members are there.
  std::string model_type(const Json& settings) const {
    if (const Json* type = settings.get("type")) {
      const std::string& name = type->as_string(where_ + ": the type of the model");
      if (name == "BPE" || name == "WordPiece" || name == "Unigram") return name;
      throw bad("the model type " + printable(name, 60) + " is not supported");
    }
    if (seen_.count("merges")) return "BPE";
    if (scored_) return "Unigram";
    if (settings.find("continuing_subword_prefix") && settings.find("max_input_chars_per_word"))
      return "WordPiece";
    throw bad("the model has no type, and is none of those that are supported");
  }

  std::string text(const Json& settings, std::string_view name, const std::string& otherwise) const {
    const Json* found = settings.get(name);
    return found ? found->as_string(where_ + ": " + std::string(name)) : otherwise;
  }
  bool flag(const Json& settings, std::string_view name) const {
    const Json* found = settings.get(name);
    return found && found->as_bool(where_ + ": " + std::string(name));
  }

  std::unique_ptr<Model> word_piece(const Json& settings) {
    WordPiece::Settings out;
    out.unknown = text(settings, "unk_token", out.unknown);
    out.prefix = text(settings, "continuing_subword_prefix", out.prefix);
    if (const Json* longest = settings.get("max_input_chars_per_word")) {
      const int64_t value = longest->as_int(where_ + ": max_input_chars_per_word");
      constexpr int64_t kLongest = 10000;  // bounds the time for one word
      if (value < 0 || value > kLongest) throw bad("max_input_chars_per_word is " + std::to_string(value));
      out.longest_word = static_cast<size_t>(value);
    }
    return std::make_unique<WordPiece>(std::move(vocab_), out, where_);
  }

  std::unique_ptr<Model> bpe(const Json& settings) {
    if (const Json* dropout = settings.get("dropout");
        dropout && dropout->as_number(where_ + ": dropout") != 0) {
      throw bad("dropout makes tokens random and is not supported");
    }
    if (!seen_.count("merges")) throw bad("the model has no merges");
    Bpe::Settings out;
    if (settings.get("unk_token")) out.unknown = text(settings, "unk_token", "");
    out.prefix = text(settings, "continuing_subword_prefix", "");
    out.suffix = text(settings, "end_of_word_suffix", "");
    out.fuse_unknown = flag(settings, "fuse_unk");
    out.byte_fallback = flag(settings, "byte_fallback");
    out.ignore_merges = flag(settings, "ignore_merges");
    Bpe::Merges merges;
    merges.reserve(merges_.size());
    const std::string_view bytes = merge_bytes_;
    for (const MergeSpan& m : merges_) {
      merges.emplace_back(bytes.substr(m.begin, m.middle - m.begin),
                          bytes.substr(m.middle, m.end - m.middle));
    }
    return std::make_unique<Bpe>(std::move(vocab_), merges, out, where_);
  }

  std::unique_ptr<Model> unigram(const Json& settings) {
    const Json* unknown = settings.get("unk_id");
    if (!unknown) throw bad("unk_id is missing");
    const int64_t id = unknown->as_int(where_ + ": unk_id");
    if (id < 0 || static_cast<size_t>(id) >= scores_.size()) throw bad("unk_id is " + std::to_string(id));
    std::vector<Unigram::Entry> entries;
    for (int32_t token = 0; token < vocab_.end_id(); ++token) {
      const std::string_view content =
          vocab_.token(token);  // of a token that occurs twice the last one counts
      if (!content.empty() && vocab_.find(content) == token) {
        entries.push_back({token, scores_[static_cast<size_t>(token)]});
      }
    }
    Unigram::Settings out;
    out.unknown = static_cast<int32_t>(id);
    out.unknown_score = *std::min_element(scores_.begin(), scores_.end()) - Unigram::kUnknownPenalty;
    out.byte_fallback = flag(settings, "byte_fallback");
    return std::make_unique<Unigram>(std::move(vocab_), entries, out, where_);
  }

  struct MergeSpan {
    uint32_t begin, middle, end;  // of merge_bytes_
  };

  std::string where_;
  std::set<std::string> seen_;
  Json::Object settings_;
  Vocab vocab_;
  bool scored_ = false;
  std::vector<double> scores_;
  std::string merge_bytes_;
  std::vector<MergeSpan> merges_;
  std::string token_;  // a copy: the cursor reuses its buffer
};

bool member_flag(const Json& json, std::string_view name, const std::string& where) {
  const Json* found = json.get(name);
  return found && found->as_bool(where + ": " + std::string(name));
}

void add_tokens(const Json* list, const std::string& file, Stages& stages) {
  if (!list || list->is_null()) return;
  const std::string where = file + ": added_tokens";
  for (const Json& json : list->as_array(where)) {
    const Json* content = json.get("content");
    const Json* id = json.get("id");
    if (!content || !id) throw Error(ErrorCode::kBadData, where + ": a token without content or id");
    const AddedToken token{content->as_string(where),
                           member_flag(json, "single_word", where),
                           member_flag(json, "lstrip", where),
                           member_flag(json, "rstrip", where),
                           member_flag(json, "normalized", where),
                           member_flag(json, "special", where)};
    if (token.content.empty()) continue;
    const int64_t wanted = id->as_int(where + ": id");
    const int32_t got = stages.added.add(token, *stages.model, stages.normalizer.get(), file);
    if (got != wanted) {
      throw Error(ErrorCode::kBadData, where + ": " + printable(token.content, 60) + " says its id is " +
                                           std::to_string(wanted) + ", but by the vocabulary it is " +
                                           std::to_string(got));
    }
  }
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer_json(std::string_view text, const std::string& where) {
  if (!is_valid_utf8(text)) throw Error(ErrorCode::kBadData, where + " is not UTF-8");
  JsonCursor cursor(text, where);
  Json::Object rest;
  std::set<std::string> seen;
  ModelReader model(where);
  cursor.object([&](std::string_view key) {
    const std::string name(key);
    if (!seen.insert(name).second) cursor.fail("\"" + printable(name, 60) + "\" occurs twice");
    name == "model" ? model.read(cursor) : static_cast<void>(rest.emplace_back(name, cursor.value()));
  });
  cursor.finish();
  if (!seen.count("model")) throw Error(ErrorCode::kBadData, where + ": model is missing");
  const Json json(std::move(rest));
  if (const Json* version = json.get("version");
      version && version->as_string(where + ": version") != "1.0") {
    throw Error(ErrorCode::kBadData, where + ": version " + printable(version->dump(), 40) + " is not known");
  }
  Stages stages;
  stages.model = model.build();
  stages.normalizer = parse_normalizer(json.get("normalizer"), where);
  stages.pre_tokenizer = parse_pre_tokenizer(json.get("pre_tokenizer"), where);
  stages.post_processor = parse_post_processor(json.get("post_processor"), where);
  add_tokens(json.get("added_tokens"), where, stages);
  return std::make_unique<PipelineTokenizer>(std::move(stages));
}

}  // namespace valence::text
