#include <gtest/gtest.h>

#include <cstdlib>

#include "formats/test_support.h"
#include "hub/hub.h"

namespace valence::hub {
namespace {

using valence::testing::expect_error;
using valence::testing::TemporaryFolder;
using valence::testing::write_file;

// No variable of the machine counts; HOME is an empty folder.
class Environment : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_TOKEN",
                             "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_ENDPOINT", "HF_HUB_OFFLINE",
                             "TRANSFORMERS_OFFLINE"}) {
      ::unsetenv(name);
    }
    set("HOME", home_.path().string());
  }
  static void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
  static HubOptions read() { return HubOptions::from_environment(); }
  TemporaryFolder home_;
};

TEST_F(Environment, WithoutVariablesTheCacheIsAtHome) {
  const HubOptions options = read();
  EXPECT_EQ(options.cache, home_ / ".cache/huggingface/hub");
  EXPECT_EQ(options.endpoint, "https://huggingface.co");
  EXPECT_EQ(options.token, "");
  EXPECT_FALSE(options.offline);
}

TEST_F(Environment, TheMoreSpecialVariableWins) {
  set("XDG_CACHE_HOME", "/x/cache");
  EXPECT_EQ(read().cache, "/x/cache/huggingface/hub");
  set("HF_HOME", "/x/home");
  EXPECT_EQ(read().cache, "/x/home/hub");
  set("HF_HUB_CACHE", "/x/hub");
  EXPECT_EQ(read().cache, "/x/hub");
}

TEST_F(Environment, ATildeMeansHome) {
  set("HF_HOME", "~/models");
  EXPECT_EQ(read().cache, home_ / "models/hub");
}

TEST_F(Environment, AnEmptyVariableIsAbsent) {
  set("HF_HOME", "");
  set("HF_HUB_CACHE", "");
  set("HF_ENDPOINT", "");
  EXPECT_EQ(read().cache, home_ / ".cache/huggingface/hub");
  EXPECT_EQ(read().endpoint, "https://huggingface.co");
}

TEST_F(Environment, TheEndpointLosesItsSlashes) {
  set("HF_ENDPOINT", "http://127.0.0.1:8000//");
  EXPECT_EQ(read().endpoint, "http://127.0.0.1:8000");
}

TEST_F(Environment, AnEndpointThatIsNoAddressIsRefused) {
  for (const char* bad : {"mirror.example", "ftp://mirror.example", "file:///etc", "/"}) {
    set("HF_ENDPOINT", bad);
    expect_error(ErrorCode::kBadConfig, "HF_ENDPOINT", read);
  }
}

TEST_F(Environment, TheTokenComesFromItsVariableElseFromAFile) {
  write_file(home_ / ".cache/huggingface/token", "hf_of_login\n");
  EXPECT_EQ(read().token, "hf_of_login");
  write_file(home_ / "elsewhere", "  hf_elsewhere \n");
  set("HF_TOKEN_PATH", home_ / "elsewhere");
  EXPECT_EQ(read().token, "hf_elsewhere");
  set("HF_TOKEN", "hf_variable\n");
  EXPECT_EQ(read().token, "hf_variable");
}

TEST_F(Environment, ATokenThatWouldAddAHeaderIsRefusedAndNotShown) {
  set("HF_TOKEN", "hf_secret\r\nX-Evil: 1");
  try {
    read();
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadConfig);
    EXPECT_EQ(std::string(error.what()).find("hf_secret"), std::string::npos) << error.what();
  }
}

TEST_F(Environment, OfflineIsAYesInHuggingfacesWords) {
  for (const char* yes : {"1", "true", "TRUE", "yes", "on", "ON"}) {
    set("HF_HUB_OFFLINE", yes);
    EXPECT_TRUE(read().offline) << yes;
  }
  for (const char* no : {"0", "false", "no", "off"}) {
    set("HF_HUB_OFFLINE", no);
    EXPECT_FALSE(read().offline) << no;
  }
  ::unsetenv("HF_HUB_OFFLINE");
  set("TRANSFORMERS_OFFLINE", "1");
  EXPECT_TRUE(read().offline);
}

}  // namespace
}  // namespace valence::hub
