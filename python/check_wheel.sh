#!/usr/bin/env bash
# Fails unless the installed extension finds every library in its own wheel, but for those of glibc and the compiler.
#   python/check_wheel.sh PYTHON
set -euo pipefail

# From another folder, so that nothing of the source tree is imported.
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
extension=$(cd / && "$python" -c 'import valence._core; print(valence._core.__file__)')
package=$(dirname "$(dirname "$extension")")
outside=$(ldd "$extension" | awk '{print $3 ? $3 : $1}' | grep -v "^$package/" |
  grep -vE '/?(linux-vdso|ld-linux[^/]*|libc|libm|libdl|librt|libpthread|libresolv|libstdc\+\+|libgcc_s)\.so' || true)
if [ -n "$outside" ]; then
  echo "check_wheel: the extension needs libraries that are not in the wheel:" >&2
  echo "$outside" >&2
  exit 1
fi
