//! The kernels of `../shared/kernels`: what they stress, how often to run them and what must come out.

use std::path::PathBuf;

/// One kernel: an export of a module, its argument and its known result.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Name of the row.
    pub name: &'static str,
    /// The module's file name without `.wasm`.
    pub module: &'static str,
    /// The export, of type `(i32) -> i64`.
    pub export: &'static str,
    /// The argument that the result is known for.
    pub n: i32,
    /// What `export(n)` returns on the bench's host.
    pub result: i64,
    /// The argument for counts of instructions: simulation is some fifty times slower.
    pub few: i32,
    /// Whether it is of this folder, not of the shared ones.
    own: bool,
}

const fn kernel(name: &'static str, n: i32, result: i64) -> Kernel {
    Kernel { name, module: name, export: "run", n, result, few: if n < 10 { 1 } else { n / 10 }, own: false }
}

const fn own(name: &'static str, n: i32, result: i64) -> Kernel {
    Kernel { own: true, ..kernel(name, n, result) }
}

/// The shared kernels. Results: the README beside the modules, checked there against other implementations.
pub const KERNELS: &[Kernel] = &[
    // The recursion of fib is exponential in its argument.
    Kernel { few: 20, ..kernel("fib", 27, 196_418) },
    kernel("sieve", 1_000_000, 78_498),
    kernel("keccak256", 2_000, 9_054_836_095_513_185_115),
    kernel("sha256", 2_000, 8_147_644_248_282_884_604),
    kernel("blake2b", 3_000, 2_861_360_929_331_021_765),
    kernel("mul256", 20_000, 5_066_745_732_031_418_132),
    kernel("bnexp", 20, 6_035_537_259_780_664_135),
    kernel("matmul", 20, 5_078_916_206_592),
    kernel("xorshift", 1_000_000, 3_357_891_843_028_049_562),
    kernel("memcopy", 500, 124_728),
    kernel("wordcopy", 500, -4_794_372_437_418_589_850),
    kernel("dispatch", 500_000, 507_019_794),
    kernel("vm", 100_000, 5_031_609_163_994_292_816),
    kernel("erc20", 500, 500),
    // The host says 1000 gas and an address that starts with 1.
    kernel("hostcall", 200_000, 200_000_000),
    Kernel { name: "hostmem", export: "runmem", ..kernel("hostcall", 200_000, 200_000) },
];

impl Kernel {
    /// Whether the kernel times the host call rather than the engine's own work; left out of geometric means.
    pub fn is_host_call(&self) -> bool {
        self.module == "hostcall"
    }

    /// The file of the module.
    pub fn path(&self) -> PathBuf {
        let folder = if self.own { PathBuf::from(OWN) } else { folder() };
        folder.join(self.module).with_extension("wasm")
    }

    /// The C source.
    pub fn source(&self) -> PathBuf {
        self.path().with_extension("c")
    }

    /// The bytes of the module.
    ///
    /// # Panics
    /// When the kernels are not there: set `GRISTMILL_KERNELS` to their folder.
    pub fn bytes(&self) -> Vec<u8> {
        let path = self.path();
        std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e} (GRISTMILL_KERNELS names the folder)", path.display()))
    }
}

/// Kernels of our own, of which rlp and sort are in the count of fused ops and the others in no tuning: sources and modules in
/// `benches/kernels`. Results: the native build's.
pub const OWN_KERNELS: &[Kernel] = &[
    own("rlp", 1000, -7_350_218_613_088_528_448),
    own("sort", 10, -1_727_449_721_661_198_902),
    own("text", 100, -6_339_614_879_540_208_851),
    own("divide", 4000, 8_030_381_835_500_607_454),
    own("automaton", 20, 8_226_226_132_285_992_113),
];

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Kernel> {
    KERNELS.iter().chain(OWN_KERNELS)
}

const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kernels");

/// Where the shared kernels lie: `$GRISTMILL_KERNELS`, or `shared/kernels` beside the repository.
pub fn folder() -> PathBuf {
    std::env::var_os("GRISTMILL_KERNELS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/kernels")), PathBuf::from)
}
