#!/usr/bin/env bash
# What a user of the installed tree is promised: examples/cpp builds against it and labels texts, from C++, from C and
# by pkg-config; the library exports the functions of its header and nothing else; the tree can be moved.
#   install_test.sh SOURCE BUILD
set -euo pipefail
source_dir=$1 build_dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "install_test: $*" >&2; exit 1; }
expect() { [ "$1" = "$2" ] || fail "expected '$2', got '$1'"; }

cmake --install "$build_dir" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved"
prefix=$work/moved
library=$(find "$prefix" -name libvalence.so)
[ -n "$library" ] || fail "libvalence.so is not installed"

for file in bin/valence share/man/man1/valence.1 share/bash-completion/completions/valence \
            share/zsh/site-functions/_valence share/fish/vendor_completions.d/valence.fish; do
  [ -s "$prefix/$file" ] || fail "$file is missing or empty"
done

exported=$(nm -D --defined-only "$library" | awk '$2 ~ /[TW]/ { sub(/@.*/, "", $3); print $3 }' | sort)
declared=$(grep -ohE '\bvalence_[a-z_]+\(' "$source_dir/include/valence/valence.h" | tr -d '(' | sort -u |
           grep -vE '^valence_(options|result|results|status|text|classifier)$')
expect "$exported" "$declared"
grep -rIl -e "$source_dir" -e "$build_dir" "$prefix/lib" "$prefix/include" && fail "refers to the place of the build"

cmake -S "$source_dir/examples/cpp" -B "$work/example" -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror -std=c++17" -DCMAKE_C_FLAGS="-Wall -Wextra -Werror -pedantic" >/dev/null
cmake --build "$work/example" >/dev/null
expect "$("$work/example/label_text")" positive
expect "$("$work/example/label_text_c" "worst day ever" "  " | cut -f1 | paste -sd,)" negative,empty_text

PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig
export PKG_CONFIG_PATH
read -r -a flags < <(pkg-config --cflags --libs valence)
g++ -std=c++17 "$source_dir/examples/cpp/label_text.cc" "${flags[@]}" -o "$work/label_text"
expect "$(LD_LIBRARY_PATH=$(dirname "$library") "$work/label_text")" positive
expect "$("$prefix/bin/valence" analyze --format jsonl "I love this" | grep -o '"label":"[a-z]*"')" '"label":"positive"'
echo "install_test: passed"
