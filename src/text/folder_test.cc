// Tokenizers of folders without tokenizer.json: which files are read, and what their settings change.
#include <gtest/gtest.h>

#include "text/tokenizer_for_test.h"

namespace valence::text {
namespace {

using valence::testing::expect_error;
using valence::testing::read_file;
using valence::testing::write_file;

class Folder : public ::testing::Test {
 protected:
  void write(const std::string& name, std::string_view content) { write_file(folder_ / name, content); }
  std::unique_ptr<Tokenizer> load() const {
    return Tokenizer::load(formats::ModelFiles::from_folder(folder_.path()));
  }
  std::vector<int32_t> ids(std::string_view text) const { return ids_of(*load(), text); }
  void refuses(const std::string& part, const std::string& file, ErrorCode code = ErrorCode::kBadData) const {
    expect_error(code, part, [&] { load(); });
    expect_error(code, file, [&] { load(); });
  }
  // A vocabulary of BERT with a few words.
  void write_bert(const std::string& words = "love\n##ly\nLove\n") {
    write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n" + words);
  }
  void write_roberta() {
    const auto golden = golden_path("roberta");
    write("vocab.json", read_file(golden / "vocab.json"));
    write("merges.txt", read_file(golden / "merges.txt"));
  }
  const valence::testing::TemporaryFolder folder_;
};

using Ids = std::vector<int32_t>;

TEST_F(Folder, TokenizerJsonComesBeforeAllOtherFiles) {
  write_bert();
  write_roberta();
  write("spm.model", "nonsense");
  write("tokenizer.json", tokenizer_json(R"({"type":"WordPiece","vocab":{"[UNK]":42}})"));
  EXPECT_EQ(ids("love"), Ids{42});
}

TEST_F(Folder, VocabJsonWithMergesComesBeforeVocabTxt) {
  write_bert();
  write("vocab.json", read_file(golden_path("roberta") / "vocab.json"));
  EXPECT_EQ(ids("love"), (Ids{2, 5, 3}));  // no merges.txt: it is no BPE tokenizer
  write_roberta();
  EXPECT_EQ(ids("love"), ids_of(*load_fixture("roberta"), "love"));
}

TEST_F(Folder, VocabTxtComesBeforeASentencePieceModel) {
  write_bert();
  write("spm.model", "nonsense");
  EXPECT_EQ(ids("love"), (Ids{2, 5, 3}));
}

TEST_F(Folder, WithoutATokenizerSaysWhatItLooksFor) {
  refuses("expected tokenizer.json, vocab.json with merges.txt, vocab.txt or a SentencePiece .model",
          folder_.path().filename(), ErrorCode::kUnavailable);
  write("a.model", "");
  write("b.model", "");
  refuses("several .model files", folder_.path().filename());
}

TEST_F(Folder, LoadFileReadsEachKindOfFileAlone) {
  write_bert();
  const auto words = Tokenizer::load_file(folder_ / "vocab.txt");
  EXPECT_EQ(ids_of(*words, "LOVEly"), (Ids{2, 5, 6, 3}));
  const auto json = Tokenizer::load_file(golden_path("roberta-json/tokenizer.json"));
  EXPECT_EQ(ids_of(*json, "love"), ids_of(*load_fixture("roberta-json"), "love"));
  const auto pieces = Tokenizer::load_file(golden_path("spm-bpe/spm.model"));
  EXPECT_EQ(ids_of(*pieces, "love"), ids_of(*load_fixture("spm-bpe"), "love"));
  expect_error(ErrorCode::kNoInput, "none.json", [&] { Tokenizer::load_file(folder_ / "none.json"); });
}

TEST_F(Folder, LowerCasesUnlessToldNotTo) {
  write_bert();
  EXPECT_EQ(ids("Love"), (Ids{2, 5, 3}));
  write("tokenizer_config.json", R"({"do_lower_case":false})");
  EXPECT_EQ(ids("Love"), (Ids{2, 7, 3}));
  EXPECT_EQ(ids("l\xC3\xB3ve"), (Ids{2, 1, 3}));  // accents stay too
  write("tokenizer_config.json", R"({"do_lower_case":false,"strip_accents":true})");
  EXPECT_EQ(ids("l\xC3\xB3ve"), (Ids{2, 5, 3}));
}

TEST_F(Folder, ReadsVocabTxtWithAnyLineEnds) {
  write("vocab.txt", "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\nlove\r\n");
  EXPECT_EQ(ids("love"), (Ids{2, 5, 3}));
  write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nlove");
  EXPECT_EQ(ids("love"), (Ids{2, 5, 3}));
}

TEST_F(Folder, OfATokenThatIsThereTwiceTheLaterLineCounts) {
  write_bert("love\nhate\nlove\n");
  EXPECT_EQ(ids("love hate"), (Ids{2, 7, 6, 3}));
}

TEST_F(Folder, SpecialTokensAreFoundInTheText) {
  write_bert();
  EXPECT_EQ(ids("love[MASK]love [SEP]"), (Ids{2, 5, 4, 5, 3, 3}));
}

TEST_F(Folder, SpecialTokensMayHaveOtherNames) {
  write("vocab.txt", "<pad>\n<u>\n<c>\n<s>\n[MASK]\nlove\n");
  write("special_tokens_map.json",
        R"({"unk_token":"<u>","cls_token":{"content":"<c>","lstrip":false},"sep_token":"<s>"})");
  EXPECT_EQ(ids("love x"), (Ids{2, 5, 1, 3}));
}

TEST_F(Folder, AddedTokensGetTheIdsBehindTheVocabulary) {
  write_bert();
  write("added_tokens.json", R"({"[NEW]":8})");
  EXPECT_EQ(ids("love [NEW]"), (Ids{2, 5, 8, 3}));
  EXPECT_EQ(load()->token(8), "[NEW]");
  EXPECT_EQ(load()->vocab_size(), 9);
  write("tokenizer_config.json",
        R"({"added_tokens_decoder":{"8":{"content":"[DEC]","lstrip":true,"special":true}}})");
  EXPECT_EQ(ids("love [DEC][NEW]"),
            (Ids{2, 5, 8, 1, 1, 1, 3}));  // instead of added_tokens.json, not beside it
}

TEST_F(Folder, MoreSpecialTokensMayBeListed) {
  write_bert();
  write("tokenizer_config.json", R"({"additional_special_tokens":["[ONE]","[TWO]"]})");
  EXPECT_EQ(ids("[TWO]love[ONE]"), (Ids{2, 9, 5, 8, 3}));
}

TEST_F(Folder, AWrongVocabTxtIsOneClearError) {
  write("vocab.txt", "[PAD]\n[CLS]\n[SEP]\n[MASK]\nlove\n");
  refuses("no unknown token [UNK]", "vocab.txt");
  write("vocab.txt", "[UNK]\nl\xFFve\n");
  refuses("is not UTF-8", "vocab.txt");
  write("vocab.txt", "");
  refuses("no unknown token", "vocab.txt");
}

TEST_F(Folder, WrongSettingsAreOneClearError) {
  write_bert();
  const std::pair<const char*, const char*> cases[] = {
      {R"({"do_lower_case":"yes"})", "do_lower_case"},
      {"[]", "tokenizer_config.json"},
      {"{", "tokenizer_config.json"},
      {R"({"cls_token":7})", "cls_token"},
      {R"({"cls_token":{"lstrip":true}})", "content is missing"},
      {R"({"cls_token":null})", "there is no cls_token"},
      {R"({"added_tokens_decoder":{"x":{"content":"[NEW]"}}})", "x is no id"},
      {R"({"added_tokens_decoder":{"50":{"content":"[NEW]"}}})", "has the id 8, but the settings give it 50"},
      {R"({"added_tokens_decoder":{"8":{"content":"[N]"},"9":{"content":"[N]"}}})", "[N] has two ids"}};
  for (const auto& [settings, part] : cases) {
    SCOPED_TRACE(settings);
    write("tokenizer_config.json", settings);
    expect_error(ErrorCode::kBadData, part, [&] { load(); });
  }
}

TEST_F(Folder, AWrongVocabJsonIsOneClearError) {
  write_roberta();
  const std::pair<const char*, const char*> cases[] = {{R"({"a":0,"b":0})", "two tokens have the id 0"},
                                                       {R"({"a":0,"a":1})", "the token a occurs twice"},
                                                       {R"({"a":16777216})", "expected an integer"},
                                                       {R"({"a":0} x)", "text after the value"},
                                                       {R"({"a":0)", "expected '}'"},
                                                       {"[]", "expected '{'"},
                                                       {"{\"\xC3\":0}", "is not UTF-8"}};
  for (const auto& [vocab, part] : cases) {
    SCOPED_TRACE(vocab);
    write("vocab.json", vocab);
    refuses(part, "vocab.json");
  }
}

TEST_F(Folder, AWrongMergesTxtIsOneClearError) {
  write_roberta();
  const std::pair<const char*, const char*> cases[] = {
      {"#version: 0.2\na b c\n", "merges.txt, line 2: expected two tokens, got a b c"},
      {"ab\n", "merges.txt, line 1: expected two tokens, got ab"},
      {"a Quantum\n", "merge 1 needs a token that is not in the vocabulary: Quantum"},
      {"Z Z\n", "merge 1 needs a token that is not in the vocabulary: ZZ"},
      {"a \xFF\n", "is not UTF-8"}};
  for (const auto& [merges, part] : cases) {
    SCOPED_TRACE(merges);
    write("merges.txt", merges);
    refuses(part, "merges.txt");
  }
}

TEST_F(Folder, ReadsMergesTxtWithAnyLineEnds) {
  write_roberta();
  const std::vector<int32_t> wanted = ids("I love this unbelievable film");
  std::string text = read_file(golden_path("roberta") / "merges.txt"), crlf;
  for (const char c : text) crlf += c == '\n' ? "\r\n" : std::string(1, c);
  write("merges.txt", crlf + "\r\n\r\n");
  EXPECT_EQ(ids("I love this unbelievable film"), wanted);
}

TEST_F(Folder, RobertaWithoutItsSpecialTokensGetsThemBehindTheVocabulary) {
  write("vocab.json", R"({"a":0,"b":1,"ab":2})");
  write("merges.txt", "a b\n");
  EXPECT_EQ(ids("ab"), (Ids{3, 2, 4}));
}

}  // namespace
}  // namespace valence::text
