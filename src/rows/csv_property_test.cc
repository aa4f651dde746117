// Random tables, written as random programs might write them, come back exactly.
#include <gtest/gtest.h>

#include <random>

#include "rows/encoded_for_test.h"
#include "rows/rows_for_test.h"

namespace valence::rows {
namespace {

using Table = std::vector<std::vector<std::string>>;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  size_t below(size_t limit) { return engine_() % limit; }
  bool chance(size_t percent) { return below(100) < percent; }
  template <typename T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

 private:
  std::mt19937 engine_;
};

struct Dirt {
  Format format = Format::kCsv;
  char delimiter = ',';
  std::string line_end = "\n";
  bool last_line_end = true, mark = false;
  Encoding encoding = Encoding::kUtf8;
  int compression = 0;  // 0 none, 1 gzip, 2 gzip of two members, 3 zstd
  size_t quote_percent = 0;
};

Dirt random_dirt(Random& random) {
  Dirt dirt;
  if (random.chance(25)) {
    dirt.format = Format::kTsv;
    dirt.delimiter = '\t';
  } else {
    dirt.delimiter = random.one_of<char>({',', ';', '\t', '|'});
  }
  dirt.line_end = random.chance(50) ? "\n" : "\r\n";
  dirt.last_line_end = random.chance(70);
  dirt.mark = random.chance(50);
  dirt.encoding = static_cast<Encoding>(random.below(4));
  dirt.compression = static_cast<int>(random.below(4));
  dirt.quote_percent = random.one_of<size_t>({0, 30, 100});
  return dirt;
}

// Words that a Western text has in every encoding. Enough letters, so that the encoding can be known.
std::string random_value(Random& random, const Dirt& dirt) {
  std::vector<std::string> pieces = {"good", "bad",  "très", "schön", "mañana", "“no”", "5 €", " ", " ",
                                     "it’s", "0.50", "é",    "–",     "…",      "x",    "'",   "#", "\\"};
  if (dirt.encoding != Encoding::kWindows1252) {
    for (const char* piece : {"日本語", "текст", "😀", "👩‍🚀", "\u2028", "\u0085"})
      pieces.emplace_back(piece);
  }
  if (dirt.format == Format::kCsv) {
    for (const char* piece : {"\"", "\"\"", "\n", "\r\n", ",", ";", "\t", "|"}) pieces.emplace_back(piece);
  } else {
    for (const char* piece : {"\"", ",", ";"}) pieces.emplace_back(piece);
  }
  std::string value;
  for (size_t count = random.below(6); count > 0; --count) value += random.one_of(pieces);
  return value;
}

Table random_table(Random& random, const Dirt& dirt) {
  const size_t columns = 2 + random.below(5), rows = random.below(40);
  Table table(1);
  for (size_t i = 0; i < columns; ++i)
    table[0].push_back("column " + std::to_string(i) + (i % 2 ? " é" : ""));
  for (size_t r = 0; r < rows; ++r) {
    auto& row = table.emplace_back();
    for (size_t i = 0; i < columns; ++i) row.push_back(random_value(random, dirt));
  }
  return table;
}

std::string written(const Table& table, const Dirt& dirt, Random& random) {
  std::string out;
  for (const auto& row : table) {
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += dirt.delimiter;
      const std::string& value = row[i];
      const bool must = value.find_first_of(std::string("\"\r\n") + dirt.delimiter) != std::string::npos;
      if (dirt.format == Format::kTsv || (!must && !random.chance(dirt.quote_percent))) {
        out += value;
        continue;
      }
      out += '"';
      for (const char c : value) out += c == '"' ? "\"\"" : std::string(1, c);
      out += '"';
    }
    out += dirt.line_end;
  }
  // Without its line end an empty last row would be no row.
  if (!dirt.last_line_end) out.resize(out.size() - dirt.line_end.size());
  return out;
}

std::string packed(const std::string& bytes, int compression) {
  switch (compression) {
    case 1:
      return gzip(bytes);
    case 2:
      return gzip(bytes.substr(0, bytes.size() / 2)) + gzip(bytes.substr(bytes.size() / 2));
    case 3:
      return zstd(bytes);
    default:
      return bytes;
  }
}

// The values of every row, whether its text is blank or not, and that its line is the true one.
void expect_table(RowReader& reader, const Table& table, const std::string& where) {
  ASSERT_EQ(reader.columns(), table[0]) << where;
  uint64_t line = 2;
  Row row;
  for (size_t r = 1; r < table.size(); ++r) {
    ASSERT_TRUE(reader.next(row)) << where;
    ASSERT_TRUE(!row.rejected() || row.reject.reason == "empty_text") << where << row.reject.reason;
    ASSERT_EQ(row.fields.size(), table[r].size()) << where;
    ASSERT_EQ(row.line, line) << where;
    for (size_t i = 0; i < table[r].size(); ++i) {
      ASSERT_EQ(row.view(row.fields[i]), table[r][i]) << where;
      line += static_cast<uint64_t>(std::count(table[r][i].begin(), table[r][i].end(), '\n'));
    }
    ++line;
  }
  ASSERT_FALSE(reader.next(row)) << where;
}

TEST(RandomTables, ComeBackExactly) {
  for (unsigned seed = 0; seed < 4000 && !testing::Test::HasFatalFailure(); ++seed) {
    Random random(seed);
    const Dirt dirt = random_dirt(random);
    const Table table = random_table(random, dirt);
    const std::string text = written(table, dirt, random);
    ReaderOptions options;
    options.format = dirt.format;
    options.text_column = "1";
    // A few words are too little to know UTF-16 without its mark, or Windows-1252.
    if (!dirt.mark || dirt.encoding == Encoding::kWindows1252) options.encoding = dirt.encoding;
    const std::string bytes = packed(encoded(text, dirt.encoding, dirt.mark), dirt.compression);
    const auto reader = open_rows(open_memory(bytes), "the test", options);
    expect_table(*reader, table, "seed " + std::to_string(seed) + ", file:\n" + text + "\n");
  }
}

// Wherever a run stopped between two rows, another one goes on with the same rows.
TEST(RandomTables, CanBeGoneOnWithBehindEachRow) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const Dirt dirt = random_dirt(random);
    const std::string text = written(random_table(random, dirt), dirt, random);
    ReaderOptions options;
    options.format = dirt.format;
    options.text_column = "1";
    options.encoding = dirt.encoding;
    options.keep_checksum = true;
    const std::string bytes = packed(encoded(text, dirt.encoding, dirt.mark), dirt.compression);
    const auto whole = open_rows(open_memory(bytes), "the test", options);
    std::vector<Position> positions = {whole->position()};
    std::vector<Row> rows;
    for (Row row; whole->next(row); rows.push_back(row)) positions.push_back(whole->position());
    positions.pop_back();  // what follows the last row may be empty lines
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto rest = open_rows(open_memory(bytes), "the test", options);
      rest->skip_to(positions[i]);
      Row row;
      ASSERT_TRUE(rest->next(row)) << seed;
      ASSERT_EQ(row.line, rows[i].line) << seed;
      ASSERT_EQ(row.storage, rows[i].storage) << seed;
    }
  }
}

// Any bytes at all: rows or rejects or one clear error, and every line is accounted for.
TEST(RandomBytes, AreReadWithoutFailing) {
  Random random(77);
  const std::vector<std::string> pieces = {"\"",
                                           "\"\"",
                                           ",",
                                           "\n",
                                           "\r\n",
                                           "\r",
                                           "text",
                                           "a",
                                           "\xff",
                                           "é",
                                           "\xc3",
                                           ";",
                                           "\t",
                                           "{\"text\":\"x\"}",
                                           "{",
                                           "\\u12",
                                           std::string(1, '\0')};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = random.chance(50) ? "text,a\n" : "";
    for (size_t count = random.below(40); count > 0; --count) bytes += random.one_of(pieces);
    const auto format = static_cast<Format>(random.below(4));
    const std::string error = error_of([&] {
      uint64_t line = 0;
      const auto reader =
          open_text(bytes, format, format == Format::kLines ? std::nullopt : std::optional("1"));
      for (const Row& row : read_all(*reader)) {
        EXPECT_GT(row.line, line);
        line = row.line;
      }
    });
    EXPECT_TRUE(error == "none" || error.starts_with("65 the test ") || error.starts_with("2 the test ") ||
                error.starts_with("65 the input is in UTF-32"))
        << error;
  }
}

}  // namespace
}  // namespace valence::rows
