#include "backend/cpu/isa.h"

#include <cstdlib>

#include "backend/cpu/isa_for_test.h"
#include "backend/peak.h"
#include "base/error.h"

namespace valence::backend::cpu {
namespace {

TEST(IsaTest, ScalarIsAlwaysThereAndTheLastIsChosen) {
  const std::vector<const Kernels*> available = available_kernels();
  EXPECT_STREQ(available.front()->name, "scalar");
  EXPECT_EQ(&choose_kernels(""), available.back());
  for (const Kernels* kernels : available) EXPECT_EQ(&choose_kernels(kernels->name), kernels);
}

TEST(IsaTest, UnknownNamesAreRefusedWithTheKnownOnes) {
  try {
    choose_kernels("sse\n9");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_EQ(std::string(error.what()),
              "VALENCE_CPU_ISA=sse\\x0a9: expected one of scalar, avx2, avx512, avx512vnni, avx512bf16, amx");
  }
}

TEST(IsaTest, AbsentOnesAreRefusedWithThoseOfTheMachine) {
  const size_t available = available_kernels().size();
  if (available == kIsaNames.size()) GTEST_SKIP() << "this processor has them all";
  try {
    choose_kernels(kIsaNames.back());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("this machine has only scalar"), std::string::npos)
        << error.what();
  }
}

class Tables : public EachIsa {};
VALENCE_FOR_EACH_ISA(Tables);

TEST_P(Tables, AreComplete) {
  const Kernels& k = kernels();
  EXPECT_GT(k.rows, 0);
  EXPECT_GT(k.columns, 0);
  EXPECT_EQ(k.steps % 2, 0);
  EXPECT_GT(k.steps, 0);
  EXPECT_EQ(k.product_bf16 == nullptr, k.round_bf16 == nullptr);
  EXPECT_EQ(k.product_bf16 == nullptr, k.pair_bf16 == nullptr);
  EXPECT_TRUE(k.product_fp32 && k.product_turned_fp32 && k.product_int8 && k.finish && k.quantize_row &&
              k.expand_bf16 && k.expand_int8 && k.expand_nf4 && k.layer_norm_row && k.softmax_row &&
              k.exp_row && k.drop_row && k.softmax_backward_row && k.scale_row);
  for (const Peak& peak : {k.peak_fp32, k.peak_int8, k.peak_bf16}) {
    ASSERT_TRUE(peak.run);
    EXPECT_GT(peak.operations, 0);
    peak.run(3);
  }
}

TEST(IsaTest, PeakIsMeasured) {
  for (const WeightType type : {WeightType::kFp32, WeightType::kBf16, WeightType::kInt8, WeightType::kNf4}) {
    EXPECT_GT(measured_peak_gflops(type, 0.0), 0.0);
  }
}

}  // namespace
}  // namespace valence::backend::cpu
