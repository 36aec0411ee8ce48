//! The benchmarks' contracts are what their text says.

#[test]
fn contracts_of_benchmarks_are_their_text() {
    for name in ["beyond", "creation", "functions"] {
        let file = |end| format!("{}/src/benchmarks/{name}.{end}", env!("CARGO_MANIFEST_DIR"));
        let made = wat::parse_file(file("wat")).expect("a module");
        let kept = std::fs::read(file("wasm")).unwrap_or_default();
        assert_eq!(made, kept, "{name}.wasm; `cargo run --release -p gristmill-pallet-measure -- --assemble` makes it");
    }
}
