// A tokenizer.json that is damaged, hostile or beyond us is one clear error that names the file; it never
// becomes a tokenizer with other ids.
#include <gtest/gtest.h>

#include "text/tokenizer_for_test.h"

namespace valence::text {
namespace {

const std::string kWordPiece =
    R"({"type":"WordPiece","unk_token":"[UNK]","vocab":{"[UNK]":0,"a":1,"##a":2}})";
const std::string kBpe = R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})";
const std::string kUnigram = R"({"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1]]})";

struct Malformed {
  std::string text;
  std::string part;  // of the message
};

std::ostream& operator<<(std::ostream& out, const Malformed& malformed) {
  return out << malformed.text.substr(0, 300);
}

class MalformedJson : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedJson, IsOneClearError) {
  const auto load = [&] { load_tokenizer_json(GetParam().text, "dir/tokenizer.json"); };
  valence::testing::expect_error(ErrorCode::kBadData, GetParam().part, load);
  valence::testing::expect_error(ErrorCode::kBadData, "dir/tokenizer.json", load);
}

std::vector<Malformed> documents() {
  return {{"", "expected '{'"},
          {"[]", "expected '{'"},
          {"{}", "model is missing"},
          {"{\"model\":", "expected"},
          {tokenizer_json(kBpe) + "x", "text after the value"},
          {tokenizer_json(kBpe).substr(0, 40), "byte 40"},
          {"{\"model\":" + kBpe + ",\"model\":" + kBpe + "}", "\"model\" occurs twice"},
          {"{\"version\":\"2.0\",\"model\":" + kBpe + "}", "version \"2.0\" is not known"},
          {"{\"model\":null}", "expected '{'"},
          {"{\"model\":{\"a\":" + std::string(600, '[') + std::string(600, ']') + "}}", "nested too deep"},
          {tokenizer_json("{\"type\":\"BPE\",\"vocab\":{\"\xFF\":0},\"merges\":[]}"), "is not UTF-8"},
          {tokenizer_json(R"({"type":"BPE","vocab":{"\ud800":0},"merges":[]})"), "half of a surrogate pair"},
          {tokenizer_json("{\"type\":\"BPE\",\"vocab\":{\"a\nb\":0},\"merges\":[]}"), "control character"},
          {tokenizer_json(R"({"type":"BPE","vocab":{"\q":0},"merges":[]})"), "unknown escape"}};
}

std::vector<Malformed> vocabularies() {
  const auto bpe = [](const std::string& vocab, const std::string& more = "") {
    return tokenizer_json(R"({"type":"BPE","vocab":)" + vocab + R"(,"merges":[])" + more + "}");
  };
  return {{bpe(R"({"a":0,"b":0})"), "two tokens have the id 0"},
          {bpe(R"({"a":0,"a":1})"), "the token a occurs twice"},
          {bpe(R"({"a":-1})"), "expected an integer from 0 to 16777215, got -1"},
          {bpe(R"({"a":16777216})"), "expected an integer from 0 to 16777215, got 16777216"},
          {bpe(R"({"a":99999999999999999999})"), "expected an integer"},
          {bpe(R"({"a":1.0})"), "expected an integer"},
          {bpe(R"({"a":"0"})"), "expected a number"},
          {bpe(R"({"a":01})"), "leading zero"},
          {bpe(R"([["a",0]])"), "the vocab is not of the form that a BPE model has"},
          {bpe(R"({"a":0})", R"(,"vocab":{})"), "\"vocab\" occurs twice"},
          {tokenizer_json(R"({"type":"Unigram","unk_id":0,"vocab":{"a":0}})"), "not of the form"},
          {tokenizer_json(R"({"type":"Unigram","unk_id":0,"vocab":[["a"]]})"), "expected ','"},
          {tokenizer_json(R"({"type":"Unigram","unk_id":0,"vocab":[["a",1e999]]})"), "out of range"},
          {tokenizer_json(R"({"type":"Unigram","unk_id":0,"vocab":[["a",NaN]]})"), "expected a number"},
          {tokenizer_json(R"({"type":"Unigram","unk_id":1,"vocab":[["a",0]]})"), "unk_id is 1"},
          {tokenizer_json(R"({"type":"Unigram","unk_id":-1,"vocab":[["a",0]]})"), "unk_id is -1"},
          {tokenizer_json(R"({"type":"Unigram","unk_id":0,"vocab":[]})"), "unk_id is 0"},
          {tokenizer_json(R"({"type":"Unigram","unk_id":null,"vocab":[["a",0]]})"), "unk_id is missing"},
          {tokenizer_json(R"({"type":"BPE","merges":[]})"), "no vocab"}};
}

std::vector<Malformed> models() {
  const auto bpe = [](const std::string& merges, const std::string& more = "") {
    return tokenizer_json(R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":)" + merges + more + "}");
  };
  return {{bpe(R"(["a c"])"), "merge 1 needs a token that is not in the vocabulary: c"},
          {bpe(R"(["a b","b a"])"), "merge 2 needs a token that is not in the vocabulary: ba"},
          {bpe(R"(["x b"])"), "vocabulary: x"},
          {bpe(R"(["a b c"])"), "a merge is not two tokens"},
          {bpe(R"(["ab"])"), "a merge is not two tokens"},
          {bpe(R"([["a","b","ab"]])"), "expected ']'"},
          {bpe(R"([["a"]])"), "expected ','"},
          {bpe(R"({"a":"b"})"), "expected '['"},
          {bpe("[]", R"(,"dropout":0.1)"), "dropout makes tokens random"},
          {bpe("[]", R"(,"unk_token":"?")"), "no unknown token ?"},
          {bpe("[]", R"(,"byte_fallback":1)"), "byte_fallback"},
          {tokenizer_json(R"({"type":"BPE","vocab":{}})"), "no merges"},
          {tokenizer_json(R"({"type":"WordPiece","vocab":{"a":0}})"), "no unknown token [UNK]"},
          {tokenizer_json(R"({"type":"WordPiece","vocab":{"[UNK]":0},"max_input_chars_per_word":-1})"),
           "max_input_chars_per_word is -1"},
          {tokenizer_json(R"({"type":"WordPiece","vocab":{"[UNK]":0},"max_input_chars_per_word":1e9})"),
           "max_input_chars_per_word is 1000000000"},
          {tokenizer_json(R"({"type":"WordLevel","vocab":{"[UNK]":0}})"), "WordLevel is not supported"},
          {tokenizer_json(R"({"vocab":{"[UNK]":0}})"), "the model has no type"},
          {tokenizer_json(R"({"type":7,"vocab":{}})"), "the type of the model"}};
}

std::vector<Malformed> stages() {
  const auto with = [](const std::string& stage, const std::string& json) {
    return tokenizer_json(kBpe, ",\"" + stage + "\":" + json);
  };
  std::string deep = R"({"type":"NFC"})", deep_pre = R"({"type":"Whitespace"})";
  for (int i = 0; i < 40; ++i) {
    deep = R"({"type":"Sequence","normalizers":[)" + deep + "]}";
    deep_pre = R"({"type":"Sequence","pretokenizers":[)" + deep_pre + "]}";
  }
  return {
      {with("normalizer", R"({"type":"Quantum"})"), "normalizer: the type Quantum is not supported"},
      {with("normalizer", "{}"), "type is missing"},
      {with("normalizer", "7"), "type is missing"},
      {with("normalizer", R"({"type":"BertNormalizer"})"), "clean_text is missing"},
      {with("normalizer", R"({"type":"Strip","strip_left":1,"strip_right":true})"), "strip_left"},
      {with("normalizer", R"({"type":"Replace","content":""})"), "pattern is missing"},
      {with("normalizer", R"({"type":"Replace","pattern":{"String":""},"content":""})"), "pattern is empty"},
      {with("normalizer", R"({"type":"Replace","pattern":{"Regex":"(a+)+$"},"content":""})"),
       "not supported: (a+)+$"},
      {with("normalizer", R"({"type":"Replace","pattern":{"Regex":"a{999}"},"content":""})"),
       "not supported"},
      {with("normalizer", R"({"type":"Precompiled","precompiled_charsmap":"abc"})"), "not base64"},
      {with("normalizer", R"({"type":"Precompiled","precompiled_charsmap":"AA=="})"), "too short"},
      {with("normalizer", R"({"type":"Precompiled","precompiled_charsmap":"/////w=="})"),
       "its trie has 4294967295 bytes"},
      {with("normalizer", deep), "nested too deep"},
      {with("pre_tokenizer", R"({"type":"Quantum"})"), "pre_tokenizer: the type Quantum is not supported"},
      {with("pre_tokenizer", R"({"type":"ByteLevel"})"), "add_prefix_space is missing"},
      {with("pre_tokenizer", R"({"type":"Metaspace","replacement":"__"})"),
       "replacement is not one character"},
      {with("pre_tokenizer", R"({"type":"Metaspace","replacement":"_","prepend_scheme":"often"})"),
       "often is not known"},
      {with("pre_tokenizer", R"({"type":"Metaspace","replacement":"_","prepend_scheme":"first",)"
                             R"("add_prefix_space":false})"),
       "contradict each other"},
      {with("pre_tokenizer",
            R"({"type":"Split","pattern":{"String":"a"},"behavior":"Eaten","invert":false})"),
       "behavior Eaten is not known"},
      {with("pre_tokenizer", R"({"type":"Split","pattern":{},"behavior":"Removed","invert":false})"),
       "neither a String nor a Regex"},
      {with("pre_tokenizer", deep_pre), "nested too deep"},
      {with("post_processor", R"({"type":"Quantum"})"), "post_processor: the type Quantum is not supported"},
      {with("post_processor", R"({"type":"BertProcessing","sep":["b",1]})"), "cls is missing"},
      {with("post_processor", R"({"type":"BertProcessing","sep":["b"],"cls":["a",0]})"),
       "sep is not a token and its id"},
      {with("post_processor", R"({"type":"BertProcessing","sep":["b",-1],"cls":["a",0]})"),
       "no token has the id -1"},
      {with("post_processor", R"({"type":"TemplateProcessing","single":[],"special_tokens":{}})"),
       "exactly once"},
      {with("post_processor", R"({"type":"TemplateProcessing","special_tokens":{},)"
                              R"("single":[{"Sequence":{"id":"A"}},{"Sequence":{"id":"A"}}]})"),
       "exactly once"},
      {with("post_processor", R"({"type":"TemplateProcessing","special_tokens":{},)"
                              R"("single":[{"SpecialToken":{"id":"X"}},{"Sequence":{"id":"A"}}]})"),
       "no special token X"}};
}

std::vector<Malformed> added_tokens() {
  const auto with = [](const std::string& list) { return tokenizer_json(kBpe, ",\"added_tokens\":" + list); };
  return {{with(R"([{"content":"X"}])"), "a token without content or id"},
          {with(R"([{"id":3}])"), "a token without content or id"},
          {with(R"([{"content":"X","id":5}])"), "X says its id is 5, but by the vocabulary it is 3"},
          {with(R"([{"content":"ab","id":3}])"), "ab says its id is 3, but by the vocabulary it is 2"},
          {with(R"([{"content":"X","id":3},{"content":"X","id":3,"lstrip":true}])"), "X is given twice"},
          {with(R"([{"content":"X","id":3,"lstrip":"no"}])"), "lstrip"},
          {with(R"({"content":"X","id":3})"), "added_tokens"},
          {tokenizer_json(kBpe, R"(,"normalizer":{"type":"Lowercase"},"added_tokens":[
              {"content":"X","id":3,"normalized":true},{"content":"x","id":4,"normalized":true}])"),
           "two added tokens look for x"},
          {tokenizer_json(kBpe, R"(,"normalizer":{"type":"Strip","strip_left":true,"strip_right":true},
              "added_tokens":[{"content":" ","id":3,"normalized":true}])"),
           "an added token is empty once it is normalized"}};
}

INSTANTIATE_TEST_SUITE_P(Document, MalformedJson, ::testing::ValuesIn(documents()));
INSTANTIATE_TEST_SUITE_P(Vocabulary, MalformedJson, ::testing::ValuesIn(vocabularies()));
INSTANTIATE_TEST_SUITE_P(Model, MalformedJson, ::testing::ValuesIn(models()));
INSTANTIATE_TEST_SUITE_P(Stage, MalformedJson, ::testing::ValuesIn(stages()));
INSTANTIATE_TEST_SUITE_P(AddedToken, MalformedJson, ::testing::ValuesIn(added_tokens()));

// Whatever the place where a file was cut off, the answer is an error and no tokenizer.
TEST(MalformedJsonFile, CutAnywhereIsAnError) {
  for (const char* fixture : {"bert-uncased-json", "roberta-json", "xlmr-json-charsmap"}) {
    const std::string text =
        valence::testing::read_file(golden_path(std::string(fixture) + "/tokenizer.json"));
    const size_t whole = text.find_last_of('}');
    for (size_t size = 0; size <= whole; size += size < 600 || whole - size < 600 ? 1 : 61) {
      valence::testing::expect_error(ErrorCode::kBadData, "tokenizer.json",
                                     [&] { load_tokenizer_json(text.substr(0, size), "tokenizer.json"); });
    }
  }
}

TEST(TokenizerJson, TruncationAndPaddingAreIgnored) {
  const std::string settings =
      R"(,"truncation":{"direction":"Right","max_length":2,"strategy":"LongestFirst","stride":0},)"
      R"("padding":{"strategy":{"Fixed":9},"direction":"Right","pad_id":1,"pad_type_id":0,"pad_token":"b"})";
  const std::vector<int32_t> ids = ids_of(*from_json(kBpe, settings), "abababab");
  EXPECT_EQ(ids, (std::vector<int32_t>{2, 2, 2, 2}));
}

TEST(TokenizerJson, ModelsOfOldFilesAreToldByTheirMembers) {
  EXPECT_EQ(ids_of(*from_json(R"({"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})"), "ab"),
            (std::vector<int32_t>{2}));
  EXPECT_EQ(ids_of(*from_json(R"({"unk_id":0,"vocab":[["<unk>",0],["ab",-1]]})"), "ab"),
            (std::vector<int32_t>{1}));
  const auto words =
      from_json(R"({"unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":5,)"
                R"("vocab":{"[UNK]":0,"ab":1}})");
  EXPECT_EQ(ids_of(*words, "ab"), (std::vector<int32_t>{1}));
}

TEST(TokenizerJson, MergesMayBePairsOrTextsAndBeginWithAVersion) {
  for (const char* merges : {R"(["a b"])", R"([["a","b"]])", R"(["#version: 0.2","a b"])"}) {
    const auto tokenizer =
        from_json(std::string(R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":)") + merges + "}");
    EXPECT_EQ(ids_of(*tokenizer, "abb"), (std::vector<int32_t>{2, 1})) << merges;
  }
}

TEST(TokenizerJson, NamesMayBeEscapedInAnyWay) {
  const auto tokenizer = from_json(
      R"({"type":"BPE","vocab":{"\u0061":0,"\ud83d\ude00":1,"\"":2,"\\":3,"\u00e9\/":4},"merges":[]})");
  EXPECT_EQ(ids_of(*tokenizer, "a\U0001F600\"\\"), (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(tokenizer->token(4), "\xC3\xA9/");
}

TEST(TokenizerJson, KnowsTheSizeOfItsVocabularyAndItsTokens) {
  const auto tokenizer = from_json(kUnigram, R"(,"added_tokens":[{"id":2,"content":"<x>"}])");
  EXPECT_EQ(tokenizer->vocab_size(), 3);
  EXPECT_EQ(tokenizer->token(2), "<x>");
  EXPECT_EQ(tokenizer->token(3), "");
  const auto holes = from_json(R"({"type":"WordPiece","vocab":{"[UNK]":7}})");
  EXPECT_EQ(holes->vocab_size(), 8);
  EXPECT_EQ(holes->token(3), "");
  EXPECT_EQ(ids_of(*holes, "a"), (std::vector<int32_t>{7}));
}

}  // namespace
}  // namespace valence::text
