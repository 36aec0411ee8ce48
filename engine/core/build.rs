//! Decides whether this build can have tail dispatch: LLVM makes sibling calls jumps only when optimising, never with
//! debug assertions, and it was measured on x86-64.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(gristmill_tail)");
    println!("cargo::rerun-if-changed=build.rs");
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let optimised = matches!(var("OPT_LEVEL").as_str(), "2" | "3");
    let asserts = std::env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_some();
    let checked = std::env::var_os("CARGO_FEATURE_CHECKED").is_some();
    if var("CARGO_CFG_TARGET_ARCH") == "x86_64" && optimised && !asserts && !checked {
        println!("cargo::rustc-cfg=gristmill_tail");
    }
}
