#include "backend/cpu/table.h"

#include <algorithm>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/isa_for_test.h"
#include "backend/cpu/weights_for_test.h"
#include "base/error.h"

namespace valence::backend::cpu {
namespace {

std::vector<float> gathered(const Table& table, const std::vector<int32_t>& ids, bool accumulate,
                            float before) {
  std::vector<float> y(ids.size() * static_cast<size_t>(table.columns()), before);
  static_cast<const SourceTable&>(table).gather(ids, accumulate, y.data());
  return y;
}

TEST(TableTest, LooksUpWhatIsStored) {
  const int64_t rows = 11, columns = 37;  // NF4: blocks of 64 that begin inside rows, nibbles that do too
  const std::vector<int32_t> ids = {0, 10, 3, 3, 7};
  const auto backend = make_backend(scalar_kernels());
  for (const Storage storage : kStorages) {
    const StoredMatrix matrix(normal_values(rows * columns, 1), rows, columns, storage);
    for (const bool mapped : {true, false}) {
      for (const WeightType type : kTypes) {
        if (mapped && type != matrix.source().type) continue;
        const auto table =
            mapped ? backend->map_table(matrix.source()) : backend->make_table(matrix.source(), type);
        EXPECT_EQ(table->rows(), rows);
        EXPECT_EQ(table->columns(), columns);
        const std::vector<float> values = converted(matrix, type);
        const std::vector<float> fresh = gathered(*table, ids, false, 99.0f),
                                 added = gathered(*table, ids, true, 2.0f);
        for (size_t i = 0; i < fresh.size(); ++i) {
          const size_t at = static_cast<size_t>(ids[i / 37]) * 37 + i % 37;
          EXPECT_EQ(fresh[i], values[at]) << static_cast<int>(storage) << " as " << type_name(type);
          EXPECT_EQ(added[i], 2.0f + values[at]);
        }
      }
    }
  }
}

TEST(TableTest, MadeTableOutlivesItsSource) {
  const int64_t rows = 5, columns = 70;
  for (const Storage storage : kStorages) {
    for (const WeightType type : kTypes) {
      auto matrix = std::make_unique<StoredMatrix>(normal_values(rows * columns, 2), rows, columns, storage);
      const std::vector<float> values = converted(*matrix, type);
      const SourceTable table(matrix->source(), type);
      matrix.reset();
      EXPECT_EQ(gathered(table, {4}, false, 0.0f).back(), values.back());
    }
  }
}

TEST(TableTest, MappedTableKeepsItsOwnScales) {
  const int64_t rows = 9, columns = 64;
  for (const Storage storage : {Storage::kInt8, Storage::kNf4}) {
    const StoredMatrix matrix(normal_values(rows * columns, 4), rows, columns, storage);
    const auto fill = [](const float* from, int64_t count) { return std::vector<float>(from, from + count); };
    MatrixSource source = matrix.source();
    std::vector<float> scales =
        storage == Storage::kInt8 ? fill(source.row_scales, rows) : fill(source.block_absmax, rows);
    std::vector<float> codebook =
        storage == Storage::kInt8 ? std::vector<float>{} : fill(source.codebook, 16);
    (storage == Storage::kInt8 ? source.row_scales : source.block_absmax) = scales.data();
    source.codebook = codebook.data();
    const SourceTable table(source);
    std::ranges::fill(scales, -7.0f);
    std::ranges::fill(codebook, -7.0f);
    EXPECT_EQ(gathered(table, {8}, false, 0.0f).back(), matrix.values().back());
  }
}

TEST(TableTest, NumbersOutsideAreRefused) {
  const std::vector<float> values(30, 1.0f);
  const StoredMatrix matrix(values, 10, 3, Storage::kFp32);
  const SourceTable table(matrix.source());
  for (const int32_t id :
       {-1, 10, std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min()}) {
    try {
      gathered(table, {1, id}, false, 0.0f);
      FAIL() << id << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadData);
      EXPECT_EQ(std::string(error.what()),
                "token id " + std::to_string(id) + " is not a row of the table of 10 embeddings");
    }
  }
}

TEST(TableTest, SizesAreThoseOfTheType) {
  const StoredMatrix matrix(normal_values(100 * 64, 3), 100, 64, Storage::kFp32);
  EXPECT_EQ(SourceTable(matrix.source(), WeightType::kFp32).bytes(), 100u * 64 * 4);
  EXPECT_EQ(SourceTable(matrix.source(), WeightType::kBf16).bytes(), 100u * 64 * 2);
  EXPECT_EQ(SourceTable(matrix.source(), WeightType::kInt8).bytes(), 100u * (64 + 4));
  EXPECT_EQ(SourceTable(matrix.source(), WeightType::kNf4).bytes(), 100u * (32 + 4));
}

}  // namespace
}  // namespace valence::backend::cpu
