"""Protocol buffers over the system's protoc and gRPC plugin.

Import paths and C++ include paths are relative to the folder `proto/` of the repository:
`import "cloister/v1/task.proto"`, `#include "cloister/v1/task.pb.h"`. Well-known types come from
the system (/usr/include).
"""

load("@rules_cc//cc:defs.bzl", "cc_library")

_ROOT = "proto"

_ProtoSources = provider(
    doc = "What protoc needs of a dependency.",
    fields = {
        "roots": "depset of import roots",
        "sources": "depset of .proto files, transitive",
    },
)

def _under(root, path):
    return root + "/" + path if root else path

def _codegen_impl(ctx):
    package = ctx.label.package
    if package != _ROOT and not package.startswith(_ROOT + "/"):
        fail("a proto library lives under //%s, not in //%s" % (_ROOT, package))
    source_root = _under(ctx.label.workspace_root, _ROOT)
    direct = ctx.files.srcs
    sources = depset(direct, transitive = [d[_ProtoSources].sources for d in ctx.attr.deps])
    roots = depset([source_root], transitive = [d[_ProtoSources].roots for d in ctx.attr.deps])

    headers = []
    bodies = []
    for source in direct:
        stem = source.basename[:-len(".proto")]
        for infix in [".pb", ".grpc.pb"] if ctx.attr.grpc else [".pb"]:
            headers.append(ctx.actions.declare_file(stem + infix + ".h"))
            bodies.append(ctx.actions.declare_file(stem + infix + ".cc"))

    out_root = _under(ctx.bin_dir.path, source_root)
    args = ctx.actions.args()
    args.add_all(roots, before_each = "-I")
    args.add("-I/usr/include")
    args.add("--cpp_out=" + out_root)
    if ctx.attr.grpc:
        args.add("--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin")
        args.add("--grpc_out=" + out_root)
    args.add("--include_imports")
    args.add("--include_source_info")
    args.add("--descriptor_set_out=" + ctx.outputs.descriptor.path)
    args.add_all(direct)
    ctx.actions.run(
        executable = "/usr/bin/protoc",
        arguments = [args],
        inputs = sources,
        outputs = headers + bodies + [ctx.outputs.descriptor],
        mnemonic = "Protoc",
        progress_message = "Generating C++ of %s" % ctx.label,
    )
    return [
        DefaultInfo(files = depset(headers + bodies)),
        OutputGroupInfo(headers = depset(headers), bodies = depset(bodies)),
        _ProtoSources(sources = sources, roots = roots),
    ]

_codegen = rule(
    implementation = _codegen_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".proto"], mandatory = True),
        "deps": attr.label_list(providers = [_ProtoSources]),
        "descriptor": attr.output(mandatory = True),
        "grpc": attr.bool(),
    },
)

def _codegen_of(dep):
    name = dep.rpartition(":")[2] if ":" in dep else dep.rpartition("/")[2]
    package = dep.rpartition(":")[0] if ":" in dep else dep
    return "%s:%s_codegen" % (package, name)

def cloister_proto_library(name, srcs, deps = [], grpc = False, visibility = None, **kwargs):
    """A cc_library `name` of the generated code, and the file `<name>_descriptor.pb`.

    The descriptor set holds all imports and the comments.

    Args:
      name: of the library.
      srcs: .proto files of this package.
      deps: other cloister_proto_library targets, those whose files are imported.
      grpc: also generate services; the library then depends on gRPC.
      visibility: of the library and of what other proto libraries need of it.
      **kwargs: testonly, tags.
    """
    _codegen(
        name = name + "_codegen",
        srcs = srcs,
        descriptor = name + "_descriptor.pb",
        grpc = grpc,
        visibility = visibility,
        deps = [_codegen_of(dep) for dep in deps],
        **kwargs
    )
    for group in ["headers", "bodies"]:
        native.filegroup(
            name = "%s_%s" % (name, group),
            srcs = [":%s_codegen" % name],
            output_group = group,
            visibility = ["//visibility:private"],
            **kwargs
        )
    cc_library(
        name = name,
        srcs = [":%s_bodies" % name],
        hdrs = [":%s_headers" % name],
        linkstatic = True,
        strip_include_prefix = "/" + _ROOT,
        visibility = visibility,
        deps = deps + ["//tools/bazel:protobuf"] + (["//tools/bazel:grpc++"] if grpc else []),
        **kwargs
    )
