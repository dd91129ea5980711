#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sbom.py VERSION DATE PROGRAM... - make sbom: a list of the built programs, with their checksums
and the libraries that they link, as JSON of SPDX 2.3.

$READELF, $PKG_CONFIG and $CC are those of the build. DATE is that of the release, as in "November
26, 2026"; $SOURCE_DATE_EPOCH replaces it.
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

SUPPLIER = "Organization: The hellod authors"
COPYRIGHT = "2026 The hellod authors"

# For each name of a shared library: its package, and the license of that.
LIBRARIES = {
    "libsystemd.so": ("libsystemd", "LGPL-2.1-or-later"),
    "libjson-c.so": ("json-c", "MIT"),
    "libc.so": ("glibc", "LGPL-2.1-or-later"),
    "libm.so": ("glibc", "LGPL-2.1-or-later"),
    "libpthread.so": ("glibc", "LGPL-2.1-or-later"),
    "ld-linux": ("glibc", "LGPL-2.1-or-later"),
    "ld64.so": ("glibc", "LGPL-2.1-or-later"),
    "libgcc_s.so": ("gcc", "GPL-3.0-or-later WITH GCC-exception-3.1"),
}


def output(variable, default, *arguments, source=None):
    command = shlex.split(os.environ.get(variable) or default)
    return subprocess.run([*command, *arguments], input=source, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def version_of(package):
    if package == "glibc":
        macros = output("CC", "cc", "-dM", "-E", "-x", "c", "-", source="#include <features.h>\n")
        return ".".join(re.search(rf"__{name}__ (\d+)", macros)[1]
                        for name in ("GLIBC", "GLIBC_MINOR"))
    if package == "gcc":
        return output("CC", "cc", "-dumpversion").strip()
    return output("PKG_CONFIG", "pkg-config", "--modversion", package).strip()


def libraries(program):
    """The packages of the libraries that a program is linked with."""
    found = set()
    for name in re.findall(r"\(NEEDED\).*\[(.*)\]", output("READELF", "readelf", "-dW", program)):
        stem = re.match(r"ld-linux|.*?\.so|", name)[0]
        if stem not in LIBRARIES:
            sys.exit(f"sbom.py: {program} needs {name}: add it to LIBRARIES")
        found.add(LIBRARIES[stem])
    return sorted(found)


def identifier(kind, name):
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def file(program):
    content = pathlib.Path(program).read_bytes()
    checksums = [{"algorithm": name, "checksumValue": hashlib.new(name, content).hexdigest()}
                 for name in ("SHA1", "SHA256")]
    return {
        "SPDXID": identifier("File", program),
        "fileName": "./" + program,
        "fileTypes": ["BINARY"],
        "checksums": checksums,
        "licenseConcluded": "MIT",
        "licenseInfoInFiles": ["MIT"],
        "copyrightText": COPYRIGHT,
    }


def library(name, license_name):
    return {
        "SPDXID": identifier("Package", name),
        "name": name,
        "versionInfo": version_of(name),
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": license_name,
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "LIBRARY",
    }


def relationship(element, kind, related):
    return {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": related}


def document(version, date, programs):
    if "SOURCE_DATE_EPOCH" in os.environ:
        created = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]),
                                                  datetime.timezone.utc)
    else:
        created = datetime.datetime.strptime(date, "%B %d, %Y")
    files = [file(program) for program in programs]
    linked = {program: libraries(program) for program in programs}
    hellod = identifier("Package", "hellod")
    # As "Package verification code" in the specification defines it.
    sha1 = "".join(sorted(each["checksums"][0]["checksumValue"] for each in files))
    code = hashlib.sha1(sha1.encode()).hexdigest()
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"hellod-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/hellod-{version}-{code}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": [SUPPLIER, f"Tool: hellod-sbom-{version}"]},
        "packages": [{
            "SPDXID": hellod,
            "name": "hellod",
            "versionInfo": version,
            "supplier": SUPPLIER,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": True,
            "packageVerificationCode": {"packageVerificationCodeValue": code},
            "licenseConcluded": "MIT",
            "licenseDeclared": "MIT",
            "licenseInfoFromFiles": ["MIT"],
            "copyrightText": COPYRIGHT,
            "primaryPackagePurpose": "APPLICATION",
        }, *(library(*each) for each in sorted(set().union(*linked.values())))],
        "files": files,
        "relationships": [
            relationship("SPDXRef-DOCUMENT", "DESCRIBES", hellod),
            *(relationship(hellod, "CONTAINS", each["SPDXID"]) for each in files),
            *(relationship(identifier("File", program), "DYNAMIC_LINK", identifier("Package", name))
              for program in programs for name, _ in linked[program]),
        ],
    }


json.dump(document(sys.argv[1], sys.argv[2], sys.argv[3:]), sys.stdout, indent=2)
print()
