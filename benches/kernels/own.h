/* Shared by the kernels of this folder: freestanding, no libc; `run` is the export of the module and of the native build. */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
#ifdef __wasm__
#define EXPORT __attribute__((export_name("run")))
#else
#define EXPORT __attribute__((visibility("default")))
#endif

/* A generator for inputs: splitmix64. */
static u64 random_state;
static u64 next(void) {
    u64 z = (random_state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}
