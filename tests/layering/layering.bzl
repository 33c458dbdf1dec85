"""One rule of the layer table in ARCHITECTURE.md as a test over the build graph."""

def _quoted_set(targets):
    return "set(%s)" % " ".join(["\"%s\"" % target for target in targets])

def layering_test(name, programs, libraries, must_not_reach, expect_path = False):
    """Fails with the path if one of the libraries reaches what it must not, however indirectly.

    Every target that a program is made of is looked at, so a new target of a library needs no line
    here; what no program uses is not looked at.

    Args:
      name: of the test.
      programs: labels; together they are made of every library there is.
      libraries: a regular expression over labels, those that the rule is about.
      must_not_reach: a regular expression over labels.
      expect_path: True turns the rule round; it shows that a test of this kind can fail.
    """
    parts = "deps(%s)" % _quoted_set(programs)
    library_targets = "kind(\"rule\", filter(\"%s\", %s))" % (libraries, parts)

    native.genquery(
        name = name + "_libraries",
        expression = library_targets,
        scope = programs,
        testonly = True,
        visibility = ["//visibility:private"],
    )
    native.genquery(
        name = name + "_path",
        expression = "somepath(%s, filter(\"%s\", deps(%s)))" % (library_targets, must_not_reach, library_targets),
        scope = programs,
        testonly = True,
        visibility = ["//visibility:private"],
    )
    native.sh_test(
        name = name,
        size = "small",
        srcs = ["layering_test.sh"],
        args = [
            "$(location :%s_libraries)" % name,
            "$(location :%s_path)" % name,
            "some" if expect_path else "none",
        ],
        data = [
            ":%s_libraries" % name,
            ":%s_path" % name,
        ],
    )
