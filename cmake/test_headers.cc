// The headers of the tests are compiled with this program, which does nothing; see valence_test().
int main() {}
