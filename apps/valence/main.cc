#include <cstdio>

int main() {
  std::fputs("valence: no command yet\n", stderr);
  return 2;
}
