// The payload of the barest spawn: static, so that no dynamic linker takes part.
int main() { return 0; }
