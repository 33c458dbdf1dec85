"""The rules that this repository's BUILD files use: one place for flags, tags and defaults."""

load("//tools/bazel/private:cc.bzl", _cloister_cc_binary = "cloister_cc_binary", _cloister_cc_fuzz_test = "cloister_cc_fuzz_test", _cloister_cc_library = "cloister_cc_library", _cloister_cc_static_binary = "cloister_cc_static_binary", _cloister_cc_test = "cloister_cc_test", _cloister_root_test = "cloister_root_test", _freestanding_binary = "freestanding_binary")
load("//tools/bazel/private:embed.bzl", _embed_data = "embed_data")
load("//tools/bazel/private:proto.bzl", _cloister_proto_library = "cloister_proto_library")

cloister_cc_binary = _cloister_cc_binary
cloister_cc_fuzz_test = _cloister_cc_fuzz_test
cloister_cc_library = _cloister_cc_library
cloister_cc_static_binary = _cloister_cc_static_binary
cloister_cc_test = _cloister_cc_test
cloister_proto_library = _cloister_proto_library
cloister_root_test = _cloister_root_test
embed_data = _embed_data
freestanding_binary = _freestanding_binary
