#include "rows/encoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "rows/encoded_for_test.h"
#include "rows/rows_for_test.h"

namespace valence::rows {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::StartsWith;

struct Decoded {
  std::string text;
  Encoding encoding;
};

Decoded decode(std::string bytes, std::optional<Encoding> forced = std::nullopt, bool always_utf8 = false) {
  TextSource source(open_memory(std::move(bytes)), forced, always_utf8);
  Decoded decoded;
  while (source.read(decoded.text)) {
  }
  decoded.encoding = source.encoding();
  return decoded;
}

constexpr Encoding kAll[] = {Encoding::kUtf8, Encoding::kUtf16Le, Encoding::kUtf16Be, Encoding::kWindows1252};

const char* const kWestern[] = {"id,review\n1,Größe und Café: très élegant\n2,Straße\n",
                                "Señor, ¿qué tal? ¡Mañana será otro día!\n",
                                "C’est l’été… à la plage, où il fait chaud – 30°\n",
                                "“Smörgåsbord” für 5 €\n",
                                "Não, não gostei do serviço; péssimo.\n",
                                "Plain, plain, plain, and one é\n"};

TEST(Encoding, IsDetectedInWesternFiles) {
  for (const std::string text : kWestern) {
    for (const Encoding encoding : kAll) {
      for (const bool mark : {true, false}) {
        const Decoded decoded = decode(encoded(text, encoding, mark));
        EXPECT_EQ(decoded.text, text) << name_of(encoding) << mark;
        EXPECT_EQ(decoded.encoding, encoding) << text;
      }
    }
  }
}

TEST(Encoding, IsDetectedInOtherScriptsOfUnicode) {
  for (const std::string text : {"текст отзыва\nочень хорошо\n", "とても良い\n最悪の日\n", "جيد جدا\nسيئ\n",
                                 "ok 😀😀\n日本 ü\n", "很好\n不好\n"}) {
    for (const Encoding encoding : {Encoding::kUtf8, Encoding::kUtf16Le, Encoding::kUtf16Be}) {
      EXPECT_EQ(decode(encoded(text, encoding, true)).text, text) << name_of(encoding);
      std::string longer;
      for (int i = 0; i < 50; ++i) longer += text;
      EXPECT_TRUE(decode(encoded(longer, encoding, false)).text == longer) << name_of(encoding) << text;
    }
  }
}

TEST(Encoding, OfUtf8IsKeptWhenSomeBytesAreBroken) {
  const std::string text = "I love this é ü ñ ç ø 日本\nbad \xc3\x28 byte\nanother \xff one\n";
  EXPECT_EQ(decode(text).text, text);
  EXPECT_EQ(decode("only ascii, and one \xff byte\n").text, "only ascii, and one \xff byte\n");
}

TEST(Encoding, IsDecidedAtTheFirstByteThatTells) {
  const std::string ascii(1'000'000, 'a');
  EXPECT_EQ(decode(ascii + "\n" + windows1252("très élégant") + "\n").text, ascii + "\ntrès élégant\n");
  EXPECT_EQ(decode(ascii + "\ntrès élégant\n").text, ascii + "\ntrès élégant\n");
}

TEST(Encoding, ThatChangesInTheMiddleIsAnError) {
  const std::string latin = windows1252("très élégant, déjà vu\n");
  std::string text;
  while (text.size() < 600'000) text += latin;
  for (int i = 0; i < 20'000; ++i) text += "日本 текст\n";
  EXPECT_THAT(error_of([&] { decode(text); }),
              HasSubstr("begins in Windows-1252 and goes on in UTF-8 near byte"));
}

TEST(Encoding, IsTheOneThatTheUserNames) {
  EXPECT_EQ(decode("\xe4\xf6", Encoding::kWindows1252).text, "äö");
  EXPECT_EQ(decode("\xc3\xa4", Encoding::kWindows1252).text, "Ã¤");
  EXPECT_EQ(decode("\xe4\xf6", Encoding::kUtf8).text, "\xe4\xf6");
  EXPECT_EQ(decode("a\0"s, Encoding::kUtf16Le).text, "a");
  EXPECT_EQ(decode("\xff\xfe"s + "a\0"s, Encoding::kUtf16Le).text, "a");
  EXPECT_EQ(decode("\xef\xbb\xbf"s + "a", Encoding::kUtf8).text, "a");
}

TEST(Encoding, OfJsonIsUtf8ButForAMark) {
  EXPECT_EQ(decode("{\"text\":\"\xe9t\xe9\"}", std::nullopt, true).text, "{\"text\":\"\xe9t\xe9\"}");
  EXPECT_EQ(decode("\xef\xbb\xbf{}", std::nullopt, true).text, "{}");
  EXPECT_EQ(decode("\xff\xfe{\0}\0"s, std::nullopt, true).text, "{}");
}

TEST(Encoding, MarksWhatUtf16CannotMean) {
  EXPECT_EQ(decode("\xff\xfe"s + "a\0\0\xd8z\0"s).text, "a\xffz");  // a high surrogate alone
  EXPECT_EQ(decode("\xff\xfe"s + "\0\xdcz\0"s).text, "\xffz");      // a low one
  EXPECT_EQ(decode("\xff\xfe"s + "a\0\x3d\xd8"s).text, "a\xff");    // half a pair at the end
  EXPECT_EQ(decode("\xff\xfe"s + "a\0b"s).text, "a\xff");           // half a unit
  EXPECT_EQ(decode("\xfe\xff\xd8\x3d\xde\x00\0z"s).text, "😀z");
}

TEST(Encoding, OfUtf32IsRefused) {
  EXPECT_THAT(error_of([] { decode("\xff\xfe\0\0a\0\0\0"s); }), StartsWith("65 the input is in UTF-32"));
  EXPECT_THAT(error_of([] { decode("\0\0\xfe\xff\0\0\0a"s); }), StartsWith("65 the input is in UTF-32"));
}

TEST(Encoding, HasManyNames) {
  EXPECT_EQ(encoding_by_name("UTF-8"), Encoding::kUtf8);
  EXPECT_EQ(encoding_by_name("utf_16le"), Encoding::kUtf16Le);
  EXPECT_EQ(encoding_by_name("UTF-16BE"), Encoding::kUtf16Be);
  for (const char* name : {"latin-1", "Latin1", "ISO-8859-1", "cp1252", "windows-1252"}) {
    EXPECT_EQ(encoding_by_name(name), Encoding::kWindows1252) << name;
  }
  for (const char* name : {"", "utf", "latin-2", "utf-32"})
    EXPECT_EQ(encoding_by_name(name), std::nullopt) << name;
}

// Surrogate pairs and sequences fall on every border between blocks.
TEST(Encoding, RoundTripsRandomUnicode) {
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    std::string text;
    const size_t size = round < 36 ? random() % 2000 : 600'000;
    while (text.size() < size) {
      const char32_t limits[] = {0x80, 0x800, 0x10000, 0x110000};
      char32_t c = 1 + random() % (limits[random() % 4] - 1);
      if (c >= 0xD800 && c < 0xE000) c = ' ';
      append_utf8(text, c);
    }
    for (const Encoding encoding : {Encoding::kUtf8, Encoding::kUtf16Le, Encoding::kUtf16Be}) {
      ASSERT_EQ(decode(encoded(text, encoding, false), encoding).text, text) << round;
      ASSERT_EQ(decode(encoded(text, encoding, true)).text, text) << round;
    }
  }
}

TEST(Encoding, TakesAnyBytesWithoutFailing) {
  std::mt19937 random(9);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (size_t size = random() % 64; size > 0; --size) {
      bytes += static_cast<char>(random() % 3 == 0 ? 0 : random());
    }
    const std::string error = error_of([&] { decode(bytes); });
    EXPECT_TRUE(error == "none" || error.starts_with("65 ")) << error;
    for (const Encoding encoding : kAll)
      EXPECT_EQ(error_of([&] { decode(bytes, encoding); }), "none") << round;
  }
}

}  // namespace
}  // namespace valence::rows
