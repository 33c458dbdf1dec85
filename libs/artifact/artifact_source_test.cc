#include "libs/artifact/artifact_source.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/field_violations.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using Options = std::map<std::string, std::string>;

ArtifactSource Parsed(absl::string_view text, const Options& options = {}) {
  absl::StatusOr<ArtifactSource> source = ParseArtifactSource(text, options);
  EXPECT_THAT(source, IsOk()) << text;
  return source.ok() ? *std::move(source) : ArtifactSource();
}

std::vector<FieldViolation> Violations(absl::string_view text, const Options& options = {}) {
  return GetFieldViolations(ParseArtifactSource(text, options).status());
}

testing::Matcher<const FieldViolation&> Violation(const std::string& field,
                                                  const std::string& part) {
  return testing::AllOf(Field(&FieldViolation::field, field),
                        Field(&FieldViolation::description, HasSubstr(part)));
}

TEST(ArtifactSource, AnHttpUrlKeepsTheServersParametersOnly) {
  const ArtifactSource source = Parsed(
      "https://h:8443/a/my%20tool.zip?token=t&checksum=md5:d41d8cd98f00b204e9800998ecf8427e&ref=x");
  EXPECT_EQ(source.kind, SourceKind::kHttp);
  EXPECT_EQ(source.url, "https://h:8443/a/my%20tool.zip?token=t&ref=x");
  EXPECT_EQ(source.checksum->digest->ToString(), "md5:d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(source.file_name, "my tool.zip");
  EXPECT_EQ(source.archive.FormatOf(source.file_name), ArchiveFormat::kZip);
}

TEST(ArtifactSource, AnOptionReplacesTheParameterOfItsName) {
  const ArtifactSource source =
      Parsed("https://h/a.bin?archive=zip&filename=x&color=red",
             {{"archive", "false"}, {"filename", "y.bin"}, {"color", "a b"}});
  EXPECT_EQ(source.archive.kind, ArchiveChoice::Kind::kOff);
  EXPECT_EQ(source.file_name, "y.bin");
  EXPECT_EQ(source.url, "https://h/a.bin?color=a%20b");
}

TEST(ArtifactSource, SubdirectoriesAreSplitOffBeforeTheQuery) {
  const ArtifactSource source = Parsed("https://h/a.tgz//x/y-*/.?checksum=file:https://h/SUMS");
  EXPECT_EQ(source.url, "https://h/a.tgz");
  EXPECT_EQ(source.subdir, "x/y-*");
  EXPECT_EQ(source.checksum->list_source, "https://h/SUMS");
  EXPECT_THAT(Violations("https://h/a.tgz//x/../.."),
              ElementsAre(Violation("source", "leads out")));
  EXPECT_THAT(Violations("https://h/a.tgz//%2e%2e/x"),
              ElementsAre(Violation("source", "leads out")));
}

TEST(ArtifactSource, WellKnownHostsAreGit) {
  const ArtifactSource github = Parsed("github.com/user/repo//sub?ref=v1&depth=3");
  EXPECT_EQ(github.kind, SourceKind::kGit);
  EXPECT_EQ(github.url, "https://github.com/user/repo.git");
  EXPECT_EQ(github.subdir, "sub");
  EXPECT_EQ(github.git.ref, "v1");
  EXPECT_EQ(github.git.depth, 3);
  EXPECT_FALSE(github.git.submodules);
  EXPECT_EQ(Parsed("gitlab.com/g/r.git").url, "https://gitlab.com/g/r.git");
  EXPECT_EQ(Parsed("bitbucket.org/u/r").url, "https://bitbucket.org/u/r.git");
  EXPECT_THAT(Violations("github.com/user"),
              ElementsAre(Violation("source", "github.com/USER/REPOSITORY")));
}

TEST(ArtifactSource, ScpFormsAreGitOverSsh) {
  EXPECT_EQ(Parsed("git@github.com:org/repo.git?ref=x").url, "ssh://git@github.com/org/repo.git");
  EXPECT_EQ(Parsed("git::deploy@h:/srv/repo//sub").url, "ssh://deploy@h/srv/repo");
  EXPECT_EQ(Parsed("git::ssh://git@h:2222/repo").url, "ssh://git@h:2222/repo");
  EXPECT_EQ(Parsed("git::https://h/repo", {{"submodules", "true"}}).git.submodules, true);
}

TEST(ArtifactSource, ObjectsOfS3AreFoundInEveryStyle) {
  struct Case {
    const char* text;
    const char* endpoint;
    const char* region;
    bool path_style;
  };
  for (const Case& c :
       {Case{"s3.amazonaws.com/b/k/x.zip", "https://s3.amazonaws.com", "us-east-1", true},
        Case{"s3-eu-west-1.amazonaws.com/b/k/x.zip", "https://s3-eu-west-1.amazonaws.com",
             "eu-west-1", true},
        Case{"s3::https://s3.eu-west-1.amazonaws.com/b/k/x.zip",
             "https://s3.eu-west-1.amazonaws.com", "eu-west-1", true},
        Case{"b.s3.amazonaws.com/k/x.zip", "https://s3.amazonaws.com", "us-east-1", false},
        Case{"b.s3.eu-west-1.amazonaws.com/k/x.zip", "https://s3.eu-west-1.amazonaws.com",
             "eu-west-1", false},
        Case{"s3::http://127.0.0.1:9000/b/k/x.zip", "http://127.0.0.1:9000", "us-east-1", true}}) {
    const ArtifactSource source = Parsed(c.text);
    EXPECT_EQ(source.kind, SourceKind::kS3) << c.text;
    EXPECT_EQ(source.s3.endpoint, c.endpoint) << c.text;
    EXPECT_EQ(source.s3.region, c.region) << c.text;
    EXPECT_EQ(source.s3.bucket, "b") << c.text;
    EXPECT_EQ(source.s3.key, "k/x.zip") << c.text;
    EXPECT_EQ(source.s3.path_style, c.path_style) << c.text;
    EXPECT_EQ(source.file_name, "x.zip");
  }
  const ArtifactSource source =
      Parsed("s3::https://h/b/k?version=3&region=r1", {{"region", "r2"}, {"path_style", "false"}});
  EXPECT_EQ(source.s3.region, "r2");
  EXPECT_EQ(source.s3.version, "3");
  EXPECT_FALSE(source.s3.path_style);
  EXPECT_THAT(Violations("s3::https://h/b?colour=1"),
              testing::Contains(Violation("source", "no object")));
}

TEST(ArtifactSource, ObjectsOfGcsHaveAGeneration) {
  const ArtifactSource source =
      Parsed("www.googleapis.com/storage/v1/bucket/dir/a%20b.tgz#1234567890123456");
  EXPECT_EQ(source.kind, SourceKind::kGcs);
  EXPECT_EQ(source.gcs.bucket, "bucket");
  EXPECT_EQ(source.gcs.object, "dir/a b.tgz");
  EXPECT_EQ(source.gcs.generation, 1234567890123456u);
  EXPECT_EQ(Parsed("gcs::http://127.0.0.1:1/storage/v1/b/o").gcs.endpoint, "http://127.0.0.1:1");
  EXPECT_THAT(Violations("gcs::https://h/b/o"), ElementsAre(Violation("source", "/storage/v1/")));
}

TEST(ArtifactSource, MercurialAndFilesAreTaken) {
  EXPECT_EQ(Parsed("hg::https://h/repo?rev=tip").hg_rev, "tip");
  EXPECT_THAT(Violations("hg::ssh://u@h/repo"), ElementsAre(Violation("source", "ssh")));
  EXPECT_THAT(Violations("hg::file:///srv/repo"), ElementsAre(Violation("source", "file")));
  for (const char* rev : {"--config=x", "-r", "a b", "a\nb"}) {
    EXPECT_THAT(Violations("hg::https://h/repo", {{"rev", rev}}),
                ElementsAre(Violation("options[rev]", "begins with '-'")));
  }
  EXPECT_EQ(Parsed("file:///srv/x.zip").kind, SourceKind::kFile);
  EXPECT_EQ(Parsed("/srv/x.zip//sub").url, "file:///srv/x.zip");
  EXPECT_EQ(Parsed("file::/srv/x.zip").file_name, "x.zip");
  EXPECT_THAT(Violations("file:///"), ElementsAre(Violation("source", "names no file")));
  EXPECT_THAT(Violations("file://h/x"), ElementsAre(Violation("source", "no host")));
}

TEST(ArtifactSource, HowToUnpackIsSaidByOptions) {
  const ArtifactSource source = Parsed("https://h/a.zip?umask=1", {{"strip_components", "2"},
                                                                   {"umask", "077"},
                                                                   {"max_files", "10"},
                                                                   {"max_bytes", "5"},
                                                                   {"timeout", "90s"},
                                                                   {"credentials", "deploy"}});
  EXPECT_EQ(source.url, "https://h/a.zip?umask=1");
  EXPECT_EQ(source.unpack.strip_components, 2);
  EXPECT_EQ(source.unpack.umask, 077u);
  EXPECT_EQ(source.unpack.limits.files, 10u);
  EXPECT_EQ(source.unpack.limits.bytes, 5u);
  EXPECT_EQ(source.unpack.limits.deadline, absl::Seconds(90));
  EXPECT_EQ(source.credentials, "deploy");
}

TEST(ArtifactSource, EveryViolationIsTold) {
  EXPECT_THAT(
      Violations("git::https://h/r?ref=--upload-pack=x&depth=-1", {{"checksum", "sha256:1"},
                                                                   {"archive", "rar"},
                                                                   {"filename", "a/b"},
                                                                   {"umask", "8"},
                                                                   {"max_files", "0"},
                                                                   {"timeout", "soon"},
                                                                   {"credentials", "../x"},
                                                                   {"submodules", "maybe"}}),
      ElementsAre(Violation("options[checksum]", "has 1 characters"),
                  Violation("options[archive]", "no archive format"),
                  Violation("options[filename]", "not one name"),
                  Violation("options[credentials]", "no name"),
                  Violation("options[umask]", "octal"), Violation("options[max_files]", "from 1"),
                  Violation("options[timeout]", "no duration"),
                  Violation("source", "its parameter ref: it begins with '-'"),
                  Violation("source", "its parameter depth: '-1' is no number"),
                  Violation("options[submodules]", "neither true nor false")));
}

TEST(ArtifactSource, OptionsForTheServerHaveANameAndNoNul) {
  EXPECT_THAT(Violations("https://h/x", {{"", "v"}}),
              ElementsAre(Violation("options[]", "no name")));
  EXPECT_THAT(Violations("https://h/x", {{"a", std::string("b\0c", 3)}}),
              ElementsAre(Violation("options[a]", "NUL")));
}

TEST(ArtifactSource, CredentialsInTheTextAreRefusedAndNotRepeated) {
  for (const char* text :
       {"https://user:hunter2@h/x", "https://hunter2@h/x", "git::ssh://u:hunter2@h/x",
        "s3::https://h/b/k?aws_access_key_secret=hunter2", "git::https://h/r?sshkey=hunter2"}) {
    const absl::Status status = ParseArtifactSource(text, {}).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                                 HasSubstr("name a credential of the node")));
    EXPECT_FALSE(absl::StrContains(status.message(), "hunter2")) << status;
  }
  EXPECT_THAT(Violations("git@h:r", {{"sshkey", "hunter2"}}),
              ElementsAre(Violation("options[sshkey]", "by the option credentials")));
}

TEST(ArtifactSource, WhatNobodyFetchesIsRefused) {
  for (const char* text : {"",
                           "http://%zz",
                           "s3::",
                           "git::",
                           "http://",
                           "ftp://h/x",
                           "ext::sh -c x",
                           "git::-oProxyCommand=x",
                           "git::https://-x/r",
                           "git::file:///etc",
                           "git::ext::sh",
                           "http::file:///etc/shadow",
                           "file::https://h/x",
                           "ssh://h/x",
                           "./local",
                           "local/x",
                           "http://h/a\nb",
                           "s3::https://h",
                           "git::https://h",
                           "//x",
                           "http:x",
                           "git@h:"})
    EXPECT_THAT(ParseArtifactSource(text, {}), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  EXPECT_THAT(Violations("http://h/" + std::string(65536, 'x')),
              ElementsAre(Violation("source", "more than 8192")));
}

TEST(ArtifactSource, WhatIsShownHoldsNoSecret) {
  EXPECT_EQ(RedactedSource(Parsed("github.com/u/r//sub?ref=v1")),
            "git::https://github.com/u/r.git//sub?ref=v1");
  EXPECT_EQ(RedactedSource(Parsed("https://h/a.zip?X-Amz-Signature=abc")),
            "https://h/a.zip?X-Amz-Signature=[redacted]");
}

}  // namespace
}  // namespace cloister::artifact
