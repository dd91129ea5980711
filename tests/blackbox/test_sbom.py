# SPDX-License-Identifier: MIT
"""make sbom: what SPDX 2.3 requires of the document, and whether it is true."""
import hashlib
import json
import os
import re
import shutil

import pytest

from harness import run

PROGRAMS = "hellod", "hello-client", "check_hello"
SCRIPT = os.path.join(os.environ.get("srcdir", "."), "packaging/sbom.py")
LICENSES = {"MIT", "NOASSERTION", "LGPL-2.1-or-later", "LGPL-2.1-only",
            "GPL-3.0-or-later WITH GCC-exception-3.1"}
# Keys that must be there, and the others that are allowed.
DOCUMENT = ("spdxVersion dataLicense SPDXID name documentNamespace creationInfo packages files "
            "relationships"), ""
PACKAGE = ("SPDXID name downloadLocation licenseConcluded licenseDeclared copyrightText "
           "versionInfo"), (
    "supplier filesAnalyzed packageVerificationCode licenseInfoFromFiles primaryPackagePurpose")
FILE = "SPDXID fileName checksums licenseConcluded licenseInfoInFiles copyrightText", "fileTypes"
RELATIONSHIP = "spdxElementId relationshipType relatedSpdxElement", ""


def check(thing, keys):
    required, allowed = (set(names.split()) for names in keys)
    assert required <= set(thing) <= required | allowed


def write(*programs, **environment):
    done = run("python3", "-B", SCRIPT, "1.2", "November 6, 2026", *programs,
               environment=environment)
    assert done.err == "" and done.status == 0
    return done.out


@pytest.fixture(scope="module")
def document():
    if not shutil.which("readelf") or not shutil.which("pkg-config"):
        pytest.skip("readelf or pkg-config is not installed")
    return json.loads(write(*PROGRAMS))


def test_required(document):
    check(document, DOCUMENT)
    assert (document["spdxVersion"], document["dataLicense"]) == ("SPDX-2.3", "CC0-1.0")
    assert document["creationInfo"]["created"] == "2026-11-06T00:00:00Z"
    assert all(re.match("(Tool|Organization|Person): ", creator)
               for creator in document["creationInfo"]["creators"])
    assert re.fullmatch(r"https://[^#\s]+", document["documentNamespace"])
    elements = [*document["packages"], *document["files"]]
    for thing, keys in [*((each, PACKAGE) for each in document["packages"]),
                        *((each, FILE) for each in document["files"]),
                        *((each, RELATIONSHIP) for each in document["relationships"])]:
        check(thing, keys)
    assert {each[key] for each in elements for key in each if key.startswith("license")
            and isinstance(each[key], str)} <= LICENSES
    known = [document["SPDXID"], *(each["SPDXID"] for each in elements)]
    assert len(set(known)) == len(known)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name) for name in known)
    for each in document["relationships"]:
        assert {each["spdxElementId"], each["relatedSpdxElement"]} <= set(known)
    # Each element is related to another.
    related = {each["relatedSpdxElement"] for each in document["relationships"]}
    assert related == set(known) - {"SPDXRef-DOCUMENT"}


def test_files(document):
    assert [each["fileName"] for each in document["files"]] == [f"./{name}" for name in PROGRAMS]
    all_sha1 = []
    for each in document["files"]:
        with open(each["fileName"], "rb") as file:
            content = file.read()
        assert [(sum["algorithm"], sum["checksumValue"]) for sum in each["checksums"]] == [
            (name.upper(), hashlib.new(name, content).hexdigest()) for name in ("sha1", "sha256")]
        all_sha1.append(each["checksums"][0]["checksumValue"])
    code = hashlib.sha1("".join(sorted(all_sha1)).encode()).hexdigest()
    assert document["packages"][0]["packageVerificationCode"] == {
        "packageVerificationCodeValue": code}


def test_libraries(document):
    """As the dynamic linker and pkg-config tell."""
    versions = {each["name"]: each["versionInfo"] for each in document["packages"]}
    assert versions.pop("hellod") == "1.2"
    versions.pop("gcc", None)
    assert versions.pop("glibc") == run("getconf", "GNU_LIBC_VERSION").out.split()[1]
    for name, version in versions.items():
        assert run("pkg-config", "--modversion", name).out == version + "\n"
    links = {name: {each["relatedSpdxElement"].removeprefix("SPDXRef-Package-")
                    for each in document["relationships"]
                    if each["spdxElementId"] == f"SPDXRef-File-{name}"} for name in PROGRAMS}
    assert "libsystemd" in links["hellod"] and "json-c" in links["hello-client"]
    assert set(versions) | {"glibc"} == set().union(*links.values()) - {"gcc"}


def test_reproducible(document):
    assert json.loads(write(*PROGRAMS)) == document
    document["creationInfo"]["created"] = "1970-01-02T00:00:00Z"
    assert json.loads(write(*PROGRAMS, SOURCE_DATE_EPOCH="86400")) == document


def test_unknown_library():
    done = run("python3", "-B", SCRIPT, "1.2", "November 6, 2026", "hellod",
               environment={"READELF": "echo '(NEEDED) Shared library: [libother.so.2]'"})
    assert done == (1, "", "sbom.py: hellod needs libother.so.2: add it to LIBRARIES\n")
