// A hub that refuses, fails or lies: one clear error, and nothing of it in the cache or outside.

#include "hub/fake_hub_for_test.h"

namespace valence::hub::testing {
namespace {

namespace fs = std::filesystem;
using valence::testing::expect_error;

struct Lie {
  const char* name;  // of the repository
  ErrorCode code;
  const char* message;
};

class LyingHub : public HubTest {
 protected:
  void refuse(const std::vector<Lie>& lies) {
    for (const Lie& lie : lies) {
      SCOPED_TRACE(lie.name);
      expect_error(lie.code, lie.message, [&] { pull_from(lie.name); });
      EXPECT_TRUE(names_in(repository(lie.name) / "snapshots").empty());
      EXPECT_FALSE(fs::exists(repository(lie.name) / "refs"));
    }
    expect_nothing_outside();
  }
  // Nothing lies beside the cache, and no file carries the name that the lies give.
  void expect_nothing_outside() {
    EXPECT_LE(names_in(folder_.path()).size(), 1u);
    EXPECT_FALSE(fs::exists("/tmp/valence-evil.txt"));
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      EXPECT_EQ(entry.path().filename().string().find("evil"), std::string::npos) << entry.path();
    }
  }
};

constexpr ErrorCode kLie = ErrorCode::kRuntime, kNot = ErrorCode::kUnavailable;

TEST_F(LyingHub, WhatCannotBeHadIsSaidInWordsForUsers) {
  refuse({{"absent", kNot,
           "org/absent@main: the hub has no such model, or it is private and HF_TOKEN is not set"},
          {"private", kNot, "the hub has no such model, or it is private and HF_TOKEN is not set"},
          {"gated", kNot, "access is restricted: accept the model's terms on the hub, then set HF_TOKEN"},
          {"gated403", kNot, "access is restricted"},
          {"gatedfiles", kNot, "org/gatedfiles/config.json: access is restricted"},
          {"gone", kNot, "org/gone/vocab.txt: the hub has no such file"},
          {"noweights", kNot, "has no weights as safetensors or .bin"}});
  expect_error(kNot, "org/good@v9: the hub has no such revision",
               [&] { pull(parse_repository("org/good@v9"), options_); });
  options_.token = "hf_wrong";
  refuse({{"absent", kNot, "or the token gives no access to it"},
          {"gated", kNot, "the token gives no access to it: accept the model's terms"}});
}

TEST_F(LyingHub, AServerThatFailsIsGivenUp) {
  refuse({{"fails", kNot, "status 503"},
          {"short", kNot, "model.safetensors"},
          {"truncated", kNot, "the transfer ended after"},
          {"loop", kNot, "is redirected without end"},
          {"endlesserror", kNot, "the hub has no such model"},
          {"nowhere", kNot, "127.0.0.1:1/x"}});
}

TEST_F(LyingHub, AnAnswerThatIsNoListingIsRefused) {
  refuse({{"notjson", kLie, "is a login page in between?"},
          {"notlisting", kLie, "has no commit or no files"},
          {"endless", kLie, "has more than 32 MB"},
          {"badsha", kLie, "gives \"../../evil\" for a commit"},
          {"toomany", kLie, "lists 30"},
          {"notext", kLie, "expected a string"},
          {"noconfig", kLie, "it has no config.json"}});
  expect_error(kLie, "the hub gives ffffffff",
               [&] { pull(parse_repository(std::string("org/othersha@") + kCommit), options_); });
}

TEST_F(LyingHub, NamesThatLeadOutOfTheRepositoryAreRefused) {
  for (const char* name : {"escape", "inside", "absolute", "backslash", "control", "nameless"}) {
    refuse({{name, kLie, "which leads out of it"}});
  }
  refuse({{"farshard", kLie, "names \"../../x.safetensors\", which is not in the repository"},
          {"lostshard", kLie, "which is not in the repository"}});
}

TEST_F(LyingHub, FilesThatAreNotWhatWasPromisedAreRefused) {
  refuse({{"wronghash", kLie, "model.safetensors is not what the hub promised: its hash is"},
          {"wrongsmall", kLie, "config.json is not what the hub promised: its hash is"},
          {"badetag", kLie, "gives \"../../../../evil\" for its hash"},
          {"noetag", kLie, "for its hash"},
          {"badsize", kLie, "gives \"many\" for its size"},
          {"toosmall", kLie, "the server sends more than the 10 bytes"},
          {"othercommit", kLie, "comes from commit ffffffff"},
          {"wrongrange", kLie, "the server sends \"bytes "}});
  EXPECT_TRUE(names_in(repository("wronghash") / "blobs").size() == 3) << "the wrong bytes are not kept";
}

TEST_F(LyingHub, RedirectionsToOtherProtocolsAreRefused) {
  refuse(
      {{"tofile", kLie, "redirects from http to file: refused"}, {"garbage", kLie, "which is no address"}});
}

}  // namespace
}  // namespace valence::hub::testing
