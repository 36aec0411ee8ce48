//! Machine code from outside: it runs when everything about it fits and a trusted key signed it, and never else.

use gristmill::{Config, Engine, Gas, Instance, Module, Profile, Proposal, Schedule, Store};
use gristmill_aot::{Aot, Bounds, Cache, Options, Rejected, SECTION, SigningKey, When, embed};
use std::sync::Arc;

const TEXT: &str = r#"(module (memory (export "memory") 1) (func (export "sum") (param i32) (result i32) (local i32)
    (loop (local.set 1 (i32.add (local.get 1) (local.get 0)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (i32.store (i32.const 8) (local.get 1)) (local.get 1)))"#;

fn wasm() -> Vec<u8> {
    wat::parse_str(TEXT).expect("the text is WebAssembly")
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn never(trusted: &[&SigningKey]) -> Arc<Aot> {
    let trusted = trusted.iter().map(|key| key.verifying_key()).collect();
    Arc::new(
        Aot::new(Options { when: When::Never, trusted, ..Options::default() }).expect("this machine has machine code"),
    )
}

fn engine(aot: &Arc<Aot>, profile: Profile, schedule: Schedule) -> Engine {
    Engine::with_compiler(Config::new().profile(profile).schedule(schedule), aot.clone()).expect("an engine")
}

/// The result and the gas left of one call.
fn sum(module: &Module) -> (i32, Gas) {
    let mut store = Store::new(module.engine(), ());
    store.set_gas(Gas(100_000));
    let instance = Instance::new(&mut store, module, &[]).expect("nothing is imported");
    let sum = instance.get_typed_func::<i32, i32>(&store, "sum").expect("exported");
    let result = sum.call(&mut store, 1000).expect("there is gas");
    (result, store.meter().left())
}

#[test]
fn signed_code_runs_and_gives_what_the_interpreter_gives() {
    let (bytes, aot) = (wasm(), never(&[&key(1)]));
    let engine = engine(&aot, Profile::general(), Schedule::V1);
    let (code, interpreted) = aot.compile(&engine, &bytes, Some(&key(1))).expect("it compiles");
    assert_eq!(interpreted, 0);
    let module = Module::new(&engine, &bytes).expect("valid");
    let expected = sum(&module);
    assert_eq!(expected.0, 500_500);
    let accepted = aot.accept(&engine, &bytes, &code).expect("signed by who is trusted");
    assert_eq!(sum(&accepted.load().expect("valid")), expected);
}

#[test]
fn nobody_else_is_trusted() {
    let (bytes, aot) = (wasm(), never(&[&key(1)]));
    let engine = engine(&aot, Profile::general(), Schedule::V1);
    let why_not = |key: Option<&SigningKey>| {
        let (code, _) = aot.compile(&engine, &bytes, key).expect("it compiles");
        aot.accept(&engine, &bytes, &code).err()
    };
    assert_eq!(why_not(None), Some(Rejected::Untrusted));
    assert_eq!(why_not(Some(&key(2))), Some(Rejected::Untrusted));
    assert_eq!(why_not(Some(&key(1))), None);
}

/// Code that compares no bounds runs only where memories lie in reserved address space, whoever signed it.
#[test]
fn code_without_compares_runs_over_guards_alone() {
    let (bytes, trusted) = (wasm(), vec![key(1).verifying_key()]);
    let options = Options { when: When::Never, trusted, bounds: Bounds::Guard, ..Options::default() };
    let aot = Arc::new(Aot::new(options).expect("this machine has machine code"));
    let guarded = engine(&aot, Profile::general(), Schedule::V1);
    let (code, _) = aot.compile(&guarded, &bytes, Some(&key(1))).expect("it compiles");
    let plain = Engine::new(&Config::new()).expect("an engine");
    assert_eq!(aot.accept(&plain, &bytes, &code).err(), Some(Rejected::Foreign));
    let accepted = aot.accept(&guarded, &bytes, &code).expect("signed, and between guards");
    assert_eq!(sum(&accepted.load().expect("valid")), sum(&Module::new(&plain, &bytes).expect("valid")));
    let module = Module::new(&guarded, &bytes).expect("valid");
    assert!(Instance::new(&mut Store::new(&plain, ()), &module, &[]).is_err());
}

/// Every field of the header says that code is for something else when it differs.
#[test]
fn code_for_something_else_is_foreign() {
    let (bytes, aot) = (wasm(), never(&[&key(1)]));
    let (general, v1) = (Profile::general(), Schedule::V1);
    let made = engine(&aot, general, v1);
    let (code, _) = aot.compile(&made, &bytes, Some(&key(1))).expect("it compiles");
    let why_not = |engine: &Engine, bytes: &[u8]| aot.accept(engine, bytes, &code).err();
    assert_eq!(why_not(&made, &bytes), None);
    assert_eq!(why_not(&engine(&aot, Profile::chain1(), v1), &bytes), Some(Rejected::Foreign));
    assert_eq!(why_not(&engine(&aot, general.without(Proposal::Simd), v1), &bytes), Some(Rejected::Foreign));
    assert_eq!(why_not(&engine(&aot, general, Schedule::Unit), &bytes), Some(Rejected::Foreign));
    let mut limited = general;
    limited.run.stack_slots -= 1;
    assert_eq!(why_not(&engine(&aot, limited, v1), &bytes), Some(Rejected::Foreign));
    let other = [&bytes[..], &[0, 2, 1, b'x']].concat();
    assert_eq!(why_not(&made, &other), Some(Rejected::Foreign));
}

/// Every byte of what comes before the code, a thousand bits anywhere, and every length.
#[test]
fn no_changed_bit_is_taken() {
    let (bytes, aot) = (wasm(), never(&[&key(1)]));
    let engine = engine(&aot, Profile::general(), Schedule::V1);
    let (code, _) = aot.compile(&engine, &bytes, Some(&key(1))).expect("it compiles");
    let accepts = |code: &[u8]| aot.accept(&engine, &bytes, code).is_ok();
    assert!(accepts(&code));
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let everywhere: Vec<usize> = (0..1000).map(|_| random(code.len() * 8)).collect();
    for bit in (0..1024 * 8).step_by(3).chain(everywhere) {
        let mut changed = code.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!accepts(&changed), "bit {bit}");
    }
    for len in (0..code.len()).step_by(17) {
        assert!(!accepts(&code[..len]), "{len} bytes");
    }
    assert!(!accepts(&[&code[..], &[0]].concat()), "a byte too much");
}

#[test]
fn code_inside_of_a_module_runs_where_it_is_trusted_and_the_module_everywhere() {
    let bytes = wasm();
    let aot = never(&[&key(1)]);
    let plain = engine(&aot, Profile::general(), Schedule::V1);
    let (code, _) = aot.compile(&plain, &bytes, Some(&key(1))).expect("it compiles");
    let fast = embed(&bytes, &code);
    let expected = sum(&Module::new(&plain, &bytes).expect("valid"));
    for trusted in [&[][..], &[&key(1)], &[&key(2)]] {
        let engine = engine(&never(trusted), Profile::general(), Schedule::V1);
        let module = Module::new(&engine, &fast).expect("valid everywhere");
        assert!(module.parsed().customs.iter().any(|(name, _)| name == SECTION));
        assert_eq!(sum(&module), expected);
    }
    assert_eq!(sum(&Module::new(&Engine::default(), &fast).expect("valid everywhere")), expected);
}

#[test]
fn a_cache_is_found_again_and_never_believed_when_it_was_changed() {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let path = folder.path().join("code");
    let load = || {
        let cache = Cache::open(&path).expect("a folder of this user");
        let aot =
            Aot::new(Options { cache: Some(cache), ..Options::default() }).expect("this machine has machine code");
        sum(&Module::new(&engine(&Arc::new(aot), Profile::general(), Schedule::V1), &wasm()).expect("valid"))
    };
    let expected = load();
    let files = || -> Vec<_> { std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().path()).collect() };
    let [file] = &files()[..] else { panic!("one module is one file") };
    let kept = std::fs::read(file).unwrap();
    assert_eq!(load(), expected);
    assert_eq!(std::fs::read(file).unwrap(), kept, "what is there is taken");
    for at in (0..kept.len()).step_by(101) {
        let mut changed = kept.clone();
        changed[at] ^= 0x10;
        std::fs::write(file, &changed).unwrap();
        assert_eq!(load(), expected);
        assert_eq!(std::fs::read(file).unwrap(), kept, "compiled again, byte {at}");
    }
}

#[cfg(unix)]
#[test]
fn a_cache_that_others_can_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(Cache::open(folder.path()).is_err());
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(Cache::open(folder.path()).is_ok());
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    assert!(Cache::open(&link).is_err());
}
