// Repositories from a real server, `hg serve`, and answers that no server gives.
#include "libs/artifact/hg_fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/artifact/direct_connector.h"
#include "libs/artifact/fetch.h"
#include "libs/artifact/hg_program.h"
#include "libs/artifact/testing/hg_server.h"
#include "libs/artifact/testing/nginx.h"
#include "libs/artifact/testing/scratch_directory.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

// `app`: a tagged and a second commit on the branch default, a third on another branch, which is
// the tip; `evil`: a link that leads out, and a name that hg itself never adds.
constexpr char kMakeRepositories[] = R"(
hg init app && cd app
echo one >file && mkdir -p bin sub/deep && echo '#!/bin/sh' >bin/run && chmod 755 bin/run
ln -s ../file sub/link && echo deep >"sub/deep/ä x"
echo 'sub/other = http://127.0.0.1:1/other' >.hgsub
echo '0000000000000000000000000000000000000000 sub/other' >.hgsubstate
printf '[hooks]\npre-archive = touch /tmp/hooked\n' >hgrc
printf '[hooks]\npre-archive = touch /tmp/hooked\n' >>.hg/hgrc
hg commit -qAm one -d '1700000000 0'
hg log -r tip -T '{node}' >../first
hg tag v1
echo two >file && hg commit -qm two && hg log -r tip -T '{node}' >../second
hg branch -q feature && echo branch >file && hg commit -qm branch
hg bundle -q --all --type none-v2 ../app.bundle
cd .. && hg init empty && hg init evil && cd evil
ln -s /etc/passwd out && hg commit -qAm link && hg tag -l link
cat >make.py <<'END'
from mercurial import context, hg, ui
repo = hg.repository(ui.ui.load(), b'.')
def take(repo, ctx, path):
    return context.memfilectx(repo, ctx, path, b'[hooks]\n', False, False)
with repo.wlock(), repo.lock(), repo.transaction(b't'):
    context.memctx(repo, (repo.nullid, repo.nullid), b'm', [b'.HG/hgrc'], take, user=b't',
                   branch=b'dothg').commit()
END
/usr/bin/python3 make.py
)";

std::string Deflated(const std::string& text) {
  uLongf size = compressBound(text.size());
  std::string out(size, '\0');
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(&out[0]), &size,
                     reinterpret_cast<const Bytef*>(text.data()), text.size()),
            Z_OK);
  out.resize(size);
  return out;
}

std::string Answer(const std::string& body, absl::string_view type = "application/mercurial-0.1") {
  return absl::StrCat("HTTP/1.1 200 OK\r\nContent-Type: ", type,
                      "\r\nContent-Length: ", body.size(), "\r\nConnection: close\r\n\r\n", body);
}

// What a server says that answers getbundle so.
ScriptedServer::Answer Server(const std::string& node, const std::string& bundle) {
  return [node, bundle](int fd, const std::string& request) {
    std::string body = absl::StrCat("1 ", node, "\n");
    if (absl::StrContains(request, "cmd=capabilities")) body = "lookup getbundle bundle2=HG20\n";
    if (absl::StrContains(request, "cmd=getbundle")) body = bundle;
    SendAll(fd, Answer(body));
  };
}

class HgFetchTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    PreloadFetch();
    www_ = new ScratchDirectory;
    ASSERT_THAT(MakeHgRepositories(www_->path(), kMakeRepositories), IsOk());
    absl::StatusOr<std::unique_ptr<HgServer>> hg = HgServer::Start(www_->path());
    ASSERT_THAT(hg, IsOk());
    hg_ = hg->release();
    first_ = www_->Read("first");
    second_ = www_->Read("second");
  }
  static void TearDownTestSuite() {
    delete hg_;
    delete www_;
  }

  HgFetchTest() : connector_(Policy(), absl::Seconds(20)) { request_.hg_program = FindHgProgram(); }
  static EgressPolicy Policy() {
    EgressPolicy policy;
    policy.allowed_networks = {*ParseCidr("127.0.0.0/8")};
    return policy;
  }

  absl::StatusOr<FetchReport> Get(const std::string& url, const std::string& rev = "",
                                  const std::string& subdir = "") {
    output_ = std::make_unique<ScratchDirectory>();
    request_.source.kind = SourceKind::kHg;
    request_.source.url = url;
    request_.source.hg_rev = rev;
    request_.source.subdir = subdir;
    request_.output_path = output_->path();
    FetchObserver observer;
    return Fetch(request_, output_->fd(), connector_, observer);
  }
  std::string Read(const std::string& name) const { return output_->Read("content/" + name); }
  bool IsClean() const { return output_->List().empty(); }

  static ScratchDirectory* www_;
  static HgServer* hg_;
  static std::string first_;
  static std::string second_;
  DirectConnector connector_;
  FetchRequest request_;
  std::unique_ptr<ScratchDirectory> output_;
};

ScratchDirectory* HgFetchTest::www_ = nullptr;
HgServer* HgFetchTest::hg_ = nullptr;
std::string HgFetchTest::first_;
std::string HgFetchTest::second_;

TEST_F(HgFetchTest, TheDefaultBranchComesAndNothingBesideItsFiles) {
  const absl::StatusOr<FetchReport> report = Get(hg_->Url("/app"));
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->is_tree);
  EXPECT_EQ(report->commit, second_);
  EXPECT_EQ(report->sha256, "");
  EXPECT_GT(report->bytes, 0);
  EXPECT_EQ(Read("file"), "two\n");
  EXPECT_EQ(Read("sub/deep/ä x"), "deep\n");
  const std::map<std::string, std::string> all = output_->List();
  for (const char* name :
       {"content/.hg", "content/.hg_archival.txt", "hg", "raw", "tree", "content/sub/other"}) {
    EXPECT_EQ(all.count(name), 0U) << name;
  }
  EXPECT_EQ(all.at("content/sub/link"), "-> ../file");
  EXPECT_THAT(all.at("content/bin/run"), HasSubstr("f755"));
  EXPECT_NE(access("/tmp/hooked", F_OK), 0);
}

TEST_F(HgFetchTest, ARevisionIsABranchATagOrAnId) {
  ASSERT_THAT(Get(hg_->Url("/app"), "feature"), IsOk());
  EXPECT_EQ(Read("file"), "branch\n");
  for (const std::string& rev : {std::string("v1"), first_, first_.substr(0, 12)}) {
    const absl::StatusOr<FetchReport> report = Get(hg_->Url("/app"), rev);
    ASSERT_THAT(report, IsOk()) << rev;
    EXPECT_EQ(report->commit, first_);
    EXPECT_EQ(Read("file"), "one\n");
    struct stat facts;
    ASSERT_EQ(stat((output_->path() + "/content/file").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mtime, 1700000000);
  }
  // Without the branch `default` it is the tip.
  ASSERT_THAT(Get(hg_->Url("/app"), "tip"), IsOk());
  EXPECT_EQ(Read("file"), "branch\n");
}

TEST_F(HgFetchTest, APartOfItComesAlone) {
  ASSERT_THAT(Get(hg_->Url("/app"), "", "sub/deep"), IsOk());
  EXPECT_EQ(Read("ä x"), "deep\n");
  request_.mode = FetchMode::kFile;
  EXPECT_THAT(Get(hg_->Url("/app")), StatusIs(absl::StatusCode::kInvalidArgument));
  const absl::StatusOr<FetchReport> file = Get(hg_->Url("/app"), "", "bin/run");
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->file_name, "run");
}

TEST_F(HgFetchTest, WhatIsNotThereIsSaid) {
  EXPECT_THAT(Get(hg_->Url("/app"), "none"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Get(hg_->Url("/app"), std::string(40, 'd')), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Get(hg_->Url("/empty")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Get(hg_->Url("/none")), StatusIs(absl::StatusCode::kNotFound));
  const ScriptedServer page(Answer("<html>", "text/html"));
  EXPECT_THAT(Get(page.Url("/app")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("text/html")));
  EXPECT_TRUE(IsClean());
  request_.hg_program = "";
  EXPECT_THAT(Get(hg_->Url("/app")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("program 'hg'")));
}

// What a task could name if nobody looked: the server is asked for it, no command line has it.
TEST_F(HgFetchTest, ARevisionIsNoOptionAndNoExpression) {
  for (const char* rev : {"--config=hooks.pre-archive=touch /tmp/hooked", "-R/", "all()",
                          "file('set:exec()')", "0:tip", "v1\n1 x"}) {
    EXPECT_THAT(Get(hg_->Url("/app"), rev), StatusIs(absl::StatusCode::kNotFound)) << rev;
  }
  EXPECT_NE(access("/tmp/hooked", F_OK), 0);
}

TEST_F(HgFetchTest, WhatIsHostileInATreeIsRefused) {
  EXPECT_THAT(Get(hg_->Url("/evil"), "link"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Get(hg_->Url("/evil"), "dothg"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(".HG")));
  EXPECT_TRUE(IsClean());
}

TEST_F(HgFetchTest, LimitsAreKept) {
  request_.limits.max_bytes = 100;
  EXPECT_THAT(Get(hg_->Url("/app")),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit max_bytes")));
  request_.limits = {};
  request_.unpack.bytes = 100;
  EXPECT_THAT(Get(hg_->Url("/app")),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit bytes of 100")));
  request_.unpack = {};
  request_.source.unpack.limits.files = 5;
  EXPECT_THAT(Get(hg_->Url("/app")),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit files of 5")));
  request_.source.unpack.limits = {};
  request_.limits.total = absl::ZeroDuration();
  EXPECT_THAT(Get(hg_->Url("/app")), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_TRUE(IsClean());
}

TEST_F(HgFetchTest, ABombIsStoppedByItsRatio) {
  const ScriptedServer bomb(Server(first_, Deflated(std::string(64 << 20, '\0'))));
  request_.unpack.ratio = 200;
  EXPECT_THAT(Get(bomb.Url("/app")),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit ratio")));
  EXPECT_TRUE(IsClean());
}

// The id vouches for the files, whoever serves them.
TEST_F(HgFetchTest, AServerCannotChangeWhatAnIdIs) {
  const std::string bundle = www_->Read("app.bundle");
  const ScriptedServer honest(Server(first_, Deflated(bundle)));
  ASSERT_THAT(Get(honest.Url("/app"), first_), IsOk());
  EXPECT_EQ(Read("file"), "one\n");
  std::string changed = bundle;
  const size_t place = changed.find("one\n");
  ASSERT_NE(place, std::string::npos);
  changed[place + 1] = 'w';
  for (size_t at = changed.find("one\n"); at != std::string::npos; at = changed.find("one\n")) {
    changed[at] = 'O';
  }
  const ScriptedServer lying(Server(first_, Deflated(changed)));
  EXPECT_THAT(Get(lying.Url("/app"), first_), StatusIs(absl::StatusCode::kDataLoss));
  const ScriptedServer other(Server(second_, Deflated(bundle)));
  EXPECT_THAT(Get(other.Url("/app"), first_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(second_)));
  const ScriptedServer absent(Server(std::string(40, 'e'), Deflated(bundle)));
  EXPECT_THAT(Get(absent.Url("/app")),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("unknown revision")));
  EXPECT_TRUE(IsClean());
}

TEST_F(HgFetchTest, WhatIsNoBundleIsRefused) {
  const std::string compressed(
      "HG20\0\0\0\x0e"
      "Compression=ZSxxxxxxx",
      29);
  for (const std::string& bundle :
       {std::string(), std::string("text"), Deflated(""), Deflated("HG20"), Deflated("HG10UN"),
        Deflated(compressed), Deflated(std::string("HG20\0\0\0\0\x7f\xff\xff\xff", 12)),
        Deflated(www_->Read("app.bundle")).substr(0, 300)}) {
    const ScriptedServer server(Server(first_, bundle));
    EXPECT_FALSE(Get(server.Url("/app")).ok());
    EXPECT_TRUE(IsClean());
  }
  const ScriptedServer injecting(Server("--config=x", ""));
  EXPECT_THAT(Get(injecting.Url("/app")), StatusIs(absl::StatusCode::kFailedPrecondition));
}

// The server as others are: behind one that speaks TLS and asks who is there.
class HgFrontTest : public HgFetchTest {
 protected:
  void SetUp() override {
    auto certificates = MakeTestCertificates(www_->path(), "IP:127.0.0.1");
    ASSERT_THAT(certificates, IsOk());
    www_->Write("users", "alice:{PLAIN}wonderland\n");
    const std::string pass = hg_->ProxyPass();
    auto nginx = Nginx::Start(
        www_->path(),
        absl::StrCat("location ~ ^/moved(/.*)$ { return 302 $1$is_args$args; }\n",
                     "location /private/ { auth_basic hg; auth_basic_user_file ", www_->path(),
                     "/users; ", pass, "/; }\nlocation / { ", pass, "; }\n"),
        &*certificates);
    ASSERT_THAT(nginx, IsOk());
    nginx_ = *std::move(nginx);
    ca_pem_ = certificates->ca_pem;
  }
  std::unique_ptr<Nginx> nginx_;
  std::string ca_pem_;
};

TEST_F(HgFrontTest, ItComesByTlsFromAServerThatIsVerified) {
  const std::string url = nginx_->TlsUrl("127.0.0.1", "/app");
  EXPECT_THAT(Get(url), StatusIs(absl::StatusCode::kFailedPrecondition));
  request_.http.ca_pem = ca_pem_;
  ASSERT_THAT(Get(url), IsOk());
  EXPECT_EQ(Read("file"), "two\n");
}

TEST_F(HgFrontTest, ItComesFromWhereItHasMoved) {
  ASSERT_THAT(Get(nginx_->Url("/moved/app"), "v1"), IsOk());
  EXPECT_EQ(Read("file"), "one\n");
}

TEST_F(HgFrontTest, ACredentialGoesToItsOriginAlone) {
  EXPECT_THAT(Get(nginx_->Url("/private/app")), StatusIs(absl::StatusCode::kPermissionDenied));
  request_.credential.kind = Credential::Kind::kBasic;
  request_.credential.user = "alice";
  request_.credential.secret = "wonderland";
  request_.headers = {{"X-Secret", "hidden"}};
  ASSERT_THAT(Get(nginx_->Url("/private/app")), IsOk());
  const ScriptedServer elsewhere(Server(first_, Deflated(www_->Read("app.bundle"))));
  const ScriptedServer moved(
      absl::StrCat("HTTP/1.1 302 Found\r\nLocation: ", elsewhere.Url("/app?cmd=capabilities"),
                   "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  ASSERT_THAT(Get(moved.Url("/app"), first_), IsOk());
  EXPECT_THAT(moved.requests(), ElementsAre(AllOf(HasSubstr("hidden"), HasSubstr("Basic "))));
  EXPECT_EQ(elsewhere.requests().size(), 3U);
  for (const std::string& request : elsewhere.requests()) {
    EXPECT_THAT(request, AllOf(Not(HasSubstr("hidden")), Not(HasSubstr("Basic "))));
  }
}

TEST_F(HgFrontTest, ARedirectLeadsNowhereThatIsRefused) {
  for (const char* target : {"http://169.254.169.254/app?cmd=capabilities", "http://10.0.0.1/app",
                             "file:///etc/passwd", "ssh://127.0.0.1/app"}) {
    const ScriptedServer hostile(
        absl::StrCat("HTTP/1.1 302 Found\r\nLocation: ", target,
                     "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    EXPECT_THAT(Get(hostile.Url("/app")), StatusIs(absl::StatusCode::kPermissionDenied)) << target;
  }
}

}  // namespace
}  // namespace cloister::artifact
